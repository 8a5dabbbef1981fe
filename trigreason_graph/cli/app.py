"""The typer application: one file a verb, mounted here."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from trigreason_graph.cli import models, policy, runs, triggers
from trigreason_graph.cli.calibrate import calibrate
from trigreason_graph.cli.doctor import doctor
from trigreason_graph.cli.evaluate import evaluate
from trigreason_graph.cli.resume import resume
from trigreason_graph.cli.solve import solve
from trigreason_graph.cli.tune import tune
from trigreason_graph.cli.verbs import EXIT_CODES, DebugOption, ExitCode, Verbs, complain, leave

app = typer.Typer(
    name="trigreason",
    cls=Verbs,
    help="A small local model reasons; a large one is called only when a trigger fires.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=EXIT_CODES)(solve)
app.command(epilog=EXIT_CODES)(resume)
app.command(epilog=EXIT_CODES)(evaluate)
app.command()(doctor)
app.command()(calibrate)
app.command()(tune)
app.add_typer(models.app, name="models")
app.add_typer(triggers.app, name="triggers")
app.add_typer(policy.app, name="policy")
app.add_typer(runs.app, name="runs")


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"trigreason-graph {version('trigreason-graph')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
    debug: DebugOption = False,
) -> None:
    """A small local model reasons; a large one is called only when a trigger fires."""


def run() -> None:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding shows "?" for what it lacks, instead of ending the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="trigreason")
    except OSError as fault:  # of what is written before a verb begins
        complain(f"the output cannot be written: {fault}")
        leave(ExitCode.INCOMPLETE)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # of a help text: typer and rich end with 1
            leave(ExitCode.PIPE_CLOSED)
        if end.code in (ExitCode.INTERRUPTED, ExitCode.PIPE_CLOSED):
            leave(end.code)
        raise
