"""What happens to a draft: the same pure verdict stops the stream and routes afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.paid_gate import large_closed
from trigreason_graph.state import Blueprint, Branch, Signal, State, Step
from trigreason_graph.triggers import View, first_signal

Action = Literal["accept", "retry", "rewrite", "intervene", "rollback"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a draft; `signal` is what fired, acted upon or not."""

    action: Action
    signal: Signal | None = None


@dataclass(frozen=True)
class Bench:
    """All that a verdict depends on beside the draft; constant while one run of drafts is judged."""

    kit: Kit
    question: str
    blueprint: Blueprint | None
    signals: Sequence[Signal]
    discarded: Sequence[Branch]
    closed: str
    """Why the LRM cannot be called; empty when it can."""

    @classmethod
    def of(cls, kit: Kit, state: State) -> Bench:
        return cls(
            kit,
            state["problem"],
            state.get("blueprint"),
            state.get("signals", []),
            state.get("discarded", []),
            large_closed(kit, state),
        )

    def look(self, trace: Sequence[Step], draft: Step, *, complete: bool = True) -> Verdict:
        """The verdict on `draft` as the next step after `trace`."""
        view = View(self.question, self.blueprint, trace, draft, complete, self.signals)
        signal = first_signal(self.kit.policy.triggers, view)
        return self.rule(signal, len(trace))

    def rule(self, signal: Signal | None, position: int) -> Verdict:
        """What to do about a signal at a position of the trace.

        A second retry at the same place goes to the LRM; what cannot be served leaves the draft accepted, so that a
        greedy SRM is not sent round in circles.
        """
        if signal is None:
            return Verdict("accept")
        signal = Signal(**{**signal, "at": position})  # type: ignore[typeddict-item]
        route = signal["route"]
        if route == "retry" and not self._tried(position, "retry"):
            return Verdict("retry", _served(signal, ""))
        if route == "rollback":
            wrong = signal.get("wrong") or 0
            refused = self._rollback_refused(wrong, position)
            if not refused and not self._tried_rollback(wrong):
                return Verdict("rollback", _served(signal, ""))
            if refused:
                return Verdict("accept", _served(signal, refused))
        if self.closed:
            return Verdict("accept", _served(signal, self.closed))
        return Verdict("intervene" if route == "intervene" else "rewrite", signal)

    def _rollback_refused(self, wrong: int, position: int) -> str:
        if not 1 <= wrong <= position + 1:
            return f"there is no step {wrong} to go back to"
        made = sum(1 for signal in self.signals if signal["route"] == "rollback" and signal.get("served"))
        limit = self.kit.settings.max_rollbacks
        return f"the limit of {limit} rollbacks is reached" if made >= limit else ""

    def _tried(self, position: int, route: str) -> bool:
        return any(signal["route"] == route and signal.get("at") == position for signal in self.signals)

    def _tried_rollback(self, wrong: int) -> bool:
        return any(branch["mistake"] and branch["at"] == wrong - 1 for branch in self.discarded)


def _served(signal: Signal, refused: str) -> Signal:
    outcome = {"served": not refused, "unserved_reason": refused}
    return Signal(**{**signal, **outcome})  # type: ignore[typeddict-item]
