"""OpenAI's own API, chat and Responses, through the real ChatOpenAI at its real address, redirected to this machine."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_openai import ChatOpenAI

from tests.loopback import Answer, Request, Server, as_json, in_turn, serving
from tests.providers import CHAT_USAGE, chat_stream, named_events, redirected
from tests.wrapped import Reader, written
from trigreason_graph.models import Price, ReasoningModel
from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.wrapper import Exchange

KEY = "sk-planted0123456789abcdef"
COUNTED = Usage(tokens_in=100, tokens_cached=60, tokens_out=20, tokens_reasoning=12)
PRICES = {"openai:gpt-5": Price(1.0, 10.0, cached=0.1), "openai:gpt-4o": Price(1.0, 10.0)}

RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-5",
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 12},
        "total_tokens": 120,
    },
}
MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "is 7", "annotations": [], "logprobs": []}],
}


def delta(text: str, number: int) -> dict[str, Any]:
    return {
        "type": "response.output_text.delta",
        "sequence_number": number,
        "item_id": "msg_1",
        "output_index": 1,
        "content_index": 0,
        "delta": text,
        "logprobs": [],
    }


BEGUN: list[dict[str, Any]] = [
    {
        "type": "response.created",
        "sequence_number": 0,
        "response": {**RESPONSE, "status": "in_progress", "usage": None},
    },
    {
        "type": "response.output_item.added",
        "sequence_number": 1,
        "output_index": 0,
        "item": {"type": "reasoning", "id": "rs_1", "summary": []},
    },
    delta("is ", 2),
    delta("7", 3),
]


def response_stream(ending: str = "response.completed", **fields: Any) -> Answer:
    """A whole stream of the Responses API."""
    return named_events(*BEGUN, {"type": ending, "sequence_number": 4, "response": {**RESPONSE, **fields}})


def client(server: Server, name: str = "gpt-5", **fields: Any) -> ReasoningModel:
    inner = ChatOpenAI(model=name, api_key=KEY, max_retries=0, http_async_client=redirected(server.url), **fields)
    return ReasoningModel(inner=inner, prices=PRICES)


async def asked(answer: Answer, reader: Reader | None = None, **fields: Any) -> tuple[Exchange, Request]:
    """One call with everything that can be asked for, and the request it made."""
    async with serving(in_turn(answer)) as server:
        model = client(server, **fields)
        assert type(model.inner) is ChatOpenAI
        assert (model.card.provider, model.card.local) == ("openai", False)
        exchange = await written(model, reader, effort="low", temperature=0.5, stop=("x",))
        return exchange, server.requests[0]


class TestChat:
    async def test_a_reasoning_model(self) -> None:
        reader = Reader()
        exchange, request = await asked(chat_stream({"content": "is 7"}), reader)
        assert request.path == "/v1/chat/completions"
        assert request.body["store"] is False
        assert request.body["reasoning_effort"] == "low"
        assert request.body["max_completion_tokens"] == 64 + 4096 // 4
        assert request.body["stream_options"] == {"include_usage": True}
        assert not {"temperature", "stop", "max_tokens", "reasoning"} & request.body.keys()
        assert reader.text() == "is 7"
        assert (exchange.last.status, exchange.last.estimated, exchange.last.usage) == ("ok", False, COUNTED)
        assert exchange.last.cost == pytest.approx((40 * 1.0 + 60 * 0.1 + 20 * 10.0) / 1e6)

    async def test_a_model_without_hidden_reasoning(self) -> None:
        _, request = await asked(chat_stream({"content": "is 7"}), name="gpt-4o")
        assert request.body["store"] is False
        assert (request.body["max_completion_tokens"], request.body["temperature"]) == (64, 0.5)
        assert request.body["stop"] == ["x"]
        assert "reasoning_effort" not in request.body

    async def test_what_its_user_says_about_storing_stays(self) -> None:
        _, request = await asked(chat_stream({"content": "is 7"}), store=True)
        assert request.body["store"] is True

    async def test_without_streaming(self) -> None:
        whole = {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-5",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "is 7"}, "finish_reason": "length"}],
            "usage": CHAT_USAGE,
        }
        exchange, request = await asked(as_json(whole), disable_streaming=True)
        assert request.body["store"] is False
        assert (exchange.last.finish, exchange.last.usage) == ("length", COUNTED)

    async def test_a_closed_stream_is_read_out_since_only_its_end_tells_the_hidden_tokens(self) -> None:
        reader = Reader(stop_at="is")
        exchange, _ = await asked(chat_stream({"content": "is "}, {"content": "7"}), reader)
        assert reader.text() == "is "
        assert (exchange.last.status, exchange.last.finish) == ("cut", "closed")
        assert (exchange.last.estimated, exchange.last.usage) == (False, COUNTED)

    async def test_one_without_hidden_reasoning_is_closed_at_once(self) -> None:
        reader = Reader(stop_at="is")
        exchange, _ = await asked(chat_stream({"content": "is "}, {"content": "7"}), reader, name="gpt-4o")
        assert (exchange.last.finish, exchange.last.estimated) == ("closed", True)


class TestResponses:
    async def test_a_reasoning_model(self) -> None:
        reader = Reader()
        exchange, request = await asked(response_stream(), reader, use_responses_api=True)
        assert request.path == "/v1/responses"
        assert request.body["store"] is False
        assert request.body["reasoning"] == {"effort": "low"}
        assert request.body["max_output_tokens"] == 64 + 4096 // 4
        assert not {"temperature", "stop", "max_tokens", "reasoning_effort", "stream_usage"} & request.body.keys()
        assert reader.text() == "is 7"
        assert (exchange.last.status, exchange.last.finish, exchange.last.estimated) == ("ok", "stop", False)
        assert exchange.last.usage == COUNTED

    async def test_effort_goes_with_what_its_user_set(self) -> None:
        _, request = await asked(response_stream(), reasoning={"summary": "auto"})
        assert request.body["reasoning"] == {"summary": "auto", "effort": "low"}

    async def test_an_incomplete_response(self) -> None:
        cut = response_stream(
            "response.incomplete", status="incomplete", incomplete_details={"reason": "max_output_tokens"}
        )
        exchange, _ = await asked(cut, use_responses_api=True)
        assert (exchange.last.status, exchange.last.finish, exchange.last.usage) == ("ok", "length", COUNTED)

    async def test_a_stream_without_its_end_was_cut(self) -> None:
        exchange, _ = await asked(named_events(*BEGUN), use_responses_api=True)
        assert (exchange.last.status, exchange.last.finish) == ("cut", "broken")

    @pytest.mark.parametrize(("code", "tries"), [("server_error", 2), ("invalid_prompt", 1)])
    async def test_a_failure_inside_of_the_stream(self, code: str, tries: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tenacity.wait_random_exponential.__call__", lambda *_: 0.0)
        error = {"type": "error", "sequence_number": 1, "code": code, "message": "no", "param": None}
        async with serving(in_turn(named_events(BEGUN[0], error), response_stream())) as server:
            exchange = await written(client(server, use_responses_api=True))
        assert len(exchange.attempts) == tries

    async def test_without_streaming(self) -> None:
        whole = {**RESPONSE, "output": [{"type": "reasoning", "id": "rs_1", "summary": []}, MESSAGE]}
        reader = Reader()
        exchange, request = await asked(as_json(whole), reader, use_responses_api=True, disable_streaming=True)
        assert (request.body["store"], reader.text(), exchange.last.usage) == (False, "is 7", COUNTED)

    async def test_a_summary_of_the_reasoning_is_no_trace(self) -> None:
        summary = {
            "type": "response.reasoning_summary_text.delta",
            "sequence_number": 2,
            "item_id": "rs_1",
            "output_index": 0,
            "summary_index": 0,
            "delta": "Adding the numbers",
        }
        ended = {"type": "response.completed", "sequence_number": 4, "response": RESPONSE}
        reader = Reader()
        await asked(named_events(*BEGUN[:2], summary, *BEGUN[2:], ended), reader, use_responses_api=True)
        assert (reader.text(), reader.text("answer")) == ("is 7", "")
