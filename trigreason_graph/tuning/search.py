"""Which setting is best, for a fraction of the runs: successive halving, and estimates for what was not run.

Every setting is run on the first ninth of the problems, the better third goes on to a third of them, and the better
third of these to all. The given policy always goes on. Runs that lead to the same calls are served from recordings, so
that most cost little or nothing; where the calls that were granted are made, the search ends where it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from trigreason_graph.tuning.grid import Setting
from trigreason_graph.tuning.runs import Answered, Run, Runner, on_each

Aim = Literal["accuracy", "cost", "pareto"]
CostUnit = Literal["large_tokens", "usd"]
RUNGS = (1 / 9, 1 / 3, 1.0)
KEPT = 1 / 3
"""Of the settings of a rung, how many go on. Ours, with `RUNGS` the usual choice of successive halving (eta = 3)."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What is wanted.

    Attributes:
        aim: "accuracy" at a cost of at most `limit`; "cost", the lowest with an accuracy of at least `limit`; or
            "pareto", every setting that no other one beats in both.
        limit: Cost a problem, in `unit`, or an accuracy of 0..1. None: that of the policy as given.
        unit: Of cost: output tokens of the LRM, or dollars.
    """

    aim: Aim = "accuracy"
    limit: float | None = None
    unit: CostUnit = "large_tokens"

    def __post_init__(self) -> None:
        if self.limit is None:
            return
        if self.aim == "pareto":
            raise ValueError("limit= goes with the objectives accuracy (a cap on cost) and cost (a floor of accuracy)")
        if not (0 <= self.limit < math.inf) or (self.aim == "cost" and self.limit > 1):
            wanted = "an accuracy of 0 to 1" if self.aim == "cost" else "a cost a problem, 0 or more"
            raise ValueError(f"limit= is {wanted}, not {self.limit:g}")

    def cost(self, run: Run) -> float:
        """Of one run.

        Raises:
            ValueError: Dollars are wanted, and a price is unknown.
        """
        if self.unit == "large_tokens":
            return float(run.large_tokens)
        if run.usd is None:
            raise ValueError("dollars are wanted, and the price of a model is unknown")
        return run.usd

    def rank(self, accuracy: float, cost: float, given: tuple[float, float]) -> tuple[float, ...]:
        """Sorts settings, the best first; `given` has accuracy and cost of the policy as given."""
        if self.aim == "cost":
            floor = given[0] if self.limit is None else self.limit
            return (max(floor - accuracy, 0.0), cost, -accuracy)
        if self.aim == "accuracy":
            most = given[1] if self.limit is None else self.limit
            return (max(cost - most, 0.0), -accuracy, cost)
        return (-accuracy, cost)


@dataclass(frozen=True, slots=True)
class Scored:
    """A setting's figures on a set of problems.

    Attributes:
        setting: Which.
        accuracy: Share of right answers.
        cost: A problem, in the objective's unit.
        run: How many of the problems it was run on; on the others it is estimated.
        problems: How many there are.
    """

    setting: Setting
    accuracy: float
    cost: float
    run: int
    problems: int

    @property
    def estimated(self) -> bool:
        """Whether a part of it is an estimate."""
        return self.run < self.problems


Told = Callable[[Setting, Answered, int, int], None]
"""(setting, problem, runs done, runs planned): called before each run."""


@dataclass
class Search:
    """All runs of a search.

    Attributes:
        settings: The first is the policy as given.
        problems: What they are tried on.
        runner: Makes the runs.
        objective: Decides who goes on.
        runs: What is known, by (setting, problem).
        concurrency: Problems at once. Settings take turns on a problem, since they share much of what is written.
    """

    settings: Sequence[Setting]
    problems: Sequence[Answered]
    runner: Runner
    objective: Objective
    runs: dict[tuple[int, str], Run] = field(default_factory=dict)
    concurrency: int = 1
    exhausted: bool = False

    async def go(self, told: Told) -> list[Setting]:
        """Search; returns the settings that reached the last rung, best first."""
        alive = list(self.settings)
        done, planned = 0, planned_runs(len(self.settings), len(self.problems))

        async def tried(problem: Answered) -> bool:
            nonlocal done
            for setting in alive:
                if (setting.index, problem.id) in self.runs:
                    continue
                told(setting, problem, done, planned)
                done += 1
                run = await self.runner.run(setting.policy, problem)
                if run is None:
                    return False
                self.runs[setting.index, problem.id] = run
            return True

        for number, share in enumerate(RUNGS):
            if number:
                alive = self.best(alive, max(math.ceil(len(alive) * KEPT), 1))
            rung = self.problems[: math.ceil(len(self.problems) * share)]
            if not await on_each(rung, tried, self.concurrency):
                self.exhausted = True
                break
        return self.best(alive, len(alive))

    def best(self, among: Sequence[Setting], count: int) -> list[Setting]:
        """The best of some settings, the policy as given always among them."""
        scored = self.scores([self.settings[0], *among])
        given = scored[self.settings[0].index]

        def rank(setting: Setting) -> tuple[float, ...]:
            one = scored[setting.index]
            return (*self.objective.rank(one.accuracy, one.cost, (given.accuracy, given.cost)), setting.index)

        ordered = sorted(among, key=rank)[:count]
        return ordered if self.settings[0] in ordered else [*ordered, self.settings[0]]

    def score(self, setting: Setting) -> Scored:
        """A setting's figures over all problems that any setting was run on; estimates where it was not."""
        return self.scores([setting])[setting.index]

    def scores(self, settings: Sequence[Setting]) -> dict[int, Scored]:
        """Figures of several settings, by index: what they share is worked out once."""
        run_on = {id for _, id in self.runs}
        tried = [problem.id for problem in self.problems if problem.id in run_on]
        return {setting.index: self._score(setting, tried) for setting in settings}

    def _score(self, setting: Setting, tried: Sequence[str]) -> Scored:
        known = [(self._run_or_nearest(setting, id), (setting.index, id) in self.runs) for id in tried]
        count = max(len(known), 1)
        return Scored(
            setting=setting,
            accuracy=sum(run.right for run, _ in known) / count,
            cost=sum(self.objective.cost(run) for run, _ in known) / count,
            run=sum(own for _, own in known),
            problems=len(known),
        )

    def _run_or_nearest(self, setting: Setting, problem: str) -> Run:
        """Its run on a problem, else that of the setting nearest to it which was run there: the estimate."""
        own = self.runs.get((setting.index, problem))
        if own is not None:
            return own
        there = [one for one in self.settings if (one.index, problem) in self.runs]
        nearest = min(there, key=lambda one: (setting.away(one), one.index))
        return self.runs[nearest.index, problem]


def planned_runs(settings: int, problems: int) -> int:
    """Runs that a search makes at most."""
    total = before = 0
    alive = settings
    for number, share in enumerate(RUNGS):
        if number:
            alive = max(math.ceil(alive * KEPT), 1) + 1
        upto = math.ceil(problems * share)
        total += alive * (upto - before)
        before = upto
    return total


def front(scored: Sequence[Scored]) -> list[Scored]:
    """Those that no other one beats in accuracy and cost both, cheapest first."""
    kept: list[Scored] = []
    for one in sorted(scored, key=lambda one: (one.cost, -one.accuracy, one.setting.index)):
        if not kept or one.accuracy > kept[-1].accuracy:
            kept.append(one)
    return kept
