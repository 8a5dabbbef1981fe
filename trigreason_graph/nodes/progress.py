"""Signals, steps and discards as events."""

from __future__ import annotations

from collections.abc import Sequence

from trigreason_graph.events import emit, sender
from trigreason_graph.state import Branch, Role, Signal, State, Step


class TokenFeed:
    """Sends text as "token" events under the step it belongs to, as soon as that is sure.

    Args:
        run_id, role: Who writes.
        enabled: Whether token events are wanted at all.
    """

    def __init__(self, run_id: str, role: Role, enabled: bool) -> None:
        self._send_token = sender("token", run_id, role=role)
        self._enabled = enabled
        self._sent = 0

    def finished(self, steps: Sequence[Step]) -> None:
        """The rest of steps that were completed."""
        for step in steps:
            self._send(step["id"], step["text"] + step["sep"])
            self._sent = 0

    def growing(self, step_id: int, settled: str) -> None:
        """The settled beginning of the next step, where the stream goes on."""
        self._send(step_id, settled)

    def _send(self, step_id: int, text: str) -> None:
        if self._enabled and len(text) > self._sent:
            self._send_token(step_id=step_id, text=text[self._sent :])
            self._sent = len(text)


EXCERPT = 120
"""Characters of a thrown-away step that a hint shows."""
READ = " (it read: "
"""Begins that excerpt; who has shown the step already leaves it out."""


def told(reason: str, step: Step) -> str:
    """Why a step was thrown away, with its beginning, on one line: what the next author is told."""
    line = " ".join(step["text"].split())
    shown = line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"
    return f"{reason}{READ}{shown})"


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
    send = sender("step", state["run_id"])
    for index, step in enumerate(steps, first):
        send(
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
