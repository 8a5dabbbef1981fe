"""Thresholds for a share of the work: from quantiles of the signals, or from a mixture of two kinds of steps. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Literal, NamedTuple, Protocol

from trigreason_graph.evaluation.statistics import quantile
from trigreason_graph.models.prices import Price
from trigreason_graph.policies import Policy
from trigreason_graph.tuning.knobs import Field, cut_at, cuts, knobs_of, with_lower_tau, with_thresholds
from trigreason_graph.tuning.mixture import fit_mixture
from trigreason_graph.tuning.replay import Part, Replay, Unit, share_of

Method = Literal["quantile", "mixture"]
TOLERANCE = 0.2
"""Relative distance from the target that a calibration must keep on unseen problems."""
CLOSE = 0.05
"""Relative distance from the target on the sample itself that ends the search for a tau. Ours: a quarter of what may
go wrong."""
RATES = 200
"""Firing rates that are tried where several thresholds move together."""
RESAMPLES = {"quantile": 400, "mixture": 100}
"""Bootstrap resamples: a mixture is fitted anew for each."""


class Fit(NamedTuple):
    """A policy with its thresholds set, and the LRM's part of every trace under it."""

    policy: Policy
    rate: float
    """Share of the judged steps that each threshold lets through."""
    parts: Sequence[Part]


class Fitter(Protocol):
    """Sets thresholds from a sample of the traces, given by their indices (which may repeat)."""

    def fit(self, drawn: Sequence[int]) -> Fit: ...


class QuantileFitter:
    """Tries all cuts between the values that were seen, and takes the one whose share is nearest to the target.

    Several thresholds move together: each at the same firing rate.

    Args:
        replay: The traces.
        policy: Whose thresholds are set; its tau stays.
        target: Share wanted.
        unit, price: Of what; see `Replay.parts`.
    """

    def __init__(self, replay: Replay, policy: Policy, target: float, unit: Unit, price: Price | None) -> None:
        self._target = target
        knobs = knobs_of(policy)
        listed = {knob: cuts(value for one in replay.features for value in knob.values(one)) for knob in knobs}
        empty = [knob.name for knob, found in listed.items() if not found]
        if empty:
            raise ValueError(
                f"no step of the traces has what {', '.join(empty)} is put to: the small model reports no "
                "log-probabilities, or every step is too short (min_tokens)"
            )
        only = listed[knobs[0]]
        rates = [rate for _, rate in only] if len(knobs) == 1 else [step / RATES for step in range(RATES + 1)]
        self._fits: list[Fit] = []
        for rate in rates:
            fields: dict[Field, float] = {
                knob.field: knob.within(cut_at(found, rate)) for knob, found in listed.items()
            }
            tried = with_thresholds(policy, fields)
            if not self._fits or tried != self._fits[-1].policy:
                self._fits.append(Fit(tried, rate, replay.parts(tried, unit, price)))
        self._large = [[part.large for part in fit.parts] for fit in self._fits]
        self._whole = [part.whole for part in self._fits[0].parts]

    def fit(self, drawn: Sequence[int]) -> Fit:
        """The best of the cuts on these traces."""
        weights = [0] * len(self._whole)
        for index in drawn:
            weights[index] += 1
        whole = sum(map(mul, weights, self._whole))
        wanted = self._target * whole
        distances = [abs(sum(map(mul, weights, large)) - wanted) for large in self._large]
        return self._fits[distances.index(min(distances))]


@dataclass
class MixtureFitter:
    """Takes the firing rate that quantiles give, and the threshold at which a fitted mixture has it.

    With no target, the boundary between the two kinds of steps.
    """

    replay: Replay
    policy: Policy
    unit: Unit
    price: Price | None
    rates: QuantileFitter | None
    """Where the firing rate comes from; None: the boundary."""

    def fit(self, drawn: Sequence[int]) -> Fit:
        """Fit the mixture to these traces."""
        rate = None if self.rates is None else self.rates.fit(drawn).rate
        thresholds: dict[Field, float] = {}
        for knob in knobs_of(self.policy):
            values = [value for index in drawn for value in knob.values(self.replay.features[index])]
            mixture = fit_mixture(values)
            threshold = mixture.boundary if rate is None else mixture.threshold_at(rate)
            thresholds[knob.field] = round(knob.within(threshold), 4)
        tried = with_thresholds(self.policy, thresholds)
        knob = knobs_of(self.policy)[0]
        values = [value for one in self.replay.features for value in knob.values(one)]
        passed = sum(value > thresholds[knob.field] for value in values) / max(len(values), 1)
        return Fit(tried, passed, self.replay.parts(tried, self.unit, self.price))


def fitter(
    replay: Replay, policy: Policy, target: float | None, unit: Unit, price: Price | None, method: Method
) -> Fitter:
    """What sets the thresholds: with the policy's tau, or the first lower one with which the target can be met.

    Raises:
        ValueError: The target is out of the policy's reach, or there is nothing to calibrate.
    """
    if target is None:
        return MixtureFitter(replay, policy, unit, price, None)
    everything = range(len(replay.features))
    best: tuple[float, QuantileFitter, Policy] | None = None
    for tried in with_lower_tau(policy, replay.features):
        quantiles = QuantileFitter(replay, tried, target, unit, price)
        away = abs(share_of(quantiles.fit(everything).parts) / target - 1)
        if best is None or away < best[0]:
            best = away, quantiles, tried
        if away <= CLOSE:
            break
    if best is None or best[0] > TOLERANCE:
        nearest = share_of(best[1].fit(everything).parts) if best else 0.0
        raise ValueError(
            f"escalation={target:g} is out of the reach of policy {policy.name!r} on these {len(everything)} problems: "
            f"the nearest share that its thresholds give is {nearest:.2g}. Give more problems, a policy with fewer "
            "limits, or another share"
        )
    return best[1] if method == "quantile" else MixtureFitter(replay, best[2], unit, price, best[1])


class Spread(NamedTuple):
    """Where the share of a calibration lies on all problems of this kind: a 95 % interval."""

    low: float
    high: float

    def away(self, target: float) -> float:
        """The larger relative distance of its ends from a target."""
        return max(abs(self.low / target - 1), abs(self.high / target - 1))


def spread(fitting: Fitter, count: int, method: Method, seed: int = 0) -> Spread:
    """How far the share of a calibration strays because the sample is what it is.

    Bootstrap by problem: thresholds are set from a resample of the traces and applied to all of them. The sample stands
    to its resamples as all problems of this kind stand to the sample.

    Args:
        fitting: Sets the thresholds.
        count: How many traces there are.
        method: For the number of resamples.
        seed: Of the resamples.
    """
    chance = random.Random(seed)
    indices = range(count)
    found = sorted(share_of(fitting.fit(chance.choices(indices, k=count)).parts) for _ in range(RESAMPLES[method]))
    return Spread(quantile(found, 0.025), quantile(found, 0.975))
