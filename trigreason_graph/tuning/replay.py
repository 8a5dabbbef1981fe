"""Many settings over recorded traces of the SRM: what fires, and what share of the work goes to the LRM. Pure.

No model is asked, so that nobody knows what the LRM would have written. What is counted rests on two assumptions: the
trace goes on as it was written, and a step of the LRM is as long as the one it stands for. A second try by the SRM
("retry") is taken to fail, so that the LRM writes the step: a greedy SRM mostly writes the same again (17 of 19 wrong
sums came to the LRM in 97 runs of the default on the embedded pair).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from trigreason_graph.evaluation.replay import fired
from trigreason_graph.models.prices import Price
from trigreason_graph.policies import Policy
from trigreason_graph.state import Signal
from trigreason_graph.triggers.base import is_judge
from trigreason_graph.triggers.limits import held_back
from trigreason_graph.tuning.features import FAST, Firing, TraceFeatures, Verdicts
from trigreason_graph.tuning.traces import Trace

Unit = Literal["steps", "large_tokens", "usd"]
UNITS: tuple[Unit, ...] = get_args(Unit)


class Span(NamedTuple):
    """Steps that the LRM writes in one call: positions `first` to `end` - 1."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Escalated:
    """What one policy hands to the LRM on one trace; what it begins with (a blueprint) is not counted.

    Attributes:
        spans: The LRM's calls, in order.
        retries: How many of them come after a free second try of the SRM.
        unserved: Signals that a limit of the policy kept from being served.
    """

    spans: tuple[Span, ...]
    retries: int
    unserved: int

    @property
    def steps(self) -> int:
        """Steps the LRM writes."""
        return sum(span.end - span.first for span in self.spans)


class Part(NamedTuple):
    """What is the LRM's, of how much: the two sides of a share."""

    large: float
    whole: float


class Replay:
    """Recorded traces, ready for any number of policies. What a trigger sees in them is worked out once.

    Args:
        traces: The SRM's, cut the way the policies to be tried cut them.
    """

    def __init__(self, traces: Iterable[Trace]) -> None:
        self._features = [TraceFeatures(trace) for trace in traces]

    @property
    def traces(self) -> list[Trace]:
        """The traces."""
        return [features.trace for features in self._features]

    @property
    def features(self) -> Sequence[TraceFeatures]:
        """Of each trace, what triggers see in it."""
        return self._features

    def fired(self, policy: Policy) -> list[list[Firing | None]]:
        """By trace and step, what fires first, as under large="shadow": what `evaluation.replay.fired` finds."""
        return [_fired(policy, features) for features in self._features]

    def escalated(self, policy: Policy) -> list[Escalated]:
        """By trace, which steps the LRM writes where signals are served, within the policy's limits."""
        return [_escalated(policy, features) for features in self._features]

    def parts(self, policy: Policy, unit: Unit = "steps", price: Price | None = None) -> list[Part]:
        """By trace, the LRM's part: of the steps, of the tokens, or of the dollars that the LRM alone would cost.

        Args:
            policy: What is tried.
            unit: Which.
            price: Of the LRM, for "usd".

        Raises:
            ValueError: Dollars are asked for without a price, or with one of zero.
        """
        found = self.escalated(policy)
        return [part_of(trace, one, unit, price) for trace, one in zip(self.traces, found, strict=True)]

    def share(self, policy: Policy, unit: Unit = "steps", price: Price | None = None) -> float:
        """The LRM's share over all traces; arguments and errors as of `parts`."""
        return share_of(self.parts(policy, unit, price))


def share_of(parts: Iterable[Part]) -> float:
    """The parts' sum over the sum of the wholes; 0.0 of nothing."""
    listed = list(parts)
    whole = sum(part.whole for part in listed)
    return sum(part.large for part in listed) / whole if whole else 0.0


