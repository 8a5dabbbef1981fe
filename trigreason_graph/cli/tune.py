"""`trigreason tune`: a grid of settings on problems with answers, and the test of what wins."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trigreason_graph.cli import options, tuning
from trigreason_graph.cli.verbs import DebugOption, complain, mismatch_told, print_json
from trigreason_graph.reasoning.text import clean

if TYPE_CHECKING:
    from trigreason_graph.evaluation.checkers import Checker
    from trigreason_graph.evaluation.problem import Problem
    from trigreason_graph.models.wrapper import ReasoningModel
    from trigreason_graph.tuning.grid import Setting
    from trigreason_graph.tuning.plan import Plan
    from trigreason_graph.tuning.runs import Answered
    from trigreason_graph.tuning.verifying import Tuning


class AimChoice(StrEnum):
    """What is wanted."""

    accuracy = "accuracy"
    cost = "cost"
    pareto = "pareto"


class CostChoice(StrEnum):
    """What cost is counted in."""

    large_tokens = "large_tokens"
    usd = "usd"


def tune(
    problems: Annotated[
        str, typer.Argument(metavar="DATA", help="Problems with answers: a file or a named set, as for evaluate.")
    ],
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=V,V",
            help='"cognitive_offload.rho=0.85,0.93", "arithmetic_check=on,off", "initiation=off,prime:2".',
        ),
    ] = None,
    objective: Annotated[
        AimChoice, typer.Option(help="accuracy at a cost cap, cost at an accuracy floor, or the whole front.")
    ] = AimChoice.accuracy,
    limit: Annotated[
        float | None,
        typer.Option(metavar="X", help="The cap (cost a problem) or the floor (0 to 1); else the given policy's."),
    ] = None,
    unit: Annotated[CostChoice, typer.Option(help="What cost is counted in.")] = CostChoice.large_tokens,
    small: options.Small = None,
    large: options.Large = None,
    policy: options.PolicyName = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the split into search, validation and test.")] = 0,
    concurrency: tuning.Concurrency = 1,
    recordings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="Keeps what the models write; a folder is read whole and added to. Else: a file in the cache folder.",
        ),
    ] = None,
    large_tokens: options.LargeTokens = None,
    total_tokens: options.TotalTokens = None,
    large_calls: options.LargeCalls = None,
    price: tuning.PriceOption = None,
    out: tuning.Out = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The policy's name in the file.")] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw accuracy against cost.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would cost at most; nothing is paid.")
    ] = False,
    as_json: options.AsJson = False,
    debug: DebugOption = False,
) -> None:
    """Find the setting of a grid that serves an objective best, for less than six times the calls of one.

    Stopped and run again, it goes on where it was. "No better than the policy as given" is a possible answer.
    """
    from trigreason_graph.cli.defaults import Defaults
    from trigreason_graph.policies import dump_policy
    from trigreason_graph.tuning.grid import read_grid
    from trigreason_graph.tuning.picture import check_picture, draw
    from trigreason_graph.tuning.plan import plan
    from trigreason_graph.tuning.runs import BUDGET
    from trigreason_graph.tuning.search import Objective
    from trigreason_graph.tuning.tuner import tune as run

    listed, checker = answered(problems)
    defaults = Defaults()
    tuning.check_out(out)
    if name is not None and not clean(name).strip():
        raise ValueError("--name: the policy needs a name that can be read")
    if picture is not None:
        tuning.check_folder("--picture", picture)
        check_picture(picture)
    limits = {"large_tokens": large_tokens, "total_tokens": total_tokens, "large_calls": large_calls}
    pair = small or defaults.small, large or defaults.large
    shared: dict[str, Any] = {
        "small": pair[0],
        "large": priced(pair[1], price) if unit is CostChoice.usd else pair[1],
        "recordings": recordings or tuning.recordings_file("tune"),
        "policy": defaults.policy if policy is None else policy,
        "grid": read_grid(grid) if grid else None,
        "budget": options.chosen_budget(limits, BUDGET) or BUDGET,
        "seed": seed,
    }
    wanted = Objective(objective.value, limit, unit.value)
    with mismatch_told():
        expected = plan(listed, **shared)
    if not as_json:
        typer.echo(_told(expected))
    elif dry_run:
        print_json(expected.__dict__)
    if dry_run:
        return
    with tuning.embedded_models(pair), mismatch_told(quietly=True):
        found = run(
            listed,
            **shared,
            objective=wanted,
            checker=checker,
            concurrency=concurrency,
            told=_progress,
            command=tuning.command_line(),
            data=[Path(problems).stem],
        )
    if sys.stderr.isatty():
        typer.echo(err=True)  # ends the line of the progress
    if as_json:
        print_json(_object(found))
    else:
        typer.echo(_shown(found))
    if picture is not None:
        draw(found, picture)
    if out is not None:
        out.write_text(dump_policy(replace(found.policy, name=name or found.policy.name)), encoding="utf-8")
        worth = "" if found.better else ", which was not found better than the policy as given"
        complain(f"written: {out}, policy {name or found.policy.name}{worth}")


def priced(large: str, price: str | None) -> ReasoningModel:
    """The large model, at the price that was given or else is known; a local one too has the one that was given.

    Raises:
        ValueError: Neither is there.
    """
    from trigreason_graph.models.resolve import resolve_model

    dollars = tuning.price_of(price, large)
    model = resolve_model(large, "large")
    card = replace(model.card, local=False)
    return model.model_copy(update={"card": card, "prices": {card.full_name: dollars}})


def answered(source: str) -> tuple[Sequence[Problem], Checker]:
    """Problems with answers, and what compares those with what the models state.

    Raises:
        DataError: They cannot be read, one has no answer (the text names the line), or their questions must not be
            written down.
        ValueError: Their answers are of several kinds.
    """
    from trigreason_graph.evaluation import read_problems
    from trigreason_graph.evaluation.checkers import checker_of
    from trigreason_graph.tuning.questions import check_public

    given = read_problems(source)
    check_public(given.name, given.private)
    kinds = sorted({problem.kind for problem in given.problems})
    if len(kinds) > 1:
        raise ValueError(f"{source}: its answers are of several kinds ({', '.join(kinds)}); give one kind at a time")
    return given.problems, checker_of(kinds[0])


def _progress(setting: Setting, problem: Answered, done: int, planned: int) -> None:
    of = f" of at most {planned}" if planned else ""
    tuning.show_progress(f"{done + 1}{of}: {setting.name}: {problem.id}")


def _told(plan: Plan) -> str:
    tokens = "" if plan.large_tokens is None else f", about {plan.large_tokens:,} LRM tokens"
    dollars = "" if plan.usd is None else f", about ${plan.usd:.2f}"
    every = plan.train + plan.validation + plan.test
    most = "At most" if plan.recorded == every else "Probably at most"
    return (
        f"{plan.settings} settings; {plan.train} problems to search on, {plan.validation} to validate, {plan.test} to "
        f"test.\n{most} {plan.calls} calls of both models{tokens}{dollars} ({plan.made} made already; the policy as "
        f"given is recorded on {plan.recorded} of {every} problems, and tuning takes less than six times its calls).\n"
        f"Runs: {plan.planned_runs} at most; a plain grid would take {plan.naive_runs}."
    )


def _shown(found: Tuning) -> str:
    lines = ["accuracy  cost      run on    setting (on the search part; ~ estimated in part)"]
    for one in sorted(found.scored, key=lambda one: (-one.accuracy, one.cost)):
        on_front = " front" if one in found.front else ""
        lines.append(
            f"{one.accuracy:.2f}{'~' if one.estimated else ' '}     {one.cost:<8.4g}  {one.run} of {one.problems:<4} "
            f"{one.setting.name}{on_front}"
        )
    lines.append(f"calls: {found.calls}, {found.calls / max(found.one_run, 1):.1f} times those of one run")
    if found.exhausted:
        lines.append("the granted calls ended the search early")
    return "\n".join([*lines, found.verdict])


def _object(found: Tuning) -> dict[str, Any]:
    return {
        "policy": found.policy.name,
        "setting": dict(found.setting.values),
        "better": found.better,
        "verdict": found.verdict,
        "accuracy": {"given": found.given[0], "chosen": found.chosen[0], "gain": list(found.accuracy_gain)},
        "cost": {"given": found.given[1], "chosen": found.chosen[1], "gain": list(found.cost_gain)},
        "calls": found.calls,
        "one_run": found.one_run,
        "exhausted": found.exhausted,
        "settings": [
            {
                "values": dict(one.setting.values),
                "accuracy": one.accuracy,
                "cost": one.cost,
                "run": one.run,
                "problems": one.problems,
                "estimated": one.estimated,
                "front": one in found.front,
            }
            for one in found.scored
        ],
    }
