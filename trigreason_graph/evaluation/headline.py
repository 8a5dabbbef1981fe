"""The article's headline beside what was measured: latency and dollars under edge + cloud, steps on the SRM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from trigreason_graph.evaluation.metrics import REFERENCE, STEPS_AGAINST, Figure, Figures, counts_by_data
from trigreason_graph.evaluation.resampling import Resampling
from trigreason_graph.evaluation.results import RunResult
from trigreason_graph.evaluation.scenarios import shipped_scenario
from trigreason_graph.evaluation.statistics import RESAMPLES

SCENARIO = "edge_cloud"
"""The scenario of the headline, whatever the table's is."""
PUBLISHED = {"latency": (-0.439, -0.439), "dollars": (-0.733, -0.733), "steps": (1.70, 4.79)}
"""The article's abstract, against specreason; steps: the range over its pairs and data (arXiv 2604.14847)."""
DERIVED = {"latency": (-0.31, -0.31), "dollars": (-0.62, -0.62)}
"""What follows from it for the policy against the LRM alone, roughly: worked out from it by others, not published."""

COMPARED = (
    ("paper", STEPS_AGAINST),
    ("default", STEPS_AGAINST),
    ("paper", REFERENCE),
    ("default", REFERENCE),
    (STEPS_AGAINST, REFERENCE),
    ("default", "paper"),
)
"""(policy, against): every pair of the four."""


@dataclass(frozen=True)
class Comparison:
    """One policy against another under edge + cloud.

    Attributes:
        data, policy, against: Names.
        latency, dollars: Change as a share: -0.4 is 40 % less.
        steps: Steps on the SRM, as a multiple; nothing against the LRM alone, which leaves it none.
        published: The article's figures for this comparison, as (from, to); empty where it has none.
        derived: Whether they are worked out from the article's, not in it.
    """

    data: str
    policy: str
    against: str
    latency: Figure
    dollars: Figure
    steps: Figure
    published: dict[str, tuple[float, float]]
    derived: bool = False


def headline(results: Sequence[RunResult], *, resamples: int = RESAMPLES, seed: int = 0) -> list[Comparison]:
    """Every comparison of `COMPARED`, by data set and pooled; without figures where a policy has no runs.

    Raises:
        ImportError: numpy is not installed.
    """
    names = {name for pair in COMPARED for name in pair}
    compared = [result for result in results if result.policy in names]
    found: list[Comparison] = []
    for data, policies in counts_by_data(compared, shipped_scenario(SCENARIO)).items():
        figures = Figures(policies, Resampling(policies, resamples=resamples, seed=seed))
        for policy, against in COMPARED:
            found.append(
                Comparison(
                    data,
                    policy,
                    against,
                    latency=_change(figures.multiple(policy, against, "seconds")),
                    dollars=_change(figures.multiple(policy, against, "dollars")),
                    steps=Figure(None) if against == REFERENCE else figures.multiple(policy, against, "small_steps"),
                    published=_published(policy, against),
                    derived=against == REFERENCE,
                )
            )
    return found


def _published(policy: str, against: str) -> dict[str, tuple[float, float]]:
    """The article's figures are TrigReason's: its policy's, and what the default is held to."""
    if policy == STEPS_AGAINST:
        return {}
    return {STEPS_AGAINST: PUBLISHED, REFERENCE: DERIVED}.get(against, {})


def _change(multiple: Figure) -> Figure:
    """A multiple as a change: 0.6 is -0.4."""
    value, low, high = (None if one is None else one - 1.0 for one in (multiple.value, multiple.low, multiple.high))
    return replace(multiple, value=value, low=low, high=high)
