"""Loops: found in real text, and not in what only looks like them."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.loops import cases, precision, recall, verdict
from trigreason_graph.reasoning import loops
from trigreason_graph.reasoning.loops import looping
from trigreason_graph.reasoning.quick_look import NEXT_ITEM, WINDOW, may_loop, quick_look

SENTENCE = "We add the number of apples to the number of pears. "


def test_the_corpus() -> None:
    """At least 60 real loops and 60 texts that look like one; `benchmarks/loops.py` prints the figures."""
    corpus = cases()
    assert sum(case.loop for case in corpus) >= 60
    assert sum(not case.loop for case in corpus) >= 60
    assert len({case.text for case in corpus}) == len(corpus)
    verdicts = [verdict(case) for case in corpus]
    assert precision(verdicts) >= 0.95
    assert recall(verdicts) >= 0.8


def test_what_it_says() -> None:
    loop = looping("First of all. " + SENTENCE * 4)
    assert loop is not None
    assert (loop.times, loop.unit) == (4, SENTENCE.strip())
    assert ("First of all. " + SENTENCE * 4)[loop.start : loop.keep] == SENTENCE.strip()


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        (SENTENCE * 2, False),
        (SENTENCE * 4, True),
        (SENTENCE * 4 + "Now something else.", False),
        (SENTENCE * 4 + "We add the", True),
        ("".join(f"{n}. {SENTENCE}\n" for n in range(1, 5)), True),
        ("".join(f"Step {n}: {SENTENCE}\n" for n in range(1, 5)), True),
        ("".join(f"{n}. We add {n} apples to the pears.\n" for n in range(1, 20)), False),
        ("我们再算一遍这个数字。" * 5, True),
        ("ha" * 30, False),
        ("ha" * 300, True),
        ("0" * 100, False),
        ("0" * 400, True),
        ("", False),
    ],
)
def test_cases(text: str, loops: bool) -> None:
    assert (looping(text) is not None) is loops


def test_a_long_paragraph_twice() -> None:
    paragraph = " ".join(
        f"The {word} of the {word}s is what we look for." for word in ["area", "side", "sum", "root", "base"]
    )
    paragraph += " ".join(f"It has a {word}." for word in ["long", "short", "wide", "round", "flat", "high", "deep"])
    assert len(paragraph) > 300
    assert looping(f"{paragraph}\n\n{paragraph}") is not None
    assert looping(paragraph) is None


def test_sentences_in_no_fixed_order() -> None:
    parts = [
        "The sum of the squares of the items in the list is ninety. ",
        "The median of the list does not appear in it. ",
    ]
    order = [0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1]
    assert looping("".join(parts[index] for index in order)) is not None


@given(st.text(max_size=200))
@settings(max_examples=100)
def test_any_text(text: str) -> None:
    loop = looping(text)
    if loop is not None:
        assert 0 <= loop.start < loop.keep <= len(text)
        assert loop.times >= 2


@given(st.text(alphabet=st.characters(categories=["L"]), min_size=10, max_size=40), st.integers(12, 20))
@settings(max_examples=50)
def test_words_again_and_again(word: str, times: int) -> None:
    text = f"so {word} and {word[::-1]} come, "
    assert looping(text * times) is not None


@pytest.mark.parametrize("unit", ["a", "ab ", "\n", "1. ", "1. a\n", "|", "| a ", "\\frac", "嗯", "7 ", "- ", "```\n"])
def test_time_does_not_grow_with_the_text(unit: str) -> None:
    short, long = unit * (WINDOW // len(unit)), unit * (1_000_000 // len(unit))
    assert min(seconds(long) for _ in range(3)) < 5 * min(seconds(short) for _ in range(3)) + 0.01


def seconds(text: str) -> float:
    began = time.process_time()
    looping(text)
    return time.process_time() - began


class TestTheQuickLook:
    """It may only save the full one where that would find nothing."""

    def test_on_the_corpus(self) -> None:
        saved = 0
        for case in cases():
            for end in range(len(case.text), 0, -97):
                saved += agrees(case.text[:end])
        assert saved > 200

    @settings(max_examples=300)
    @given(
        st.lists(
            st.sampled_from(
                ["so ", "7", " = ", "x", "\n", "2. ", "Step 3: ", "我们", "ΣΑΣ ", "—", "wait ", ". ", "&", "İ "]
            ),
            max_size=8,
        ).map("".join),
        st.integers(0, 40),
        st.integers(0, 12),
        st.text(max_size=12),
    )
    def test_on_units_that_come_again(self, unit: str, times: int, cut: int, lead: str) -> None:
        text = lead + unit * times
        agrees(text[: len(text) - cut] if cut else text)

    @given(
        st.lists(st.sampled_from(["we add ", "the sum ", "3 + 4 ", "again. ", "so it is "]), min_size=60, max_size=120)
    )
    def test_on_phrases_in_any_order(self, phrases: list[str]) -> None:
        agrees("".join(phrases))

    @given(
        st.lists(
            st.lists(
                st.sampled_from(
                    ["we add ", "the sum ", "3 + 4 ", "again", "7", "1. ", "Step 2: ", "所以", "= 10x ", "\n"]
                ),
                min_size=1,
                max_size=30,
            ).map("".join),
            min_size=1,
            max_size=24,
        ),
        st.integers(1, 6),
    )
    def test_on_lines_of_steps(self, steps: list[str], rounds: int) -> None:
        texts = [step for step in steps if step.strip()] * rounds
        assume(texts)
        if not may_loop(texts):
            assert looping("\n\n".join(texts)) is None

    def test_on_the_steps_of_the_corpus(self) -> None:
        saved = 0
        for case in cases():
            texts = [text for text in case.text.split("\n") if text.strip()][-24:]
            if texts and not may_loop(texts):
                saved += 1
                assert looping("\n".join(texts)) is None
        assert saved > 50, "most texts do not loop"


def agrees(text: str) -> bool:
    """Whether the full look was saved; fails where it would have found something else."""
    begin = max(len(text) - WINDOW, 0)
    tail = NEXT_ITEM.sub("", text[begin:])
    assert looping(text) == loops._found(text, begin, tail), repr(text)
    return quick_look(tail) == "nothing"
