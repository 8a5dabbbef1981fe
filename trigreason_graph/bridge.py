"""Async nodes for sync callers.

A graph of async nodes refuses ``invoke``; a loop per call breaks pooled HTTP clients ("Event loop is closed"). So one
long-lived background loop serves all sync callers of the process, with the caller's context copied in.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig

T = TypeVar("T")

INTERRUPT_SECONDS = 0.2
"""Our choice: how late an interrupt may be seen. One that comes just before a lock is waited for does not wake it, so
that a wait without a limit would see it at the end only."""


class _Background(threading.Thread):
    """A thread that runs one event loop for as long as the process lives."""

    def __init__(self) -> None:
        super().__init__(name="trigreason-sync", daemon=True)
        self.loop = asyncio.new_event_loop()

    def run(self) -> None:
        while True:
            # A task that raises SystemExit stops the loop before its caller is told; running on tells it.
            with suppress(SystemExit, KeyboardInterrupt):
                self.loop.run_forever()


_lock = threading.Lock()
_background: _Background | None = None


def _running() -> _Background:
    global _background
    with _lock:
        if _background is None or not _background.is_alive():  # a fork has the object, but no thread
            _background = _Background()
            _background.start()
        return _background


def raise_if_cancelled() -> None:
    """Let a cancellation through that a client on the way has turned into an error of its own, or swallowed.

    Raises:
        CancelledError: The running task was cancelled and goes on all the same.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def on_background_loop() -> bool:
    """Whether the caller runs on the loop that serves sync callers."""
    return threading.current_thread() is _background


def run_blocking(go: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function on the background loop and wait for it; an interrupt cancels it.

    Args:
        go: Called once; its coroutine sees the caller's context variables.

    Raises:
        RuntimeError: When called from the background loop itself, where waiting would never end.
    """
    background = _running()
    if threading.current_thread() is background:
        raise RuntimeError("a sync call was made from inside an async one; use ainvoke or astream there")
    started: list[asyncio.Task[T]] = []
    finished = threading.Event()

    async def work() -> T:
        return await go()

    def start() -> None:
        task = background.loop.create_task(work())
        started.append(task)
        task.add_done_callback(lambda _: finished.set())

    def stop() -> None:
        for task in started:
            task.cancel()

    # An interrupt may come at any point: once `start` is queued, which copies the context, `stop` is queued behind it.
    try:
        background.loop.call_soon_threadsafe(start)
        while not finished.wait(INTERRUPT_SECONDS):
            pass
    except BaseException:
        background.loop.call_soon_threadsafe(stop)
        raise
    return started[0].result()


class Node(Runnable[Any, Any]):
    """A graph node made of one async function of the state; works for sync callers too."""

    def __init__(self, function: Callable[[Any], Awaitable[Any]], name: str) -> None:
        self.function, self.name = function, name

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        async def go() -> Any:
            return await self.function(input)

        return run_blocking(go)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return await self.function(input)


class Route(Runnable[Any, str]):
    """A conditional edge made of one pure function of the state.

    LangGraph hands a plain function to a thread and waits for it: two milliseconds, where routing takes one
    microsecond.
    """

    def __init__(self, function: Callable[[Any], str]) -> None:
        self.function, self.name = function, function.__name__

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        return self.function(input)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        return self.function(input)
