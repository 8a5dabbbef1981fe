"""Bootstrap over problems for many policies at once, all summed over the same draws: what is compared is paired.

A draw takes, of each data set, as many problems as it has. numpy comes with the extra "evaluation".
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from trigreason_graph.evaluation.measures import Counts, PolicyCounts, ProblemKey
from trigreason_graph.evaluation.statistics import Estimate, quantile

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Vector = NDArray[float64]
    """A figure of all problems first, then of each draw; nan where it is not defined."""

DEFINED = 0.95
"""Share of the draws in which a figure must be defined, or its interval is left out: it would be of the others only."""


class Resampling:
    """Sums over problems, and over the same draws of them for every policy.

    Args:
        policies: By name.
        resamples: How many draws; 0: no intervals.
        seed: The same seed makes the same draws of the same problems.

    Raises:
        ImportError: numpy is not installed; the text says what to type.
    """

    def __init__(self, policies: Mapping[str, PolicyCounts], *, resamples: int, seed: int = 0) -> None:
        try:
            import numpy
        except ImportError:
            raise ImportError(
                'intervals need numpy, which is not installed: pip install "trigreason-graph[evaluation]"'
            ) from None
        self._numpy = numpy
        self._policies, self._resamples, self._seed = policies, resamples, seed
        self._weights: dict[tuple[ProblemKey, ...], NDArray[float64]] = {}
        self._sums: dict[tuple[str, tuple[ProblemKey, ...]], NDArray[float64]] = {}

    def sums(self, policy: str, column: str, problems: tuple[ProblemKey, ...]) -> Vector:
        """The sum of one of the policy's counts over `problems`, and over each draw of them."""
        key = (policy, problems)
        if key not in self._sums:
            rows = self._policies[policy].problems
            table = self._numpy.array([rows[problem] for problem in problems], dtype=float)
            self._sums[key] = self._drawn(problems) @ table
        vector: Vector = self._sums[key][:, Counts._fields.index(column)]
        return vector

    def _drawn(self, problems: tuple[ProblemKey, ...]) -> NDArray[float64]:
        """How often each problem is in: once in the first row, as drawn in the others."""
        if problems not in self._weights:
            count = self._resamples if len(problems) > 1 else 0  # of one problem there is only one draw
            weights: NDArray[float64] = self._numpy.zeros((count + 1, len(problems)))
            weights[0] = 1.0
            sets = [[index for index, _ in group] for _, group in groupby(enumerate(problems), lambda one: one[1][0])]
            chance = random.Random(self._seed)
            for row in range(1, count + 1):
                drawn = [index for members in sets for index in chance.choices(members, k=len(members))]
                weights[row] = self._numpy.bincount(drawn, minlength=len(problems))
            self._weights[problems] = weights
        return self._weights[problems]


def ratio(part: Vector, whole: Vector) -> Vector:
    """part / whole; not defined where the whole is nothing or less."""
    import numpy

    divided: Vector = numpy.divide(part, whole, out=numpy.full(part.shape, numpy.nan), where=whole > 0)
    return divided


def estimate(vector: Vector | Sequence[float]) -> Estimate:
    """The figure with its 95 % percentile interval, without one where too few draws define it."""
    value, *drawn = (float(entry) for entry in vector)
    defined = sorted(entry for entry in drawn if entry == entry)
    if value != value:
        return Estimate(None)
    if not drawn or len(defined) < DEFINED * len(drawn):
        return Estimate(value)
    return Estimate(value, _quantile(defined, 0.025), _quantile(defined, 0.975))


def _quantile(ordered: Sequence[float], q: float) -> float:
    """As `quantile`, where the largest values may be infinite: nothing lies between a number and infinity."""
    upper = ordered[math.ceil(q * (len(ordered) - 1))]
    return upper if math.isinf(upper) else quantile(ordered, q)
