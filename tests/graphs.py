"""Scripted graphs and small triggers for the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from trigreason_graph import Budget, ModelCard, Policy, create_trigreason_graph
from trigreason_graph.nodes.migration import migrated
from trigreason_graph.state import Signal
from trigreason_graph.testing import Scripted, ScriptedModel
from trigreason_graph.triggers import StrategicInitiation, View

LOCAL_SMALL = ModelCard(provider="scripted", name="small", style="prefill", dialect="openai", logprobs=True, local=True)
PAID_LARGE = ModelCard(provider="scripted", name="large", style="turn", dialect="openai")

STEPS = "One thing is 3.\n\nAnother thing is 4.\n\nSo the result is \\boxed{7}."
"""What a small model writes when nothing goes wrong: three steps."""


@dataclass(frozen=True)
class Marker:
    """Fires on a draft that contains `word`."""

    word: str
    route: Literal["retry", "rewrite", "intervene", "rollback"] = "rewrite"
    steps: int | None = 1
    wrong: int | None = None
    drop: bool = False
    name: str = "marker"
    when: Literal["step", "partial", "first_token"] = "step"

    def check(self, view: View) -> Signal | None:
        if view.draft is None or self.word not in view.draft["text"]:
            return None
        return Signal(
            trigger=self.name,
            reason=f"The step says {self.word!r}.",
            evidence={"word": self.word},
            route=self.route,
            steps=self.steps,
            wrong=self.wrong,
            drop=self.drop,
        )


def small(*script: str | Scripted, **fields: Any) -> ScriptedModel:
    return ScriptedModel(script=list(script), trigreason_card=LOCAL_SMALL, **fields)


def large(*script: str | Scripted, **fields: Any) -> ScriptedModel:
    return ScriptedModel(script=list(script), trigreason_card=PAID_LARGE, **fields)


def policy(*triggers: Any, initiation: StrategicInitiation | None = None, **fields: Any) -> Policy:
    return Policy(name="test", triggers=triggers, initiation=initiation, **fields)


def graph(
    small_model: ScriptedModel,
    large_model: ScriptedModel | None = None,
    *triggers: Any,
    budget: Budget | None = None,
    **fields: Any,
) -> Any:
    """A compiled graph; unknown fields go to the policy, `settings` and `checkpointer` where they belong."""
    settings, saver = fields.pop("settings", None), fields.pop("checkpointer", None)
    builder = create_trigreason_graph(
        small=small_model,
        large=large_model or large(),
        policy=policy(*triggers, **fields),
        budget=budget or Budget(usd=None),
        settings=settings,
    )
    return builder.compile(checkpointer=saver)


async def full_state(compiled: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The state as a node reads it."""
    return dict(migrated((await compiled.aget_state(config)).values))
