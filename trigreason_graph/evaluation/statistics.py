"""Small statistics, exact and without numpy: AUROC, shares, and bootstrap intervals over problems."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

RESAMPLES = 1_000
"""Bootstrap resamples: enough for two digits of a 95 % interval."""

_T = TypeVar("_T")


class Estimate(NamedTuple):
    """A figure with its 95 % interval."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        if self.low is None or self.high is None:
            return f"{self.value:.2f}"
        to = "-" if self.low >= 0 else " to "
        return f"{self.value:.2f} ({self.low:.2f}{to}{self.high:.2f})"


def mean(values: Sequence[float]) -> float:
    """The mean; 0.0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def share(part: float, whole: float) -> float | None:
    """part / whole; None of nothing."""
    return part / whole if whole else None


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Probability that a positive case has the higher score, ties counted half; None where there is no pair."""
    if not positive or not negative:
        return None
    ranked = sorted(negative)
    wins = sum((bisect_left(ranked, score) + bisect_right(ranked, score)) / 2 for score in positive)
    return wins / (len(positive) * len(negative))


def bootstrap(
    groups: Sequence[_T],
    statistic: Callable[[Sequence[_T]], float | None],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """A statistic of whole groups (problems, whose steps depend on one another) with its percentile interval.

    Args:
        groups: One entry for each problem.
        statistic: Of any number of them; None where it is not defined.
        resamples: How many; 0: no interval.
        seed: The same seed draws the same samples.
    """
    chance = random.Random(seed)
    drawn = (statistic(chance.choices(groups, k=len(groups))) for _ in range(resamples if groups else 0))
    values = sorted(value for value in drawn if value is not None)
    if not values:
        return Estimate(statistic(groups))
    return Estimate(statistic(groups), quantile(values, 0.025), quantile(values, 0.975))


def quantile(ordered: Sequence[float], q: float) -> float:
    """The q-quantile of values in order, between the two nearest."""
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