def check_price(price: Price | None) -> Price:
    """The price.

    Raises:
        ValueError: There is none, or it is zero.
    """
    if price is None or not (price.input or price.output):
        raise ValueError('unit="usd" needs the price of the large model: price=Price(input=..., output=...)')
    return price


def part_of(trace: Trace, escalated: Escalated, unit: Unit, price: Price | None) -> Part:
    """The LRM's part of one trace; see `Replay.parts`."""
    if unit == "steps":
        return Part(escalated.steps, len(trace.steps))
    tokens = [step["tokens"] for step in trace.steps]
    if unit == "large_tokens":
        return Part(sum(sum(tokens[span.first : span.end]) for span in escalated.spans), sum(tokens))
    price = check_price(price)
    alone = trace.prompt_tokens * price.input + sum(tokens) * price.output
    return Part(_dollars(trace, tokens, escalated.spans, price) / 1e6, alone / 1e6)


def _dollars(trace: Trace, tokens: Sequence[int], spans: Sequence[Span], price: Price) -> float:
    """Millionths of a dollar: each call reads the trace so far, of which the latest call's prompt is in the cache."""
    spent, known = 0.0, 0
    per_cached = price.input if price.cached is None else price.cached
    for span in spans:
        prompt = trace.prompt_tokens + sum(tokens[: span.first])
        spent += known * per_cached + (prompt - known) * price.input + sum(tokens[span.first : span.end]) * price.output
        known = prompt
    return spent


def _fired(policy: Policy, features: TraceFeatures) -> list[Firing | None]:
    verdicts = _verdicts(policy, features)
    if verdicts is None:
        trace, triggers = features.trace, [trigger for trigger in policy.triggers if not is_judge(trigger)]
        return [Firing.of(signal) for signal in fired(triggers, trace.question, trace.steps)]
    log: list[Signal] = []
    found: list[Firing | None] = []
    for position in range(len(features.trace.steps)):
        firing = next((one for each in verdicts if (one := each.at(position, log)) is not None), None)
        if firing is not None:
            log.append(firing.logged(position, served=False))
        found.append(firing)
    return found


def _escalated(policy: Policy, features: TraceFeatures) -> Escalated:
    verdicts = _verdicts(policy, features)
    if verdicts is None:
        own = next(
            trigger.name for trigger in policy.triggers if not is_judge(trigger) and not isinstance(trigger, FAST)
        )
        raise ValueError(f"policy {policy.name!r} has the trigger {own!r}, whose effect cannot be replayed")
    count = len(features.trace.steps)
    log: list[Signal] = []
    spans: list[Span] = []
    retries = unserved = reached = 0
    for position in sorted({at for each in verdicts for at in each.fires}):
        if position < reached:  # a step of the LRM
            continue
        served: Firing | None = None
        for each in verdicts:
            firing = each.at(position, log)
            if firing is None:
                continue
            if served is None and not held_back(policy.limits, firing.trigger, log, position):
                served = firing
            else:
                unserved += 1
                log.append(firing.logged(position, served=False))
        if served is not None:
            log.append(served.logged(position, served=True))
            retries += served.route == "retry"
            if (span := _span(served, position, count)) is not None:
                spans.append(span)
                reached = span.end
    return Escalated(tuple(spans), retries, unserved)


def _span(firing: Firing, position: int, count: int) -> Span | None:
    """The steps the LRM writes; None where none are left. A rollback from a step of the SRM rewrites that step."""
    first = position + (firing.route == "intervene" and not firing.drop)
    end = count if firing.steps is None else min(first + firing.steps, count)
    return Span(first, end) if first < end else None


def _verdicts(policy: Policy, features: TraceFeatures) -> list[Verdicts] | None:
    """Of each of its triggers that need no model; None where one has to be asked step by step."""
    triggers = [trigger for trigger in policy.triggers if not is_judge(trigger)]
    if not all(isinstance(trigger, FAST) for trigger in triggers):
        return None
    return [features.verdicts(trigger) for trigger in triggers]
