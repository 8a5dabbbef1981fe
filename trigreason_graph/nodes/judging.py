"""What happens to a draft: the same pure verdict stops the stream and routes afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from trigreason_graph.nodes.checkpoint_rollback import rollbacks_made
from trigreason_graph.nodes.endings import NEAR_LIMIT, out_of_steps
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.paid_gate import large_closed
from trigreason_graph.nodes.progress import settled
from trigreason_graph.state import Blueprint, Signal, SignalRoute, State, Step
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
    closed: str
    """Why the LRM cannot be called; empty when it can."""
    last: bool = False
    """The recursion limit is near: drafts are accepted as they are."""

    @classmethod
    def of(cls, kit: Kit, state: State) -> Bench:
        return cls(
            kit,
            state["problem"],
            state.get("blueprint"),
            state.get("signals", []),
            large_closed(kit, state),
            out_of_steps(state),
        )

    def look(self, trace: Sequence[Step], draft: Step, *, complete: bool = True) -> Verdict:
        """The verdict on `draft` as the next step after `trace`."""
        view = View(self.question, self.blueprint, trace, draft, complete, self.signals)
        signal = first_signal(self.kit.policy.triggers, view)
        if signal and not complete and self._was_refused(signal["trigger"], len(trace)):
            return Verdict("accept")  # else the stream would be closed at the same place for ever
        return self.rule(signal, len(trace))

    def rule(self, signal: Signal | None, position: int) -> Verdict:
        """What to do about a signal at a position of the trace.

        A second retry at the same place goes to the LRM; what cannot be served leaves the draft accepted, so that a
        greedy SRM is not sent round in circles.
        """
        if signal is None:
            return Verdict("accept")
        signal = Signal(**{**checked(signal), "at": position})
        if self.last:
            return Verdict("accept", settled(signal, NEAR_LIMIT))
        route = signal["route"]
        if route == "retry" and not self._tried(position, "retry"):
            return Verdict("retry", settled(signal, ""))
        if route == "rollback":
            refused = self._rollback_refused(signal.get("wrong") or 0, position)
            return Verdict("accept", settled(signal, refused)) if refused else Verdict("rollback", signal)
        if self.closed:
            return Verdict("accept", settled(signal, self.closed))
        if route == "intervene":
            return Verdict("intervene", signal)
        return Verdict("rewrite", Signal(**{**signal, "route": "rewrite"}))

    def _rollback_refused(self, wrong: int, position: int) -> str:
        if not 1 <= wrong <= position + 1:
            return f"there is no step {wrong} to go back to"
        limit = self.kit.settings.max_rollbacks
        return f"the limit of {limit} rollbacks is reached" if rollbacks_made(self.signals) >= limit else ""

    def _tried(self, position: int, route: str) -> bool:
        return any(signal["route"] == route and signal.get("at") == position for signal in self.signals)

    def _was_refused(self, trigger: str, position: int) -> bool:
        return any(
            signal["trigger"] == trigger and signal.get("at") == position and not signal.get("served")
            for signal in self.signals
        )


def checked(signal: Signal) -> Signal:
    """A trigger's signal, completed; an error that names the trigger where it makes no sense.

    Raises:
        ValueError: An unknown route, or `steps` or `wrong` that are no step counts.
    """
    name, route = signal.get("trigger", "a trigger"), signal.get("route")
    if route not in get_args(SignalRoute):
        raise ValueError(f"{name} gave route {route!r}; it must be one of {', '.join(get_args(SignalRoute))}")
    for key, least in (("steps", 1), ("wrong", 1)):
        value = signal.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
            raise ValueError(f"{name} gave {key}={value!r}; it must be a whole number from {least}, or None")
    evidence = {str(key): str(value) for key, value in (signal.get("evidence") or {}).items()}
    reason = str(signal.get("reason") or f"{name} fired.")
    return Signal(**{**signal, "trigger": str(name), "reason": reason, "evidence": evidence})
