"""One run of the graph by the rules of a terminal: Ctrl-C ends it at once and keeps what there is."""

from __future__ import annotations

import asyncio
import signal
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphDrained
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import RunControl

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
    """

    state: State
    interrupted: bool


@dataclass(frozen=True)
class Follower:
    """Who follows a run.

    Attributes:
        handle: Gets every event.
        tick: Called a few times a second while the run goes on.
        can_end_in_order: Whether it pays to give the run a moment to close its open call.
    """

    handle: Callable[[Event], None]
    tick: Callable[[], None]
    can_end_in_order: Callable[[], bool]


def run_graph(graph: Graph, question: str, settings: Settings, follower: Follower) -> Ended:
    """Run `graph` on `question` to its end, or to Ctrl-C.

    Args:
        graph: Compiled with a checkpointer: what is done when the user interrupts is read from there.
        question: The problem.
        settings: The run's context.
        follower: Sees it happen.

    Raises:
        TrigReasonError, ValueError: From the graph, before anything was paid.
        BrokenPipeError: From the follower; the run is over then, and its calls are closed.
    """
    return _in_new_loop(_run(graph, question, settings, follower))


async def _run(graph: Graph, question: str, settings: Settings, follower: Follower) -> Ended:
    control = RunControl()
    config: RunnableConfig = {"configurable": {"thread_id": uuid.uuid4().hex}}

    async def consume() -> None:
        stream = graph.astream({"question": question}, config, context=settings, stream_mode="custom", control=control)
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
    return Ended(state=snapshot.values, interrupted=interrupted)  # type: ignore[arg-type]


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
