"""A wait that takes too long is ended; nothing else is, and no timer stays behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from trigreason_graph.models.watchdog import Watchdog


async def ticks(pauses: Sequence[float]) -> AsyncGenerator[int, None]:
    for number, pause in enumerate(pauses):
        await asyncio.sleep(pause)
        yield number


async def all_of(stream: AsyncGenerator[int, None], seconds: float) -> list[int]:
    watchdog, read = Watchdog(), list[int]()
    while (item := await watchdog.next_of(stream, seconds)) is not None:
        read.append(item)
    watchdog.close()
    return read


async def test_items_in_time_pass_however_long_they_take_together() -> None:
    assert await all_of(ticks([0.03] * 8), 0.1) == list(range(8))


async def test_a_wait_that_takes_too_long_is_ended() -> None:
    watchdog, stream = Watchdog(), ticks([0.0, 5.0])
    assert await watchdog.next_of(stream, 0.05) == 0
    begun = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        await watchdog.next_of(stream, 0.05)
    assert watchdog.expired
    assert asyncio.get_running_loop().time() - begun < 1.0
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling(), "what runs on here is not cancelled"
    await asyncio.sleep(0)


async def test_a_shorter_limit_than_the_one_before_holds() -> None:
    watchdog, stream = Watchdog(), ticks([0.0, 5.0])
    assert await watchdog.next_of(stream, 300.0) == 0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watchdog.next_of(stream, 0.05), 1.0)


async def test_the_time_between_two_waits_is_the_readers_own() -> None:
    watchdog, stream = Watchdog(), ticks([0.0, 0.0, 0.0])
    for number in range(3):
        assert await watchdog.next_of(stream, 0.05) == number
        await asyncio.sleep(0.1)
    assert not watchdog.expired


async def test_a_time_out_of_the_clients_own_is_no_expiry() -> None:
    async def fails() -> AsyncGenerator[int, None]:
        raise TimeoutError("the client's")
        yield 0

    watchdog = Watchdog()
    with pytest.raises(TimeoutError, match="the client's"):
        await watchdog.next_of(fails(), 1.0)
    assert not watchdog.expired


async def test_who_is_cancelled_from_outside_is_cancelled() -> None:
    reading = asyncio.create_task(all_of(ticks([5.0]), 10.0))
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_who_is_cancelled_and_out_of_time_at_once_is_cancelled() -> None:
    async def both() -> None:
        watchdog, task = Watchdog(), asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(0.02, task.cancel)
        asyncio.get_running_loop().call_later(0.0, time.sleep, 0.06)  # both are due when it goes on
        await watchdog.next_of(ticks([5.0]), 0.02)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(both())


async def test_a_client_that_swallows_the_cancellation_leaves_no_trace_of_it() -> None:
    async def stubborn() -> AsyncGenerator[int, None]:
        try:
            await asyncio.sleep(5.0)
        except asyncio.CancelledError:
            raise ConnectionError("closed") from None
        yield 0

    watchdog, task = Watchdog(), asyncio.current_task()
    with pytest.raises(ConnectionError):
        await watchdog.next_of(stubborn(), 0.02)
    assert task is not None
    assert not task.cancelling()


async def test_it_sets_one_timer_for_a_thousand_waits_and_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, timers = asyncio.get_running_loop(), list[asyncio.TimerHandle]()
    call_at = loop.call_at

    def counted(*arguments: Any, **keywords: Any) -> asyncio.TimerHandle:
        timers.append(call_at(*arguments, **keywords))
        return timers[-1]

    async def at_once() -> AsyncGenerator[int, None]:
        for number in range(1_000):
            yield number

    monkeypatch.setattr(loop, "call_at", counted)
    assert len(await all_of(at_once(), 60.0)) == 1_000
    assert len(timers) == 1
    assert timers[0].cancelled()
