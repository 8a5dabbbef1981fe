"""The text of a growing trace, joined from what was joined before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphs import graph, large, small
from trigreason_graph import Budget, ChatTrigReason
from trigreason_graph.reasoning import joined as module
from trigreason_graph.reasoning.joined import LONG, MOST, forget, joined
from trigreason_graph.state import Author, Step, trace_text
from trigreason_graph.testing import Scripted, make_step

AUTHORS = st.sampled_from(["small", "large", "tool"])
SEPS = st.sampled_from(["\n\n", "\n", "", "\n \n"])


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_known", {})


def made(number: int, author: Author = "small", sep: str = "\n\n") -> Step:
    return make_step(f"Step {number}.", author, id=number, sep=sep)


def behind_others(steps: list[Step], author: str) -> int:
    places = [place for place, step in enumerate(steps) if step["author"] not in (author, "tool")]
    return places[-1] + 1 if places else 0


@given(
    st.lists(st.tuples(AUTHORS, SEPS), min_size=LONG, max_size=LONG),
    st.lists(st.tuples(st.integers(0, 9), st.lists(st.tuples(AUTHORS, SEPS), max_size=6)), max_size=8),
    st.sampled_from(["small", "large", None]),
)
def test_the_same_text_as_joined_anew(first: list[Any], changes: list[Any], author: Author | None) -> None:
    """A trace grows, and is rolled back by some steps before it grows on."""
    steps = [made(number, *how) for number, how in enumerate(first)]
    for dropped, more in changes:
        steps = [*steps[: len(steps) - dropped], *(made(1_000 + len(steps), *how) for how in more)]
        read = joined(steps)
        assert read.text(author) == trace_text(steps, author)
        assert read.taken_over("small") == behind_others(steps, "small")
        assert read.taken_over("large") == behind_others(steps, "large")


def test_other_steps_behind_the_same_first_one() -> None:
    first, one, other = made(0), made(1), made(2)
    rest = [made(number) for number in range(3, LONG + 3)]
    assert joined([first, one, *rest]).text(None) != joined([first, other, *rest]).text(None)
    assert joined([first, other, *rest]).text(None) == trace_text([first, other, *rest])


def test_an_empty_trace() -> None:
    assert joined([]).text("small") == ""
    assert joined([]).taken_over("small") == 0


def test_only_new_steps_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [made(number) for number in range(500)]
    read: list[int] = []

    def counted(some: list[Step], next_author: Author | None = None) -> str:
        read.append(len(some))
        return trace_text(some, next_author)

    monkeypatch.setattr(module, "trace_text", counted)
    for count in range(400, 501, 10):
        joined(steps[:count])
    assert read == [400, *[10] * 10]


def test_few_are_remembered_and_none_that_has_ended() -> None:
    traces = [[made(number) for number in range(LONG)] for _ in range(MOST + 5)]
    for steps in traces:
        joined(steps)
    assert len(module._known) == MOST
    for steps in traces:
        forget(steps)
    assert not module._known


async def test_a_run_leaves_nothing_behind() -> None:
    lines = [f"Thing number {number} is seen." for number in range(LONG + 20)]
    calls = ["\n\n".join(lines[start : start + 11]) for start in range(0, LONG + 10, 10)]
    writer = small(*calls, "So \\boxed{7}.")
    result = await graph(writer, large()).ainvoke({"question": "What is 3 + 4?"}, {"recursion_limit": 100})
    assert len(result["trace"]) > LONG
    assert writer.prompts[-1][-1].text == trace_text(result["trace"][:-1])
    assert not module._known


async def test_nor_does_one_that_ends_in_a_call_of_a_tool() -> None:
    lines = [f"Thing number {number} is seen." for number in range(LONG + 20)]
    calls = ["\n\n".join(lines[start : start + 11]) for start in range(0, LONG + 10, 10)]
    writer, expert = small(*calls, "So \\boxed{7}."), large(Scripted(tool_calls=[{"name": "Sum", "args": {"of": 7}}]))
    chat = ChatTrigReason(small=writer, large=expert, policy="small_only", budget=Budget(total_tokens=None, usd=None))
    sum_up = {"name": "Sum", "description": "Adds.", "parameters": {"type": "object", "properties": {}}}
    reply = await chat.bind_tools([sum_up]).ainvoke("What is 3 + 4?")
    assert (reply.tool_calls[0]["name"], len(writer.prompts)) == ("Sum", len(calls) + 1)
    assert not module._known
