"""What stands behind the servers: scripts, thinking, and real models through every wire once."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import ollama
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from tests.wrapped import Reader, written
from trigreason_graph.models import ModelCard, ReasoningModel
from trigreason_graph.testing import (
    Asked,
    EmbeddedBackend,
    OllamaServer,
    OpenAIServer,
    ScriptBackend,
    Scripted,
    ServedModel,
    Thinks,
)
from trigreason_graph.testing.servers.asked import Backend, Chunk, End
from trigreason_graph.testing.servers.script import ScriptEnded
from trigreason_graph.testing.servers.thinking import Place, ThinkingReader

TURNS: list[Any] = [{"role": "user", "content": "Write a story about a dog and a cat."}]
USER = ({"role": "user", "content": "3 + 4?"},)
CONTINUE = {"add_generation_prompt": False, "continue_final_message": True}


async def told(backend: Backend, asked: Asked) -> tuple[str, End]:
    items = [item async for item in backend.write(asked)]
    assert isinstance(items[-1], End)
    return "".join(item.text for item in items if isinstance(item, Chunk)), items[-1]


class TestScripts:
    async def test_one_reply_for_all_or_one_each_or_a_function(self) -> None:
        always, in_turn = ScriptBackend("a"), ScriptBackend(["a", Scripted("b")])
        by_request = ScriptBackend(lambda asked: asked.messages[-1]["content"])
        asked = Asked(USER)
        assert [(await told(always, asked))[0] for _ in range(3)] == ["a", "a", "a"]
        assert [(await told(in_turn, asked))[0] for _ in range(2)] == ["a", "b"]
        assert (await told(by_request, asked))[0] == "3 + 4?"
        with pytest.raises(ScriptEnded, match="the script has 2 replies"):
            await told(in_turn, asked)

    async def test_counts(self) -> None:
        backend = ScriptBackend(["one two three", "one two three"])
        assert await backend.count(Asked(USER)) == 5
        assert (await told(backend, Asked(USER, max_tokens=2)))[1] == End("length", 5, 0, 2)
        longer = Asked((*USER, {"role": "assistant", "content": "one two"}, *USER))
        assert (await told(backend, longer))[1] == End("stop", 12, 7, 3)

    @pytest.mark.parametrize(
        ("stop", "text", "generated"),
        [
            ((" three",), "one two", 3),
            (("wo th",), "one t", 3),
            (("four", "two"), "one ", 2),
            (("four",), "one two three", 3),
        ],
    )
    async def test_stop_texts(self, stop: tuple[str, ...], text: str, generated: int) -> None:
        assert await told(ScriptBackend("one two three"), Asked(USER, stop=stop)) == (
            text,
            End("stop", 5, 0, generated),
        )

    async def test_an_error_belongs_into_a_fault(self) -> None:
        with pytest.raises(ValueError, match="give it a Fault"):
            await told(ScriptBackend(Scripted(error=OSError())), Asked(USER))

    async def test_tokens_of_ones_own(self) -> None:
        chunks = [item async for item in ScriptBackend("a b", tokens=list).write(Asked(USER))][:-1]
        assert [chunk.text for chunk in chunks if isinstance(chunk, Chunk)] == ["a", " ", "b"]


def read(text: str, place: Place, *, strips: bool = True, size: int = 1) -> tuple[str, str]:
    reader = ThinkingReader(place, strips=strips)
    parts = [reader.feed(text[at : at + size]) for at in range(0, len(text), size)] + [reader.flush()]
    return "".join(part[0] for part in parts), "".join(part[1] for part in parts)


class TestThinkingReader:
    @pytest.mark.parametrize(
        ("text", "place", "thinking", "answer"),
        [
            ("<think>\na\n</think>\n\nb", "before", "a\n", "b"),
            ("  <think>a</think>b", "before", "a", "b"),
            ("a</think>b", "before", "", "a</think>b"),
            ("<thin", "before", "", "<thin"),
            ("a</think>b", "inside", "a", "b"),
            ("<think>a</think>b", "inside", "a", "b"),
            (" a</think>b", "thinking", " a", "b"),
            ("a</thi", "thinking", "a</thi", ""),
            ("a</think>b</think>c", "thinking", "a", "b</think>c"),
            ("<think>a</think>b", "answer", "", "<think>a</think>b"),
            ("", "before", "", ""),
        ],
    )
    @pytest.mark.parametrize("size", [1, 3, 100])
    def test_cases(self, text: str, place: Place, thinking: str, answer: str, size: int) -> None:
        assert read(text, place, size=size) == (thinking, answer)

    def test_white_space_is_left_when_told_so(self) -> None:
        assert read("\na\n</think>\n\nb", "inside", strips=False) == ("\na\n", "\n\nb")

    @given(st.text("ab \n<>/think"), st.sampled_from(["<think>", "</think>", ""]), st.text("a<"), st.integers(1, 9))
    def test_chunks_make_no_difference(self, first: str, tag: str, last: str, size: int) -> None:
        text = first + tag + last
        for place in ("before", "inside", "thinking"):
            assert read(text, place, size=size) == read(text, place, size=len(text) + 1)

    @given(st.text("ab \n<>/think"), st.integers(1, 9))
    def test_nothing_is_lost_without_a_tag(self, text: str, size: int) -> None:
        if "<think>" not in text and "</think>" not in text:
            assert "".join(read(text, "thinking", size=size)) == text


class TestThinks:
    """A plain model with tags put in."""

    async def test_everything_before_the_marker_is_thinking(self) -> None:
        backend = Thinks(ScriptBackend("3 + 4 is 7 Answer: 7"), until=" Answer:")
        text, end = await told(backend, Asked(USER, think=True))
        assert text == "<think>\n3 + 4 is 7\n</think>\n\n Answer: 7"
        assert end.tokens_out == 7 + 2

    @pytest.mark.parametrize("tokens", [list, str.split, lambda text: [text]])
    async def test_whatever_the_tokens(self, tokens: Any) -> None:
        backend = Thinks(ScriptBackend("so7Answer:7", tokens=tokens), until="Answer:")
        assert (await told(backend, Asked(USER, think=True)))[0] == "<think>\nso7\n</think>\n\nAnswer:7"

    async def test_without_the_marker_all_is_thinking(self) -> None:
        backend = Thinks(ScriptBackend("3 + 4 Answ"), until="Answer:")
        assert (await told(backend, Asked(USER, think=True)))[0] == "<think>\n3 + 4 Answ"

    async def test_told_not_to(self) -> None:
        backend = Thinks(ScriptBackend("7 Answer: 7"), until="Answer:")
        assert (await told(backend, Asked(USER)))[0] == "7 Answer: 7"

    @pytest.mark.parametrize(
        ("prefill", "plain", "text"),
        [
            ("<think>\n3 +", "3 +", " 4 is 7\n</think>\n\nAnswer: 7"),
            ("<think>\n3 + 4 is 7\n</think>\n\nAnswer:", "3 + 4 is 7Answer:", " 4 is 7Answer: 7"),
        ],
    )
    async def test_continued(self, prefill: str, plain: str, text: str) -> None:
        seen: list[Asked] = []

        def answer(asked: Asked) -> str:
            seen.append(asked)
            return " 4 is 7Answer: 7"

        backend = Thinks(ScriptBackend(answer), until="Answer:")
        assert (await told(backend, Asked(USER, prefill=prefill, think=True)))[0] == text
        assert (seen[0].prefill, seen[0].think) == (plain, False)

    async def test_it_stops_its_model(self) -> None:
        ended = []

        class Watched(ScriptBackend):
            async def write(self, asked: Asked) -> AsyncGenerator[Chunk | End, None]:
                try:
                    async for item in super().write(asked):
                        yield item
                finally:
                    ended.append(True)

        writing = Thinks(Watched("a b c"), until="c").write(Asked(USER, think=True))
        for _ in range(2):
            await anext(writing)
        await writing.aclose()
        assert ended


@pytest.mark.real_model
class TestRealTokens:
    """The 135M model through every wire."""

    async def test_ollama(self, tiny_model: Path) -> None:
        async with OllamaServer({"tiny": EmbeddedBackend("tiny")}) as server, ollama.AsyncClient(server.url) as client:
            options = {"num_predict": 12, "temperature": 0.0}
            whole = await client.chat("tiny", TURNS, options=options)
            stream = await client.chat("tiny", TURNS, options=options, stream=True, logprobs=True, top_logprobs=3)
            parts = [part async for part in stream]
            generated = await client.generate("tiny", TURNS[0]["content"], options=options)
            raw = await client.generate("tiny", "One, two, three,", options=options, raw=True)
        text = "".join(part.message.content or "" for part in parts)
        assert text == whole.message.content == generated.response
        assert text.strip()
        tokens = [one for part in parts for one in part.logprobs or ()]
        assert "".join(one.token for one in tokens).startswith(text)
        assert all(one.logprob <= 0 and len(one.top_logprobs or ()) == 3 for one in tokens)
        assert (whole.done_reason, whole.eval_count) == ("length", 12)
        assert whole.prompt_eval_count == generated.prompt_eval_count == server.calls[0].tokens_in > 10
        assert "four" in (raw.response or "")

    async def test_a_continued_reply_goes_on_as_if_it_had_not_ended(self, tiny_model: Path) -> None:
        async with OllamaServer({"tiny": EmbeddedBackend("tiny")}) as server, ollama.AsyncClient(server.url) as client:
            whole = await client.chat("tiny", TURNS, options={"num_predict": 10})
            first = await client.chat("tiny", TURNS, options={"num_predict": 5})
            begun = [*TURNS, {"role": "assistant", "content": first.message.content}]
            second = await client.chat("tiny", begun, options={"num_predict": 5})
        assert (first.message.content or "") + (second.message.content or "") == whole.message.content

    async def test_chat_completions(self, tiny_model: Path) -> None:
        async with (
            OpenAIServer({"tiny": EmbeddedBackend("tiny")}, flavour="vllm") as server,
            openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as client,
        ):
            options: dict[str, Any] = {"model": "tiny", "messages": TURNS, "max_tokens": 12, "temperature": 0.0}
            whole = await client.chat.completions.create(**options, logprobs=True, top_logprobs=2)
            stream = await client.chat.completions.create(
                **options, stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
            begun = [*TURNS, {"role": "assistant", "content": "It is"}]
            new_turn = await client.chat.completions.create(**{**options, "messages": begun})
            continued = await client.chat.completions.create(**{**options, "messages": begun}, extra_body=CONTINUE)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == whole.choices[0].message.content
        assert whole.choices[0].logprobs is not None
        assert len(whole.choices[0].logprobs.content or []) == 12
        assert chunks[-1].usage is not None
        assert whole.usage is not None
        assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens == 12
        assert server.calls[1].tokens_cached > 0
        assert new_turn.choices[0].message.content != continued.choices[0].message.content

    async def test_responses(self, tiny_model: Path) -> None:
        async with (
            OpenAIServer({"tiny": EmbeddedBackend("tiny")}) as server,
            openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as client,
        ):
            response = await client.responses.create(model="tiny", input=TURNS, max_output_tokens=16)
        assert response.output_text.strip()
        assert response.usage is not None
        assert response.usage.output_tokens == server.calls[0].tokens_out <= 16

    async def test_as_a_thinking_model(self, tiny_model: Path) -> None:
        model = ServedModel(Thinks(EmbeddedBackend("tiny"), until=" "), thinking=True)
        async with OllamaServer({"tiny": model}) as server, ollama.AsyncClient(server.url) as client:
            message = (await client.chat("tiny", TURNS, options={"num_predict": 12})).message
        assert message.thinking
        assert " " not in message.thinking.strip()
        assert message.content

    async def test_a_prompt_beyond_the_models_own_window(self, tiny_model: Path) -> None:
        backend = EmbeddedBackend("tiny", context=256)
        async with OllamaServer({"tiny": backend}) as server, ollama.AsyncClient(server.url) as client:
            with pytest.raises(ollama.ResponseError, match="context size") as error:
                await client.chat("tiny", [{"role": "user", "content": "word " * 400}])
        assert error.value.status_code == 400

    async def test_a_closed_stream_frees_the_model_at_once(self, tiny_model: Path) -> None:
        async with OpenAIServer({"tiny": EmbeddedBackend("tiny")}, flavour="llama.cpp") as server:
            body = {"model": "tiny", "messages": TURNS, "stream": True, "max_tokens": 2_000, "temperature": 1.0}
            async with httpx.AsyncClient(timeout=60) as client:
                async with client.stream("POST", f"{server.url}/v1/chat/completions", json=body) as answer:
                    async for _ in answer.aiter_lines():
                        if server.calls[0].pieces >= 3:
                            break
                closed = time.monotonic()
                assert await server.idle(2.0)
        [record] = server.calls
        assert record.outcome == "closed"
        assert record.ended is not None
        assert record.ended - closed < 1.0
        assert record.tokens_out < 500

    async def test_the_ledger_is_what_the_server_counted(self, tiny_model: Path) -> None:
        from langchain_ollama import ChatOllama

        async with OllamaServer({"tiny": EmbeddedBackend("tiny")}) as server:
            card = ModelCard(
                provider="ollama", name="tiny", style="prefill", dialect="ollama", logprobs=True, local=True
            )
            client = ChatOllama(model="tiny", base_url=server.url)
            last = (await written(ReasoningModel(inner=client, card=card), Reader())).last
        [record] = server.calls
        assert (last.status, last.estimated) == ("ok", False)
        assert (last.usage.tokens_in, last.usage.tokens_out) == (record.tokens_in, record.tokens_out)
