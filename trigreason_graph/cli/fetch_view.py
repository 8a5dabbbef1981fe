"""How a fetch of models is shown: a bar on a terminal, a line now and then elsewhere. Always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trigreason_graph.cli.screen import make_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from trigreason_graph.models.embedded.download import Progress

LINE_SHARE = 10
"""Percent between two lines, where there is no terminal."""

Show = Callable[["Progress"], None]


@contextmanager
def fetch_view() -> Iterator[Show]:
    """Give a function that shows each progress report of a fetch."""
    console = make_console(file=sys.stderr)
    if console.is_terminal and not console.is_dumb_terminal and sys.stderr.isatty():
        with _bars(console) as show:
            yield show
    else:
        yield _Lines().show


@contextmanager
def _bars(console: Console) -> Iterator[Show]:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, expand=True) as bars:
        tasks: dict[str, TaskID] = {}
        shown: dict[str, str] = {}

        def show(report: Progress) -> None:
            text, total = _doing(report), report.total or None
            if report.key not in tasks:
                tasks[report.key] = bars.add_task(text, total=total, completed=report.done)
            elif shown[report.key] != text:
                # Anew, so that speed and time left do not count what was there before.
                bars.reset(tasks[report.key], total=total, completed=report.done, description=text)
            else:
                bars.update(tasks[report.key], completed=report.done)
            shown[report.key] = text

        yield show


class _Lines:
    """For logs: one line at each change of what is done, and one every LINE_SHARE percent."""

    def __init__(self) -> None:
        self._doing = ""
        self._next = 0
        self._began = 0.0
        self._first = 0

    def show(self, report: Progress) -> None:
        text = _doing(report)
        share = 100 * report.done // report.total if report.total else 0
        if text != self._doing:
            self._doing, self._began, self._first = text, time.monotonic(), report.done
        elif report.phase != "downloading" or share < self._next:
            return
        self._next = share - share % LINE_SHARE + LINE_SHARE
        print(f"{text}{self._numbers(report, share)}", file=sys.stderr, flush=True)  # noqa: T201

    def _numbers(self, report: Progress, share: int) -> str:
        if report.phase != "downloading":
            return ""
        numbers = f", {share} % of {report.total / 1e6:,.0f} MB"
        seconds = time.monotonic() - self._began
        speed = (report.done - self._first) / seconds if seconds > 0 else 0.0
        if speed <= 0:
            return numbers
        left = (report.total - report.done) / speed
        return f"{numbers}, {speed / 1e6:.1f} MB/s, {left:.0f} s left"


def _doing(report: Progress) -> str:
    match report.phase:
        case "waiting":
            return f"{report.key}: another process is fetching it, waiting"
        case "checking":
            return f"{report.key}: checking what is here"
        case "connecting":
            return f"{report.key}: asking {report.source}"
        case "downloading":
            return f"{report.key}: from {report.source}"
        case "done":
            return f"{report.key}: there, SHA-256 checked"
