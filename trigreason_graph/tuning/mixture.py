"""Two kinds of steps behind one signal: a mixture of two normal distributions (scikit-learn, extra "tuning")."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

LEAST = 20
"""Values below which two distributions are not told apart. Ours."""
ROUNDS = 60
"""Halvings of an interval: beyond the precision of a float."""


@dataclass(frozen=True)
class Mixture:
    """Two normal distributions, the lower first.

    Attributes:
        weights: Share of either.
        parts: The distributions.
    """

    weights: tuple[float, float]
    parts: tuple[NormalDist, NormalDist]

    def above(self, threshold: float) -> float:
        """Share of what it describes that lies above."""
        return sum(weight * (1 - part.cdf(threshold)) for weight, part in zip(self.weights, self.parts, strict=True))

    def threshold_at(self, rate: float) -> float:
        """The threshold above which a share `rate` lies."""
        low = min(part.mean - 8 * part.stdev for part in self.parts)
        high = max(part.mean + 8 * part.stdev for part in self.parts)
        for _ in range(ROUNDS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.above(middle) > rate else (low, middle)
        return (low + high) / 2

    @property
    def boundary(self) -> float:
        """Between the two means, where a value is as likely of one kind as of the other; else the middle of them."""
        low, high = (part.mean for part in self.parts)
        if self._odds(low) > 0 or self._odds(high) < 0:
            return (low + high) / 2
        for _ in range(ROUNDS):
            middle = (low + high) / 2
            low, high = (low, middle) if self._odds(middle) > 0 else (middle, high)
        return (low + high) / 2

    def _odds(self, value: float) -> float:
        """Above 0 where the upper kind is more likely."""
        low, high = (
            math.log(weight) - math.log(part.stdev) - ((value - part.mean) / part.stdev) ** 2 / 2
            for weight, part in zip(self.weights, self.parts, strict=True)
        )
        return high - low


def fit_mixture(values: Sequence[float]) -> Mixture:
    """Fit one; the same values give the same mixture.

    Raises:
        ValueError: scikit-learn is not installed, or there are too few different values.
    """
    try:
        import numpy
        from sklearn.mixture import GaussianMixture
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise ValueError(
            'method="mixture" needs scikit-learn: pip install "trigreason-graph[tuning]", or take method="quantile"'
        ) from None
    different = len(set(values))
    if len(values) < LEAST or different < 3:
        raise ValueError(
            f'method="mixture" needs at least {LEAST} judged steps with three different values, and there are '
            f"{len(values)} with {different}: give more problems, or take the method quantile"
        )
    column = numpy.asarray(values, dtype=float).reshape(-1, 1)
    with threadpool_limits(1):  # a column of some hundred numbers: further threads only get in each other's way
        fitted = GaussianMixture(2, random_state=0, reg_covar=1e-5).fit(column)
    found = sorted(
        (float(mean), math.sqrt(float(variance)), float(weight))
        for (mean,), ((variance,),), weight in zip(fitted.means_, fitted.covariances_, fitted.weights_, strict=True)
    )
    (mean, deviation, weight), (other_mean, other_deviation, other_weight) = found
    return Mixture((weight, other_weight), (NormalDist(mean, deviation), NormalDist(other_mean, other_deviation)))
