"""`trigreason calibrate`: thresholds for a chosen share of the work, from problems without answers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trigreason_graph.cli import options, tuning
from trigreason_graph.cli.verbs import DebugOption, complain, print_json

if TYPE_CHECKING:
    from trigreason_graph.tuning import Calibration, Question


class UnitChoice(StrEnum):
    """Of what the share is."""

    steps = "steps"
    large_tokens = "large_tokens"
    usd = "usd"


class MethodChoice(StrEnum):
    """Where thresholds come from."""

    quantile = "quantile"
    mixture = "mixture"


def calibrate(
    problems: Annotated[
        list[str],
        typer.Argument(metavar="DATA …", help="Files or named sets, as for evaluate; answers are not read."),
    ],
    escalation: Annotated[
        str,
        typer.Option(metavar="SHARE", help='What the large model is to get: 0.2, or "boundary" with --method mixture.'),
    ] = "0.2",
    unit: Annotated[UnitChoice, typer.Option(help="Share of what.")] = UnitChoice.steps,
    method: Annotated[MethodChoice, typer.Option(help="Where thresholds come from.")] = MethodChoice.quantile,
    small: options.Small = None,
    large: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="Named in the policy file and asked for its price; never called."),
    ] = None,
    policy: options.PolicyName = None,
    price: tuning.PriceOption = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The first N problems of each file only.")
    ] = None,
    concurrency: tuning.Concurrency = 1,
    recordings: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keeps what the small model writes; else a file in the cache folder."),
    ] = None,
    out: tuning.Out = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The new policy's name.")] = None,
    as_json: options.AsJson = False,
    debug: DebugOption = False,
) -> None:
    """Set a policy's thresholds so that the large model gets a chosen share of the work.

    Needs problems without answers and the small model only. Killed and run again, it goes on where it was.
    """
    from trigreason_graph.cli.defaults import Defaults
    from trigreason_graph.policies import dump_policy
    from trigreason_graph.tuning import calibrate as run
    from trigreason_graph.tuning import read_questions
    from trigreason_graph.tuning.replay import Unit

    questions = [question for source in problems for question in read_questions(source, limit=limit)]
    defaults = Defaults()
    model = defaults.small if small is None else small
    tuning.check_out(out)
    if escalation == "boundary" and method is not MethodChoice.mixture:
        raise ValueError("--escalation boundary goes with --method mixture")
    share = None if escalation == "boundary" else _share(escalation)
    wanted: Unit = unit.value
    cost = tuning.price_of(price, large) if unit is UnitChoice.usd else None
    with tuning.embedded_models([model]):
        found = run(
            questions,
            small=model,
            policy=defaults.policy if policy is None else policy,
            escalation=share,
            unit=wanted,
            method=method.value,
            large=large,
            price=cost,
            recordings=recordings or tuning.recordings_file("calibrate"),
            progress=_progress,
            concurrency=concurrency,
            command=tuning.command_line(),
            data=[Path(source).stem for source in problems],
            name=name,
        )
    if out is not None:
        out.write_text(dump_policy(found.policy), encoding="utf-8")
    if as_json:
        print_json(_object(found))
    else:
        _show(found, out)


def _share(written: str) -> float:
    try:
        return float(written)
    except ValueError:
        raise ValueError(f'--escalation {written}: a share such as 0.2, or "boundary"') from None


def _progress(begun: int, of: int, question: Question) -> None:
    tuning.show_progress(f"{begun + 1} of {of}: {question.id}", last=begun + 1 == of)


def _show(found: Calibration, out: Path | None) -> None:
    from trigreason_graph.tuning.calibration import UNIT_NAMES

    for name, value in found.thresholds.items():
        typer.echo(f"{name} = {value:g}")
    typer.echo(
        f"{UNIT_NAMES[found.unit]}: {found.share} on {found.problems} problems, {found.steps} steps; "
        f"{found.firing:.0%} of the judged steps are over the threshold"
    )
    typer.echo(found.verdict)
    for note in found.notes:
        typer.echo(f"note: {note}")
    if out is None:
        complain("no file was written; --out FILE.toml writes one, which --policy FILE.toml then takes")
    else:
        typer.echo(f"written: {out}; use it with: trigreason solve --policy {out}")


def _object(found: Calibration) -> dict[str, Any]:
    return {
        "policy": found.policy.name,
        "thresholds": found.thresholds,
        "unit": found.unit,
        "target": found.target,
        "share": {"value": found.share.value, "low": found.share.low, "high": found.share.high},
        "firing": found.firing,
        "problems": found.problems,
        "steps": found.steps,
        "promised": found.promised,
        "needed": found.needed,
        "verdict": found.verdict,
        "notes": list(found.notes),
    }
