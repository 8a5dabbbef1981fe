"""The real clients over a real socket: what ChatOpenAI and ChatOllama make of a server's bytes is counted right.

The bytes follow OpenAI's and Ollama's API documentation and the clients' source; no server of theirs has run here.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from tests.loopback import DROP, Answer, Server, as_events, as_json, as_lines, in_turn, serving
from tests.wrapped import QUESTION, Reader, written
from trigreason_graph.models import ReasoningModel
from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.wrapper import Exchange

KEY = "sk-planted0123456789abcdef"


@pytest.fixture(autouse=True)
def hardly_any_waiting_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.wait_random_exponential.__call__", lambda *_: 0.0)


def event(content: str = "", finish: str | None = None, **choice: Any) -> dict[str, Any]:
    """A chat.completion.chunk."""
    delta = {"role": "assistant", "content": content}
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": finish, **choice}]}


HEAD = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"}
USAGE = {
    **HEAD,
    "choices": [],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 12},
    },
}
WHOLE = as_events(event("is "), event("7"), event(finish="stop"), USAGE)


def openai(server: Server, **fields: Any) -> ReasoningModel:
    client = ChatOpenAI(model="m", base_url=f"{server.url}/v1", api_key=KEY, max_retries=0, **fields)
    return ReasoningModel(inner=client)


async def over(answer: Any, reader: Reader | None = None, **fields: Any) -> Exchange:
    async with serving(answer) as server:
        return await written(openai(server, **fields), reader)


class TestChatOpenAI:
    async def test_a_whole_stream_is_counted_exactly(self) -> None:
        async with serving(in_turn(WHOLE)) as server:
            reader = Reader()
            last = (await written(openai(server), reader, temperature=0.5)).last
            asked = server.requests[0].body
        assert reader.text() == "is 7"
        assert (last.status, last.finish, last.estimated) == ("ok", "stop", False)
        assert last.usage == Usage(tokens_in=100, tokens_cached=60, tokens_out=20, tokens_reasoning=12)
        assert last.cost == 0.0
        assert asked["stream_options"] == {"include_usage": True}
        assert asked["max_completion_tokens"] == 64
        assert asked["temperature"] == 0.5
        assert asked["top_logprobs"] == 5

    async def test_log_probabilities(self) -> None:
        told = {"content": [{"token": "7", "logprob": -0.5, "top_logprobs": [], "bytes": None}]}
        reader = Reader()
        await over(in_turn(as_events(event("7", logprobs=told), event(finish="stop"))), reader)
        assert [(piece.text, [token.nats for token in piece.tokens]) for piece in reader.pieces] == [("7", [500])]

    async def test_without_streaming(self) -> None:
        message = {"role": "assistant", "content": "is 7"}
        whole = {**HEAD, "object": "chat.completion", "usage": USAGE["usage"]}
        whole["choices"] = [{"index": 0, "message": message, "finish_reason": "length"}]
        reader = Reader()
        last = (await over(in_turn(as_json(whole)), reader, disable_streaming=True)).last
        assert reader.text() == "is 7"
        assert (last.finish, last.usage.tokens_reasoning) == ("length", 12)

    async def test_a_cut_stream_ends_the_connection(self) -> None:
        ended = asyncio.Event()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            try:
                while True:
                    writer.write(b"".join(as_events(event("word "), done=False).body))
                    await writer.drain()
                    await asyncio.sleep(0.005)
            except ConnectionError:
                ended.set()
            finally:
                writer.close()

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as listening:
            url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
            last = (await written(openai(Server(url)), Reader(stop_at="word"))).last
            begun = time.monotonic()
            await asyncio.wait_for(ended.wait(), 5)
        assert time.monotonic() - begun < 1
        assert (last.status, last.finish) == ("cut", "closed")

    async def test_a_stream_without_a_finish_reason_was_cut(self) -> None:
        last = (await over(in_turn(as_events(event("is "))))).last
        assert (last.status, last.finish) == ("cut", "broken")

    @pytest.mark.parametrize(
        "answer",
        [
            as_events(event("is "), '{"choices": [', done=False),
            as_events(event("is "), broken=True, done=False),
            as_events(event("is "), {"error": {"message": "overloaded", "code": 500}}, done=False),
        ],
        ids=["broken chunk", "dropped connection", "error in the stream"],
    )
    async def test_a_stream_that_breaks_off_keeps_what_arrived(self, answer: Answer) -> None:
        reader = Reader()
        exchange = await over(in_turn(answer), reader)
        assert len(exchange.attempts) == 1
        assert (exchange.last.status, exchange.last.finish, reader.text()) == ("cut", "broken", "is ")
        assert exchange.last.estimated
        assert exchange.last.fault.startswith("local:m ")

    @pytest.mark.parametrize(
        "failure",
        [
            DROP,
            as_events('{"choices": ['),
            as_events({"error": {"message": "overloaded", "code": 503}}),
            as_events(event(), broken=True, done=False),
            as_json({"error": {"message": "busy"}}, 503),
            as_json({"error": {"message": "slow down"}}, 429, **{"retry-after": "0.05"}),
        ],
        ids=["no byte", "broken chunk", "error in the stream", "dropped connection", "503", "429"],
    )
    async def test_before_the_first_text_it_is_tried_again(self, failure: Answer | None) -> None:
        reader = Reader()
        exchange = await over(in_turn(failure, WHOLE), reader)
        assert [attempt.status for attempt in exchange.attempts] == ["error", "ok"]
        assert reader.text() == "is 7"

    async def test_retry_after_is_honoured(self) -> None:
        begun = time.monotonic()
        await over(in_turn(as_json({}, 429, **{"retry-after": "0.3"}), WHOLE))
        assert time.monotonic() - begun >= 0.3

    @pytest.mark.parametrize("status", [400, 401, 404])
    async def test_what_cannot_get_better(self, status: int) -> None:
        refused = as_json({"error": {"message": f"Incorrect API key provided: {KEY}", "code": "invalid"}}, status)
        exchange = await over(in_turn(refused, WHOLE))
        assert [attempt.status for attempt in exchange.attempts] == ["error"]
        assert KEY not in exchange.last.fault
        assert "[key]" in exchange.last.fault

    async def test_a_server_that_is_down(self) -> None:
        async with serving(in_turn()) as server:
            pass
        exchange = await written(openai(server))
        assert [attempt.status for attempt in exchange.attempts] == ["error"] * 3
        assert "cannot be reached" in exchange.last.fault


def row(content: str = "", thinking: str | None = None, **fields: Any) -> dict[str, Any]:
    """A line of Ollama's /api/chat."""
    message = {"role": "assistant", "content": content, **({} if thinking is None else {"thinking": thinking})}
    return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": False, **fields}


