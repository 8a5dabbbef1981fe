"""What tuning would cost, before anything is paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trigreason_graph.bridge import run_blocking
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.evaluation.statistics import mean
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.models.resolve import ModelSpec
from trigreason_graph.policies import Policy, resolve_policy
from trigreason_graph.settings import Budget
from trigreason_graph.tuning.grid import Grid, settings_of
from trigreason_graph.tuning.runs import BUDGET, Answered, GraphRunner, Meter, calls_file, tuning_id
from trigreason_graph.tuning.search import planned_runs
from trigreason_graph.tuning.verifying import FACTOR, FINALISTS, split_of

UNKNOWN_CALLS = 8.0
"""Calls of both models a problem, where nothing is recorded: about what the default takes on GSM8K. Ours."""


@dataclass(frozen=True)
class Plan:
    """What tuning would cost; nothing was called for it.

    Attributes:
        settings: In the grid, the policy as given among them.
        train, validation, test: Problems.
        naive_runs: Runs of a grid without recordings, halving and cap.
        planned_runs: Runs at most, many of them from recordings.
        recorded: Problems on which the policy as given is recorded already.
        calls: Calls of the models at most, those of earlier sessions included. Of problems on which the policy as given
            is not recorded yet, a guess: as many as on the others, or 8.
        made: Of these, calls made in earlier sessions.
        large_tokens, usd: What those calls may cost at most, at the mean of the recorded runs; None: nothing recorded,
            or no price.
    """

    settings: int
    train: int
    validation: int
    test: int
    naive_runs: int
    planned_runs: int
    recorded: int
    calls: int
    made: int
    large_tokens: int | None
    usd: float | None


async def aplan(
    problems: Sequence[Answered],
    *,
    small: ModelSpec,
    large: ModelSpec,
    recordings: Path,
    policy: Policy | str | Path | None = None,
    grid: Grid | None = None,
    budget: Budget = BUDGET,
    prices: PriceTable | None = None,
    seed: int = 0,
) -> Plan:
    """What :func:`tune` would cost at most. No model is called; arguments as there."""
    given = resolve_policy(policy)
    settings, split = settings_of(given, grid), split_of(problems, seed)
    kept, tuning = calls_file(recordings), tuning_id(problems, given, small, large)
    meter = Meter(kept, tuning, granted=0)
    runner = GraphRunner.of(small, large, RecordingStore(recordings), meter, budget=budget, prices=prices)
    tried = [await runner.run(settings[0].policy, problem) for problem in split.all]
    known = [run for run in tried if run is not None]
    calls = mean([run.calls for run in known]) if known else UNKNOWN_CALLS
    most = int(FACTOR * calls * len(problems)) - 1
    scale = most / (calls * len(known)) if known else 0.0
    dollars = [run.usd for run in known if run.usd is not None]
    further, train = min(FINALISTS, len(settings) - 1), len(split.train)
    # The policy as given and the winner; of the search's runs the policy as given has made its own before.
    later = (further + 1) * len(split.validation) + 2 * len(split.test)
    return Plan(
        settings=len(settings),
        train=train,
        validation=len(split.validation),
        test=len(split.test),
        naive_runs=len(settings) * train + later,
        planned_runs=min(planned_runs(len(settings), train), len(settings) * train) + later,
        recorded=len(known),
        calls=most,
        made=Meter(kept, tuning).made,
        large_tokens=round(scale * sum(run.large_tokens for run in known)) if known else None,
        usd=scale * sum(dollars) if known and len(dollars) == len(known) else None,
    )


def plan(
    problems: Sequence[Answered],
    *,
    small: ModelSpec,
    large: ModelSpec,
    recordings: Path,
    policy: Policy | str | Path | None = None,
    grid: Grid | None = None,
    budget: Budget = BUDGET,
    prices: PriceTable | None = None,
    seed: int = 0,
) -> Plan:
    """:func:`aplan` for sync callers."""
    return run_blocking(
        lambda: aplan(
            problems,
            small=small,
            large=large,
            recordings=recordings,
            policy=policy,
            grid=grid,
            budget=budget,
            prices=prices,
            seed=seed,
        )
    )
