"""Whoever goes away takes the upstream request along: asserted on the server's side."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.outputs import ChatGenerationChunk

from benchmarks._crowd import client, crowd_graph
from tests.graphs import LOCAL_SMALL, graph
from tests.lateness import Lateness
from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph import Settings
from trigreason_graph.testing import OpenAIServer, Scripted, ScriptedModel

ENDLESS = Scripted(" ".join(["word"] * 5_000), delay=0.01)
QUESTION = {"question": "How many units are there?"}
SOON = 1.0
"""Seconds, beside those in which the machine ran other things; on a quiet one a tenth is enough."""
LONG = 30.0


def endless(server: Any) -> Any:
    graph = crowd_graph(client(server, "s"), client(server, "l", "turn"), settings=Settings(large="never"))
    return graph.compile()


async def writing(server: OpenAIServer) -> None:
    """Wait until the model writes."""
    while not server.calls or server.calls[0].pieces < 3:  # noqa: ASYNC110 - the server is a thread's
        await asyncio.sleep(0.01)


@pytest.fixture
def lateness() -> Iterator[Lateness]:
    with Lateness() as counted:
        yield counted


def closed_soon(server: OpenAIServer, since: float, late: float) -> None:
    [record] = server.calls
    assert record.outcome == "closed"
    assert record.noticed is not None
    assert record.noticed - since < SOON + 3 * late  # a thread that mostly sleeps is woken before those that work


async def test_a_cancelled_task(lateness: Lateness) -> None:
    async with OpenAIServer({"s": ENDLESS, "l": ENDLESS}, flavour="vllm") as server:
        running = asyncio.create_task(endless(server).ainvoke(QUESTION))
        await writing(server)
        since = lateness.begin()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await server.idle(LONG)
        closed_soon(server, since, lateness.seconds)


async def test_a_caller_whose_time_is_up(lateness: Lateness) -> None:
    async with OpenAIServer({"s": ENDLESS, "l": ENDLESS}, flavour="vllm") as server:
        graph = endless(server)
        running = asyncio.create_task(asyncio.wait_for(graph.ainvoke(QUESTION), 2.0))
        await writing(server)
        with pytest.raises(TimeoutError):
            await running
        since = lateness.begin()
        assert await server.idle(LONG)
        closed_soon(server, since, lateness.seconds)


async def test_a_stream_that_is_closed(lateness: Lateness) -> None:
    async with OpenAIServer({"s": ENDLESS, "l": ENDLESS}, flavour="vllm") as server:
        stream = endless(server).astream(QUESTION, stream_mode="custom")
        async for event in stream:
            if event["type"] == "token":
                break
        since = lateness.begin()
        await stream.aclose()
        assert await server.idle(LONG)
        closed_soon(server, since, lateness.seconds)


def test_an_interrupt(lateness: Lateness) -> None:
    """Ctrl-C in a program that calls `invoke`."""
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background inherits it ignored
        "from types import SimpleNamespace\n"
        "from tests.test_cancelling import QUESTION, endless\n"
        "endless(SimpleNamespace(url=sys.argv[1])).invoke(QUESTION)\n"
    )
    root = Path(__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with OpenAIServer({"s": ENDLESS, "l": ENDLESS}, flavour="vllm") as server:
        program = subprocess.Popen(
            [sys.executable, "-c", script, server.url], cwd=root, env=environment, stderr=subprocess.DEVNULL
        )
        try:
            until = time.monotonic() + 60
            while (not server.calls or server.calls[0].pieces < 3) and time.monotonic() < until:
                time.sleep(0.02)
            since = lateness.begin()
            program.send_signal(signal.SIGINT)
            assert server.wait_until_idle(LONG)
            closed_soon(server, since, lateness.seconds)
            assert program.wait(10) != 0
        finally:
            program.kill()
            program.wait()


class Swallowing(ScriptedModel):
    """A client that makes an error of its own out of a cancellation, as some do while they close a connection."""

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        try:
            async for chunk in super()._astream(*args, **kwargs):
                yield chunk
        except asyncio.CancelledError:
            raise ConnectionError("closed") from None


@pytest.mark.parametrize(
    "text", ["One is 3.\n\n" + "word " * 400, "\n"], ids=["in the stream", "before the first text"]
)
async def test_a_client_that_swallows_a_cancellation(text: str) -> None:
    slow = Swallowing(script=[Scripted(text, delay=0.05)], loop=True, trigreason_card=LOCAL_SMALL)
    running = asyncio.create_task(graph(slow, settings=Settings(large="never")).ainvoke(QUESTION))
    while not slow.prompts:  # noqa: ASYNC110 - nothing to wait on
        await asyncio.sleep(0.01)
    running.cancel()
    async with asyncio.timeout(LONG):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert slow.calls == 1
