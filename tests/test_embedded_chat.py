"""The embedded models as chat models."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models.embedded import server
from trigreason_graph.models.embedded.catalog import MODELS
from trigreason_graph.models.embedded.chat import EmbeddedChat

PROMPT: list[BaseMessage] = [SystemMessage("You tell stories."), HumanMessage("Write a long story about a fox.")]
OPENING = "Once upon a time, there was a fox"


@pytest.fixture(scope="module", autouse=True)
def stopped() -> Iterator[None]:
    yield
    server.close_all()


class TestWithoutAModel:
    async def test_not_fetched(self) -> None:
        for key in ("small", "large", "tiny"):
            with pytest.raises(ModelNotReady, match=f"trigreason models pull {key}"):
                await EmbeddedChat(source=key).aready()

    async def test_no_such_file(self, tmp_path: Path) -> None:
        model = EmbeddedChat(source=str(tmp_path / "mine.gguf"))
        with pytest.raises(ModelNotReady, match="There is no model file"):
            await model.ainvoke("hello")
        with pytest.raises(ModelNotReady, match="There is no model file"):
            model.invoke("hello")

    def test_what_it_says_about_itself(self) -> None:
        model = EmbeddedChat(source="small")
        assert model._llm_type == "embedded"
        assert model.window == 4096
        assert model.digest == MODELS["small"].sha256
        assert model._identifying_params["sha256"] == MODELS["small"].sha256
        assert model._get_ls_params()["ls_provider"] == "embedded"

    def test_it_takes_no_tools(self) -> None:
        with pytest.raises(NotImplementedError, match="embedded:small calls no tools natively: build the agent on a"):
            EmbeddedChat(source="small").bind_tools([len])

    def test_a_file_of_the_users_own_is_told_by_its_hash(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.gguf"
        model = EmbeddedChat(source=str(path))
        assert model._identifying_params["sha256"] is None
        path.write_bytes(b"GGUF")
        assert model._identifying_params["sha256"] == model.digest != MODELS["small"].sha256


@pytest.mark.real_model
class TestRunning:
    @pytest.fixture
    def model(self, tiny_model: Path) -> EmbeddedChat:
        return EmbeddedChat(source="tiny", context=2048)

    async def test_the_same_text_however_it_is_called(self, model: EmbeddedChat) -> None:
        await model.aready()
        streamed = "".join([chunk.text async for chunk in model.astream(PROMPT, max_tokens=12)])
        assert streamed
        assert (await model.ainvoke(PROMPT, max_tokens=12)).text == streamed
        assert await asyncio.to_thread(lambda: model.invoke(PROMPT, max_tokens=12).text) == streamed
        assert "".join(chunk.text for chunk in model.stream(PROMPT, max_tokens=12)) == streamed

    async def test_a_prefill_is_continued_and_not_repeated(self, model: EmbeddedChat) -> None:
        reply = await model.ainvoke([*PROMPT, AIMessage(OPENING)], max_tokens=8)
        assert reply.text
        assert not reply.text.startswith("Once")

    async def test_usage_and_the_prompt_cache(self, model: EmbeddedChat) -> None:
        text = (await model.ainvoke(PROMPT, max_tokens=20)).text
        longer = [*PROMPT, AIMessage(text)]
        usage = (await model.ainvoke(longer, max_tokens=4)).usage_metadata
        assert usage is not None
        assert usage["output_tokens"] == 4
        assert usage["input_token_details"]["cache_read"] >= usage["input_tokens"] - 2

    async def test_tokens_are_counted_exactly(self, model: EmbeddedChat) -> None:
        for messages in (PROMPT, [*PROMPT, AIMessage(OPENING)]):
            usage = (await model.ainvoke(messages, max_tokens=1)).usage_metadata
            assert usage is not None
            assert await model.acount(messages) == usage["input_tokens"] == model.get_num_tokens_from_messages(messages)

    async def test_options_of_a_call(self, model: EmbeddedChat) -> None:
        reply = await model.ainvoke(
            [*PROMPT, AIMessage(OPENING)],
            stop=[" fox", "."],
            max_tokens=40,
            logprobs=True,
            top_logprobs=3,
            seed=1,
            temperature=0.7,
            extra_body={"min_p": 0.1},
        )
        assert "." not in reply.text
        logprobs = reply.response_metadata["logprobs"]["content"]
        assert len(logprobs[0]["top_logprobs"]) == 3
        assert reply.response_metadata["finish_reason"] == "stop"

    async def test_a_closed_stream_makes_way_at_once(self, model: EmbeddedChat) -> None:
        began = time.monotonic()
        whole = (await model.ainvoke(PROMPT, max_tokens=40)).text
        forty = time.monotonic() - began
        for _ in range(3):
            async with aclosing(model.astream(PROMPT, max_tokens=1900, extra_body={"ignore_eos": True})) as stream:  # type: ignore[type-var]
                await read_some(stream, 5)
            began = time.monotonic()
            assert whole.startswith((await model.ainvoke(PROMPT, max_tokens=2)).text)
            assert time.monotonic() - began < max(5, 10 * forty)  # what was left to write takes 47 times forty tokens
        assert (await model.ainvoke(PROMPT, max_tokens=40)).text == whole

    def test_any_event_loop(self, model: EmbeddedChat) -> None:
        """A loop of its own for each call, two at once in threads, and sync calls between them."""
        texts: list[str] = []

        def run() -> None:
            texts.append(asyncio.run(model.ainvoke(PROMPT, max_tokens=6)).text)

        run()
        run()
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        texts.append(model.invoke(PROMPT, max_tokens=6).text)
        for thread in threads:
            thread.join()
        assert len(texts) == 5
        assert len(set(texts)) == 1

    async def test_a_prompt_beyond_the_window(self, model: EmbeddedChat) -> None:
        with pytest.raises(Exception, match="exceeds the available context size"):
            await model.ainvoke("fox " * 3000, max_tokens=1)

    async def test_after_all_servers_were_stopped(self, model: EmbeddedChat) -> None:
        first = (await model.ainvoke(PROMPT, max_tokens=4)).text
        server.close_all()
        assert (await model.ainvoke(PROMPT, max_tokens=4)).text == first


async def read_some(stream: Any, chunks: int) -> None:
    for _ in range(chunks):
        await anext(stream)
