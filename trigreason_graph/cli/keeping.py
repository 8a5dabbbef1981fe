"""A run of `solve` or `resume` as it is kept in the store: held, begun, ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trigreason_graph.cli.verbs import complain
from trigreason_graph.cli.words import QUIET_STYLE
from trigreason_graph.errors import ModelNotReady

if TYPE_CHECKING:
    from trigreason_graph.cli.job import Job
    from trigreason_graph.cli.run import Place
    from trigreason_graph.cli.store import Store, StoredRun
    from trigreason_graph.cli.view import View


@dataclass(frozen=True)
class Kept:
    """A thread that this process holds.

    Attributes:
        store: Where.
        thread: Its name.
        job: What it is to be resumed with.
        resume: Whether it was begun before.
    """

    store: Store
    thread: str
    job: Job
    resume: bool = False

    @property
    def place(self) -> Place:
        """Where LangGraph keeps it."""
        from trigreason_graph.cli.run import Place

        return Place(self.thread, self.store.saver, self.resume)

    def begin(self) -> None:
        """Note what it is started with."""
        self.store.begin(self.thread, self.job)

    def end(self, outcome: str) -> None:
        """Note how it ended."""
        self.store.end(self.thread, outcome)

    def tell_its_name(self, view: View) -> None:
        """Say under which name it can be looked at again, or asked further."""
        from trigreason_graph.cli.writing import GutterWriter

        GutterWriter(view.screen).say("stored", f"trigreason runs show {self.thread}", style=QUIET_STYLE)

    def tell_how_to_resume(self, view: View | None) -> None:
        """Say what to type; on standard error where standard output is for a program."""
        if view:
            from trigreason_graph.cli.writing import GutterWriter

            GutterWriter(view.screen).say("go on", f"trigreason resume {self.thread}", style=QUIET_STYLE)
        else:
            complain(f"to go on from here, type: trigreason resume {self.thread}")


@contextmanager
def storing(job: Job, thread: str | None) -> Iterator[Kept | None]:
    """Hold the thread of a new run; None, said once, where nothing can be stored.

    Raises:
        ValueError: The name is none, is taken by an unfinished run, or another process is at it.
    """
    from trigreason_graph.cli.store import UNFINISHED, Store, can_store, checked_name, store_path

    if not can_store():
        if thread is not None:
            raise ValueError(f"--thread needs the run to be stored: {missing_extra()}")
        complain(f"the run is kept in memory only: {missing_extra()}")
        yield None
        return
    store = Store(store_path())
    name = store.new_thread() if thread is None else checked_name(thread)
    earlier: StoredRun | None = None
    try:
        with held(store, name):
            earlier = store.find(name)
            if earlier and earlier.outcome == UNFINISHED:
                raise ValueError(f"--thread: {name} is not finished; go on with: trigreason resume {name}")
            yield Kept(store, name, job)
    except ModelNotReady:  # before the first call: there is nothing to go on with
        if earlier:
            store.end(name, earlier.outcome)
        else:
            store.delete([name])
        raise


@contextmanager
def held(store: Store, thread: str) -> Iterator[None]:
    """Hold a thread.

    Raises:
        ValueError: Another process has it.
    """
    with store.held(thread) as ours:
        if not ours:
            raise ValueError(f"{thread} is being run by another process")
        yield


def missing_extra() -> str:
    """What to type to have runs stored."""
    from trigreason_graph.cli.checks import install_extra

    return f'storing needs the extra "sqlite"; type: {install_extra("sqlite")}'
