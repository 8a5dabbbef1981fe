"""One run of the graph by the rules of a terminal: Ctrl-C ends it at once and keeps what there is."""

from __future__ import annotations

import asyncio
import signal
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphDrained
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import RunControl
from langgraph.types import Command

from trigreason_graph.cli.approving import NotAnswered, ask
from trigreason_graph.cli.tally import Event
from trigreason_graph.settings import Settings
from trigreason_graph.state import State

T = TypeVar("T")
Graph = CompiledStateGraph[Any, Any, Any, Any]

GRACE = 1.0
"""Seconds that a first Ctrl-C leaves the open call to be closed in order, before the run is cancelled."""
TICKS = 5
"""Updates of the status line a second."""


@dataclass(frozen=True)
class Ended:
    """Where a run stood when it ended.

    Attributes:
        state: As the checkpointer has it; empty when nothing was saved.
        interrupted: By Ctrl-C.
        waiting: What the graph asks a person before it goes on; None: nothing.
    """

    state: State
    interrupted: bool
    waiting: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Follower:
    """Who follows a run.

    Attributes:
        handle: Gets every event.
        tick: Called a few times a second while the run goes on.
        can_end_in_order: Whether it pays to give the run a moment to close its open call.
        resumed: Gets the saved state of a run that is taken up again, before it goes on.
        ask: Answers what the graph asks; raises NotAnswered where nobody does.
    """

    handle: Callable[[Event], None]
    tick: Callable[[], None]
    can_end_in_order: Callable[[], bool]
    resumed: Callable[[State], None] = lambda state: None
    ask: Callable[[Mapping[str, Any]], Any] = ask


@dataclass(frozen=True)
class Place:
    """Where a run is kept.

    Attributes:
        thread: LangGraph's thread id.
        saver: Opens the checkpointer in the run's loop; None: the graph's own.
        resume: Whether the run was begun there and goes on.
    """

    thread: str
    saver: Callable[[], AbstractAsyncContextManager[Any]] | None = None
    resume: bool = False


def run_graph(graph: Graph, question: str, settings: Settings, follower: Follower, place: Place | None = None) -> Ended:
    """Run `graph` on `question` to its end, or to Ctrl-C.

    Args:
        graph: Compiled with a checkpointer: what is done when the user interrupts is read from there.
        question: The problem.
        settings: The run's context.
        follower: Sees it happen.
        place: Where it is kept; by default in memory, under a name of its own.

    Raises:
        TrigReasonError, ValueError: From the graph, before anything was paid.
        BrokenPipeError: From the follower; the run is over then, and its calls are closed.
    """
    return _in_new_loop(_kept(graph, question, settings, follower, place or Place(uuid.uuid4().hex)))


async def _kept(graph: Graph, question: str, settings: Settings, follower: Follower, place: Place) -> Ended:
    async with place.saver() if place.saver else nullcontext(graph.checkpointer) as saver:
        graph.checkpointer = saver
        config: RunnableConfig = {"configurable": {"thread_id": place.thread}}
        given: dict[str, Any] | None = {"question": question}
        if place.resume:
            snapshot = await graph.aget_state(config)
            if snapshot.metadata is not None:  # else the process died before anything was saved
                given = None if snapshot.tasks else given
            state: State = snapshot.values  # type: ignore[assignment]
            if given is None and not state.get("outcome"):
                follower.resumed(state)
        ended = await _run(graph, given, config, settings, follower)
        while ended.waiting and not ended.interrupted:
            try:
                answer = follower.ask(ended.waiting)
            except NotAnswered:
                return replace(ended, interrupted=True)
            ended = await _run(graph, Command(resume=answer), config, settings, follower)
        return ended


async def _run(
    graph: Graph,
    given: dict[str, Any] | Command[Any] | None,
    config: RunnableConfig,
    settings: Settings,
    follower: Follower,
) -> Ended:
    control = RunControl()

    async def consume() -> None:
        stream = graph.astream(
            given, config, context=settings, stream_mode="custom", durability="sync", control=control
        )
        async with aclosing(stream):  # type: ignore[type-var]
            async for event in stream:
                follower.handle(event)

    running = asyncio.create_task(consume())
    ticking = asyncio.create_task(_tick(follower.tick))

    def interrupt() -> None:
        again, in_order = control.drain_requested, follower.can_end_in_order()
        control.request_drain("ctrl-c")
        asyncio.get_running_loop().call_later(GRACE if in_order and not again else 0, running.cancel)

    interrupted = False
    try:
        with _on_sigint(interrupt):
            await running
    except GraphDrained:
        interrupted = True
    except asyncio.CancelledError:
        if not control.drain_requested:
            raise
        interrupted = True
    finally:
        ticking.cancel()
    snapshot = await graph.aget_state(config)
    waiting = snapshot.interrupts[0].value if snapshot.interrupts else None
    return Ended(state=snapshot.values, interrupted=interrupted, waiting=waiting)  # type: ignore[arg-type]


async def _tick(tick: Callable[[], None]) -> None:
    while True:
        tick()
        await asyncio.sleep(1 / TICKS)


@contextmanager
def _on_sigint(handle: Callable[[], None]) -> Iterator[None]:
    """Have `handle` called for every Ctrl-C, where signals can be had: the main thread of a Unix process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, handle)
    except NotImplementedError:  # Windows: KeyboardInterrupt, handled by the verb
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _in_new_loop(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, but without waiting for threads: one that loads a model cannot be cancelled."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
