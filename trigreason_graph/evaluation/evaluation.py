"""What an evaluation gives back, and how it stands while it goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trigreason_graph.evaluation.entrants import LARGE_ALONE
from trigreason_graph.evaluation.problems import ProblemSet
from trigreason_graph.evaluation.results import RunResult
from trigreason_graph.models.prices import total


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand after a run.

    Attributes:
        total: Runs of the whole evaluation.
        before: Runs that were there when it began.
        made: Runs made since.
        right, failed: How many of those have the right answer; in how many a model failed.
        cost: Dollars of those, as far as prices are known.
        since: When it began, by ``time.monotonic()``.
        by_policy: Of each policy, right answers and runs, of those made since.
    """

    total: int
    before: int
    made: int = 0
    right: int = 0
    failed: int = 0
    cost: float = 0.0
    since: float = field(default_factory=time.monotonic)
    by_policy: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def with_run(self, run: RunResult) -> Standing:
        """After one more."""
        right, runs = self.by_policy.get(run.policy, (0, 0))
        return replace(
            self,
            made=self.made + 1,
            right=self.right + run.right,
            failed=self.failed + run.failed,
            cost=self.cost + (run.cost or 0.0),
            by_policy={**self.by_policy, run.policy: (right + run.right, runs + 1)},
        )

    @property
    def done(self) -> int:
        """Runs that are there."""
        return self.before + self.made

    @property
    def seconds_left(self) -> float | None:
        """Time that the rest will take at the pace so far; None before the first run."""
        passed = time.monotonic() - self.since
        return passed / self.made * (self.total - self.done) if self.made else None


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes:
        problems: The problem set.
        results: Every run, in the order of policies, problems and samples.
        provenance: The circumstances.
        notes: What could not be done as asked, in words.
        open: Runs that are still to be made, or in which a model failed.
    """

    problems: ProblemSet
    results: Sequence[RunResult]
    provenance: Mapping[str, Any]
    notes: Sequence[str] = ()
    open: int = 0

    @property
    def policies(self) -> list[str]:
        """The names of those who took part."""
        return list(dict.fromkeys(run.policy for run in self.results))

    def of(self, policy: str) -> list[RunResult]:
        """The runs of one policy.

        Raises:
            ValueError: It did not take part.
        """
        found = [run for run in self.results if run.policy == policy]
        if not found:
            raise ValueError(f"{policy!r} did not take part; those that did: {', '.join(self.policies)}")
        return found

    def accuracy(self, policy: str) -> float:
        """Share of its runs with the right answer, 0..1: pass@1 as the mean over problems and samples."""
        runs = self.of(policy)
        return sum(run.right for run in runs) / len(runs)

    def large_tokens(self, policy: str) -> float:
        """Output tokens of the large model a run, on average."""
        runs = self.of(policy)
        return sum(run.large_tokens for run in runs) / len(runs)

    def large_share(self, policy: str) -> float | None:
        """Its output tokens of the large model, as a share of those of large_only, which has to have taken part.

        None where that wrote nothing.
        """
        alone = self.large_tokens(LARGE_ALONE)
        return self.large_tokens(policy) / alone if alone else None

    def cost(self, policy: str) -> float | None:
        """Dollars a run, on average; None where a price is unknown."""
        runs = self.of(policy)
        dollars = total(run.cost for run in runs)
        return None if dollars is None else dollars / len(runs)
