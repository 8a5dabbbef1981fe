"""What triggers see in a trace, worked out once: thresholds are then put to numbers, not to text.

A firing is the part of a signal that decides what happens. The firings of a trigger depend on its own earlier ones in
one case only (InterventionRequest's rounds); there the trigger itself is asked again, with its log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from trigreason_graph.reasoning.confidence import confident_share, mean_nats
from trigreason_graph.state import Signal, SignalRoute, Step
from trigreason_graph.triggers import (
    ArithmeticCheck,
    CognitiveOffload,
    Contradiction,
    InterventionRequest,
    RandomChoice,
    Trigger,
    View,
)
from trigreason_graph.triggers.text_signs import text_sign
from trigreason_graph.triggers.window import small_draft
from trigreason_graph.tuning.traces import Trace

FAST = (ArithmeticCheck, CognitiveOffload, Contradiction, InterventionRequest, RandomChoice)
"""Triggers whose firings can be worked out ahead; others are asked step by step."""


class Firing(NamedTuple):
    """What a signal makes happen: see :class:`~trigreason_graph.state.Signal`."""

    trigger: str
    route: SignalRoute
    steps: int | None
    drop: bool = False
    wrong: int | None = None

    @classmethod
    def of(cls, signal: Signal | None) -> Firing | None:
        """Of a signal."""
        if signal is None:
            return None
        drop, wrong = bool(signal.get("drop", False)), signal.get("wrong")
        return cls(signal["trigger"], signal["route"], signal.get("steps"), drop, wrong)

    def logged(self, at: int, *, served: bool) -> Signal:
        """As an entry of a run's signal log, without words."""
        signal = Signal(trigger=self.trigger, reason="", evidence={}, route=self.route, steps=self.steps)
        return Signal(**{**signal, "at": at, "served": served})


@dataclass(frozen=True)
class Verdicts:
    """One trigger's firings on one trace.

    Attributes:
        alone: By step, with an empty log.
        again: Of the steps at which its own earlier signals may change that: asks it with its log.
    """

    alone: Sequence[Firing | None]
    again: Callable[[int, Sequence[Signal]], Firing | None] | None = None
    depends: frozenset[int] = frozenset()

    @cached_property
    def fires(self) -> list[int]:
        """The only steps at which it may fire: its own log can silence it, never make it fire."""
        return [position for position, firing in enumerate(self.alone) if firing is not None]

    def at(self, position: int, log: Sequence[Signal]) -> Firing | None:
        """Its firing on a step, given the run's signals so far."""
        if self.again is not None and log and position in self.depends:
            return self.again(position, log)
        return self.alone[position]


class TraceFeatures:
    """One trace, and all that was ever worked out about it.

    Args:
        trace: The trace. Do not change it afterwards.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._asked: dict[Trigger, list[Firing | None]] = {}
        self._verdicts: dict[Trigger, Verdicts] = {}
        self._shares: dict[float, list[float]] = {}

    def verdicts(self, trigger: Trigger) -> Verdicts:
        """A trigger's firings; one of `FAST`."""
        if trigger not in self._verdicts:
            self._verdicts[trigger] = self._worked_out(trigger)
        return self._verdicts[trigger]

    def _worked_out(self, trigger: Trigger) -> Verdicts:
        if isinstance(trigger, CognitiveOffload):
            return Verdicts(self._offloads(trigger))
        if isinstance(trigger, InterventionRequest):
            return self._interventions(trigger)
        return Verdicts(self._ask(trigger))

    @cached_property
    def drafts(self) -> list[bool]:
        """By step: whether it is the SRM's, so that triggers judge it."""
        return [small_draft(self._view(position)) is not None for position, _ in self._steps]

    @cached_property
    def judged(self) -> list[bool]:
        """By step: whether it is the SRM's, with probabilities."""
        return [draft and bool(step["nats"]) for draft, (_, step) in zip(self.drafts, self._steps, strict=True)]

    @cached_property
    def entropies(self) -> list[float | None]:
        """By step: entropy of the first token."""
        return [step["entropy"] for _, step in self._steps]

    @cached_property
    def means(self) -> list[float | None]:
        """By step: mean -log p of a token, in nats."""
        return [mean_nats(step["nats"] or []) for _, step in self._steps]

    @cached_property
    def answers(self) -> list[bool]:
        """By step: whether it is the answer."""
        return [step["kind"] == "answer" for _, step in self._steps]

    @cached_property
    def lengths(self) -> list[int]:
        """By step: tokens with a probability."""
        return [len(step["nats"] or []) for _, step in self._steps]

    def shares(self, tau: float) -> list[float]:
        """By step: the share of tokens whose perplexity is below tau."""
        if tau not in self._shares:
            self._shares[tau] = [confident_share(step["nats"] or [], tau) for _, step in self._steps]
        return self._shares[tau]

    @cached_property
    def signs(self) -> list[bool]:
        """By step: whether its text shows overconfidence."""
        return [text_sign(self._view(position), step) is not None for position, step in self._steps]

    def asked_of(self, trigger: CognitiveOffload) -> list[bool]:
        """By step: whether the trigger puts a threshold to its probabilities."""
        return [
            judged and (trigger.answers or not answer) and length >= trigger.min_tokens
            for judged, answer, length in zip(self.judged, self.answers, self.lengths, strict=True)
        ]

    def _offloads(self, trigger: CognitiveOffload) -> list[Firing | None]:
        firing = Firing(trigger.name, trigger.route, trigger.steps)
        return [firing if fires else None for fires in self._overconfident(trigger)]

    def _overconfident(self, trigger: CognitiveOffload) -> list[bool]:
        shares, asked = self.shares(trigger.tau), self.asked_of(trigger)
        fires = [one and share > trigger.rho for one, share in zip(asked, shares, strict=True)]
        if trigger.ceiling is not None:
            ceiling, means = trigger.ceiling, self.means
            fires = [fires[at] or (asked[at] and (means[at] or 0.0) > ceiling) for at in range(len(fires))]
        small = self.drafts
        if trigger.first_token is not None:
            bound = trigger.first_token
            for at, entropy in enumerate(self.entropies):
                may = small[at] and (trigger.answers or not self.answers[at])
                fires[at] = fires[at] or (may and entropy is not None and entropy >= bound)
        if trigger.text != "never":
            for at, step in self._steps:
                by_text = small[at] and (trigger.text == "always" or step["nats"] is None)
                fires[at] = fires[at] or (by_text and self.signs[at])
        return fires

    def _interventions(self, trigger: InterventionRequest) -> Verdicts:
        one = replace(trigger, steps=1)
        alone = self._ask(one)
        without = self._ask(replace(one, circles=False, same_conclusion=None))
        # Its own log only shortens what a round may go back to: where no round is found without it, none is with it.
        depends = frozenset(at for at in range(len(alone)) if alone[at] != without[at])

        def again(position: int, log: Sequence[Signal]) -> Firing | None:
            return Firing.of(trigger.check(self._view(position, log)))

        counted = [None if firing is None else firing._replace(steps=trigger.steps) for firing in alone]
        return Verdicts(counted, again, depends)

    def _ask(self, trigger: Trigger) -> list[Firing | None]:
        if trigger not in self._asked:
            self._asked[trigger] = [Firing.of(trigger.check(self._view(position))) for position, _ in self._steps]
        return self._asked[trigger]

    @cached_property
    def _steps(self) -> list[tuple[int, Step]]:
        return list(enumerate(self.trace.steps))

    def _view(self, position: int, log: Sequence[Signal] = ()) -> View:
        steps = self.trace.steps
        return View(self.trace.question, None, steps[:position], steps[position], True, log)
