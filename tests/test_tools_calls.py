"""The tagged form of a call: found in a stream, read, and told apart from everything else."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigreason_graph.models.pieces import Piece
from trigreason_graph.nodes.writing import StepWriter
from trigreason_graph.reasoning.tool_calls import (
    CALL_LIMIT,
    CLOSE,
    OPEN,
    CallFinder,
    MalformedCallError,
    after_call,
    read_call,
)
from trigreason_graph.state import Signal
from trigreason_graph.testing import make_step

CALL = '<tool>{"name": "add", "args": {"a": 3, "b": 4}}</tool>'
PARTS = (
    *("a", " ", "\n", "<", ">", "/", "{", "}", '"', "\\", "`", "<to", "ol>", OPEN, CLOSE, CALL, "```json\n"),
    *('{"name": "f", "args": {}}', '{"name": "}</tool>"}', "<tools>", "x < 3", "日本"),
)
texts = st.lists(st.sampled_from(PARTS), max_size=14).map("".join)


def found_in(chunks: Sequence[str]) -> tuple[str, str]:
    """Text and call that a finder makes of chunks."""
    finder = CallFinder()
    found = [finder.feed(chunk) for chunk in chunks]
    found.append(finder.flush())
    return "".join(one.text for one in found), "".join(one.call for one in found)


def cut(text: str, at: Sequence[int]) -> list[str]:
    places = sorted({place % (len(text) + 1) for place in at})
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@given(texts, st.lists(st.integers(0, 200), max_size=12))
def test_what_is_found_does_not_depend_on_the_chunks(text: str, at: list[int]) -> None:
    assert found_in(cut(text, at)) == found_in([text]) == found_in(list(text))


@given(texts)
def test_nothing_is_lost_before_a_call_and_nothing_is_added(text: str) -> None:
    passed, call = found_in([text])
    assert text.startswith(passed + call)
    if not call:
        assert passed == text
    else:
        assert call.startswith(OPEN)


@given(st.text().filter(lambda text: OPEN not in text))
def test_text_without_a_tag_passes_unchanged(text: str) -> None:
    assert found_in([text]) == (text, "")


@given(
    st.text(max_size=20),
    st.dictionaries(st.text(max_size=5), st.text() | st.integers() | st.none() | st.lists(st.text()), max_size=4),
)
def test_any_arguments_survive(behind: str, arguments: dict[str, object]) -> None:
    written = OPEN + json.dumps({"name": "f", "args": arguments}) + CLOSE
    if len(written) >= CALL_LIMIT:
        return
    assert found_in(list("Look. " + written + behind)) == ("Look. ", written)
    assert read_call(written) == {"name": "f", "args": arguments}


@pytest.mark.parametrize(
    ("written", "call"),
    [
        (CALL + " and 7", CALL),
        (CALL.removesuffix(CLOSE) + "\nResult: 99", CALL.removesuffix(CLOSE)),
        (CALL.removesuffix(CLOSE), CALL.removesuffix(CLOSE)),
        (CALL.removesuffix(CLOSE) + "\n" + CLOSE, CALL.removesuffix(CLOSE) + "\n" + CLOSE),
        (OPEN + '\n```json\n{"name": "f"}\n```\n' + CLOSE, OPEN + '\n```json\n{"name": "f"}'),
        (OPEN + "add(3, 4)" + CLOSE, OPEN + "add(3, 4)" + CLOSE),
        (OPEN + '{"name": "f", "args": {', OPEN + '{"name": "f", "args": {'),
        (CALL + CALL, CALL),
    ],
    ids=["closed", "forgotten tag", "end of turn", "tag below", "fence", "no JSON", "unfinished", "two"],
)
def test_where_a_call_ends(written: str, call: str) -> None:
    assert found_in([written]) == ("", call)


@pytest.mark.parametrize("text", ["The tag <tool> begins a call.\nSo it does.", "It ends in <tool> here", "<tools>{}"])
def test_a_tag_that_is_only_spoken_of_is_text(text: str) -> None:
    assert found_in(list(text)) == (text, "")


def test_a_call_without_an_end_is_cut_at_the_limit() -> None:
    finder = CallFinder()
    found = finder.feed(OPEN + '{"name": "' + "x" * 100_000)
    assert finder.done
    assert len(found.call) == CALL_LIMIT
    with pytest.raises(MalformedCallError, match="longer than"):
        read_call(found.whole)


@pytest.mark.parametrize("key", ["args", "arguments", "parameters"])
def test_arguments_have_the_names_that_models_know(key: str) -> None:
    assert read_call(f'{OPEN}{{"name": "f", "{key}": {{"x": 1}}}}{CLOSE}') == {"name": "f", "args": {"x": 1}}
    assert read_call(f'{OPEN}{{"name": "f", "{key}": "{{}}"}}{CLOSE}') == {"name": "f", "args": {}}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "no JSON object"),
        ("add(3, 4)", "no JSON object"),
        ('[{"name": "f"}]', "one call at a time"),
        ('{"args": {}}', 'no "name"'),
        ('{"name": 3}', 'no "name"'),
        ('{"name": "f", "args": [1]}', "must be a JSON object"),
        ('{"name": "f", "args": "three"}', "must be a JSON object"),
        ('{"a":' * 700, "(no JSON object|too deeply)"),
        ("[" * 3_900, "(no JSON object|too deeply)"),
    ],
)
def test_what_is_no_call_says_why(body: str, why: str) -> None:
    with pytest.raises(MalformedCallError, match=why):
        read_call(OPEN + body + CLOSE)


def written(text: str, *, phase: str = "reasoning") -> list[tuple[str, str, str]]:
    writer = StepWriter("blank_line", "", "small", "m", 0, 0, calls=True)
    steps = [step for character in text for step in writer.feed(Piece(character, phase=phase))]  # type: ignore[arg-type]
    steps += writer.finish()
    return [(step["text"], step["sep"], step["kind"]) for step in steps]


def test_a_call_is_a_step_of_its_own_and_the_last() -> None:
    assert written(f"One.\n\nTwo: {CALL} three\n\nfour") == [
        ("One.", "\n\n", "reasoning"),
        ("Two:", "\n", "reasoning"),
        (CALL, "\n", "tool"),
    ]


def test_a_forgotten_tag_is_added_and_a_fence_for_the_call_alone_taken_away() -> None:
    assert written(f"```json\n{CALL.removesuffix(CLOSE)}\n```\nIt is 99.") == [(CALL, "\n", "tool")]
    assert written(f"Look:\n```\n{CALL}") == [("Look:", "\n", "reasoning"), (CALL, "\n", "tool")]
    code = "```python\nx = 1\n```"
    assert written(f"{code}\n{CALL}")[0][0] == code, "a fence that is closed is the model's own"


def test_a_thinking_model_may_call_behind_its_thoughts() -> None:
    assert written(f"I ask. {CALL}", phase="answer") == [("I ask.", "\n", "reasoning"), (CALL, "\n", "tool")]


def test_without_tools_a_tag_is_text() -> None:
    writer = StepWriter("blank_line", "", "small", "m", 0, 0)
    steps = [*writer.feed(Piece(f"{CALL}\n\nmore")), *writer.finish()]
    assert [(step["text"], step["kind"]) for step in steps] == [(CALL, "reasoning"), ("more", "reasoning")]


@pytest.mark.parametrize(("wanted", "before", "left"), [(1, 0, 1), (1, 1, "served"), (3, 1, 2), (None, 4, None)])
def test_the_large_model_goes_on_after_its_call(wanted: int | None, before: int, left: int | str | None) -> None:
    signal = Signal(trigger="t", reason="r", evidence={}, route="rewrite", steps=wanted, served=True)
    steps = [*(make_step("x", "large") for _ in range(before)), make_step(CALL, "large", kind="tool")]
    kept = after_call(signal, steps, 5)
    assert ("served" if kept is None else kept["steps"]) == left
    assert after_call(signal, steps[:-1], 5) is None
