"""`trigreason doctor`: what is there, what is missing, and what to type to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Annotated

import typer

from trigreason_graph.cli.findings import Finding, can_run, show_findings, show_verdict
from trigreason_graph.cli.verbs import DebugOption, ExitCode, print_json


def doctor(
    small: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="The small model to look at; else $TRIGREASON_SMALL, else embedded:small."),
    ] = None,
    large: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="The large model to look at; else $TRIGREASON_LARGE, else embedded:large."),
    ] = None,
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Ask the models' servers, and local models a few tokens, and keep what they can."),
    ] = False,
    paid: Annotated[
        bool, typer.Option("--paid", help="With --probe: call models that are not local, too, which may cost money.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (NO_COLOR does the same).")] = False,
    debug: DebugOption = False,
) -> None:
    """Say what is there, what is missing, what the models can do, and what to type to mend it.

    Changes nothing, but that --probe keeps what it finds out about the models. Exit code 0 when `trigreason solve` can
    run with these models, else 1.
    """
    if paid and not probe:
        raise ValueError("--paid allows the calls of --probe: give both, or neither")
    from trigreason_graph.cli.capabilities import examine_models, show_models
    from trigreason_graph.cli.defaults import Defaults

    defaults = Defaults()
    small, large = small or defaults.small, large or defaults.large
    findings = list(examine(small, large))
    if probe:
        typer.echo("Asking the models; a local one answers a few short questions, which may take minutes ...", err=True)
    models = list(examine_models(small, large, probe=probe, paid=paid))
    findings += [model.finding for model in models]
    if as_json:
        whole = {
            "can_run": can_run(findings),
            "findings": [asdict(finding) for finding in findings],
            "models": [model.as_json() for model in models],
        }
        print_json(whole)
    else:
        from trigreason_graph.cli.screen import Screen, make_console

        screen = Screen(make_console(color=not no_color))
        show_findings(screen, findings)
        show_models(screen, models)
        show_verdict(screen, findings)
    raise typer.Exit(ExitCode.DONE if can_run(findings) else ExitCode.INCOMPLETE)


def examine(small: str = "embedded:small", large: str = "embedded:large") -> Iterator[Finding]:
    """All findings about this machine, in the order in which they are shown.

    Args:
        small: Model string; what neither model needs is no problem.
        large: Likewise.
    """
    from trigreason_graph.cli import checks
    from trigreason_graph.cli.embedded import check_disk, check_models, keys_of

    embedded = any(spec.startswith("embedded:") for spec in (small, large))
    keys = keys_of((small, large))
    yield checks.check_python()
    extra = [f"extra {checks.NEEDED_EXTRA}"] if embedded else []
    yield from _noted(checks.check_packages(), but=["packages", *extra])
    yield from _noted(check_models(keys), but=[f"model {key}" for key in keys])
    yield check_disk(keys)
    yield checks.check_cores()
    yield checks.check_ollama()
    yield checks.check_keys()


def _noted(findings: Iterable[Finding], *, but: Sequence[str]) -> Iterator[Finding]:
    """Findings whose problems are mere notes, but those with topics that matter here."""
    for found in findings:
        mild = found.status == "problem" and found.topic not in but
        yield replace(found, status="note") if mild else found
