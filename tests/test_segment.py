"""Steps: what ends one, and that neither chunks nor a resumed stream change that."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trigreason_graph.reasoning.lines import LOOK_AHEAD, line_kind
from trigreason_graph.reasoning.segment import (
    HARD_CAP,
    SENTENCE_AFTER,
    Segment,
    Segmenter,
    SegmentMode,
    open_block,
    segment,
)
from trigreason_graph.state import Author, Step
from trigreason_graph.testing import make_step

MODES: tuple[SegmentMode, ...] = ("blank_line", "adaptive")
SENTENCE = "Each of the four boxes holds twelve pens and one ruler. "
LONG_LINE = (SENTENCE * 5).rstrip()
ALMOST_LONG = SENTENCE * 4 + "Twelve words."


def lines_up_to(end: str) -> str:
    """Text that is long enough to end at its last line end, and not at an earlier one."""
    return (ALMOST_LONG if end.startswith("\n") else LONG_LINE) + end


def texts(segments: list[Segment]) -> list[str]:
    return [step.text for step in segments]


def step(text: str, sep: str = "", author: Author = "small") -> Step:
    return make_step(text, author, sep=sep)


# --- blank lines


@pytest.mark.parametrize("mode", MODES)
def test_a_blank_line_ends_a_step(mode: SegmentMode) -> None:
    assert segment("One.\nStill one.\n\nTwo. \n \n\n  Three.", mode) == [
        Segment("One.\nStill one.", "\n\n"),
        Segment("Two.", " \n \n\n"),
        Segment("  Three.", ""),
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "block",
    [
        "```python\nx = 1\n\ny = 2\n```",
        "````\n```\n\nx\n```\n\n````",
        "~~~\na\n\nb\n~~~",
        "Here is the code: ```python\nx = 1\n\ny = 2\n```",
        "1. ```\n   x\n\n   y\n   ```",
        "\\[\nx = 1\n\n+ 2\n\\]",
        "$$\nx = 1\n\n$$",
        "\\begin{align*}\nx &= 1 \\\\[2pt]\n\ny &= 2\n\\end{align*}",
    ],
)
def test_blank_lines_inside_a_block_end_nothing(mode: SegmentMode, block: str) -> None:
    assert segment(f"Before.\n\n{block}\n\nAfter.", mode) == [
        Segment("Before.", "\n\n"),
        Segment(block, "\n\n"),
        Segment("After.", ""),
    ]


@pytest.mark.parametrize(
    "line", ["Use ```x``` here.", "a ~~~ b", "it costs $5", "\\\\[2pt]", "x = 3``` done", "\\$$ 5"]
)
def test_what_only_looks_like_a_block_opens_none(line: str) -> None:
    assert len(segment(f"{line}\n\nNext.\n\nLast.", "blank_line")) == 3


def test_leading_white_space_belongs_to_the_first_step() -> None:
    assert segment("\n\n  One.\n\nTwo.", "blank_line") == [Segment("\n\n  One.", "\n\n"), Segment("Two.", "")]


@pytest.mark.parametrize("blank", ["", " ", "\n", " \n\n\t "])
def test_white_space_alone_is_no_step(blank: str) -> None:
    assert segment(blank, "adaptive") == []


def test_white_space_at_the_very_end() -> None:
    assert segment("One.\n\n", "blank_line") == [Segment("One.", "\n\n")]
    assert segment("One. \n  ", "blank_line") == [Segment("One.", " \n")]
    assert segment("One.  ", "blank_line") == [Segment("One.", "")]


# --- line ends


def test_a_line_end_ends_only_long_steps_and_only_in_adaptive_mode() -> None:
    text = f"{LONG_LINE}\nSo there are 48 pens and some rulers in them."
    assert texts(segment(text, "adaptive")) == text.split("\n")
    assert len(segment(text, "blank_line")) == 1
    assert len(segment("Short line.\nAnother short line of prose, no more.", "adaptive")) == 1


@pytest.mark.parametrize(
    ("end", "following"),
    [
        (" We add them up:", "There is one more sentence here."),
        (" 5 + 3 +", "4 which is what we wanted to have"),
        (" 5 \\times", "4 which is what we wanted to have"),
        ("\n### The second month", "There is one more sentence here."),
        ("\n**Step 2**", "There is one more sentence here."),
        (" These are the facts", "- there are 4 boxes"),
        (" These are the facts", "1. there are 4 boxes"),
        (" 已知条件如下", "1、有四个盒子"),
        (" That makes", "= 48 pens"),
        (" That makes", "\\[ 4 \\times 12 = 48 \\]"),
        (" That makes", "4 * 12 = 48"),
        (" That makes", "Pens = 4 * 12"),
        ("\n4 * 12", "= 48"),
        ("\n- the boxes", "  - the first box"),
    ],
)
def test_a_line_stays_with_what_it_leads_into(end: str, following: str) -> None:
    assert len(segment(f"{lines_up_to(end)}\n{following}\n", "adaptive")) == 1


@pytest.mark.parametrize(
    ("end", "following"),
    [
        ("\n- the first", "- the second box"),
        ("\n1. the first", "2. the second box"),
        ("\n   that belongs to item 1", "2. the second box"),
        ("\nPens = 4 * 12", "Rulers = 4 * 1"),
        ("\nPens = 4 * 12", "So that we now have the pens."),
        ("", "Answer: 48"),
        ("", "**Answer:** 48"),
        ("", "答案：48"),
        ("", "#### 48"),
        ("", "\\boxed{48}"),
        ("", "| a | b |"),
    ],
)
def test_a_line_end_before_something_new_ends_a_long_step(end: str, following: str) -> None:
    assert texts(segment(f"{lines_up_to(end)}\n{following}", "adaptive")) == [lines_up_to(end), following]


@settings(deadline=None, derandomize=True)
@given(
    st.lists(
        st.sampled_from(
            [
                "-",
                "1",
                ".",
                ")",
                " ",
                "ab",
                "=",
                "\\le",
                "\\boxed",
                "{",
                "ft",
                ":",
                "，",
                "x",
                "- ",
                "12",
                "\\[",
                "你",
                "A.",
            ]
        ),
        max_size=20,
    ).map("".join)
)
def test_a_line_once_told_is_never_told_otherwise(line: str) -> None:
    line = line.lstrip()
    told = {line_kind(line[:size], whole=False) for size in range(len(line) + 1)} - {None}
    assert told <= {line_kind(line, whole=True)}
    assert line_kind("a" * LOOK_AHEAD, whole=False) == "other"


# --- sentence ends


def test_a_sentence_end_ends_a_step_without_line_ends() -> None:
    steps = segment(SENTENCE * 30, "adaptive")
    assert len(steps) > 2
    assert all(step.text.endswith(".") and step.sep == "" for step in steps)
    assert all(step.text.startswith(" ") for step in steps[1:])
    assert all(SENTENCE_AFTER <= len(step.text) < SENTENCE_AFTER + 2 * len(SENTENCE) for step in steps[:-1])


@pytest.mark.parametrize(
    "text",
    [
        "is 3.5 litres",
        "e.g. Five litres",
        "what Dr. Who wants",
        "what J. Smith wants",
        "about 5 approx. Litres",
        "that is 5! Ways",
        "1, 2, ... 10",
        "what he wants. and more",
    ],
)
def test_stops_that_end_no_sentence(text: str) -> None:
    words = "word " * (SENTENCE_AFTER // 5)
    assert len(segment(f"{words}{text} and then some words", "adaptive")) == 1


def test_the_number_of_a_list_item_ends_no_sentence() -> None:
    line = ("word " * 60).rstrip()
    assert len(segment(f"{line}:\n1. {line}:\nStep 2. {line}", "adaptive")) == 1


def test_quotes_and_brackets_stay_with_their_sentence() -> None:
    words = "word " * (SENTENCE_AFTER // 5)
    assert texts(segment(f'{words}he said "yes." Then he left.', "adaptive")) == [
        f'{words}he said "yes."',
        " Then he left.",
    ]


def test_chinese_sentences_need_no_space() -> None:
    sentence = "每个盒子里有十二支铅笔和一把尺子。"
    steps = segment(sentence * 80, "adaptive")
    assert len(steps) > 2
    assert all(step.text.endswith("。") and SENTENCE_AFTER <= len(step.text) < 520 for step in steps[:-1])
    assert segment(f"{'字' * SENTENCE_AFTER}“好。”\n\n后来", "adaptive")[0] == Segment(
        f"{'字' * SENTENCE_AFTER}“好。”", "\n\n"
    )


def test_a_sentence_inside_a_block_ends_nothing() -> None:
    assert len(segment("```\n" + SENTENCE * 20 + "\n```", "adaptive")) == 1


# --- the hard cap


@pytest.mark.parametrize("mode", MODES)
def test_the_cap_cuts_at_a_word_or_where_there_is_none_anywhere(mode: SegmentMode) -> None:
    words = segment("word " * 1_000, mode)
    assert all(step.text.endswith("word") and step.sep == "" and len(step.text) <= HARD_CAP for step in words)
    assert texts(segment("x" * (2 * HARD_CAP + 1), mode)) == ["x" * HARD_CAP, "x" * HARD_CAP, "x"]
    assert segment("x" * HARD_CAP + "\n\ny", mode) == [Segment("x" * HARD_CAP, "\n\n"), Segment("y", "")]


def test_the_cap_prefers_a_line_end() -> None:
    lines = segment("a line of words\n" * 400, "blank_line")
    assert all(step == Segment(step.text, "\n") and step.text.endswith("words") for step in lines)


@pytest.mark.parametrize("mode", MODES)
def test_an_unclosed_fence_is_cut_at_the_cap_and_stays_open(mode: SegmentMode) -> None:
    text = "```python\n" + "value = 1\n\n" * 400 + "```\n\nDone.\n\nReally."
    steps = segment(text, mode)
    assert all(step.sep == "" and step.text.endswith("\n\n") for step in steps[:-3])
    assert texts(steps[-2:]) == ["Done.", "Really."]


def test_display_maths_that_is_never_closed_is_given_up() -> None:
    text = "\\[ x = 1\n\n" + "Some words and a blank line.\n\n" * 300
    steps = segment(text, "blank_line")
    assert [len(step.text) > 1_000 for step in steps[:3]] == [True, True, False]
    assert texts(steps[2:]) == ["Some words and a blank line."] * len(steps[2:])


# --- the open block of a trace


def test_open_block_is_found_behind_an_unbroken_run_of_steps() -> None:
    assert open_block([]) == ""
    assert open_block([step("```python\nx = 1\n")]) == "```"
    assert open_block([step("```python\nx = 1\n"), step("y = 2\n"), step("z = 3\n")]) == "```"
    assert open_block([step("```python\nx = 1\n"), step("```")]) == ""
    assert open_block([step("````\nx = 1\n"), step("```\nstill")]) == "````"
    assert open_block([step("so \\[ x = 1")]) == "\\["
    assert open_block([step("\\begin{align} x")]) == "\\begin{align}"


def test_open_block_looks_back_no_further_than_the_last_separator_or_tool() -> None:
    assert open_block([step("```python\nx = 1", "\n\n"), step("y = 2")]) == ""
    assert open_block([step("```python\nx = 1", author="tool"), step("y = 2")]) == ""
    assert open_block([step("```python\nx = 1", "\n\n")]) == ""


def test_a_given_block_is_open_at_the_start() -> None:
    assert texts(segment("x = 1\n\ny = 2\n```\n\nDone.", "blank_line", "```")) == ["x = 1\n\ny = 2\n```", "Done."]
    assert texts(segment("x\n\n\\end{align}\n\nDone.", "blank_line", "\\begin{align}")) == [
        "x\n\n\\end{align}",
        "Done.",
    ]


# --- the incremental interface


def test_a_step_is_known_once_the_next_one_begins() -> None:
    segmenter = Segmenter("blank_line")
    assert segmenter.feed("One.\n\n") == []
    assert segmenter.pending == "One."
    assert segmenter.feed("\n  ") == []
    assert segmenter.feed("Two") == [Segment("One.", "\n\n\n")]
    assert segmenter.pending == "  Two"
    assert segmenter.flush() == Segment("  Two", "")
    assert segmenter.pending == ""
    assert segmenter.flush() is None


def test_pending_is_empty_before_the_first_character() -> None:
    segmenter = Segmenter("adaptive")
    segmenter.feed(" \n")
    assert segmenter.pending == ""


def test_a_flushed_segmenter_begins_anew() -> None:
    segmenter = Segmenter("blank_line")
    segmenter.feed("```\nx")
    assert segmenter.flush() == Segment("```\nx", "")
    assert segmenter.feed("y\n\nz\n```\n\nEnd") == [Segment("y\n\nz\n```", "\n\n")]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="mode must be one of"):
        Segmenter("lines")  # type: ignore[arg-type]


# --- properties

FRAGMENTS = st.sampled_from(
    [
        "word",
        "Two words",
        "The sum is 3.5 + 4 = 7.5 litres.",
        "e.g. Dr. A.",
        "Is it? Yes! ",
        "然后我们把它们加起来。",
        "“好。”",
        "x" * 300,
        "long " * 60,
        "y" * 700,
        " ",
        "  ",
        "\t",
        "\n",
        "\n",
        "\n\n",
        "\n  \n",
        " \n",
        "\u3000",
        "\u00a0\n",
        "```",
        "```python\n",
        "\n```\n",
        "`",
        "````",
        "~~~",
        "$$",
        "$",
        "\\[",
        "\\]",
        "\\",
        "\\begin{align}",
        "\\end{align}",
        "\\begin{",
        "\\boxed{4}",
        "- ",
        "1. ",
        "1",
        ".",
        "!",
        ":",
        "=",
        " = ",
        "+",
        "\nTotal = 4 * 5",
        "\n- item one",
        "\n  - item two",
        "\nAnswer: 4",
        "**bold**\n",
        "# Title\n",
        "😀",
        ")",
    ]
)
TEXT = st.lists(FRAGMENTS, max_size=40).map("".join)
MODE = st.sampled_from(MODES)
OPENING = st.sampled_from(["", "```", "$$", "\\[", "\\begin{align}"])


def fed(text: str, mode: SegmentMode, cuts: list[int], opening: str = "") -> list[Segment]:
    segmenter = Segmenter(mode, opening)
    segments = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        segments += segmenter.feed(text[start:end])
    rest = segmenter.flush()
    return [*segments, rest] if rest else segments


@settings(max_examples=150, deadline=None, derandomize=True)
@given(TEXT, MODE, OPENING)
def test_steps_joined_are_the_text(text: str, mode: SegmentMode, opening: str) -> None:
    steps = segment(text, mode, opening)
    joined = "".join(step.text + step.sep for step in steps)
    assert text.startswith(joined)
    assert not text[len(joined) :].strip()
    if steps:
        assert "\n" not in text[len(joined) :]
    for current in steps:
        assert current.text.strip()
        assert current.sep == "" or (current.sep.endswith("\n") and not current.sep.strip())
        assert (current.text + current.sep)[-1] == "\n" or not (current.text + current.sep)[-1].isspace()
        assert len(current.text.strip()) <= HARD_CAP


@settings(max_examples=150, deadline=None, derandomize=True)
@given(TEXT, MODE, OPENING, st.data())
def test_the_steps_are_the_same_whatever_the_chunks(
    text: str, mode: SegmentMode, opening: str, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    assert fed(text, mode, cuts, opening) == segment(text, mode, opening)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(TEXT, MODE)
def test_the_steps_are_the_same_character_by_character(text: str, mode: SegmentMode) -> None:
    assert fed(text, mode, list(range(1, len(text)))) == segment(text, mode)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(TEXT, MODE)
@example("```\n" + "x = 1\n\n" * 700 + "```\n\nafter\n\nend", "adaptive")
@example("$$" + "x\n\n" * 2_000 + "$$", "blank_line")
@example("x" * (HARD_CAP - 1) + "```\n\ny\n\nz", "blank_line")
@example("x" * (HARD_CAP - 1) + "\\[\n\ny\n\nz", "adaptive")
@example(" ".join(["word"] * 99) + " ```py. Word\n\nmore\n\nand more", "adaptive")
def test_a_stream_closed_at_any_step_and_resumed_gives_the_same_steps(text: str, mode: SegmentMode) -> None:
    steps = segment(text, mode)
    trace: list[Step] = []
    position = 0
    for number, current in enumerate(steps):
        assert segment(text[position:], mode, open_block(trace)) == steps[number:]
        trace.append(step(current.text, current.sep))
        position += len(current.text) + len(current.sep)


# --- time


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "unit", [SENTENCE, SENTENCE.strip() + "\n", "Total = 4 * 5\n", "每个盒子里有铅笔。", "x", "- a b\n"]
)
def test_100_kb_without_a_blank_line_take_less_than_50_ms(mode: SegmentMode, unit: str) -> None:
    text = (unit * (100_000 // len(unit) + 1))[:100_000]
    assert any(seconds_for(lambda: segment(text, mode)) < 0.05 for _ in range(9))  # a busy machine is slow at times


@pytest.mark.parametrize(
    "unit",
    [
        "\n",
        " ",
        "a \n",
        "`",
        "``` x",
        "```python\n\n",
        "\\",
        "\\begin{",
        "$",
        "$$",
        ". ",
        "a:\n",
        "\\[ x\n",
        "。",
        "1. ",
        "- ",
    ],
)
def test_time_is_linear_whatever_the_text_and_its_chunks(unit: str) -> None:
    for mode in MODES:
        seconds = []
        for size in (8_000, 32_000):
            text = (unit * (size // len(unit) + 1))[:size]
            seconds.append(seconds_for(lambda text=text, mode=mode: by_character(text, mode)))
        assert seconds[1] < 10 * seconds[0] + 0.1  # four times the text; quadratic would be 16 times
        assert seconds[1] < 1


def by_character(text: str, mode: Literal["blank_line", "adaptive"]) -> None:
    segmenter = Segmenter(mode)
    for character in text:
        segmenter.feed(character)
    segmenter.flush()


def seconds_for(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin
