"""Does the LRM's step change the outcome? Gains and harms, by where it was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trigreason_graph.evaluation.labels import Advantage
from trigreason_graph.evaluation.statistics import RESAMPLES, Estimate, bootstrap, share


@dataclass(frozen=True)
class Effect:
    """What one step of the LRM did at a number of places.

    Attributes:
        places: How many.
        without, with_step: Share of right outcomes.
        gained: Wrong without, right with.
        harmed: Right without, wrong with.
        net: (gained - harmed) / places.
    """

    places: int
    without: Estimate
    with_step: Estimate
    gained: int
    harmed: int
    net: Estimate


def effect(tried: Sequence[Sequence[Advantage]], *, resamples: int = RESAMPLES) -> Effect:
    """Count.

    Args:
        tried: By problem, the places tried.
        resamples: Of the bootstrap over problems; 0: no intervals.
    """
    groups = [places for places in tried if places]
    flat = [place for places in groups for place in places]
    return Effect(
        places=len(flat),
        without=bootstrap(groups, lambda drawn: _share(drawn, lambda one: one.without), resamples=resamples),
        with_step=bootstrap(groups, lambda drawn: _share(drawn, lambda one: one.with_step), resamples=resamples),
        gained=sum(one.with_step and not one.without for one in flat),
        harmed=sum(one.without and not one.with_step for one in flat),
        net=bootstrap(
            groups, lambda drawn: _share(drawn, lambda one: one.with_step - one.without), resamples=resamples
        ),
    )


def _share(drawn: Sequence[Sequence[Advantage]], of: Callable[[Advantage], float]) -> float | None:
    values = [of(place) for places in drawn for place in places]
    return share(sum(values), len(values))
