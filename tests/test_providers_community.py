"""A chat model of langchain-community as SRM: by a string, and as an object."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import pytest

from tests.loopback import as_events, as_json, in_turn, serving
from tests.providers import chat_event, chat_stream
from tests.wrapped import Reader, written
from trigreason_graph.models import ReasoningModel, resolve_model


def refusal(spec: str) -> str:
    with pytest.raises(ValueError) as caught:
        resolve_model(spec, "small")
    return str(caught.value)


class TestStrings:
    async def test_a_chat_model_by_its_class(self) -> None:
        reader = Reader()
        async with serving(in_turn(chat_stream({"content": "is "}, {"content": "7"}))) as server:
            model = resolve_model(f"community:ChatYuan2:yuan-m@{server.url}/v1", "small", temperature=0.5)
            exchange = await written(model, reader)
            body = server.requests[0].body
        assert (model.card.style, model.card.form, model.card.dialect) == ("turn", "content", "plain")
        assert (body["model"], body["temperature"]) == ("yuan-m", 0.5)
        assert (reader.text(), exchange.last.status, exchange.last.finish) == ("is 7", "ok", "stop")
        assert exchange.last.estimated  # it reports no counts on a stream

    async def test_a_stream_is_cut_where_the_reader_says_so(self) -> None:
        reader = Reader(stop_at="is")
        async with serving(in_turn(chat_stream({"content": "is "}, {"content": "7"}))) as server:
            exchange = await written(resolve_model(f"community:ChatYuan2:m@{server.url}/v1", "small"), reader)
        assert (reader.text(), exchange.last.status, exchange.last.finish) == ("is ", "cut", "closed")

    async def test_a_reply_that_is_too_long_is_closed_by_us(self) -> None:
        """An unknown client is told no limit."""
        endless = as_events(*(chat_event(content="word " * 20) for _ in range(20)))
        async with serving(in_turn(endless)) as server:
            exchange = await written(resolve_model(f"community:ChatYuan2:m@{server.url}/v1", "small"), max_tokens=64)
        assert (exchange.last.status, exchange.last.finish) == ("cut", "length")

    async def test_a_refused_key_is_not_tried_again(self) -> None:
        async with serving(in_turn(as_json({"error": {"message": "no"}}, 401))) as server:
            exchange = await written(resolve_model(f"community:ChatYuan2:m@{server.url}/v1", "small"))
        assert [attempt.status for attempt in exchange.attempts] == ["error"]

    def test_what_is_not_there(self) -> None:
        assert "no chat model 'ChatNobody'" in refusal("community:ChatNobody:m")
        assert "community:ClassName:model" in refusal("community:warnings")
        assert "takes no base_url" in refusal("community:FakeListChatModel@http://127.0.0.1:1")

    def test_its_sunset_warning_is_not_passed_on(self) -> None:
        """In a process of its own, since it comes with the first import only."""
        code = "from trigreason_graph.models import resolve_model; resolve_model('community:ChatYuan2:m', 'small')"
        ran = subprocess.run(
            [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", code], capture_output=True, text=True
        )
        assert (ran.returncode, "sunset" in ran.stderr) == (0, False)


async def test_an_object_works_as_well() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from langchain_community.chat_models import ChatYuan2

    given: dict[str, Any] = {"model": "m", "api_key": "planted-plain-key"}
    async with serving(in_turn(as_json({"error": {"message": "bad key planted-plain-key"}}, 401))) as server:
        model = ReasoningModel(inner=ChatYuan2(base_url=f"{server.url}/v1", max_retries=1, **given))
        exchange = await written(model)
    assert "planted-plain-key" not in exchange.last.fault
    assert "[key]" in exchange.last.fault
