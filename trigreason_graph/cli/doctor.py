"""`trigreason doctor`: what is there, what is missing, and what to type to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from trigreason_graph.cli.findings import Finding, can_run, show_findings
from trigreason_graph.cli.verbs import DebugOption, ExitCode


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (NO_COLOR does the same).")] = False,
    debug: DebugOption = False,
) -> None:
    """Say what is there, what is missing, and what to type to mend it. Changes nothing.

    Exit code 0 when `trigreason solve` can run with the embedded models, else 1.
    """
    findings = list(examine())
    if as_json:
        whole = {"can_run": can_run(findings), "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(whole, ensure_ascii=False, indent=2))
    else:
        from trigreason_graph.cli.screen import Screen, make_console

        show_findings(Screen(make_console(color=not no_color)), findings)
    raise typer.Exit(ExitCode.DONE if can_run(findings) else ExitCode.INCOMPLETE)


def examine() -> Iterator[Finding]:
    """All findings, in the order in which they are shown."""
    from trigreason_graph.cli import checks
    from trigreason_graph.cli.embedded import check_disk, check_models

    yield checks.check_python()
    yield from checks.check_packages()
    yield from check_models()
    yield check_disk()
    yield checks.check_cores()
    yield checks.check_ollama()
    yield checks.check_keys()
