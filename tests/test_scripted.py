"""The scripted model, a public tool: it behaves like a client of a server, and shows what was asked of it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.pieces import tokens_of
from trigreason_graph.testing import Scripted, ScriptedModel
from trigreason_graph.testing.scripted import tokenize


async def reply(model: ScriptedModel, **options: Any) -> AIMessageChunk:
    whole: AIMessageChunk | None = None
    async for chunk in model.astream("What is 3 + 4?", **options):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole


async def test_replies_come_in_order() -> None:
    model = ScriptedModel(script=["one", Scripted("two")])
    assert [(await reply(model)).text, (await model.ainvoke("?")).text] == ["one", "two"]
    assert model.calls == 2
    assert [messages[0].text for messages in model.prompts] == ["What is 3 + 4?", "?"]


async def test_asking_for_more_than_the_script_has() -> None:
    model = ScriptedModel(script=["one"])
    await reply(model)
    with pytest.raises(IndexError, match="1 replies, and a further one"):
        await reply(model)
    with pytest.raises(IndexError):
        ScriptedModel(script=[], loop=True).invoke("?")


async def test_a_script_that_starts_over() -> None:
    model = ScriptedModel(script=["one", "two"], loop=True)
    assert [(await reply(model)).text for _ in range(3)] == ["one", "two", "one"]


async def test_a_reply_has_usage_and_an_ending() -> None:
    model = ScriptedModel(script=["is 7 now"])
    whole = await reply(model)
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["output_tokens"] == 3
    assert whole.usage_metadata["input_tokens"] == 5
    assert whole.response_metadata["finish_reason"] == "stop"
    assert model.served == [3]


@pytest.mark.parametrize("streaming", [True, False])
async def test_max_tokens_cut_it(streaming: bool) -> None:
    model = ScriptedModel(script=["one two three"], disable_streaming=not streaming)
    whole = await reply(model, max_tokens=2)
    assert whole.text == "one two"
    assert whole.response_metadata["finish_reason"] == "length"
    assert model.served == [2]
    assert model.asked == [{"max_tokens": 2}]


async def test_thinking_counts_too() -> None:
    model = ScriptedModel(script=[Scripted("is 7", thinking="3 + 4")], loop=True)
    whole = await reply(model, max_tokens=4)
    assert (whole.additional_kwargs["reasoning_content"], whole.text) == ("3 + 4", "is")
    whole = await reply(model, max_tokens=2)
    assert (whole.additional_kwargs["reasoning_content"], whole.text) == ("3 +", "")


async def test_log_probabilities() -> None:
    whole = await reply(ScriptedModel(script=[Scripted("is 7", probability=0.5)]))
    tokens = tokens_of(None, whole)
    assert [token.size for token in tokens] == [2, 2]
    assert tokens[0].nats == 693
    assert tokens[0].entropy == pytest.approx(0.693, abs=1e-3)


async def test_a_sure_model_and_one_that_reports_nothing() -> None:
    sure = tokens_of(None, await reply(ScriptedModel(script=[Scripted("7", probability=1.0)])))
    assert sure[0].nats == 0
    assert not tokens_of(None, await reply(ScriptedModel(script=[Scripted("7", probability=None)])))


async def test_failing_at_once_and_in_mid_stream() -> None:
    model = ScriptedModel(
        script=[Scripted(error=ConnectionError("at once")), Scripted("one", error=ConnectionError("later"))]
    )
    with pytest.raises(ConnectionError, match="at once"):
        await reply(model)
    stream = model.astream("?")
    assert (await anext(stream)).text == "one"
    with pytest.raises(ConnectionError, match="later"):
        await anext(stream)
    assert model.served == []


async def test_a_stream_that_just_ends() -> None:
    whole = await reply(ScriptedModel(script=[Scripted("one", finish="")]))
    assert whole.usage_metadata is None
    assert "finish_reason" not in whole.response_metadata


async def test_closed_streams_are_counted() -> None:
    model = ScriptedModel(script=["one two", Scripted("three", delay=60)])
    async with aclosing(model.astream("?")) as stream:  # type: ignore[type-var]
        await anext(stream)
    task = asyncio.create_task(reply(model))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.closed == 2


def test_it_can_play_either_role_with_any_card() -> None:
    card = ModelCard(provider="scripted", name="cloud", style="turn")
    assert ScriptedModel(script=[], trigreason_card=card).trigreason_card is card
    assert ScriptedModel(script=[]).trigreason_card.local


@given(st.text())
def test_its_tokens_are_the_text(text: str) -> None:
    assert "".join(tokenize(text)) == text


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a b\n\nc", ["a", " b", "\n\n", "c"]),
        ("  a \n", ["  a", " ", "\n"]),
        ("", []),
        ("a\r\nb", ["a", "\r", "\n", "b"]),
    ],
)
def test_what_its_tokens_are(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


def test_a_script_is_a_list() -> None:
    with pytest.raises(ValueError, match="script"):
        ScriptedModel(script="one reply")
