"""How an evaluation is shown while it goes on: a bar where there is a terminal, else a line now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from trigreason_graph.evaluation import RunResult, Standing

LINE_EVERY = 10
"""Runs between two lines where there is no terminal."""

Show = Callable[["RunResult", "Standing"], None]


@contextmanager
def progress(*, shown: bool, color: bool) -> Iterator[Show]:
    """Shows how things stand on standard error.

    Args:
        shown: Whether anything is.
        color: Whether in colours.
    """
    if not shown:
        yield lambda run, standing: None
        return
    import sys

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from trigreason_graph.cli.screen import make_console

    console = make_console(color=color, file=sys.stderr)
    if not console.is_terminal:
        yield _lines
        return
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(run: RunResult, standing: Standing) -> None:
            bar.update(task, total=standing.total, completed=standing.done, description=line_of(standing))

        yield show


def _lines(run: RunResult, standing: Standing) -> None:
    if standing.made % LINE_EVERY == 0 or standing.done == standing.total:
        typer.echo(f"{standing.done}/{standing.total}  {line_of(standing)}", err=True)


def line_of(standing: Standing) -> str:
    """Accuracy by policy, cost, failures and the time left, of the runs made in this session."""
    right = ", ".join(f"{name} {good}/{runs}" for name, (good, runs) in standing.by_policy.items())
    parts = [f"right: {right}"]
    if standing.cost:
        parts.append(f"${standing.cost:.4f}")
    if standing.failed:
        parts.append(f"{standing.failed} failed")
    if standing.seconds_left:
        parts.append(f"{told_time(standing.seconds_left)} left")
    return "; ".join(parts)


def told_time(seconds: float) -> str:
    """A length of time in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
