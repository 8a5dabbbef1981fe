"""Async nodes for sync callers.

A graph of async nodes refuses ``invoke``; a loop per call breaks pooled HTTP clients ("Event loop is closed"). So one
long-lived background loop serves all sync callers of the process, with the caller's context copied in.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def _background_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="trigreason-sync", daemon=True).start()
        return _loop


def run_blocking(go: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function on the background loop and wait for it; an interrupt cancels it.

    Raises:
        RuntimeError: When called from the background loop itself, where waiting would never end.
    """
    loop = _background_loop()
    if threading.current_thread().name == "trigreason-sync":
        raise RuntimeError("a sync call was made from inside an async one; use ainvoke or astream there")
    context = contextvars.copy_context()
    done: list[asyncio.Task[T]] = []
    finished = threading.Event()

    def start() -> None:
        task = loop.create_task(go(), context=context)
        task.add_done_callback(lambda _: finished.set())
        done.append(task)

    loop.call_soon_threadsafe(start)
    try:
        finished.wait()
    except BaseException:
        loop.call_soon_threadsafe(lambda: done and done[0].cancel())
        raise
    return done[0].result()


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