def done(reason: str = "stop") -> dict[str, Any]:
    return row(done=True, done_reason=reason, prompt_eval_count=30, eval_count=5, total_duration=1, load_duration=1)


async def over_ollama(answer: Any, reader: Reader, **fields: Any) -> tuple[Exchange, Server]:
    trace = [*QUESTION, AIMessage("3 + 4\n\n")]
    async with serving(answer) as server:
        model = ReasoningModel(inner=ChatOllama(base_url=server.url, **{"model": "llama3.2", **fields}))
        return await written(model, reader, trace, style="prefill"), server


class TestChatOllama:
    async def test_a_whole_stream(self) -> None:
        reader = Reader()
        told = [{"token": "is 7", "logprob": -0.5, "top_logprobs": [{"token": "is 7", "logprob": -0.5}]}]
        exchange, server = await over_ollama(in_turn(as_lines(row("is 7", logprobs=told), done())), reader)
        assert (exchange.last.status, exchange.last.finish, exchange.last.estimated) == ("ok", "stop", False)
        assert exchange.last.usage == Usage(tokens_in=30, tokens_out=5)
        assert [(piece.text, [token.nats for token in piece.tokens]) for piece in reader.pieces] == [("is 7", [500])]
        asked = server.requests[0].body
        assert asked["messages"][-1] == {"role": "assistant", "content": "3 + 4\n\n"}
        assert asked["options"]["num_predict"] == 64
        assert asked["logprobs"] is True
        assert "think" not in asked

    async def test_a_thinking_model(self) -> None:
        reader = Reader()
        exchange, server = await over_ollama(
            in_turn(as_lines(row(thinking="so "), row(thinking="7"), row("7"), done())), reader, model="qwen3:0.6b"
        )
        assert server.requests[0].body["think"] is True
        assert (reader.text(), reader.text("answer")) == ("so 7", "7")
        assert exchange.last.status == "ok"

    async def test_a_thinking_model_that_continues_a_trace_in_its_content(self) -> None:
        reader = Reader()
        await over_ollama(in_turn(as_lines(row("so 7</th"), row("ink>7"), done())), reader, model="deepseek-r1:1.5b")
        assert (reader.text(), reader.text("answer")) == ("so 7", "7")

    async def test_cut_by_num_predict(self) -> None:
        exchange, _ = await over_ollama(in_turn(as_lines(row("is"), done("length"))), Reader())
        assert (exchange.last.status, exchange.last.finish) == ("ok", "length")

    @pytest.mark.parametrize(
        "answer",
        [
            as_lines(row("is ")),
            as_lines(row("is "), "{"),
            as_lines(row("is "), broken=True),
            as_lines(row("is "), {"error": "llama runner process has terminated"}),
        ],
        ids=["silent end", "broken chunk", "dropped connection", "error in the stream"],
    )
    async def test_a_stream_that_breaks_off(self, answer: Answer) -> None:
        reader = Reader()
        exchange, _ = await over_ollama(in_turn(answer), reader)
        assert (exchange.last.status, exchange.last.finish, reader.text()) == ("cut", "broken", "is ")

    async def test_a_model_that_is_gone(self) -> None:
        exchange, _ = await over_ollama(in_turn(as_json({"error": "model 'llama3.2' not found"}, 404)), Reader())
        assert len(exchange.attempts) == 1
        assert "ollama:llama3.2 does not know this model" in exchange.last.fault
