"""Several things at once, in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def side_by_side(items: Iterable[T], do: Callable[[T], Awaitable[object]], at_once: int) -> None:
    """Do something for each item, in their order, for so many at once; the first fault ends all.

    Args:
        items: Asked for the next one whenever there is room.
        do: What is done for one.
        at_once: From 1.
    """
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await do(item)

    workers = [asyncio.create_task(worker()) for _ in range(at_once)]
    try:
        await asyncio.gather(*workers)
    finally:
        for one in workers:
            one.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def check_concurrency(concurrency: int) -> None:
    """Raise ValueError where so many at once make no sense."""
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise ValueError(f"concurrency= must be a whole number from 1, not {concurrency!r}")
