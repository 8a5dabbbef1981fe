"""What steps establish, and which steps say the same."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigreason_graph.reasoning.conclusions import LONGEST, MOST, conclusions, normalised, same_text, similarity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("48 + 24 = 72", ["72"]),
        ("48 / 2 = 24 clips in May.", ["24"]),
        ("Total sheep = 160 + 80 + 20 = 260 sheep.", ["260"]),
        ("2 bolts (blue) + (2/2) bolts (white) = 3 bolts (white)", ["3"]),
        ("James runs 60 meters/sprint * 3 sprints = 180 meters/day.", ["180"]),
        ("3 x 4 = 12", ["12"]),
        ("$11 × $2 = $22", ["22"]),
        ("\\[ 80{,}000 + 50,000 = 130,000 \\]", ["130000"]),
        ("\\( 16 \\times 1.80 = 28.80 \\text{ dollars} \\)", ["28.8"]),
        ("-$50,000 = -50,000.00", ["-50000"]),
        ("\\left( \\frac{8}{20} \\right) \\times 100 = 40\\%", ["40%"]),
        ("x = 4 and y = -5.", ["x=4", "y=-5"]),
        ("so x = 4", ["x=4"]),
        ("$x_1 = \\frac{3}{4}$", ["x_1=3/4"]),
        ("f(2) = 9, \\alpha = 30", ["f(2)=9", "\\alpha=30"]),
        ("We get x = 2y + 1.", ["x=2y+1"]),
        ("x = \\boxed{4}", ["x=4", "4"]),
        ("The total is $1,000.00 dollars.", ["1000"]),
        ("The answer is 72.", ["72"]),
        ("Answer: Toulouse, Charleston and Seattle have 360 sheep.", ["360"]),
        ("Answer: 5 * 2 = 10 hours", ["10"]),
        ("The answer is (B).", ["(B)"]),
        ("So option C must be correct.", ["(C)"]),
        ("I choose D", ["(D)"]),
        ("\\boxed{\\text{(B)}}", ["(B)"]),
        ("Thus \\boxed{\\frac{1}{2}}", ["1/2"]),
        ("总共有72个。所以 x = 3，选 B。", ["72", "x=3", "(B)"]),
        ("答案：C", ["(C)"]),
        ("9 * 2 = 18 and 18 = 18", ["18"]),
    ],
)
def test_conclusions(text: str, expected: list[str]) -> None:
    assert conclusions(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Janet's ducks lay 16 eggs per day.",
        "if x = 4 the rest is easy",
        "Let x = 5",
        "2x = 8",
        "a + b = 7",
        "x^2 = 16",
        "= 4(x + 1)",
        "15 + 25 =",
        "3 apples + 4 apples = 7 apples + 2 pears",
        "at a time = 1:30",
        "x <= 5 and y >= 4 and z != 3",
        "Option A is wrong",
        "Options: A) 5 B) 6",
        "Answer: 5 of 6 apples",
        "A robe takes a bolt.",
    ],
)
def test_what_establishes_nothing(text: str) -> None:
    assert conclusions(text) == []


def test_the_last_ones_are_kept() -> None:
    text = "\n".join(f"{n} + 1 = {n + 1}" for n in range(20))
    assert conclusions(text) == [str(n) for n in range(13, 21)]
    assert len(conclusions(text)) == MOST


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$1,000.50 dollars", "1000.5"),
        ("007", "7"),
        ("-0.0", "0"),
        (".5", "0.5"),
        ("12/4", "12/4"),
        ("50 %", "50%"),
        ("B", "(B)"),
        ("No Solution.", "nosolution"),
        ("x = 5", "x=5"),
    ],
)
def test_normalised(value: str, expected: str) -> None:
    assert normalised(value) == expected


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(alphabet="0123456789.,=+-*/ xyAB(){}\\$%\nbcdfor é的", max_size=80))
def test_conclusions_are_few_short_texts(text: str) -> None:
    found = conclusions(text)
    assert len(found) <= MOST
    assert len(set(found)) == len(found)
    assert all(0 < len(value) <= LONGEST and value == value.strip() for value in found)


@pytest.mark.parametrize(
    "unit",
    [
        "x = 4 ",
        "\\boxed{",
        "\\boxed{5} ",
        "prose and words ",
        "\n",
        "=",
        "the answer ",
        "the total of all ",
        "1",
        "= 4 aaa ",
        "= 4 (a) ",
    ],
)
def test_time_is_linear(unit: str) -> None:
    text = (unit * (100_000 // len(unit) + 1))[:100_000]
    begin = time.process_time()
    conclusions(text)
    assert time.process_time() - begin < 1.0  # 0.1 on a quiet machine; quadratic would take minutes


# --- sameness

STEP = "Then we add the number of clips that she sold in April to those that she sold in May: 48 + 24 = 72 clips."


def test_nearly_the_same_words_are_the_same() -> None:
    assert same_text(STEP, STEP)
    assert same_text(
        STEP,
        "  then we add the number of clips\nthat she sold in April to those that she sold in May: 48 + 24 = 72 clips",
    )
    assert same_text("1,000 clips", "1000 clips")
    assert same_text("", " ")
    assert not same_text("", STEP)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("72", "73"),
        ("24", "42"),
        ("48 + 24", "48 - 24"),
        ("= 72 clips", "≠ 72 clips"),
        ("Then we", "Then we do not"),
        ("clips.", "clips B."),
    ],
)
def test_other_numbers_letters_operators_or_a_negation_are_another_step(old: str, new: str) -> None:
    assert similarity(STEP, STEP.replace(old, new)) > 0.93
    assert not same_text(STEP, STEP.replace(old, new))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("So option A is the one that must be right.", "So option B is the one that must be right."),
        ("Let us look at the value of x at the end of it.", "Let us look at the value of y at the end of it."),
        ("She sold the two of them at the same market.", "She sold the ten of them at the same market."),
        ("所以这个数一共是三个苹果和其他水果的总数。", "所以这个数一共是四个苹果和其他水果的总数。"),
        ("First we add all of the clips.", "In the end there is nothing left to do."),
    ],
)
def test_steps_that_differ(a: str, b: str) -> None:
    assert not same_text(a, b)


def test_similarity_is_a_share() -> None:
    assert similarity("abc", "ABC ") == 1.0
    assert similarity("abc", "xyz") == 0.0
    assert similarity("x" * 100_000, "x" * 100_000) == 1.0
