"""A problem whose every reply is a pure function of its prompt, so that a resumed run goes on where a killed one was.

The solution is STEPS steps, each with its mark. On the way the small model goes wrong in ways that lead through every
node: each of them is mended by what the prompt then says (the LRM's step in the trace, or the hint).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from tests.graphs import LOCAL_SMALL, PAID_LARGE, Marker
from trigreason_graph import Budget, Policy, Settings, create_trigreason_graph
from trigreason_graph.testing import Scripted, ScriptedModel
from trigreason_graph.triggers import Signal, StrategicInitiation, View
from trigreason_graph.triggers.base import JudgeCall

QUESTION = "How many marks are there on the way?"
STEPS = 13
LEAD = "The final answer is \\boxed{"
MARK = re.compile(r"mark (\d+)")

SIGNALS = (
    Marker("BAD", "rewrite", name="bad"),
    Marker("ASK", "intervene", name="ask"),
    Marker("BACK", "rewrite", name="back"),
    Marker("REDO", "retry", name="redo"),
    Marker("FREE", "rollback", wrong=10, name="free"),
)


class PromptModel(ScriptedModel):
    """Replies to the prompt alone, not to how often it was asked."""

    def _take(self, messages: list[BaseMessage], arguments: dict[str, Any]) -> Scripted:
        reply = small_reply if self.trigreason_card.style == "prefill" else large_reply
        return Scripted(reply(messages))


def small_model(kind: type[PromptModel] = PromptModel) -> PromptModel:
    return kind(script=[], trigreason_card=LOCAL_SMALL)


def large_model(kind: type[PromptModel] = PromptModel) -> PromptModel:
    return kind(script=[], trigreason_card=PAID_LARGE)


def small_reply(messages: list[BaseMessage]) -> str:
    """The rest of the solution after the trace, with the mistakes that nobody has mended yet."""
    last = messages[-1]
    trace = last.text if isinstance(last, AIMessage) else ""
    if trace.endswith(LEAD):
        return f"{STEPS}}}.\n"
    told = "\n".join(message.text for message in messages if message is not last)
    first = highest_mark(trace) + 1
    return "\n\n".join(small_step(number, trace, told) for number in range(first, STEPS + 1))


def small_step(number: int, trace: str, told: str) -> str:
    """Step `number`, as the small model writes it after `trace`, with what its user turn has `told` it."""
    wrong = {
        2: "BAD is what comes second.",
        4: "Hmm, mark 4 makes me ASK.",
        7: "" if "corrected" in trace else "BACK we have to go from the seventh.",
        9: "" if "REDO" in told else "REDO this ninth one.",
        11: "" if "FREE" in told else "FREE of sense is the eleventh.",
    }
    return wrong.get(number) or f"Here mark {number} follows from what was said before it."


def large_reply(messages: list[BaseMessage]) -> str:
    """A plan, a verdict, the answer, or the next step, whatever the last block asks for."""
    prompt = messages[-1].text
    if prompt.startswith("Judge:"):
        return "fine"
    reached = highest_mark(prompt)
    if reached == 0 and "plan" in prompt.lower() and "wrong:" not in prompt:
        return "Goal: count the marks\nKey steps:\n1. Go along\n2. Count\nPitfalls: none"
    if reached >= STEPS:
        return f"Answer: {STEPS}"
    if reached == 6 and "corrected" not in prompt:
        return "wrong: 6\n\nThe corrected mark 6 stands after all that.\n\n"
    return f"wrong: none\n\nSo mark {reached + 1} is settled by the large model.\n\nAnd more that nobody asked for.\n\n"


def highest_mark(text: str) -> int:
    return max((int(number) for number in MARK.findall(text)), default=0)


@dataclass(frozen=True)
class Examiner:
    """Asks the LRM about every third step."""

    name: str = "examiner"

    async def judge(self, view: View, call: JudgeCall) -> Signal | None:
        assert view.draft is not None
        if len(view.trace) % 3 == 0:
            await call(f"Judge: {view.draft['text']} (after {len(view.signals)} signals)", 64)
        return None


POLICY = Policy(name="kill", triggers=SIGNALS, initiation=StrategicInitiation(), commit_every=4)
SCENARIOS: dict[str, tuple[Policy, Settings]] = {
    "plan": (POLICY, Settings()),
    "prime": (
        replace(POLICY, initiation=StrategicInitiation(form="prime", tokens=None, steps=1), answer_by="large"),
        Settings(),
    ),
    "judge": (replace(POLICY, triggers=(*SIGNALS, Examiner()), answer_by="large"), Settings()),
    "approval": (POLICY, Settings(large="ask")),
}
"""Policies and settings that together make a call in every node that can make one."""


def killable_graph(scenario: str, kind: type[PromptModel] = PromptModel) -> Any:
    """The uncompiled graph of a scenario, over models of `kind`."""
    policy, settings = SCENARIOS[scenario]
    return create_trigreason_graph(
        small=small_model(kind),
        large=large_model(kind),
        policy=policy,
        settings=settings,
        budget=Budget(usd=None, large_calls=100),
    )
