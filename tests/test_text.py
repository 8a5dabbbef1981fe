"""Cleaning: what is taken out, and that chunks do not matter."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigreason_graph.reasoning.text import SEQUENCE_LIMIT, Cleaner, clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("nul\x00 bell\x07 del\x7f c1\x85", "nul bell del c1"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdata\x1b\\text", "text"),
        ("\x1bcreset \x1b(Bset", "reset set"),
        ("\x1b\x1b[2Jtwice", "twice"),
        ("broken \x1b[1;3\x1b[0moff", "broken off"),
        ("cut in the middle \x1b[38;5", "cut in the middle "),
        ("\ud83d\ude00 pair", "😀 pair"),
        ("lone \ud83d and \ude00 and \ude00\ud83d", "lone \ufffd and \ufffd and \ufffd\ufffd"),
        ("😀 中文 é \u00a0", "😀 中文 é \u00a0"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_a_sequence_that_never_ends_eats_little() -> None:
    answer = "the answer is 72 " * 200
    assert clean("\x1b]0;" + answer) == "0;" + answer
    assert clean("\x1b[" + "1;" * 40 + "m") == "1;" * 8 + "m"
    assert clean("\x1b]0;one line\nand the next") == "0;one line\nand the next"


def test_little_is_held_back() -> None:
    cleaner = Cleaner()
    assert cleaner.feed("\x1b]0;" + "x" * 100) == ""
    assert cleaner.feed("x" * SEQUENCE_LIMIT) == "0;" + "x" * (100 + SEQUENCE_LIMIT)
    assert cleaner.feed("more") == "more"
    assert cleaner.flush() == ""


def test_a_pair_split_over_chunks_is_joined() -> None:
    cleaner = Cleaner()
    assert cleaner.feed("a\ud83d") == "a"
    assert cleaner.feed("\ude00b") == "😀b"
    assert cleaner.feed("\ud83d") == ""
    assert cleaner.flush() == "\ufffd"


FRAGMENTS = st.sampled_from(
    [
        "text",
        "7",
        ";",
        "m",
        "[",
        "]",
        "\\",
        "P",
        "(",
        " ",
        "\n",
        "\r",
        "\r\n",
        "\x1b",
        "\x1b[",
        "\x1b[31m",
        "\x1b]0;t",
        "\x07",
        "\x9c",
        "\x9b",
        "\x00",
        "\x85",
        "\ud83d",
        "\ude00",
        "😀",
        "1;" * 40,
    ]
)
TEXT = st.lists(FRAGMENTS, max_size=30).map("".join)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(TEXT, st.data())
def test_the_result_is_the_same_whatever_the_chunks(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=10)))
    cleaner = Cleaner()
    pieces = [cleaner.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join([*pieces, cleaner.flush()]) == clean(text)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.one_of(TEXT, st.text(alphabet=st.characters(codec=None))))
def test_what_comes_out_is_clean(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()  # no lone surrogate
    assert not any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in once)


@pytest.mark.parametrize(
    "unit", ["prose and more ", "\x1b", "\x1b]", "\x1b]0;", "\x1b[1;", "\r", "\ud83d", "\x1b]" + "x" * 2_000]
)
def test_time_is_linear(unit: str) -> None:
    text = (unit * (100_000 // len(unit) + 1))[:100_000]
    begin = time.process_time()
    clean(text)
    assert time.process_time() - begin < 0.25
    cleaner = Cleaner()
    begin = time.process_time()
    for start in range(0, len(text), 4):
        cleaner.feed(text[start : start + 4])
    assert time.process_time() - begin < 1.0
