"""A call that nobody listens to goes past LangChain, and nothing else about it is different."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.globals import set_debug
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.rate_limiters import InMemoryRateLimiter

from tests.impatience import no_waiting_between_tries  # noqa: F401 - of itself used by every test
from tests.wrapped import QUESTION, SPEAKS, STOP, Client, Reader, Trace, asked, chunk, used, wrapped, written
from trigreason_graph.models import ReasoningModel

CHUNKS = (chunk("one "), chunk("two "), chunk("three"), STOP, chunk(usage=used(9, 5)))
KEY = "sk-planted0123456789abcdef"


async def test_it_goes_past_langchain(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*_: Any, **__: Any) -> None:
        raise AssertionError("there is nobody to tell")

    monkeypatch.setattr(BaseChatModel, "_get_invocation_params", told)  # what is told of a call
    reader = Reader()
    exchange = await written(wrapped(CHUNKS), reader)
    assert reader.text() == "one two three"
    assert (exchange.last.status, exchange.last.usage.tokens_out) == ("ok", 5)


async def test_listeners_that_are_set_for_a_block_are_told() -> None:
    with get_usage_metadata_callback() as counter:
        await written(wrapped(CHUNKS), Reader())
    (counted,) = counter.usage_metadata.values()
    assert counted["output_tokens"] == 5


async def test_so_are_those_that_are_set_for_the_process(capsys: pytest.CaptureFixture[str]) -> None:
    set_debug(True)
    try:
        await written(wrapped(CHUNKS), Reader())
    finally:
        set_debug(False)
    assert "one two three" in capsys.readouterr().out


@pytest.mark.parametrize("callbacks", [None, [Trace()]], ids=["nobody", "a tracer"])
async def test_the_client_gets_the_same_prompt_whoever_listens(callbacks: Any) -> None:
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}
    client = Client(calls=[CHUNKS])
    model = ReasoningModel(inner=client, card=SPEAKS, callbacks=callbacks)
    await model.write([HumanMessage([{"type": "text", "text": "Read it."}, file])], asked(Reader()), name="x")
    (human,) = client.prompts[0]
    assert isinstance(human.content, list)
    assert [block["type"] for block in human.content if isinstance(block, dict)] == ["text", "file"]
    sent = human.content[1]
    assert isinstance(sent, dict)
    assert sent["base64"] == "JVBERi0=", "LangChain's own form, which each provider's client knows"


async def test_the_wrappers_own_rate_limiter_holds() -> None:
    class Counting(InMemoryRateLimiter):
        taken = 0

        async def aacquire(self, *, blocking: bool = True) -> bool:
            Counting.taken += 1
            return True

    await written(wrapped(CHUNKS, rate_limiter=Counting()), Reader())
    assert Counting.taken == 1


async def test_a_subclass_that_looks_at_the_stream_sees_it() -> None:
    class Counting(ReasoningModel):
        seen: int = 0

        async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
            self.seen += 1
            async for one in super()._astream(*args, **kwargs):
                yield one

    model = Counting(inner=Client(calls=[CHUNKS]), card=SPEAKS)
    await written(model, Reader())
    assert model.seen == 1


class RefusesAtOnce(Client):
    """Its `_astream` is no generator: it fails where it is called."""

    failures: int = 1

    def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError(f"refused, {KEY}")
        return super()._astream(*args, **kwargs)


async def test_a_client_that_fails_when_it_is_called_is_tried_again_and_counted() -> None:
    reader = Reader()
    exchange = await written(ReasoningModel(inner=RefusesAtOnce(calls=[CHUNKS]), card=SPEAKS), reader)
    assert [attempt.status for attempt in exchange.attempts] == ["error", "ok"]
    assert reader.text() == "one two three"


async def test_one_that_goes_on_failing_is_a_failed_call_without_keys() -> None:
    exchange = await written(ReasoningModel(inner=RefusesAtOnce(calls=[], failures=9), card=SPEAKS), Reader())
    assert [attempt.status for attempt in exchange.attempts] == ["error"] * 3
    assert KEY not in exchange.last.fault


class Stubborn(Client):
    """Makes an error of its own of being cancelled, or says nothing of it at all."""

    says: bool = True

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        yield chunk("one ")
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            if self.says:
                raise ConnectionError("closed") from None
        yield STOP


@pytest.mark.parametrize("says", [True, False], ids=["an error of its own", "swallowed"])
async def test_a_scope_that_cancels_knows_its_own_cancellation(says: bool) -> None:
    model = ReasoningModel(inner=Stubborn(calls=[], says=says), card=SPEAKS)
    exchange = asked(Reader())
    with anyio.move_on_after(0.05) as scope:
        await model.write(QUESTION, exchange, name="x")
    assert scope.cancelled_caught
    assert [attempt.finish for attempt in exchange.attempts] == ["cancelled"]
