"""The search's winner, run on problems that nothing was chosen on.

Guarded against overfitting: settings are searched on one part of the problems, the best few and the policy as given
are run on a second, and what wins there is compared with the policy as given on a third.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trigreason_graph.errors import TrigReasonError
from trigreason_graph.evaluation.statistics import RESAMPLES, Estimate, bootstrap, mean
from trigreason_graph.policies import Policy
from trigreason_graph.tuning.grid import Setting
from trigreason_graph.tuning.runs import Answered, Run, Runner, on_each
from trigreason_graph.tuning.search import Objective, Scored, Search, Told, front

FACTOR = 6
"""Calls of the models that tuning may make, as a multiple of those of one run of the given policy on all problems."""
FINALISTS = 3
"""Settings that are run on the validation part, beside the policy as given. Ours: more would choose by luck there."""
SHARES = (0.5, 0.25)
"""Of the problems: for the search, and for validation; the rest is the test. Ours."""
KEPT_BACK = 1 / 3
"""Of the calls, what the search leaves for validation and test at least: the settings that win may call more often than
the policy as given. Ours."""
LEAST = 12
"""Problems below which no part would say anything. Ours."""
SURE_FROM = 8
"""Problems of the test part from which intervals are told, and a setting may be called better. Ours: of fewer, noise
alone looks sure too often (12 % of draws of three problems, 3 % of eight, where 2.5 % are meant)."""


@dataclass(frozen=True)
class Split:
    """Problems by what they are for."""

    train: Sequence[Answered]
    validation: Sequence[Answered]
    test: Sequence[Answered]

    @property
    def all(self) -> list[Answered]:
        """All of them."""
        return [*self.train, *self.validation, *self.test]


@dataclass(frozen=True)
class Tuning:
    """What tuning found.

    Attributes:
        policy: The setting that won, or the policy as given; with its evidence.
        setting: Which one.
        better: Whether it is better than the policy as given on the test part, its interval included.
        scored: Every setting on the search part, estimates marked.
        front: Of these, the ones that no other beats.
        given, chosen: Accuracy and cost a problem on the test part, of the policy as given and the one that won.
        accuracy_gain, cost_gain: The paired differences there, won minus given, with 95 % intervals.
        calls: Calls of the models, over all sessions.
        one_run: Calls of one run of the policy as given on all problems.
        exhausted: Whether the granted calls ended the search or the validation early.
        untested: The setting that won where no calls were left to test it; `setting` is then the policy as given.
    """

    policy: Policy
    setting: Setting
    better: bool
    scored: Sequence[Scored]
    front: Sequence[Scored]
    given: tuple[float, float]
    chosen: tuple[float, float]
    accuracy_gain: Estimate
    cost_gain: Estimate
    calls: int
    one_run: int
    exhausted: bool
    objective: Objective
    untested: Setting | None = None

    @property
    def verdict(self) -> str:
        """In a sentence or two."""
        if self.untested is not None:
            return (
                f"Not decided: {self.untested.name} was best, and the calls ended before it could be tested on "
                "problems it has not seen. Give fewer settings."
            )
        if self.setting.index == 0:
            return "No setting of the grid is better than the policy as given."
        unit = "LRM tokens" if self.objective.unit == "large_tokens" else "dollars"
        told = (
            f"on problems it has not seen, accuracy differs by {self.accuracy_gain}, and cost by {self.cost_gain} "
            f"{unit} a problem{self._missed}"
        )
        if self.better:
            return f"{self.setting.name}: better than the policy as given; {told}."
        if self.objective.aim != "cost" and _is_cheaper(self.accuracy_gain, self.cost_gain):
            return (
                "Not surely more accurate than the policy as given, but surely cheaper. The best setting found is "
                f"{self.setting.name}; {told}."
            )
        return f"No better than the policy as given. The best setting found is {self.setting.name}; {told}."

    @property
    def _missed(self) -> str:
        """That the limit is not kept to on the test part, where one was given."""
        limit, (accuracy, cost) = self.objective.limit, self.chosen
        if limit is None or (accuracy >= limit if self.objective.aim == "cost" else cost <= limit):
            return ""
        of = "the accuracy" if self.objective.aim == "cost" else "the cost"
        return f"; {of} misses the limit of {limit:g}"


def split_of(problems: Sequence[Answered], seed: int = 0) -> Split:
    """Half for the search, a quarter for validation, a quarter for the test; the same seed gives the same parts.

    Raises:
        ValueError: There are too few.
    """
    if len(problems) < LEAST:
        raise ValueError(f"tuning needs at least {LEAST} problems with answers, and there are {len(problems)}")
    if twice := [id for id, count in Counter(problem.id for problem in problems).items() if count > 1]:
        raise ValueError(f"problems: two have the id {twice[0]!r}")
    drawn = random.Random(seed).sample(list(problems), len(problems))
    first, second = round(len(drawn) * SHARES[0]), round(len(drawn) * sum(SHARES))
    return Split(drawn[:first], drawn[first:second], drawn[second:])


async def search_and_verify(
    split: Split,
    settings: Sequence[Setting],
    runner: Runner,
    objective: Objective,
    told: Told,
    factor: float = FACTOR,
    concurrency: int = 1,
) -> Tuning:
    """The whole of tuning, on whatever makes the runs.

    Raises:
        TrigReasonError: The calls granted did not even suffice for the policy as given.
    """
    given = settings[0]
    runs: dict[tuple[int, str], Run] = {}

    async def run_on(setting: Setting, problems: Sequence[Answered]) -> list[Run] | None:
        """Its runs; None where the calls did not suffice."""
        begun = len(runs)

        async def tried(problem: Answered) -> bool:
            nonlocal begun
            if (setting.index, problem.id) not in runs:
                told(setting, problem, begun, 0)
                begun += 1
                run = await runner.run(setting.policy, problem)
                if run is None:
                    return False
                runs[setting.index, problem.id] = run
            return True

        if not await on_each(problems, tried, concurrency):
            return None
        return [runs[setting.index, problem.id] for problem in problems]

    base = await run_on(given, split.all)
    if base is None:
        raise TrigReasonError(f"the {runner.meter.granted} calls granted do not suffice for the policy as given")
    one_run = sum(run.calls for run in base)
    most = int(factor * one_run) - 1
    later = one_run * (FINALISTS * len(split.validation) + len(split.test)) / len(split.all)
    runner.meter.granted = max(most - round(max(later, KEPT_BACK * most)), runner.meter.made)
    search = Search(settings, split.train, runner, objective, dict(runs), concurrency)
    ended = await search.go(told)
    runs.update(search.runs)
    runner.meter.granted = max(most, runner.meter.made)
    finalists = [one for one in ended if one is not given][:FINALISTS]
    complete = [given, *[one for one in finalists if await run_on(one, split.validation) is not None]]
    trial = Search(complete, split.validation, runner, objective, runs)
    winner, untested = trial.best(complete, 1)[0], None
    final = await run_on(winner, split.test)
    if final is None:
        untested, winner, final = winner, given, [runs[given.index, problem.id] for problem in split.test]
    before = [runs[given.index, problem.id] for problem in split.test]
    pairs = list(zip(before, final, strict=True))
    resamples = RESAMPLES if len(pairs) >= SURE_FROM else 0
    gain = bootstrap(pairs, lambda drawn: mean([two.right - one.right for one, two in drawn]), resamples=resamples)
    saved = bootstrap(
        pairs,
        lambda drawn: mean([objective.cost(two) - objective.cost(one) for one, two in drawn]),
        resamples=resamples,
    )
    scored = list(search.scores(settings).values())
    return Tuning(
        policy=winner.policy,
        setting=winner,
        better=winner is not given and _is_better(objective, gain, saved),
        scored=scored,
        front=front(scored),
        given=_figures(objective, before),
        chosen=_figures(objective, final),
        accuracy_gain=gain,
        cost_gain=saved,
        calls=runner.meter.made,
        one_run=one_run,
        exhausted=search.exhausted or len(complete) <= len(finalists),
        objective=objective,
        untested=untested,
    )


def _is_better(objective: Objective, gain: Estimate, saved: Estimate) -> bool:
    """For a cost: as `_is_cheaper` says. Else: surely more accurate."""
    if objective.aim == "cost":
        return _is_cheaper(gain, saved)
    return gain.low is not None and gain.low > 0


def _is_cheaper(gain: Estimate, saved: Estimate) -> bool:
    """Surely cheaper, and not surely less accurate."""
    return saved.high is not None and saved.high < 0 and gain.high is not None and gain.high >= 0


def _figures(objective: Objective, runs: Sequence[Run]) -> tuple[float, float]:
    return mean([run.right for run in runs]), mean([objective.cost(run) for run in runs])
