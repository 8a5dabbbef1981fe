"""Blocking work beside an event loop, in a thread of its own that holds nobody up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


async def in_own_thread(work: Callable[[], T], name: str) -> T:
    """Run `work` in a daemon thread, with the caller's context variables, and wait for it.

    The loop's own pool has few threads, which the look-up of names and the host need too, and which the end of the
    process waits for. Whoever is cancelled while waiting leaves the thread behind.

    Args:
        work: What blocks.
        name: Of the thread.
    """
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # from now on only the thread says how it ends
    context = copy_context()

    def run() -> None:
        try:
            done.set_result(context.run(work))
        except (StopIteration, SystemExit, GeneratorExit) as stopped:  # no future takes it, or it would end the loop
            done.set_exception(RuntimeError(f"{type(stopped).__name__}: {stopped}"))
        except BaseException as fault:
            done.set_exception(fault)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(done)
