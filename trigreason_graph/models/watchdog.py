"""A limit on every wait for a stream's next chunk, for less than a timeout of its own for each would cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

T = TypeVar("T")


class Watchdog:
    """Cancels the wait for a stream's next item when that takes too long.

    What ``asyncio.timeout`` does, with one timer for all waits: a later limit leaves it as it is, and where it goes off
    too early it is set anew. Tokens come faster than timers are worth setting.

    Attributes:
        expired: Whether the last wait took too long.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._limit = 0.0
        self._waiting: asyncio.Task[object] | None = None
        self.expired = False

    async def next_of(self, stream: AsyncGenerator[T, None], seconds: float) -> T | None:
        """The next item; None at the end.

        Args:
            stream: Where it comes from.
            seconds: Longest wait.

        Raises:
            TimeoutError: It did not come in time, and `expired` says so; the stream has been cancelled.
            CancelledError: The task was cancelled, whatever the stream has made of that.
        """
        self.expired = False
        self._watch(self._loop.time() + seconds)
        self._waiting = task = asyncio.current_task()
        assert task is not None, "a coroutine that runs is a task's"
        try:
            item = await anext(stream, None)
        except asyncio.CancelledError as cancelled:
            if self.expired and task.cancelling() == 1:  # nobody else wants it to end
                raise TimeoutError from cancelled
            raise
        except Exception:
            if task.cancelling() > self.expired:
                await _cancelled_all_the_same()
            raise
        finally:
            self._waiting = None
            if self.expired:
                task.uncancel()
        if task.cancelling():
            await _cancelled_all_the_same()
        return item

    def close(self) -> None:
        """There is nothing more to wait for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self, limit: float) -> None:
        self._limit = limit
        if self._timer is None or limit < self._timer.when():
            self.close()
            self._timer = self._loop.call_at(limit, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiting is None:
            return  # the reader is at work; the next wait sets the timer
        if self._loop.time() < self._limit:
            self._watch(self._limit)
            return
        self.expired = True
        self._waiting.cancel()


async def _cancelled_all_the_same() -> None:
    """What a client has made an error of its own of, or swallowed."""
    await asyncio.sleep(0)  # a scope of anyio's says so again here, in the words by which it knows its own
    raise asyncio.CancelledError
