"""`trigreason runs`: the stored runs: which there are, what came of them, and removing them."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trigreason_graph.cli import options, words
from trigreason_graph.cli.verbs import Verbs, print_json
from trigreason_graph.errors import ModelNotReady
from trigreason_graph.reasoning.text import clean

if TYPE_CHECKING:
    from trigreason_graph.cli.store import Store, StoredRun
    from trigreason_graph.state import State

app = typer.Typer(
    name="runs",
    cls=Verbs,
    help="The runs that solve has stored: list them, show one, remove old ones.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ListAsJson = Annotated[bool, typer.Option("--json", help="As one JSON array.")]
AGE = re.compile(r"(\d+)\s*([hdw])")
UNITS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}


@app.command("list")
def list_runs(as_json: ListAsJson = False) -> None:
    """Show all stored runs, the one that changed last first."""
    store = open_store()
    rows = [_described(store, run) for run in store.runs()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        changed = datetime.fromisoformat(row["changed"]).strftime("%Y-%m-%d %H:%M")
        typer.echo(f"{row['thread']:<10} {changed}  {row['outcome']:<11} {clean(words.shortened(row['question']))}")
    typer.echo(f"in {store.path}" if rows else f"no run is stored in {store.path}")


@app.command("show")
def show_run(
    thread: Annotated[str, typer.Argument(metavar="THREAD", help="Its name; see: trigreason runs list")],
    as_json: options.AsJson = False,
    no_color: options.NoColor = False,
) -> None:
    """Show a run's steps, its answer and its report; of an unfinished one, what there is so far."""
    from trigreason_graph.cli.replay import recount, replayed
    from trigreason_graph.cli.report import show_result
    from trigreason_graph.cli.result import whole_result
    from trigreason_graph.cli.screen import Screen, make_console
    from trigreason_graph.cli.tally import Tally
    from trigreason_graph.cli.view import View

    store = open_store()
    stored = found(store, thread)
    state = _state(store, stored)
    tally = Tally()
    recount(tally, state)
    view = None if as_json else View(Screen(make_console(color=not no_color)), tally)
    for event in replayed(state, stored.job):
        (view.handle if view else tally.handle)(event)
    if view is None:
        print_json(whole_result(state, tally, thread))
        return
    view.close()
    show_result(view.screen, state["answer"], state["report"])
    if _described(store, stored)["outcome"] == "unfinished":
        typer.echo(f"\nto go on from here, type: trigreason resume {thread}")


@app.command("prune")
def prune_runs(
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Remove runs that last changed longer ago: 12h, 30d, 8w.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Keep the N runs that changed last, whatever their age.")
    ] = None,
) -> None:
    """Remove whole runs with their checkpoints, unfinished ones too; one that is being run stays.

    With both options a run is removed only when both allow it.
    """
    if older_than is None and keep is None:
        raise ValueError("say which: trigreason runs prune --older-than 30d, or --keep 100")
    limit = time.time() - (seconds_of(older_than) if older_than else 0)
    store = open_store()
    old = [run.thread for run in store.runs()[keep or 0 :] if run.changed <= limit]
    gone = store.delete(old)
    typer.echo(f"removed {words.count(len(gone), 'run')}" + "".join(f"\n  {thread}" for thread in gone))
    if len(gone) < len(old):
        typer.echo(f"left alone, since a process is at it: {', '.join(sorted(set(old) - set(gone)))}", err=True)


def seconds_of(age: str) -> float:
    """An age like "30d" in seconds.

    Raises:
        ValueError: It is none.
    """
    read = AGE.fullmatch(age.strip())
    if read is None:
        raise ValueError(f"--older-than {age!r}: write a number of hours, days or weeks, as 12h, 30d or 8w")
    return int(read[1]) * UNITS[read[2]]


def open_store() -> Store:
    """The user's store.

    Raises:
        ModelNotReady: The extra it needs is not installed.
    """
    from trigreason_graph.cli.keeping import missing_extra
    from trigreason_graph.cli.store import Store, can_store, store_path

    if not can_store():
        raise ModelNotReady(missing_extra())
    return Store(store_path())


def found(store: Store, thread: str) -> StoredRun:
    """The run of that name.

    Raises:
        ValueError: There is none.
    """
    run = store.find(thread)
    if run is None:
        raise ValueError(f"there is no run {thread!r}; to see which there are, type: trigreason runs list")
    return run


def _described(store: Store, run: StoredRun) -> dict[str, Any]:
    running = run.outcome == "unfinished" and store.is_running(run.thread)
    return {
        "thread": run.thread,
        "outcome": "running" if running else run.outcome,
        "begun": datetime.fromtimestamp(run.begun).astimezone().isoformat(timespec="seconds"),
        "changed": datetime.fromtimestamp(run.changed).astimezone().isoformat(timespec="seconds"),
        "question": run.job.question,
        "small": run.job.small,
        "large": run.job.large,
        "policy": run.job.policy,
    }


def _state(store: Store, run: StoredRun) -> State:
    """A run's state as its last checkpoint has it; of an unfinished one completed with the report so far."""
    from trigreason_graph.cli.saved import read_state

    return read_state(store, run)
