"""Gemini through the real ChatGoogleGenerativeAI: what is asked, what is counted."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_google_genai import ChatGoogleGenerativeAI

from tests.loopback import Answer, as_events, as_json, in_turn, serving
from tests.wrapped import Reader, written
from trigreason_graph.models import ReasoningModel
from trigreason_graph.models.known import card_of
from trigreason_graph.models.pieces import Usage

# google-genai's own session class derives from aiohttp's, which warns of that.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

KEY = "AIzaSyPlanted0123456789abcdef"
COUNTED = Usage(tokens_in=100, tokens_cached=60, tokens_out=20, tokens_reasoning=12)


def reply(*parts: dict[str, Any], finish: str | None = None, said: int = 8, thought: int = 12) -> dict[str, Any]:
    """A GenerateContentResponse; its counts are totals so far."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": said,
        "thoughtsTokenCount": thought,
        "totalTokenCount": 100 + said + thought,
    }
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini", "responseId": "r"}


THOUGHT = {"text": "hm", "thought": True}
WHOLE = as_events(
    reply(THOUGHT, said=0, thought=5),
    reply({"text": "is "}, said=1),
    reply({"text": "7"}, finish="STOP"),
    done=False,
)


def gemini(url: str, name: str = "gemini-2.5-flash", **fields: Any) -> ReasoningModel:
    return ReasoningModel(inner=ChatGoogleGenerativeAI(model=name, base_url=url, api_key=KEY, max_retries=0, **fields))


@pytest.fixture(autouse=True)
def hardly_any_waiting_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.wait_random_exponential.__call__", lambda *_: 0.0)


@pytest.mark.parametrize(
    ("name", "fields", "hidden", "efforts"),
    [
        ("gemini-2.5-flash", {}, 4096, True),
        ("gemini-2.5-flash", {"thinking_budget": 0}, 0, False),
        ("gemini-2.5-flash", {"thinking_budget": 500}, 500, False),
        ("gemini-3-flash-preview", {}, 4096, True),
        ("gemini-3-flash-preview", {"thinking_level": "low"}, 4096, False),
        ("models/gemini-2.0-flash", {}, 0, False),
    ],
)
def test_its_card(name: str, fields: dict[str, Any], hidden: int, efforts: bool) -> None:
    card = card_of(ChatGoogleGenerativeAI(model=name, api_key=KEY, **fields))
    assert card.full_name == f"google_genai:{name.removeprefix('models/')}"
    assert (card.style, card.dialect, card.local) == ("turn", "google", False)
    assert (card.hidden_tokens, card.efforts) == (hidden, efforts)


async def test_thoughts_are_private_and_all_is_counted_once() -> None:
    reader = Reader()
    async with serving(in_turn(WHOLE)) as server:
        exchange = await written(gemini(server.url), reader, effort="low", temperature=0.5, stop=("x",))
        body = server.requests[0].body
    assert (reader.text(), reader.text("answer")) == ("is 7", "")
    assert (exchange.last.status, exchange.last.finish, exchange.last.estimated) == ("ok", "stop", False)
    assert exchange.last.usage == COUNTED
    config = body["generationConfig"]
    assert (config["maxOutputTokens"], config["temperature"], config["stopSequences"]) == (64 + 1024, 0.5, ["x"])
    assert config["thinkingConfig"] == {"thinking_budget": 1024}


async def test_newer_models_take_a_level() -> None:
    async with serving(in_turn(WHOLE, WHOLE)) as server:
        await written(gemini(server.url, "gemini-3-flash-preview"), effort="medium")
        await written(gemini(server.url, "gemini-3-pro-preview"), effort="medium")
        asked = [request.body["generationConfig"]["thinkingConfig"] for request in server.requests]
    assert asked == [{"thinking_level": "MEDIUM"}, {"thinking_level": "LOW"}]  # the latter has no medium


async def test_without_streaming() -> None:
    reader = Reader()
    async with serving(in_turn(as_json(reply(THOUGHT, {"text": "is 7"}, finish="MAX_TOKENS")))) as server:
        exchange = await written(gemini(server.url, disable_streaming=True), reader)
    assert (reader.text(), exchange.last.finish, exchange.last.usage) == ("is 7", "length", COUNTED)


async def test_a_stream_that_ends_silently() -> None:
    reader = Reader()
    async with serving(in_turn(as_events(reply({"text": "is "}), done=False))) as server:
        last = (await written(gemini(server.url), reader)).last
    assert (last.status, last.finish, reader.text()) == ("cut", "broken", "is ")


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (as_json({"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}, 429), 2),
        (as_json({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}, 503), 2),
        (as_json({"error": {"code": 400, "message": f"bad {KEY}", "status": "INVALID_ARGUMENT"}}, 400), 1),
        (as_json({"error": {"code": 404, "message": "no model", "status": "NOT_FOUND"}}, 404), 1),
    ],
    ids=["429", "503", "400", "404"],
)
async def test_failures(failure: Answer, tries: int) -> None:
    async with serving(in_turn(failure, WHOLE)) as server:
        exchange = await written(gemini(server.url))
    assert len(exchange.attempts) == tries
    assert exchange.last.status == ("ok" if tries == 2 else "error")
    assert KEY not in exchange.last.fault
