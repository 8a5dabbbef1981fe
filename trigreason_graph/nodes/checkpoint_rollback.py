"""checkpoint_rollback: back to before the wrong step, with what was paid for in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from trigreason_graph.nodes.endings import ending, onward, out_of_steps
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.paid_gate import large_closed
from trigreason_graph.nodes.progress import settled, show_discard, show_signal, show_steps, told
from trigreason_graph.reasoning.tool_calls import after_call, is_call, is_result
from trigreason_graph.state import Branch, Signal, State, Step


async def checkpoint_rollback(state: State, kit: Kit) -> dict[str, Any]:
    """Truncate the trace and keep the branch; the same place for a second time is handed to the LRM."""
    signal = state["signal"]
    if signal is None:
        return {}
    trace = state["trace"]
    at = min(max((signal.get("wrong") or 1) - 1, 0), len(trace))
    if at < len(trace) and is_result(trace[at]) and at and is_call(trace[at - 1]):
        at -= 1  # a call does not stay behind without its result
    paid = [step for step in state["drafts"] if step["author"] == "large"]
    rejected = [] if paid else state["drafts"]
    gone = [*trace[at:], *rejected]
    by = "large" if paid else signal["trigger"]
    branch = Branch(at=at, steps=gone, why=_why(signal, gone, at, by), by=by, mistake=True)
    fate = settled(signal, "")
    if not paid:
        show_signal(state, fate)
    show_discard(state, branch)
    show_steps(state, paid, at, signal["trigger"] if paid else "")
    again = not paid and _been_here(state, at) and not large_closed(kit, state) and not out_of_steps(state)
    escalated = Signal(**{**signal, "route": "rewrite", "at": at, "wrong": None})
    return {
        "trace": {"keep": at, "add": paid},
        "discarded": [branch] if gone else [],
        "drafts": [],
        "signal": escalated if again else after_call(signal, paid, at),
        "signals": [fate],
        **ending(state, state["finish"] if paid else ""),
    }


def rollbacks_made(signals: Sequence[Signal]) -> int:
    """Rollbacks of a run so far, found by the LRM or for free: the cap is on both together."""
    return sum(1 for signal in signals if signal.get("wrong") and signal.get("served"))


def _why(signal: Signal, gone: Sequence[Step], at: int, by: str) -> str:
    found = f"Step {at + 1} was found wrong by the large model" if by == "large" else signal["reason"]
    return told(found, gone[0]) if gone else found


def _been_here(state: State, at: int) -> bool:
    return any(branch["mistake"] and branch["at"] == at for branch in state["discarded"])


def after_rollback(state: State) -> Literal["continue", "escalate", "tools", "finish"]:
    """Pure route."""
    return onward(state, "escalate" if state.get("signal") else "continue")
