"""Many runs at once: as many calls of a model as it may have, nobody starves, waiting costs no one."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.outputs import ChatGenerationChunk

from benchmarks import crowd, overhead
from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from tests.wrapped import SPEAKS, STOP, Client, Reader, chunk, written
from trigreason_graph import Policy, create_trigreason_graph
from trigreason_graph.bridge import run_blocking
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.testing import ScriptedModel

PAUSE = 0.05


class Slow(Client):
    """Takes its time, and notes how many streams were open at once."""

    at_once: int = 0
    most: int = 0

    async def _astream(self, messages: Any, *given: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(PAUSE)
            yield chunk("So it is 7.")
            yield STOP
        finally:
            self.at_once -= 1


def slow(most: int | None) -> tuple[Slow, ReasoningModel]:
    inner = Slow(calls=[])
    return inner, ReasoningModel(inner=inner, card=SPEAKS, max_concurrency=most)


async def test_no_more_calls_at_once_than_allowed() -> None:
    inner, model = slow(2)
    exchanges = await asyncio.gather(*(written(model, Reader()) for _ in range(6)))
    assert inner.most == 2
    assert {exchange.last.status for exchange in exchanges} == {"ok"}


async def test_without_a_limit() -> None:
    inner, model = slow(None)
    await asyncio.gather(*(written(model, Reader()) for _ in range(6)))
    assert inner.most == 6


async def test_waiting_is_no_part_of_a_call() -> None:
    _, model = slow(1)
    exchanges = await asyncio.gather(*(written(model, Reader()) for _ in range(6)))
    assert max(exchange.last.seconds for exchange in exchanges) < 4 * PAUSE  # the last one waited for 5


async def test_copies_are_counted_together() -> None:
    inner, model = slow(1)
    copies = [model, model.model_copy(), model.model_copy(update={"role": "large"}), model.model_copy(deep=False)]
    await asyncio.gather(*(written(one, Reader()) for one in copies))
    assert inner.most == 1


async def test_two_graphs_of_one_model_are_counted_together() -> None:
    inner, model = slow(1)
    large = ScriptedModel(script=[])
    graphs = [create_trigreason_graph(small=model, large=large, policy=Policy("p")).compile() for _ in range(3)]
    await asyncio.gather(*(graph.ainvoke({"question": "3 + 4?"}) for graph in graphs))
    assert inner.most == 1


async def test_a_place_is_free_again_after_a_call_that_was_cancelled() -> None:
    _, model = slow(1)
    first = asyncio.create_task(written(model, Reader()))
    await asyncio.sleep(PAUSE / 5)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert (await asyncio.wait_for(written(model, Reader()), 5)).last.status == "ok"


async def test_each_loop_has_places_of_its_own() -> None:
    _, model = slow(1)
    await written(model, Reader())
    loop = asyncio.get_running_loop()
    reply = await loop.run_in_executor(None, lambda: run_blocking(lambda: model.ainvoke([HumanMessage("3 + 4?")])))
    assert reply.content == "So it is 7."


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="max_concurrency"):
        ReasoningModel(inner=Client(calls=[]), max_concurrency=0)


async def test_the_first_token_comes_soon() -> None:
    """Short form of `benchmarks/overhead.py`: 3 to 7 ms after the bare client's, where 50 are allowed."""
    assert (await overhead.first_token(5))["added_ms"] < 50


@pytest.mark.parametrize("steady", [False, True], ids=["Python's collector", "a server's"])
async def test_a_crowd(steady: bool) -> None:
    """Short form of `benchmarks/crowd.py`, which has the figures."""
    usual = gc.get_threshold()
    result = await crowd.crowd(30, most=8, keep_alive=False, pace=0.001, steady=steady)
    assert crowd.faults_of(result, limited=True, steady=steady) == []
    assert gc.get_threshold() == usual
    assert result["most_at_once"] <= 8
