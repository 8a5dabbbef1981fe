"""The rows of the report's table: every figure with its interval and the number of problems behind it.

Intervals are percentiles of a bootstrap over problems. A comparison is over the problems that all compared policies
have, each draw the same for all of them, so that differences and ratios are paired.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from trigreason_graph.evaluation.definitions import LEVELS
from trigreason_graph.evaluation.entrants import LARGE_ALONE, SMALL_ALONE
from trigreason_graph.evaluation.measures import PolicyCounts, ProblemKey, common_problems, count_all, pooled
from trigreason_graph.evaluation.resampling import Resampling, estimate, ratio
from trigreason_graph.evaluation.results import RunResult
from trigreason_graph.evaluation.scenarios import Scenario
from trigreason_graph.evaluation.statistics import RESAMPLES
from trigreason_graph.evaluation.thresholds import family, thresholds

if TYPE_CHECKING:
    from trigreason_graph.evaluation.resampling import Vector

REFERENCE = LARGE_ALONE
STEPS_AGAINST = "specreason"
"""What the others are compared with, by name."""
POOLED = "pooled"
"""Name of the rows over all data sets."""

_A_PROBLEM = (
    *("large_calls", "discarded", "large_cached", "large_uncached", "small_cached", "small_uncached"),
    *("large_output", "small_output", "seconds"),
)
"""Figures that are a count's mean over problems."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval.

    Attributes:
        value: None where it is not defined, infinite where a threshold is not reached.
        low, high: None where there is no interval.
        n: Problems behind it.
        note: Why there is no value, or no interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One policy on one data set.

    Attributes:
        data, policy: Names.
        problems, runs: How many.
        outcomes: How the runs ended.
        figures: By the names of `DEFINITIONS`.
    """

    data: str
    policy: str
    problems: int
    runs: int
    outcomes: Mapping[str, int]
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Measured:
    """All rows.

    Attributes:
        scenario: Under which dollars and seconds are counted.
        reference: The policy that the others are compared with.
        rows: By data set, the pooled ones last; policies by their cost.
        best: By data set, the thresholds over all policies but the reference together.
        cost_is_tokens: Data sets in which the reference costs nothing, so that LRM output tokens stand in for cost.
    """

    scenario: Scenario
    reference: str
    rows: Sequence[Row]
    best: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    cost_is_tokens: Sequence[str] = ()

    def row(self, data: str, policy: str) -> Row | None:
        """One row; None where there is none."""
        return next((row for row in self.rows if (row.data, row.policy) == (data, policy)), None)

    @property
    def data(self) -> list[str]:
        """The data sets, the pooled one last."""
        return list(dict.fromkeys(row.data for row in self.rows))


def measure(
    results: Sequence[RunResult],
    scenario: Scenario,
    *,
    reference: str = REFERENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measured:
    """Every figure of every policy, by data set and pooled.

    Args:
        results: All runs, in any order.
        scenario: Prices and latencies.
        reference: The policy that the others are compared with.
        resamples: Draws of the bootstrap; 0: no intervals.
        seed: The same seed makes the same draws.

    Raises:
        ImportError: numpy is not installed; the text says what to type.
    """
    sets = counts_by_data(results, scenario)
    order = _by_cost(pooled(sets.values()))
    rows: list[Row] = []
    best, tokens = dict[str, Mapping[str, Figure]](), list[str]()
    for data, policies in sets.items():
        figures = Figures(policies, Resampling(policies, resamples=resamples, seed=seed), reference)
        for name in (name for name in order if name in policies):
            own = policies[name]
            rows.append(Row(data, name, len(own.problems), own.runs, dict(own.outcomes), figures.of(name)))
        best[data] = figures.thresholds(tuple(name for name in sorted(policies) if name != reference))
        if reference in policies and figures.cost == "large_output":
            tokens.append(data)
    return Measured(scenario, reference, rows, best, tokens)


def counts_by_data(results: Sequence[RunResult], scenario: Scenario) -> dict[str, dict[str, PolicyCounts]]:
    """What was counted, by data set and policy; with several data sets, all of them as `POOLED`."""
    by_data: dict[str, list[RunResult]] = defaultdict(list)
    for result in results:
        by_data[result.data].append(result)
    sets = {data: count_all(by_data[data], scenario) for data in sorted(by_data)}
    return sets if len(sets) < 2 else {**sets, POOLED: pooled(sets.values())}


@dataclass
class Figures:
    """The figures of the policies on one data set."""

    policies: Mapping[str, PolicyCounts]
    sampling: Resampling
    reference: str = REFERENCE
    _known: dict[tuple[str, ...], dict[str, Figure]] = field(default_factory=dict)

    @cached_property
    def cost(self) -> str:
        """The count that cost means: dollars, or LRM output tokens where the reference costs nothing."""
        counts = self.policies.get(self.reference)
        paid = counts is None or any(one.dollars > 0 for one in counts.problems.values())
        return "dollars" if paid else "large_output"

    def of(self, name: str) -> dict[str, Figure]:
        """All figures of a policy, by the names of `DEFINITIONS`."""
        own = tuple(self.policies[name].problems)
        members = tuple(one for one in sorted(self.policies) if family(one) == family(name) and one != SMALL_ALONE)
        accepted = self._sum(name, "small_tokens", own) + self._sum(name, "large_tokens", own)
        return {
            "accuracy": self._mean(name, "right", own),
            "difference": self._difference(name),
            "pgr": self._recovered(name),
            "cost_share": self.multiple(name, self.reference, self.cost),
            "large_output_share": self.multiple(name, self.reference, "large_output"),
            **self.thresholds(members),
            "small_share": self._told(
                ratio(self._sum(name, "small_tokens", own), accepted), own, "no accepted token of either model"
            ),
            "small_steps_ratio": self.multiple(name, STEPS_AGAINST, "small_steps"),
            **{figure: self._mean(name, figure, own) for figure in _A_PROBLEM},
            "dollars": self._mean(name, "dollars", own, times=1000),
            "cut": self._mean(name, "cut", own),
        }

    def multiple(self, name: str, other: str, column: str) -> Figure:
        """One policy's sum as a multiple of another's, on the problems that both have."""
        both = common_problems(self.policies, (name, other))
        if not both:
            return Figure(None, note=self._missing(name, other))
        shares = ratio(self._sum(name, column, both), self._sum(other, column, both))
        return self._told(shares, both, f"{other} has none")

    def thresholds(self, members: tuple[str, ...]) -> dict[str, Figure]:
        """CPT at each level, over the operating points of these policies and SRM alone."""
        if members not in self._known:
            self._known[members] = self._thresholds(members)
        return self._known[members]

    def _thresholds(self, members: tuple[str, ...]) -> dict[str, Figure]:
        names = [f"cpt_{level}" for level in LEVELS]
        every = tuple(dict.fromkeys((*members, SMALL_ALONE)))
        problems = common_problems(self.policies, (*every, self.reference))
        if not problems:
            note = self._missing(*every, self.reference)
            return {name: Figure(None, note=note) for name in names}
        whole = self._sum(self.reference, self.cost, problems)
        costs = [ratio(self._sum(one, self.cost, problems), whole).tolist() for one in every]
        shares = [self._gap_share(one, problems).tolist() for one in every]
        levels, undefined = [level / 100 for level in LEVELS], [float("nan")] * len(LEVELS)
        found = [
            thresholds(zip(cost, share, strict=True), levels) if share[0] == share[0] else undefined
            for cost, share in zip(zip(*costs, strict=True), zip(*shares, strict=True), strict=True)
        ]
        return {
            name: self._told(column, problems, self._no_gap)
            for name, column in zip(names, zip(*found, strict=True), strict=True)
        }

    def _recovered(self, name: str) -> Figure:
        problems = common_problems(self.policies, (name, SMALL_ALONE, self.reference))
        if not problems:
            return Figure(None, note=self._missing(name, SMALL_ALONE, self.reference))
        return self._told(self._gap_share(name, problems), problems, self._no_gap)

    def _gap_share(self, name: str, problems: tuple[ProblemKey, ...]) -> Vector:
        alone = self._sum(SMALL_ALONE, "right", problems)
        return ratio(self._sum(name, "right", problems) - alone, self._sum(self.reference, "right", problems) - alone)

    def _difference(self, name: str) -> Figure:
        both = common_problems(self.policies, (name, self.reference))
        if not both:
            return Figure(None, note=self._missing(name, self.reference))
        difference = self._sum(name, "right", both) - self._sum(self.reference, "right", both)
        return self._told(difference / len(both), both, "")

    def _mean(self, name: str, column: str, problems: tuple[ProblemKey, ...], times: float = 1.0) -> Figure:
        return self._told(self._sum(name, column, problems) * (times / len(problems)), problems, "")

    def _sum(self, name: str, column: str, problems: tuple[ProblemKey, ...]) -> Vector:
        return self.sampling.sums(name, column, problems)

    def _told(self, vector: Vector | Sequence[float], problems: Sequence[ProblemKey], undefined: str) -> Figure:
        found = estimate(vector)
        left_out = found.value is not None and found.low is None and len(vector) > 1
        note = undefined if found.value is None else f"no interval: in many draws {undefined}" if left_out else ""
        return Figure(*found, n=len(problems), note=note)

    @property
    def _no_gap(self) -> str:
        return f"{self.reference} is no better than {SMALL_ALONE}, so that there is no gap to recover"

    def _missing(self, *names: str) -> str:
        absent = [name for name in dict.fromkeys(names) if name not in self.policies]
        if absent:
            return f"no runs of {' and '.join(absent)}"
        return f"no problem that {', '.join(dict.fromkeys(names))} all have"


def _by_cost(policies: Mapping[str, PolicyCounts]) -> list[str]:
    """Names, the cheapest first: by dollars, then LRM tokens, a problem."""

    def cost(name: str) -> tuple[float, float, str]:
        rows = policies[name].problems.values()
        count = max(len(rows), 1)
        return sum(row.dollars for row in rows) / count, sum(row.large_output for row in rows) / count, name

    return sorted(policies, key=cost)
