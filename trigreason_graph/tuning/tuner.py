"""Thresholds with labels: a grid of settings, tried for less than six times the calls of one, and then tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from trigreason_graph.bridge import run_blocking
from trigreason_graph.evaluation.answers import same_number
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.evaluation.statistics import Estimate
from trigreason_graph.evaluation.workers import check_concurrency
from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.prices import PriceTable, cost
from trigreason_graph.models.resolve import ModelSpec
from trigreason_graph.policies import Policy, resolve_policy
from trigreason_graph.policies.matching import made_for
from trigreason_graph.policies.origin import Evidence, Figure
from trigreason_graph.reasoning.prompts import PROMPTS_VERSION
from trigreason_graph.settings import Budget
from trigreason_graph.tuning.grid import Grid, settings_of
from trigreason_graph.tuning.questions import as_questions, hash_of
from trigreason_graph.tuning.runs import BUDGET, Answered, Checker, GraphRunner, Meter, calls_file, file_of, tuning_id
from trigreason_graph.tuning.search import Objective, Told
from trigreason_graph.tuning.verifying import Tuning, search_and_verify, split_of

BEST_FOR_THE_MONEY = Objective()


async def atune(
    problems: Sequence[Answered],
    *,
    small: ModelSpec,
    large: ModelSpec,
    recordings: Path,
    policy: Policy | str | Path | None = None,
    grid: Grid | None = None,
    objective: Objective = BEST_FOR_THE_MONEY,
    budget: Budget = BUDGET,
    checker: Checker = same_number,
    prices: PriceTable | None = None,
    seed: int = 0,
    concurrency: int = 1,
    told: Told = lambda setting, problem, done, planned: None,
    command: str = "trigreason_graph.tuning.tune",
    data: Sequence[str] = (),
) -> Tuning:
    """:func:`tune` for async callers."""
    check_concurrency(concurrency)
    given = resolve_policy(policy)
    settings, split = settings_of(given, grid), split_of(problems, seed)
    for problem in problems:
        checker(None, problem.answer)  # an answer that cannot be compared is found before anything is paid for
    meter = Meter(calls_file(recordings), tuning_id(problems, given, small, large))
    store = RecordingStore(recordings, append_to=file_of(recordings))
    runner = GraphRunner.of(small, large, store, meter, budget=budget, checker=checker, prices=prices)
    if objective.unit == "usd":
        check_prices(runner)
    found = await search_and_verify(split, settings, runner, objective, told, concurrency=concurrency)
    unit = "LRM tokens a problem" if objective.unit == "large_tokens" else "dollars a problem"
    evidence = Evidence(
        command=command,
        data=tuple(data),
        sha256=hash_of(as_questions(problems)),
        problems=len(problems),
        figures=(
            Figure("accuracy on the test part", round(found.chosen[0], 6)),
            Figure(f"{unit} on the test part", round(found.chosen[1], 6)),
            _figure("accuracy there, minus that of the policy as given", found.accuracy_gain),
            _figure(f"{unit} there, minus those of the policy as given", found.cost_gain),
        ),
        notes=(found.verdict, f"{len(split.test)} problems in the test part; {found.calls} calls in all"),
    )
    made = made_for(found.policy, runner.small.card, runner.large.card, PROMPTS_VERSION)
    policy = replace(found.policy, made_for=made, evidence=evidence)
    if found.setting.index:
        policy = replace(
            policy,
            name=f"{given.name}-tuned",
            description=f"Policy {given.name} with {found.setting.name}.",
            source=f"Tuned. {found.verdict}",
        )
    return replace(found, policy=policy)


def check_prices(runner: GraphRunner) -> None:
    """Refuse to count in dollars where they would say nothing.

    Raises:
        ValueError: The price of a model is unknown, or nothing that the LRM writes costs anything.
    """
    for model in (runner.small, runner.large):
        dollars = cost(model.card, Usage(tokens_in=1_000_000, tokens_out=1_000_000), model.prices)
        if dollars is None or (model is runner.large and not dollars):
            known = "unknown" if dollars is None else "0"
            raise ValueError(
                f"dollars are wanted, and the price of {model.card.full_name} is {known}: give prices= (command line: "
                "--price), or count LRM tokens"
            )


def _figure(name: str, estimate: Estimate) -> Figure:
    low, high = (None if end is None else round(end, 6) for end in (estimate.low, estimate.high))
    return Figure(name, round(estimate.value or 0.0, 6), low, high)


def tune(
    problems: Sequence[Answered],
    *,
    small: ModelSpec,
    large: ModelSpec,
    recordings: Path,
    policy: Policy | str | Path | None = None,
    grid: Grid | None = None,
    objective: Objective = BEST_FOR_THE_MONEY,
    budget: Budget = BUDGET,
    checker: Checker = same_number,
    prices: PriceTable | None = None,
    seed: int = 0,
    concurrency: int = 1,
    told: Told = lambda setting, problem, done, planned: None,
    command: str = "trigreason_graph.tuning.tune",
    data: Sequence[str] = (),
) -> Tuning:
    """Find the setting of a grid that serves an objective best, and test it on problems that it was not chosen on.

    Args:
        problems: With answers; at least 12.
        small, large: The models, as everywhere.
        recordings: File that keeps what they write (and beside it the count of their calls): killed and called again,
            nothing is written twice, and the cap holds over all sessions. A folder: all that is recorded there counts,
            such as an evaluation's, and a file in it is added to.
        policy: What the grid changes.
        grid: Values by name; see `tuning.grid`. None: the part of `DEFAULT_GRID` that the policy has.
        objective: What is wanted; by default the best accuracy at no more than the cost of the policy as given.
        budget: Limits of one run.
        checker: Whether a stated answer is right.
        prices: Dollars per million tokens, by "provider:model".
        seed: Of the split.
        concurrency: Problems at once; what a server takes. A model's own `max_concurrency` holds as well.
        told: Called before each run; may raise to end it.
        command, data: For the policy's file.

    Raises:
        ValueError: An argument that cannot be used (also a problem's answer, or an unknown price); nothing has been
            called then.
        ModelsFailing: A model failed; what is done is kept.
    """
    return run_blocking(
        lambda: atune(
            problems,
            small=small,
            large=large,
            recordings=recordings,
            policy=policy,
            grid=grid,
            objective=objective,
            budget=budget,
            checker=checker,
            prices=prices,
            seed=seed,
            concurrency=concurrency,
            told=told,
            command=command,
            data=data,
        )
    )
