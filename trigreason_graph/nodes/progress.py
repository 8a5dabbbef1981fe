"""Signals, steps and discards as events."""

from __future__ import annotations

from collections.abc import Sequence

from trigreason_graph.events import emit
from trigreason_graph.state import Branch, Signal, State, Step


def settled(signal: Signal, refused: str) -> Signal:
    """The signal with its fate: served, or why not."""
    return Signal(**{**signal, "served": not refused, "unserved_reason": refused})


def show_signal(state: State, signal: Signal) -> None:
    """One "signal" event."""
    emit(
        "signal",
        state["run_id"],
        trigger=signal["trigger"],
        reason=signal["reason"],
        evidence=signal["evidence"],
        route=signal["route"],
        at=signal.get("at"),
        served=signal.get("served"),
        unserved_reason=signal.get("unserved_reason", ""),
    )


def show_steps(state: State, steps: Sequence[Step], first: int, trigger: str = "") -> None:
    """One "step" event for each accepted step; `first` is the position of the first."""
    for index, step in enumerate(steps, first):
        emit(
            "step",
            state["run_id"],
            step_id=step["id"],
            index=index,
            author=step["author"],
            model=step["model"],
            kind=step["kind"],
            text=step["text"],
            tokens=step["tokens"],
            trigger=trigger,
        )


def show_discard(state: State, branch: Branch) -> None:
    """One "discard" event."""
    ids = [step["id"] for step in branch["steps"]]
    emit("discard", state["run_id"], at=branch["at"], step_ids=ids, why=branch["why"], by=branch["by"])
