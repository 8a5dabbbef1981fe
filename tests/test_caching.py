"""Marks for Anthropic's prompt cache: what a prompt that has grown finds again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from trigreason_graph.models import ModelCard
from trigreason_graph.models.caching import LOOK_BACK, MARKS, cache_marked

CLAUDE = ModelCard(dialect="anthropic")


def prompt(steps: int, ask: str = "Write the next step.") -> list[BaseMessage]:
    parts = ["Problem:\n3 + 4?", "Plan: add", *(f"Step {number}. So." for number in range(1, steps + 1)), ask]
    return [SystemMessage("You are an expert."), HumanMessage([{"type": "text", "text": part} for part in parts])]


def blocks(messages: list[BaseMessage]) -> list[dict[str, Any]]:
    """All blocks in the order in which the cache sees them."""
    return [block for message in messages for block in message.content if isinstance(block, dict)]


def marks(sent: list[dict[str, Any]]) -> list[int]:
    return [index for index, block in enumerate(sent) if "cache_control" in block]


def bare(sent: list[dict[str, Any]], until: int) -> str:
    """The bytes of a prefix, as far as they count."""
    return json.dumps([{**block, "cache_control": None} for block in sent[: until + 1]], sort_keys=True)


def hit(earlier: list[dict[str, Any]], later: list[dict[str, Any]]) -> int:
    """How many blocks of `later` the cache has after `earlier`, by Anthropic's rules; 0 for none."""
    written = {bare(earlier, mark) for mark in marks(earlier)}
    found = [
        place + 1
        for mark in marks(later)
        for place in range(max(mark - LOOK_BACK + 1, 0), mark + 1)
        if bare(later, place) in written
    ]
    return max(found, default=0)


class TestHits:
    @pytest.mark.parametrize("before", [0, 1, 7, 25, 100])
    @pytest.mark.parametrize("added", [0, 1, 19, 20, 21, 40, 59])
    def test_a_prompt_that_has_grown_finds_all_that_was_there(self, before: int, added: int) -> None:
        earlier = blocks(cache_marked(prompt(before), CLAUDE))
        later = blocks(cache_marked(prompt(before + added, "You are stuck."), CLAUDE))
        assert hit(earlier, later) == len(earlier) - 1  # all but what was asked

    def test_a_changed_blueprint_keeps_the_system_text(self) -> None:
        earlier, later = prompt(5), prompt(6)
        later[-1].content[0]["text"] = "Problem:\nanother"  # type: ignore[index]
        assert hit(blocks(cache_marked(earlier, CLAUDE)), blocks(cache_marked(later, CLAUDE))) == 1


class TestShape:
    @pytest.mark.parametrize("steps", [0, 3, 50, 300])
    def test_never_more_marks_than_allowed(self, steps: int) -> None:
        assert 2 <= len(marks(blocks(cache_marked(prompt(steps), CLAUDE)))) <= MARKS

    def test_what_is_asked_is_never_marked(self) -> None:
        assert "cache_control" not in blocks(cache_marked(prompt(3), CLAUDE))[-1]

    def test_the_words_are_those_of_one_text(self) -> None:
        *_, human = cache_marked(prompt(2), CLAUDE)
        told = "".join(block["text"] for block in human.content)  # type: ignore[index]
        assert told == "Problem:\n3 + 4?\n\nPlan: add\n\nStep 1. So.\n\nStep 2. So.\n\nWrite the next step."

    def test_marks_of_the_callers_own_stay_and_count(self) -> None:
        own = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
        messages: list[BaseMessage] = [SystemMessage([own, own, own]), *prompt(50)[1:]]
        sent = blocks(cache_marked(messages, CLAUDE))
        assert len(marks(sent)) == MARKS
        assert sent[:3] == [own, own, own]

    def test_images_stay_and_empty_parts_go(self) -> None:
        image = {"type": "image", "source_type": "url", "url": "x"}
        message = HumanMessage([image, {"type": "text", "text": " "}, "Problem", {"type": "text", "text": "ask"}])
        (sent,) = cache_marked([message], CLAUDE)
        assert sent.content == [
            image,
            {"type": "text", "text": "Problem", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "\n\nask"},
        ]

    def test_the_given_messages_are_left_alone(self) -> None:
        given = prompt(3)
        cache_marked(given, CLAUDE)
        assert given == prompt(3)

    def test_other_dialects_and_plain_strings_are_unchanged(self) -> None:
        assert cache_marked(prompt(3), ModelCard(dialect="openai")) == prompt(3)
        assert cache_marked([HumanMessage("x")], CLAUDE) == [HumanMessage("x")]
        assert cache_marked([], CLAUDE) == []
