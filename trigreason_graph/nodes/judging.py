"""What happens to a draft: the same pure verdict stops the stream and routes afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from trigreason_graph.nodes.checkpoint_rollback import rollbacks_made
from trigreason_graph.nodes.endings import NEAR_LIMIT, out_of_steps
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.paid_gate import large_closed
from trigreason_graph.nodes.progress import settled
from trigreason_graph.nodes.verdicts import ACCEPTED, Verdict
from trigreason_graph.state import Blueprint, Signal, SignalRoute, State, Step
from trigreason_graph.triggers import View, signals_of
from trigreason_graph.triggers.limits import held_back

AFTER = "after "
"""How the reason of a signal begins that another one, served, left nothing to do."""


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

    @property
    def under(self) -> tuple[str, bool]:
        """What changes from one node to the next while state and policy do not."""
        return self.closed, self.last

    def look(self, trace: Sequence[Step], draft: Step, *, complete: bool = True, first: bool = False) -> Verdict:
        """The verdict on `draft` as the next step after `trace`; complete and first as in a View.

        A call of a tool is nobody's to judge.
        """
        if draft["kind"] == "tool":
            return ACCEPTED
        view = View(self.question, self.blueprint, trace, draft, complete, self.signals, first)
        found = signals_of(self.kit.policy.triggers, view)
        if not complete:  # else the stream would be closed at the same place for ever
            found = [signal for signal in found if not self._was_refused(signal["trigger"], len(trace))]
        return self.rule(found, len(trace))

    def rule(self, found: Sequence[Signal], position: int) -> Verdict:
        """The verdict on what fired at a position of the trace: the first signal that can be served wins.

        What cannot be served leaves the draft accepted, so that a greedy SRM is not sent round in circles.

        Args:
            found: All signals, in the policy's order.
            position: Where the judged step stands, or would.
        """
        if not found:
            return ACCEPTED
        ruled = [self._ruled(signal, position) for signal in found]
        winner = next((verdict for verdict in ruled if verdict.signal), ACCEPTED)
        later = settled_after(winner)
        unserved = [
            settled(verdict.signal, later) if verdict.signal else verdict.unserved[0]
            for verdict in ruled
            if verdict is not winner
        ]
        return Verdict(winner.action, winner.signal, tuple(unserved))

    def _ruled(self, signal: Signal, position: int) -> Verdict:
        """What to do about one signal. A second retry at the same place goes to the LRM."""
        signal = Signal(**{**checked(signal), "at": position})
        refused = self._refusal(signal, position)
        if refused:
            return Verdict("accept", None, (settled(signal, refused),))
        route = signal["route"]
        if route == "retry" and not self._tried(position):
            return Verdict("retry", settled(signal, ""))
        if route in ("rollback", "intervene"):
            return Verdict(route, signal)
        return Verdict("rewrite", Signal(**{**signal, "route": "rewrite"}))

    def _refusal(self, signal: Signal, position: int) -> str:
        """Why a signal cannot be served; empty when it can."""
        if self.last:
            return NEAR_LIMIT
        route = signal["route"]
        free = route == "rollback" or (route == "retry" and not self._tried(position))
        return (
            held_back(self.kit.policy.limits, signal["trigger"], self.signals, position)
            or (self._rollback_refused(signal.get("wrong") or 0, position) if route == "rollback" else "")
            or ("" if free else self.closed)
        )

    def _rollback_refused(self, wrong: int, position: int) -> str:
        if not 1 <= wrong <= position + 1:
            return f"there is no step {wrong} to go back to"
        limit = self.kit.settings.max_rollbacks
        return f"the limit of {limit} rollbacks is reached" if rollbacks_made(self.signals) >= limit else ""

    def _tried(self, position: int) -> bool:
        return any(
            signal["route"] == "retry" and signal.get("at") == position and signal.get("served")
            for signal in self.signals
        )

    def _was_refused(self, trigger: str, position: int) -> bool:
        return any(
            signal["trigger"] == trigger
            and signal.get("at") == position
            and not signal.get("served")
            and not signal.get("unserved_reason", "").startswith(AFTER)
            for signal in self.signals
        )


def settled_after(winner: Verdict) -> str:
    """The reason of the signals that another one left nothing to do."""
    return f"{AFTER}{winner.signal['trigger']}" if winner.signal else ""


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
