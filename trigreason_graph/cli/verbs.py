"""What all verbs share: exit codes, and errors said in one line."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from trigreason_graph.errors import DownloadError, ModelNotReady, ModelsFailing, TrigReasonError


class ExitCode(IntEnum):
    """Exit codes of every verb; documented in ``--help`` and docs/cli.md."""

    DONE = 0
    INCOMPLETE = 1
    """The run ended without a full answer, or the doctor found the main job blocked."""
    USAGE = 2
    NOT_READY = 3
    """A model cannot be used: not fetched, server down, broken file."""
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    """Whoever read the output went away: 128 + SIGPIPE, as of any filter."""


EXIT_CODES = (
    "Exit codes: 0 answered; 1 ended without a full answer (budget, failed model, denied, unfinished); "
    "2 usage or bad input; 3 a model is not ready (not fetched, server down); 130 Ctrl-C; 141 output closed."
)

_DEBUG = "trigreason.debug"


def _remember_debug(context: typer.Context, value: bool) -> None:
    context.meta[_DEBUG] = value or context.meta.get(_DEBUG, False)


DebugOption = Annotated[
    bool,
    typer.Option("--debug", callback=_remember_debug, is_eager=True, help="Show the traceback of an error."),
]


class Verbs(TyperGroup):
    """A group of verbs that says errors for people and keeps tracebacks for bugs."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that was asked for; errors end in an exit code."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            close_quietly()
            raise typer.Exit(ExitCode.PIPE_CLOSED) from None
        except (OSError, sqlite3.Error) as fault:
            if ctx.meta.get(_DEBUG):
                raise
            complain(f"the output cannot be written or a file cannot be read: {fault}")
            close_quietly()
            raise typer.Exit(ExitCode.INCOMPLETE) from None
        except KeyboardInterrupt:
            complain("interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except (TrigReasonError, ValueError) as fault:
            if ctx.meta.get(_DEBUG):
                raise
            complain(describe(fault))
            not_ready = isinstance(fault, ModelNotReady | DownloadError | ModelsFailing)
            raise typer.Exit(ExitCode.NOT_READY if not_ready else ExitCode.USAGE) from None


def print_json(whole: Any) -> None:
    """An object or array of what was asked for with ``--json``."""
    typer.echo(json.dumps(whole, ensure_ascii=False, indent=2))


def complain(text: str) -> None:
    """One line on standard error."""
    typer.echo(f"trigreason: {text}", err=True)


def describe(fault: Exception) -> str:
    """An error as one line: what pydantic lists over several becomes "field: message; field: message".

    Argument names of the Python API ("policy=: …") lose what nobody writes on a command line.
    """
    from pydantic import ValidationError

    if isinstance(fault, ValidationError):
        found = (f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in fault.errors())
        return "; ".join(found)
    return re.sub(r"^([a-z_]+)=: ", r"\1: ", " ".join(str(fault).split())) or type(fault).__name__


@contextmanager
def mismatch_told(*, quietly: bool = False) -> Iterator[None]:
    """Within it, each mismatch of a policy and the models it is used with is said in one line; not at all `quietly`."""
    from trigreason_graph.errors import PolicyMismatch

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", PolicyMismatch)
        yield
    mismatches = [warning for warning in told if issubclass(warning.category, PolicyMismatch)]
    for message in dict.fromkeys(str(warning.message) for warning in mismatches):
        if not quietly:
            complain(f"warning: {message}")
    for warning in told:
        if warning not in mismatches:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def leave(code: int) -> NoReturn:
    """End the process at once, with whatever threads and in-process servers it still has."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def close_quietly() -> None:
    """Let the interpreter end without a complaint after whoever read our output has gone away."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
