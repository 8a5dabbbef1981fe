"""What ends the reasoning for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

from trigreason_graph.reasoning.tool_calls import waiting_call
from trigreason_graph.state import State, Step

_T = TypeVar("_T", bound=str)

OVER = frozenset({"end", "budget", "error", "steps"})
"""Values of `finish` after which the run goes to `answer`."""

FEW_SUPERSTEPS = 4
"""Supersteps left of the recursion limit at which nothing new is begun: an inherited limit ends in an answer."""
NEAR_LIMIT = "the graph's recursion limit was near"


def out_of_steps(state: State) -> bool:
    """Whether the recursion limit is near. Asked in nodes only: `update_state` shows routes another count."""
    return state["remaining"] <= FEW_SUPERSTEPS


def ending(state: State, finish: str, why: str = "") -> dict[str, str]:
    """The update that says how a run of steps ended, or that there is no superstep left for another one."""
    if finish not in OVER and out_of_steps(state):
        return {"finish": "steps", "why": NEAR_LIMIT}
    return {"finish": finish, "why": why}


def repeats(trace: Sequence[Step]) -> bool:
    """Whether the two newest steps are equal: the paper's code ends the reasoning there (`Policy.stop_on_repeat`)."""
    if len(trace) < 2 or trace[-1]["kind"] == "tool":
        return False
    return trace[-1]["text"].strip() == trace[-2]["text"].strip()


def onward(state: State, otherwise: _T) -> _T | Literal["tools", "finish"]:
    """The part that pure routes share: the reasoning is over, or a call at the end of the trace waits for its tool.

    Args:
        state: As LangGraph hands it to a route: without keys that were never written.
        otherwise: Where it goes in any other case.
    """
    if state.get("finish", "") in OVER:
        return "finish"
    return "tools" if waiting_call(state.get("trace", [])) else otherwise
