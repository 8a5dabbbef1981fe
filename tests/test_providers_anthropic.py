"""Claude through the real ChatAnthropic: what is asked, what is counted, what its cache is told."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage

from tests.graphs import Marker, graph, small
from tests.loopback import Answer, as_json, in_turn, serving
from tests.providers import named_events
from tests.wrapped import QUESTION, Reader, written
from trigreason_graph.models import Price, ReasoningModel
from trigreason_graph.models.known import card_of
from trigreason_graph.models.pieces import Usage

KEY = "sk-ant-planted0123456789"
AT_FIRST = {"input_tokens": 10, "cache_creation_input_tokens": 50, "cache_read_input_tokens": 40, "output_tokens": 1}
AT_LAST = {**AT_FIRST, "output_tokens": 20, "output_tokens_details": {"thinking_tokens": 12}}
COUNTED = Usage(tokens_in=100, tokens_cached=40, tokens_out=20, tokens_reasoning=12, tokens_written=50)
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
}


def begun(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind, **fields}}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stopped(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


START = {"type": "message_start", "message": {**MESSAGE, "usage": AT_FIRST}}
THOUGHT = [
    begun(0, "thinking", thinking="", signature=""),
    delta(0, "thinking_delta", thinking="hm"),
    delta(0, "signature_delta", signature="abc"),
    stopped(0),
]
SAID = [
    begun(1, "text", text=""),
    {"type": "ping"},
    delta(1, "text_delta", text="is "),
    delta(1, "text_delta", text="7"),
    stopped(1),
]


def ended(reason: str = "end_turn", usage: dict[str, Any] = AT_LAST) -> list[dict[str, Any]]:
    told = {"stop_reason": reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": told, "usage": usage}, {"type": "message_stop"}]


WHOLE = named_events(START, *THOUGHT, *SAID, *ended())


def claude(url: str, name: str = "claude-opus-4-8", **fields: Any) -> ReasoningModel:
    return ReasoningModel(inner=ChatAnthropic(model=name, base_url=url, api_key=KEY, max_retries=0, **fields))


@pytest.fixture(autouse=True)
def hardly_any_waiting_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.wait_random_exponential.__call__", lambda *_: 0.0)


class TestCard:
    @pytest.mark.parametrize(
        ("name", "fields", "hidden", "efforts"),
        [
            ("claude-opus-4-8", {}, 4096, True),
            ("claude-opus-5", {"thinking": {"type": "disabled"}}, 0, True),
            ("claude-haiku-4-5", {}, 0, False),
            ("claude-haiku-4-5", {"thinking": {"type": "enabled", "budget_tokens": 2000}}, 2000, False),
            ("claude-opus-4-5", {}, 0, True),
            ("claude-opus-4-5", {"thinking": {"type": "enabled", "budget_tokens": 2000}}, 2000, False),
            ("claude-opus-4-6", {"thinking": {"type": "adaptive"}}, 4096, True),
        ],
    )
    def test_what_its_name_and_settings_tell(
        self, name: str, fields: dict[str, Any], hidden: int, efforts: bool
    ) -> None:
        card = card_of(ChatAnthropic(model=name, api_key=KEY, **fields))
        assert (card.full_name, card.style, card.dialect) == (f"anthropic:{name}", "turn", "anthropic")
        assert (card.hidden_tokens, card.efforts, card.cached, card.local) == (hidden, efforts, True, False)
        assert card.window in (200_000, 1_000_000)


class TestCalls:
    async def test_thinking_is_private_and_all_is_counted_once(self) -> None:
        reader = Reader()
        async with serving(in_turn(WHOLE)) as server:
            exchange = await written(claude(server.url), reader, effort="low", temperature=0.5, stop=("x",))
            body = server.requests[0].body
        assert (reader.text(), reader.text("answer")) == ("is 7", "")
        assert (exchange.last.status, exchange.last.finish, exchange.last.estimated) == ("ok", "stop", False)
        assert exchange.last.usage == COUNTED
        assert (body["max_tokens"], body["stop_sequences"]) == (64 + 4096 // 4, ["x"])
        assert body["output_config"] == {"effort": "low"}
        assert body["thinking"]["type"] == "adaptive"
        assert "temperature" not in body

    async def test_without_thinking_it_takes_a_temperature(self) -> None:
        async with serving(in_turn(named_events(START, *SAID, *ended()))) as server:
            exchange = await written(claude(server.url, "claude-haiku-4-5"), temperature=1.5, effort="low")
            body = server.requests[0].body
        assert (body["max_tokens"], body["temperature"]) == (64, 1.0)
        assert not {"thinking", "output_config"} & body.keys()
        assert exchange.last.status == "ok"

    async def test_a_thinking_budget_fits_into_the_limit(self) -> None:
        budget = {"type": "enabled", "budget_tokens": 2000}
        async with serving(in_turn(WHOLE)) as server:
            await written(claude(server.url, "claude-haiku-4-5", thinking=budget), temperature=0.5, effort="low")
            body = server.requests[0].body
        assert (body["thinking"], body["max_tokens"]) == (budget, 2064)
        assert "temperature" not in body

    async def test_without_streaming(self) -> None:
        content = [{"type": "thinking", "thinking": "hm", "signature": "abc"}, {"type": "text", "text": "is 7"}]
        whole = {**MESSAGE, "content": content, "stop_reason": "max_tokens", "usage": AT_LAST}
        reader = Reader()
        async with serving(in_turn(as_json(whole))) as server:
            exchange = await written(claude(server.url, disable_streaming=True), reader)
        assert (reader.text(), exchange.last.finish, exchange.last.usage) == ("is 7", "length", COUNTED)

    async def test_writing_into_the_cache_has_its_price(self) -> None:
        card = card_of(ChatAnthropic(model="claude-opus-4-8", api_key=KEY))
        prices = {card.full_name: Price(4.0, 20.0, cached=0.4, written=5.0)}
        async with serving(in_turn(WHOLE)) as server:
            inner = claude(server.url).inner
            exchange = await written(ReasoningModel(inner=inner, card=card, prices=prices))
        assert exchange.last.cost == pytest.approx((10 * 4.0 + 40 * 0.4 + 50 * 5.0 + 20 * 20.0) / 1e6)

    async def test_an_end_that_leaves_the_prompt_out_is_no_free_prompt(self) -> None:
        async with serving(in_turn(named_events(START, *SAID, *ended(usage={"output_tokens": 20})))) as server:
            last = (await written(claude(server.url, "claude-haiku-4-5"))).last
        assert (last.status, last.estimated, last.usage.tokens_out) == ("ok", True, 20)
        assert last.usage.tokens_in > 0

    async def test_a_stream_that_ends_silently(self) -> None:
        reader = Reader()
        async with serving(in_turn(named_events(START, *THOUGHT, *SAID))) as server:
            last = (await written(claude(server.url), reader)).last
        assert (last.status, last.finish, reader.text()) == ("cut", "broken", "is 7")

    @pytest.mark.parametrize(
        ("failure", "tries"),
        [
            (as_json({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}, 429), 2),
            (as_json({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, 529), 2),
            (named_events(START, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}), 2),
            (named_events(START, {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}), 1),
            (as_json({"type": "error", "error": {"type": "authentication_error", "message": f"bad {KEY}"}}, 401), 1),
            (as_json({"type": "error", "error": {"type": "not_found_error", "message": "no model"}}, 404), 1),
        ],
        ids=["429", "529", "overloaded in the stream", "refused in the stream", "401", "404"],
    )
    async def test_failures(self, failure: Answer, tries: int) -> None:
        async with serving(in_turn(failure, WHOLE)) as server:
            exchange = await written(claude(server.url))
        assert len(exchange.attempts) == tries
        assert exchange.last.status == ("ok" if tries == 2 else "error")
        assert KEY not in exchange.last.fault


class TestCacheMarks:
    async def test_they_are_on_the_wire(self) -> None:
        parts = ["Problem:\n3 + 4?", "Plan: add", "Step 1. 3", "Write the next step."]
        messages = [SystemMessage("You are an expert."), HumanMessage([{"type": "text", "text": p} for p in parts])]
        async with serving(in_turn(WHOLE)) as server:
            await written(claude(server.url), messages=messages)
            body = server.requests[0].body
        mark = {"type": "ephemeral"}
        assert body["system"] == [{"type": "text", "text": "You are an expert.", "cache_control": mark}]
        assert body["messages"][0]["content"] == [
            {"type": "text", "text": "Problem:\n3 + 4?"},
            {"type": "text", "text": "\n\nPlan: add"},
            {"type": "text", "text": "\n\nStep 1. 3", "cache_control": mark},
            {"type": "text", "text": "\n\nWrite the next step."},
        ]

    async def test_a_plain_prompt_stays_plain(self) -> None:
        async with serving(in_turn(WHOLE)) as server:
            await written(claude(server.url), messages=QUESTION)
            assert server.requests[0].body["messages"] == [{"role": "user", "content": "What is 3 + 4?"}]


class TestARun:
    async def test_the_second_call_finds_what_the_first_has_written(self) -> None:
        def said(text: str) -> Answer:
            return named_events(START, begun(0, "text", text=""), delta(0, "text_delta", text=text), *ended())

        script = ["One thing is 3.\n\nThis is hard.", "So we add.\n\nThis is hard too.", "It is \\boxed{7}."]
        answers = in_turn(said("wrong: none\n\nAnother thing is 4."), said("wrong: none\n\nThe sum is 7."))
        async with serving(answers) as server:
            large: Any = claude(server.url, "claude-haiku-4-5")
            result = await graph(small(*script), large, Marker("hard")).ainvoke({"question": "What is 3 + 4?"})
            first, second = (request.body for request in server.requests)
        assert result["answer"] == "7"
        assert second["system"] == first["system"]
        earlier, later = (bare(body["messages"][-1]["content"]) for body in (first, second))
        assert later[: len(earlier) - 1] == earlier[:-1]
        assert "cache_control" in first["messages"][-1]["content"][-2]
        assert "cache_control" in second["messages"][-1]["content"][-2]


def bare(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks without their marks, which are no part of what is compared."""
    return [{name: value for name, value in block.items() if name != "cache_control"} for block in blocks]
