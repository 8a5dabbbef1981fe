"""What ends the reasoning for good."""

from __future__ import annotations

from trigreason_graph.state import State

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
