"""What is counted of each run, and its mean over a problem's samples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

from trigreason_graph.evaluation.results import RunResult
from trigreason_graph.evaluation.scenarios import CountedCall, Scenario, counted


class Counts(NamedTuple):
    """The numbers of one run, or their means over the samples of one problem.

    Tokens and calls are those of the ledger, attempts that failed included; steps and accepted tokens are the trace's.
    """

    right: float
    cut: float
    """Whether the run ended because its budget was spent."""
    small_tokens: float
    large_tokens: float
    """Accepted, by author; what tools wrote is neither's."""
    small_steps: float
    small_output: float
    large_output: float
    """All output tokens, those thrown away included."""
    large_calls: float
    """Calls of the LRM, for whatever purpose; an attempt that repeats a failed one is none of its own."""
    discarded: float
    """Output tokens thrown away, of both models."""
    small_cached: float
    small_uncached: float
    large_cached: float
    large_uncached: float
    """Input tokens under the scenario, from the prompt cache and read anew."""
    dollars: float
    seconds: float


ProblemKey = tuple[str, str]
"""(data, problem)."""


@dataclass
class PolicyCounts:
    """One policy's runs.

    Attributes:
        problems: Means over the samples, by problem.
        runs: How many.
        outcomes: How they ended.
    """

    problems: dict[ProblemKey, Counts] = field(default_factory=dict)
    runs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def count(result: RunResult, scenario: Scenario) -> Counts:
    """The numbers of one run."""
    tokens: Counter[str] = Counter()
    small_steps = 0
    for step in result.steps:
        tokens[step["author"]] += step["tokens"]
        small_steps += step["author"] == "small"
    calls = counted(result.ledger, scenario)
    small, large = _sums(calls, "small"), _sums(calls, "large")
    return Counts(
        right=float(result.right),
        cut=float(result.outcome["kind"] == "budget"),
        small_tokens=tokens["small"],
        large_tokens=tokens["large"],
        small_steps=small_steps,
        small_output=small.output,
        large_output=large.output,
        large_calls=sum(row["role"] == "large" and row["attempt"] == 1 for row in result.ledger),
        discarded=sum(result.discarded.values()),
        small_cached=small.cached,
        small_uncached=small.uncached,
        large_cached=large.cached,
        large_uncached=large.uncached,
        dollars=small.dollars + large.dollars,
        seconds=small.seconds + large.seconds,
    )


def count_all(results: Sequence[RunResult], scenario: Scenario) -> dict[str, PolicyCounts]:
    """By policy; the order of the results does not matter."""
    samples: dict[str, dict[ProblemKey, list[tuple[int, Counts]]]] = defaultdict(lambda: defaultdict(list))
    policies: dict[str, PolicyCounts] = defaultdict(PolicyCounts)
    for result in results:
        samples[result.policy][result.data, result.problem].append((result.sample, count(result, scenario)))
        policies[result.policy].runs += 1
        policies[result.policy].outcomes[result.outcome["kind"]] += 1
    for name, problems in samples.items():
        policies[name].problems = {key: _mean(sorted(problems[key])) for key in sorted(problems)}
    return dict(policies)


def pooled(sets: Iterable[Mapping[str, PolicyCounts]]) -> dict[str, PolicyCounts]:
    """The counts of several data sets as one."""
    together: dict[str, PolicyCounts] = defaultdict(PolicyCounts)
    for policies in sets:
        for name, counts in policies.items():
            together[name].problems |= counts.problems
            together[name].runs += counts.runs
            together[name].outcomes += counts.outcomes
    for counts in together.values():
        counts.problems = dict(sorted(counts.problems.items()))
    return dict(together)


def common_problems(policies: Mapping[str, PolicyCounts], names: Sequence[str]) -> tuple[ProblemKey, ...]:
    """The problems that all of these policies have, in order; none where a policy has no runs."""
    if not names or any(name not in policies for name in names):
        return ()
    others = [policies[name].problems for name in names[1:]]
    return tuple(key for key in policies[names[0]].problems if all(key in problems for problems in others))


class _Sum(NamedTuple):
    output: int
    cached: int
    uncached: int
    seconds: float
    dollars: float


def _sums(calls: Sequence[CountedCall], role: str) -> _Sum:
    own = [call for call in calls if call.role == role]
    return _Sum(
        sum(call.output for call in own),
        sum(call.cached for call in own),
        sum(call.uncached for call in own),
        sum(call.seconds for call in own),
        sum(call.dollars for call in own),
    )


def _mean(samples: Sequence[tuple[int, Counts]]) -> Counts:
    if len(samples) == 1:
        return samples[0][1]
    return Counts(*map(fmean, zip(*(counts for _, counts in samples), strict=True)))
