"""Where a model's reasoning lives: the same trace and answer, whatever the chunks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from trigreason_graph.models.cards import Form, Style
from trigreason_graph.models.forms import FormReader
from trigreason_graph.reasoning.handover import Handover, continuation
from trigreason_graph.state import trace_text
from trigreason_graph.testing import make_step


def read(form: Form, style: Style, *chunks: str | tuple[str, str], ended: bool = True) -> tuple[str, str]:
    """(reasoning, answer) of a reply; a chunk is content, or (content, reasoning field)."""
    reader = FormReader(form, style)
    got: list[tuple[str, str]] = []
    for chunk in chunks:
        got += reader.feed(*((chunk, "") if isinstance(chunk, str) else chunk))
    got += reader.flush(ended=ended)
    return tuple("".join(text for phase, text in got if phase == wanted) for wanted in ("reasoning", "answer"))  # type: ignore[return-value]


CASES: dict[str, tuple[Form, Style, list[Any], tuple[str, str]]] = {
    "plain": ("content", "prefill", ["a <b> c ", "</think>"], ("a <b> c </think>", "")),
    "plain, with a field nobody asked for": ("content", "turn", [("a", "hm")], ("a", "")),
    "tags": ("think_tags", "prefill", ["<think>\na</think>b"], ("a", "b")),
    "tags over two chunks": ("think_tags", "prefill", ["<th", "ink>a</", "think", ">b"], ("a", "b")),
    "no opening tag": ("think_tags", "prefill", ["a</think>b"], ("a", "b")),
    "no tag at all": ("think_tags", "prefill", ["a < b"], ("a < b", "")),
    "a second closing tag": ("think_tags", "prefill", ["a</think>b</think>c"], ("a", "bc")),
    "two closing tags, over three chunks": (
        "think_tags",
        "prefill",
        ["a</think></th", "in", "k>b"],
        ("a", "b"),
    ),
    "an opening tag after the template's own": ("think_tags", "prefill", ["<think>\n<think>\na</think>b"], ("a", "b")),
    "tags, from a server that parses them": ("think_tags", "prefill", [("", "a"), ("b", "")], ("a", "b")),
    "tags in turn, from a server that parses them": ("think_tags", "turn", [("", "hm"), ("b", "")], ("b", "")),
    "turn: a second closing tag": ("think_tags", "turn", ["<think>hm</think>a</think>b"], ("ab", "")),
    "turn: a tag over two chunks": ("think_tags", "turn", ["<th", "ink>hm</", "think>a"], ("a", "")),
    "a second thought": ("think_tags", "prefill", ["a</think>b<think>c</think>d"], ("ac", "bd")),
    "what only looked like a tag": (
        "think_tags",
        "prefill",
        ["a <", "/thin air", " <think"],
        ("a </thin air <think", ""),
    ),
    "field, then content": ("field", "prefill", [("", "a"), ("", "b"), ("c", ""), ("d", "")], ("ab", "cd")),
    "field and content in one chunk": ("field", "prefill", [("b", "a")], ("a", "b")),
    "field, then a stray closing tag": ("field", "prefill", [("", "a"), ("</think>b", "")], ("a", "b")),
    "a continued trace comes as content": ("field", "prefill", ["a", "b</think>", "c"], ("ab", "c")),
    "a continued trace that is not done": ("field", "prefill", ["a", "b"], ("ab", "")),
    "turn: field": ("field", "turn", [("", "hm"), ("a", "")], ("a", "")),
    "turn: field model that does not think": ("field", "turn", ["a", "b"], ("ab", "")),
    "turn: field model whose server leaves tags": ("field", "turn", ["<think>hm</think>a"], ("a", "")),
    "turn: tags": ("think_tags", "turn", ["<think>hm</think>", "a"], ("a", "")),
    "turn: template opened the tag": ("think_tags", "turn", ["hm</thi", "nk>a"], ("a", "")),
    "turn: did not think": ("think_tags", "turn", ["a", " < b"], ("a < b", "")),
    "nothing": ("think_tags", "turn", [], ("", "")),
}


@pytest.mark.parametrize("name", CASES)
def test_reading(name: str) -> None:
    form, style, chunks, expected = CASES[name]
    assert read(form, style, *chunks) == expected


@pytest.mark.parametrize("chunks", [["hm"], ["<think>hm"], ["hm <"]])
def test_turn_style_keeps_unfinished_thinking_private(chunks: list[str]) -> None:
    assert read("think_tags", "turn", *chunks, ended=False) == ("", "")


def test_an_opened_thought_is_private_even_if_the_model_ended_its_turn_in_it() -> None:
    assert read("think_tags", "turn", "<think>hm", ended=True) == ("", "")


def test_a_held_back_beginning_of_a_tag_is_known() -> None:
    reader = FormReader("think_tags", "prefill")
    assert reader.feed("a <thi", "") == [("reasoning", "a ")]
    assert reader.holding
    assert reader.feed("s", "") == [("reasoning", "<this")]
    assert not reader.holding


PARTS = st.lists(
    st.sampled_from(["<think>", "</think>", "<", "</", "th", "ink>", "\n", "a", "b ", "\u00e9"]), max_size=12
)


@given(PARTS, st.sampled_from(["content", "think_tags", "field"]), st.sampled_from(["prefill", "turn"]), st.booleans())
@example(["<think>", "\n", "a"], "think_tags", "prefill", True)
def test_chunks_do_not_matter(parts: list[str], form: Form, style: Style, ended: bool) -> None:
    whole = "".join(parts)
    expected = read(form, style, whole, ended=ended)
    assert read(form, style, *parts, ended=ended) == expected
    assert read(form, style, *whole, ended=ended) == expected


@given(PARTS, PARTS, st.sampled_from(["content", "field"]), st.sampled_from(["prefill", "turn"]))
def test_chunks_of_a_field_do_not_matter_either(thought: list[str], said: list[str], form: Form, style: Style) -> None:
    chunks = [*(("", part) for part in thought), *((part, "") for part in said)]
    whole = [("", "".join(thought)), ("".join(said), "")]
    assert read(form, style, *chunks) == read(form, style, *whole)


@given(PARTS, st.sampled_from(["think_tags", "field"]))
def test_nothing_but_tags_and_the_line_end_behind_one_is_lost(parts: list[str], form: Form) -> None:
    whole = "".join(parts)
    kept = "".join(read(form, "prefill", whole))
    without = whole.replace("<think>", "").replace("</think>", "")
    assert sorted(kept.replace("\n", "")) == sorted(without.replace("\n", ""))


class TestContinuing:
    @pytest.mark.parametrize("form", ["think_tags", "field"])
    @pytest.mark.parametrize(
        ("prefill", "expected"),
        [
            ("", ("a", "b")),
            ("<think>\n3 + 4\n\n", ("a", "b")),
            ("3 + 4\n\n", ("a", "b")),
            ("<think>\n3 + 4\n</think>\n\nThe answer is ", ("", "ab")),
            ("<think>\n3\n</think>\n\nNo.<think>\n4", ("a", "b")),
        ],
    )
    def test_where_the_prefill_ends_the_reply_begins(self, form: Form, prefill: str, expected: tuple[str, str]) -> None:
        reader = FormReader(form, "prefill", prefill)
        got = [*reader.feed("a</think>b", ""), *reader.flush(ended=True)]
        assert tuple("".join(text for phase, text in got if phase == wanted) for wanted in ("reasoning", "answer")) == (
            expected
        )

    @given(PARTS)
    def test_what_a_prompt_puts_around_a_trace_is_taken_off_again(self, parts: list[str]) -> None:
        trace = make_step("".join(parts).replace("think>", ""))
        messages = continuation(Handover([HumanMessage("?")], "?", None, [trace]), "small", thinks=True)
        if len(messages) > 1:
            assert read("think_tags", "prefill", messages[-1].text) == (trace_text([trace], "small"), "")


def test_the_line_end_behind_a_tag_that_a_server_took_out() -> None:
    """vLLM's reasoning parser leaves it at the beginning of the field."""
    assert read("field", "prefill", ("", "\n"), ("", "One."), ("", "\n"), ("Seven.", "")) == ("One.\n", "Seven.")
