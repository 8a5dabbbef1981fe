"""A prompt as it goes out, for every way of continuing a message."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from tests.wrapped import QUESTION
from trigreason_graph.models import ModelCard
from trigreason_graph.models.sending import as_sent, joined

OPEN = "<think>\n3 + 4\n\n"
CLOSED = "<think>\n3 + 4\n</think>\n\nThe answer is "


def sent(text: str, **card: Any) -> AIMessage:
    last = as_sent([*QUESTION, AIMessage(text)], ModelCard(style="prefill", dialect="openai", **card))[-1]
    assert isinstance(last, AIMessage)
    return last


class TestTrailingMessages:
    @pytest.mark.parametrize("text", ["3 + 4\n\n", OPEN, CLOSED])
    @pytest.mark.parametrize("continues", ["assistant", "flags"])
    def test_a_template_that_keeps_them(self, text: str, continues: str) -> None:
        assert sent(text, continues=continues) == AIMessage(text)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("3 + 4\n\n", "3 + 4\n\n"),
            (OPEN, "3 + 4\n\n"),
            (CLOSED, "3 + 4\n</think>\n\nThe answer is "),
            ("The answer is ", "The answer is "),
        ],
    )
    def test_a_template_that_opens_the_tag_itself(self, text: str, expected: str) -> None:
        assert sent(text, continues="flags", thoughts="opened").content == expected

    @pytest.mark.parametrize(
        ("text", "expected"), [(OPEN, OPEN), (CLOSED, "<think>\n3 + 4\n\nThe answer is "), ("3 + 4", "3 + 4")]
    )
    def test_a_template_that_drops_closed_thoughts(self, text: str, expected: str) -> None:
        assert sent(text, continues="flags", thoughts="dropped").content == expected

    @pytest.mark.parametrize(
        ("text", "content", "thought"),
        [("3 + 4\n\n", "3 + 4\n\n", None), (OPEN, "", "3 + 4\n\n"), (CLOSED, "The answer is ", "3 + 4\n")],
    )
    def test_a_prefix(self, text: str, content: str, thought: str | None) -> None:
        message = sent(text, continues="prefix")
        assert (message.content, message.additional_kwargs["prefix"]) == (content, True)
        assert message.additional_kwargs.get("reasoning_content") == thought

    def test_earlier_turns_are_left_alone(self) -> None:
        turns = [HumanMessage("a"), AIMessage("b"), HumanMessage("c")]
        assert as_sent(turns, ModelCard(continues="prefix")) == turns


class TestParts:
    def test_become_one_text(self) -> None:
        parts = HumanMessage([{"type": "text", "text": "a"}, "b", {"type": "text", "text": "c"}])
        assert joined(parts).content == "a\n\nb\n\nc"

    def test_but_for_images(self) -> None:
        image = {"type": "image_url", "image_url": {"url": "x"}}
        parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, image, {"type": "text", "text": "c"}]
        assert joined(HumanMessage(parts)).content == [
            {"type": "text", "text": "a\n\nb"},
            image,
            {"type": "text", "text": "c"},
        ]
        assert parts[0] == {"type": "text", "text": "a"}

    def test_only_of_human_messages(self) -> None:
        message = SystemMessage([{"type": "text", "text": "a"}])
        assert joined(message) is message

    def test_keep_their_blocks_where_a_cache_knows_them(self) -> None:
        parts = HumanMessage([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
        (kept,) = as_sent([parts], ModelCard(dialect="anthropic"))
        assert len(kept.content) == 2
