"""The thresholds of a policy that can be set from a firing rate, and the values they are put to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from trigreason_graph.evaluation.statistics import quantile
from trigreason_graph.policies import Policy
from trigreason_graph.triggers import CognitiveOffload
from trigreason_graph.tuning.features import TraceFeatures

Field = Literal["rho", "ceiling", "first_token"]
LOWER_TAU = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25)
"""Shares of the tokens that count as certain now which a lower tau may leave. Ours: six are enough to find one that
spreads r out, where most steps have r = 1."""


@dataclass(frozen=True, slots=True)
class Knob:
    """One threshold: a field of CognitiveOffload that is in force.

    Attributes:
        trigger: Name of the trigger.
        field: "rho", on the share of certain tokens; "ceiling", on the mean uncertainty; "first_token", on an entropy.
    """

    trigger: CognitiveOffload
    field: Field

    @property
    def name(self) -> str:
        """As `--set` takes it: "cognitive_offload.rho"."""
        return f"{self.trigger.name}.{self.field}"

    def values(self, features: TraceFeatures) -> list[float]:
        """What the threshold is put to, of each step of a trace that is judged by it."""
        asked = features.asked_of(self.trigger)
        seen: Sequence[float | None] = features.means
        if self.field == "rho":
            seen = features.shares(self.trigger.tau)
        elif self.field == "first_token":
            seen = features.entropies
            asked = [
                draft and (self.trigger.answers or not answer)
                for draft, answer in zip(features.drafts, features.answers, strict=True)
            ]
        return [value for value, one in zip(seen, asked, strict=True) if one and value is not None]

    def within(self, threshold: float) -> float:
        """The threshold as the field takes it."""
        return min(max(threshold, 0.0), 1.0) if self.field == "rho" else max(threshold, 1e-6)


def knobs_of(policy: Policy) -> list[Knob]:
    """The thresholds in force.

    Raises:
        ValueError: There is none; the text says what can be calibrated.
    """
    offload = offload_of(policy)
    found: list[Knob] = []
    if offload is not None:
        found += [Knob(offload, "rho")] if offload.rho < 1 else []
        found += [Knob(offload, "ceiling")] if offload.ceiling is not None else []
        found += [Knob(offload, "first_token")] if offload.first_token is not None else []
    if not found:
        raise ValueError(
            f"policy {policy.name!r} has no threshold that a share could set: it needs the trigger cognitive_offload "
            "with rho below 1, a ceiling or first_token"
        )
    return found


def offload_of(policy: Policy) -> CognitiveOffload | None:
    """The policy's CognitiveOffload."""
    return next((trigger for trigger in policy.triggers if isinstance(trigger, CognitiveOffload)), None)


def with_thresholds(policy: Policy, thresholds: Mapping[Field, float]) -> Policy:
    """The policy with these fields of its CognitiveOffload."""
    return policy.with_fields({CognitiveOffload.name: {str(field): value for field, value in thresholds.items()}})


def cuts(values: Iterable[float]) -> list[tuple[float, float]]:
    """Thresholds between the values, highest first, each with the share of values above it.

    The first lets nothing through, the last everything.
    """
    ordered = sorted(values)
    distinct = sorted(set(ordered))
    if not distinct:
        return []
    listed = [distinct[0] - 0.001, *(between(low, high) for low, high in pairwise(distinct)), distinct[-1]]
    above: list[tuple[float, float]] = []
    passed = 0
    for threshold in listed:
        while passed < len(ordered) and ordered[passed] <= threshold:
            passed += 1
        above.append((threshold, (len(ordered) - passed) / len(ordered)))
    return above[::-1]


def cut_at(listed: Sequence[tuple[float, float]], rate: float) -> float:
    """Of `cuts`, the threshold whose share is nearest to a rate."""
    return min(listed, key=lambda cut: abs(cut[1] - rate))[0]


def between(low: float, high: float) -> float:
    """The shortest decimal about half-way between two numbers; their middle where no decimal fits."""
    middle = (low + high) / 2
    for digits in range(2, 12):
        short = round(middle, digits)
        if low < short < high:
            return short
    return middle


def with_lower_tau(policy: Policy, features: Sequence[TraceFeatures]) -> Iterator[Policy]:
    """The policy, then versions of it whose tau lets ever fewer tokens count as certain.

    Where nearly all tokens of most steps are certain, r is 1 in most steps, and no rho tells them apart.
    """
    offload = offload_of(policy)
    if offload is None or offload.rho >= 1:
        yield policy
        return
    nats = sorted(value for one in features for step in one.trace.steps for value in step["nats"] or ())
    bound = 1_000 * math.log(offload.tau)
    certain = sum(value < bound for value in nats)
    yield policy
    for left in LOWER_TAU[1:]:
        if not certain:
            return
        lower = math.floor(quantile(nats[:certain], left)) + 0.5  # nats are whole numbers: no token stands on the bound
        tau = round(math.exp(lower / 1_000), 6)
        yield policy.with_fields({CognitiveOffload.name: {"tau": tau}})
