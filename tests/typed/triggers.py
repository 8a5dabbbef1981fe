"""A user's own triggers, judges and policies, as a strict type checker sees them. Never run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, assert_type

from trigreason_graph import (
    CognitiveOffload,
    Judge,
    Policy,
    Signal,
    Step,
    StrategicInitiation,
    Trigger,
    View,
    create_trigreason_graph,
)
from trigreason_graph.policies import dump_policy, resolve_policy
from trigreason_graph.triggers import JudgeCall, Limit, NoVerdictError, When


@dataclass(frozen=True, slots=True)
class Units:
    """A trigger by structure: nothing is inherited."""

    unit: str = "miles"

    name: ClassVar[str] = "units"
    when: ClassVar[When] = "step"

    def check(self, view: View) -> Signal | None:
        """Look at the draft."""
        assert_type(view.trace, Sequence[Step])
        if view.draft is None or self.unit not in view.draft["text"]:
            return None
        return Signal(trigger=self.name, reason="Wrong unit.", evidence={"unit": self.unit}, route="retry")


@dataclass(frozen=True)
class Second:
    """A judge by structure."""

    name: str = "second"

    async def judge(self, view: View, call: JudgeCall) -> Signal | None:
        """Ask the large model."""
        said = await call("Is it right?", 8)
        if said not in ("yes", "no"):
            raise NoVerdictError("no verdict")
        if said == "yes":
            return None
        return {"trigger": "second", "reason": "It says no.", "evidence": {}, "route": "rewrite", "steps": 1}


trigger: Trigger = Units()
judge: Judge = Second()
mine = Policy("mine", (Units("ft"), CognitiveOffload()), StrategicInitiation(), limits=(Limit("units", most=2),))
assert_type(mine.with_fields({"units": {"unit": "km"}}), Policy)
assert_type(dump_policy(resolve_policy("paper")), str)
by_list = create_trigreason_graph(small="a:b", large="c:d", policy=[Units(), Second()])
by_policy = create_trigreason_graph(small="a:b", large="c:d", policy=mine)
