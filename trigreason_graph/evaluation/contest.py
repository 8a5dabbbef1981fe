"""The runs of an evaluation: which are still open, and the making of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trigreason_graph.errors import ModelsFailing
from trigreason_graph.evaluation.entrants import LARGE_ALONE, SMALL_ALONE, Entrant
from trigreason_graph.evaluation.evaluation import Standing
from trigreason_graph.evaluation.journal import Journal
from trigreason_graph.evaluation.matching import match, matched_policy
from trigreason_graph.evaluation.problems import Problem, ProblemSet
from trigreason_graph.evaluation.results import RunKey, RunResult
from trigreason_graph.evaluation.running import Slot, shown_answer, solved
from trigreason_graph.evaluation.sampling import Sampling
from trigreason_graph.evaluation.subjects import Subjects
from trigreason_graph.evaluation.voting import same_answers, voted
from trigreason_graph.evaluation.workers import side_by_side
from trigreason_graph.graph import create_trigreason_graph
from trigreason_graph.policies import Policy
from trigreason_graph.settings import Budget, Settings

FAILURES_IN_A_ROW = 5
"""Our choice: runs in a row in which a model failed, after which no more are paid for."""

OnItem = Callable[[RunResult, Standing], None]


@dataclass
class Graphs:
    """The graphs of an evaluation: one for each policy and seed, all with the same two models."""

    subjects: Subjects
    sampling: Sampling
    budget: Budget
    _compiled: dict[tuple[str, int | None], Any] = field(default_factory=dict)

    def of(self, entrant: Entrant, policy: Policy, seed: int | None) -> Any:
        """The compiled graph of an entrant, with the policy that it runs.

        Raises:
            ValueError: The policy or the budget cannot be used with these models.
        """
        sampling = self.sampling.drawn() if entrant.votes > 1 else self.sampling
        key = (entrant.name, seed)
        if key not in self._compiled:
            models = self.subjects.drawn(sampling.top_p, seed)
            self._compiled[key] = create_trigreason_graph(
                small=models.small,
                large=models.large,
                policy=policy,
                budget=self.budget,
                settings=Settings(temperature=sampling.temperature, token_events=False),
            ).compile()
        return self._compiled[key]


class Contest:
    """All runs of an evaluation: which are open, and the making of them."""

    def __init__(
        self,
        problems: ProblemSet,
        entrants: Sequence[Entrant],
        graphs: Graphs,
        journal: Journal,
        on_item: OnItem | None,
    ) -> None:
        self._problems, self._entrants, self._graphs = problems, entrants, graphs
        self._journal, self._on_item = journal, on_item
        self._standing = Standing(total=self._count(done=False), before=self._count(done=True))
        self._failures = 0

    async def hold(self, concurrency: int) -> None:
        """Make the open runs: those of plain policies problem by problem, then those that are matched to them."""
        await self._all(self._runs([one for one in self._entrants if one.policy is not None]), concurrency)
        await self._all(self._runs([self._matched(one) for one in self._entrants if one.policy is None]), concurrency)

    @property
    def open(self) -> int:
        """How many runs are left to do."""
        return self._count(done=False) - self._count(done=True)

    def results(self) -> list[RunResult]:
        """The runs that are there, in the order of entrants, problems and samples."""
        found = (self._journal.results.get(key) for key in self._keys(self._entrants))
        return [run for run in found if run is not None]

    def _keys(self, entrants: Iterable[Entrant]) -> Iterator[RunKey]:
        for entrant in entrants:
            for problem in self._problems.problems:
                for sample in range(self._graphs.sampling.samples):
                    yield RunKey(entrant.name, problem.id, sample)

    def _count(self, *, done: bool) -> int:
        return sum(not done or self._journal.done(key) for key in self._keys(self._entrants))

    def _runs(self, entrants: Sequence[Entrant]) -> Iterator[tuple[Entrant, Problem, int]]:
        """The open runs, so that a killed evaluation has as much of each policy."""
        for sample in range(self._graphs.sampling.samples):
            for problem in self._problems.problems:
                for entrant in entrants:
                    if not self._journal.done(RunKey(entrant.name, problem.id, sample)):
                        yield entrant, problem, sample

    async def _all(self, runs: Iterator[tuple[Entrant, Problem, int]], concurrency: int) -> None:
        async def made(run: tuple[Entrant, Problem, int]) -> None:
            self._keep(await self._run(*run))

        await side_by_side(runs, made, concurrency)

    async def _run(self, entrant: Entrant, problem: Problem, sample: int) -> RunResult:
        assert entrant.policy is not None
        if entrant.votes > 1:
            return await self._vote(entrant, entrant.policy, problem, sample)
        seed = self._graphs.sampling.seed_of(sample)
        graph = self._graphs.of(entrant, entrant.policy, seed)
        return await solved(graph, Slot(entrant.name, problem, sample, seed), self._problems)

    async def _vote(self, entrant: Entrant, policy: Policy, problem: Problem, sample: int) -> RunResult:
        """Its runs have seeds of their own, so that those of two samples are not the same."""
        first = self._graphs.sampling.seed + sample * entrant.votes
        runs = []
        for seed in range(first, first + entrant.votes):
            graph = self._graphs.of(entrant, policy, seed)
            runs.append(await solved(graph, Slot(entrant.name, problem, sample, seed), self._problems))
        slot = Slot(entrant.name, problem, sample, first)
        # LaTeX answers take their time to compare.
        return await asyncio.to_thread(voted, runs, slot, same_answers(self._problems, problem))

    def _keep(self, run: RunResult) -> None:
        self._journal.add(replace(run, answer=shown_answer(run.answer, self._problems)))
        self._standing = self._standing.with_run(run)
        if self._on_item is not None:
            self._on_item(run, self._standing)
        self._failures = self._failures + 1 if run.failed else 0
        if self._failures >= FAILURES_IN_A_ROW:
            raise ModelsFailing(
                f"a model failed in {self._failures} runs in a row, the last time: {run.outcome['detail']}. Nothing "
                "further was asked. What is done is kept; run the same again to go on."
            )

    def _matched(self, entrant: Entrant) -> Entrant:
        """The entrant with its parameter: that of an earlier session, or chosen from the runs that are there now."""
        assert entrant.matched is not None
        known = self._journal.provenance["matched"].get(entrant.name)
        if known is None:
            to, small, large = (self._of(name) for name in (entrant.to, SMALL_ALONE, LARGE_ALONE))
            found = match(entrant.matched, to, small, large)
            known = {
                "parameter": found.parameter,
                "wanted": round(found.wanted, 1),
                "expected": round(found.expected, 1),
            }
            self._journal.choose(entrant.name, known)
        return replace(entrant, policy=matched_policy(entrant.matched, known["parameter"]))

    def _of(self, name: str) -> list[RunResult]:
        return [run for run in self.results() if run.policy == name]
