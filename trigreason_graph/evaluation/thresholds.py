"""CPT, the call-performance threshold: at what share of the LRM's cost a share of the gap is recovered."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

Point = tuple[float, float]
"""(share of the reference's cost, share of the gap recovered)."""

NOT_REACHED = math.inf


def family(policy: str) -> str:
    """The name without its settings: "random(0.2)" and "random@default" are operating points of "random"."""
    return re.split(r"[@(]", policy, maxsplit=1)[0]


def frontier(points: Iterable[Point]) -> list[Point]:
    """The points by cost, without those that recover no more than a cheaper one does."""
    kept: list[Point] = []
    for cost, recovered in sorted(points, key=lambda point: (point[0], -point[1])):
        if not kept or recovered > kept[-1][1]:
            kept.append((cost, recovered))
    return kept


def thresholds(points: Iterable[Point], levels: Sequence[float]) -> list[float]:
    """For each level, the cost at which the line through the frontier reaches it; `NOT_REACHED` where it does not.

    Args:
        points: The operating points, SRM alone among them.
        levels: Shares of the gap, such as 0.8.
    """
    line = frontier(points)
    return [_crossing(line, level) for level in levels]


def _crossing(line: Sequence[Point], level: float) -> float:
    before: Point | None = None
    for cost, recovered in line:
        if recovered >= level:
            if before is None:
                return cost
            return before[0] + (cost - before[0]) * (level - before[1]) / (recovered - before[1])
        before = (cost, recovered)
    return NOT_REACHED
