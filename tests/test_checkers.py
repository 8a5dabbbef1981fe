"""Whether a stated answer is the right one: numbers, LaTeX, multiple choice, text, the user's own rule."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigreason_graph.errors import MissingPackage
from trigreason_graph.evaluation import latex_worker
from trigreason_graph.evaluation.answers import is_number, same_number
from trigreason_graph.evaluation.checkers import checker_of, chosen, same_choice, same_text
from trigreason_graph.evaluation.latex import is_mathematics, same_latex
from trigreason_graph.evaluation.latex_process import comparison
from trigreason_graph.evaluation.latex_worker import LatexWorker, worker
from trigreason_graph.reasoning.answers import complete_answer

POWER_TOWER = "9^{9^{9^9}}"
OPTIONS = ("four", "five", "a cat", "A")


@pytest.fixture(scope="module", autouse=True)
def _stopped() -> Iterator[None]:
    yield
    worker().close()


# Numbers


@pytest.mark.parametrize(
    ("stated", "right"),
    [
        ("72", "72"),
        ("073", "73"),
        ("$1,000.00", "1000"),
        ("1,000,000", "1000000"),
        ("10,\\!080", "10080"),
        ("\\$32,\\!348", "32348"),
        ("58{,}500", "58,500"),
        ("18 eggs", "18"),
        ("18 eggs.", "18"),
        ("**18**", "18"),
        ("-$5", "-5"),
        ("- 5", "-5"),
        ("−3", "-3"),
        (".5", "1/2"),
        ("3 / 4", "0.75"),
        ("\\frac{3}{4}", "0.75"),
        ("\\dfrac34", "3/4"),
        ("-\\frac{3}{4}", "-0.75"),
        ("\\frac{-3}{4}", "-3/4"),
        ("$\\frac{1,000}{8}$", "125"),
        ("1\\frac{4}{5}", "9/5"),
        ("1 1/2", "1.5"),
        ("2.5e3", "2500"),
        ("1.5 \\times 10^{3}", "1500"),
        ("2 x 10^-3", "0.002"),
        ("50%", "50"),
        ("50%", "0.5"),
        ("50", "50\\%"),
        ("12.5 percent", "1/8"),
        ("30^\\circ", "30"),
        ("30°", "30"),
        ("15\\mbox{ cm}^2", "15"),
        ("15 square cm", "15"),
        ("15 m²", "15"),
        ("15 cm^{3}", "15"),
        ("x = 7", "7"),
        ("3 + 4 = 7", "7"),
        ("$204 + $160 = $364", "364"),
        ("1,200 + 300 = 1,500", "1500"),
        ("答：72个", "72"),
        ("\\boxed{7}", "7"),
        ("10^{3}", "1000"),
        ("3^2 eggs", "9"),
        ("\\frac{3}{-4}", "-3/4"),
        ("5!", "5"),
        ("5 kg", "5"),
        ("1 × 1 = 1", "1"),
        ("2.5 × 10^3", "2500"),
        ("2 \\cdot 10^3", "2000"),
        ("5 x 5 = 25", "25"),
        ("|-5| = 5", "5"),
        ("5 y.o.", "5"),
    ],
)
def test_the_same_number(stated: str, right: str) -> None:
    assert same_number(stated, right)


@pytest.mark.parametrize(
    ("stated", "right"),
    [
        (None, "7"),
        ("", "7"),
        ("none", "7"),
        ("7.1", "7"),
        ("-7", "7"),
        ("-$7", "7"),
        ("3 to 4", "3"),
        ("3-4", "3"),
        ("x = 3, y = 4", "4"),
        ("3 = 4 = 4", "4"),
        ("0.5%", "50%"),
        ("\\sqrt{5}", "5"),
        ("5\\pi", "5"),
        ("\\frac{\\pi}{6}", "6"),
        ("x^2", "2"),
        ("3x^2", "3"),
        ("5²", "5"),
        ("sqrt(5)", "5"),
        ("52_8", "52"),
        ("x \\geq 5", "5"),
        ("0.3333", "1/3"),
        ("1\\frac{4}{5}", "14/5"),
        ("9" * 5_000, "9"),
        ("1/0", "1"),
        ("2 + 2", "2"),
        ("5 × 5", "5"),
        ("2 - 2", "2"),
        ("10:10", "10"),
        ("|-5|", "-5"),
        ("2k", "2"),
        ("2x", "2"),
        ("2·2", "2"),
        ("5x5", "5"),
        ("2^3!", "8"),
    ],
)
def test_another_number_or_none(stated: str | None, right: str) -> None:
    assert not same_number(stated, right)


@pytest.mark.parametrize("right", ["seven", "3 to 4", "", "\\sqrt{2}"])
def test_a_right_answer_that_is_no_number_is_an_error(right: str) -> None:
    with pytest.raises(ValueError, match="must be one number"):
        same_number("7", right)


def spellings(number: Fraction) -> list[str]:
    """Ways to write a number with a finite decimal expansion."""
    above, under = number.numerator, number.denominator
    decimal = format(Decimal(above) / Decimal(under), "f")
    sign, size = ("-" if above < 0 else ""), abs(above)
    return [
        f"{above}/{under}",
        f"{sign}\\frac{{{size}}}{{{under}}}",
        f"\\frac{{{above}}}{{{under}}}",
        decimal,
        f"{decimal} apples",
        f"{sign}${decimal.removeprefix('-')}",
        f"x = {decimal}",
        f"\\({decimal}\\)",
        f"{Decimal(decimal) * 100:f}%",
        *([f"{above:,}", f"{above}.0", f"{above:,}.00 euros"] if under == 1 else []),
    ]


FINITE = st.builds(
    Fraction, st.integers(-(10**9), 10**9), st.builds(lambda a, b: 2**a * 5**b, st.integers(0, 4), st.integers(0, 4))
)


@given(FINITE)
def test_a_number_is_itself_in_every_spelling(number: Fraction) -> None:
    for stated in spellings(number):
        for right in spellings(number):
            assert same_number(stated, right), (stated, right)


@given(FINITE, FINITE)
def test_different_numbers_differ(one: Fraction, other: Fraction) -> None:
    same = one == other
    assert same_number(str(one), str(other)) is same
    assert same_number(f"\\frac{{{one.numerator}}}{{{one.denominator}}}", spellings(other)[3]) is same


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_a_checker(text: str) -> None:
    same_number(text, "7")
    is_number(text)
    same_text(text, text)
    chosen(text, OPTIONS)
    is_mathematics(text)


@settings(max_examples=300)
@given(st.text("0123456789.,/eE+-^{}%$\\ =x", max_size=60), st.sampled_from(["\\frac{", "\\times 10^{", "1 1/", ""]))
def test_no_formula_breaks_a_checker(text: str, middle: str) -> None:
    for written in (text, text + middle + text, middle.join(text)):
        same_number(written, "7")
        is_number(written)


@pytest.mark.parametrize("digits", ["9", "1,000", "1.", "0"])
@pytest.mark.parametrize("end", ["", "e999", "/7", " 1/2", "\\frac{1}{2}", "\\times 10^{999}", "%"])
def test_long_numbers(digits: str, end: str) -> None:
    written = digits * (3_900 // len(digits)) + end
    start = time.process_time()
    assert not same_number(written, "7")
    is_number(f"\\frac{{{written}}}{{{written}}}"[:3_999])
    assert time.process_time() - start < 1


@pytest.mark.parametrize("hostile", ["\\frac" * 700, "1,000" * 700, "1 1/" * 900, "^\\circ " * 500, "10^" * 1300])
def test_hostile_numbers_take_no_time(hostile: str) -> None:
    start = time.process_time()
    same_number(hostile, "7")
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "text", ["1,000", "$5", "18 eggs", "30^\\circ", "1\\frac{4}{5}", "50\\%", "5.4 \\text{ cents}"]
)
def test_a_number_and_its_unit(text: str) -> None:
    assert is_number(text)


@pytest.mark.parametrize("text", ["", "-", "east", "x = 7", "2k+2", "15x", "(2,4)", "52_8", "3R^2", "1+2i", "5!"])
def test_more_than_a_number(text: str) -> None:
    assert not is_number(text)


# LaTeX

GOLDS = [
    *("7", "-3", "0.15", "\\frac{1}{4}", "\\frac65", "1\\frac{3}{7}", "\\$4,\\!321", "35\\%", "40^\\circ"),
    *("6.2 \\text{ litres}", "21\\mbox{ cm}^2", "\\sqrt{7}", "3\\sqrt{2}", "\\frac{2\\sqrt{5}}{3}", "-\\frac{\\pi}{8}"),
    *(
        "(2,5)",
        "(1,-4,6,10)",
        "[3,8)",
        "(-\\infty, 1]",
        "(0,2) \\cup (2,9)",
        "(-\\sqrt{2}, \\sqrt{2})",
        "x \\in [-1,6]",
    ),
    *("2x + 1", "x^4 - x^2 + 1", "(a+1)(b+3)", "6m^2", "y = -3x", "\\frac{4+7a}{15}", "\\tan x", "5 - 2i"),
    *("\\begin{pmatrix} -1 \\\\ 8 \\end{pmatrix}", "\\begin{pmatrix} 1/3 \\\\ -2/3 \\end{pmatrix}", "\\{1,4\\}"),
    *("132_5", "132_6", "\\text{west}", "\\text{Mona}", "\\text{(B)}", "\\text{(D)}", "\\text{no solution}"),
]
"""In the manner of MATH, made up; each its own value."""


@pytest.mark.parametrize("gold", GOLDS)
def test_a_latex_answer_is_itself(gold: str) -> None:
    assert same_latex(gold, gold)
    stated = complete_answer(f"We add.\n\nTherefore, the answer is $\\boxed{{{gold}}}$.")
    assert stated is not None
    assert same_latex(stated, gold)
    assert same_latex(complete_answer(f"We add.\n\n**Answer:** ${gold}$"), gold)


def test_different_latex_answers_differ() -> None:
    numbers = [gold for gold in GOLDS if is_number(gold)]
    for place, right in enumerate(GOLDS):
        others = numbers if is_number(right) else [GOLDS[place - 7]]
        assert [other for other in others if other != right and same_latex(other, right)] == []


@pytest.mark.parametrize(
    ("stated", "right"),
    [
        ("\\sqrt{20}", "2\\sqrt5"),
        ("sqrt(20)", "2\\sqrt{5}"),
        ("2√5", "\\sqrt{20}"),
        ("\\frac{1}{\\sqrt{3}}", "\\frac{\\sqrt{3}}{3}"),
        ("x**2+1", "x^2 + 1"),
        ("6 - 5 i", "6-5i"),
        ("-5i + 6", "6-5i"),
        ("d + c", "c+d"),
        ("\\sqrt{12} cm", "2\\sqrt{3}"),
        ("2\\sqrt{3}", "\\sqrt{12} m"),
        ("\\pi r^2", "r^2 \\pi"),
        ("\\log_2 8", "3"),
        ("2^{10}", "1024"),
        ("\\frac 1 2 x", "0.5x"),
        ("$x = 1$ or $x = 2$", "1,2"),
        ("1 and 2", "1,2"),
        ("h(x) = 2x + 3", "2x+3"),
        ("x = 3, y = 4", "(3,4)"),
        ("(b+2)(a+5)", "(a+5)(b+2)"),
        ("ab+5b+2a+10", "(a+5)(b+2)"),
        ("\\left( 2, 4 \\right)", "(2,4)"),
        ("(-∞, 0]", "(-\\infty, 0]"),
        ("-2 \\le x \\le 7", "[-2,7]"),
        ("[-2,7]", "x \\in [-2,7]"),
        ("x = 7", "7"),
        ("-2x", "y = -2x"),
        ("y = 2x + 3", "2x+3"),
        ("2, 1", "1,2"),
        ("\\{2, 1\\}", "1,2"),
        ("x=1 \\text{ or } x=2", "1,2"),
        ("\\pm 2", "2, -2"),
        ("\\begin{bmatrix}-7\\\\16\\end{bmatrix}", "\\begin{pmatrix} -7 \\\\ 16 \\end{pmatrix}"),
        ("76", "76^\\circ"),
        ("0.25", "\\frac14"),
        ("1.8", "1\\frac{4}{5}"),
        ("The probability is $\\frac{1}{4}$", "\\frac14"),
        ("40_{9}", "40_9"),
        ("40", "40_9"),
        ("East", "\\text{east}"),
        ("no solution", "\\text{No solution}"),
        ("C", "\\text{(C)}"),
        ("(C)", "C"),
        ("1 000", "1000"),
        ("12 345 678", "12345678"),
    ],
)
def test_the_same_latex(stated: str, right: str) -> None:
    assert same_latex(stated, right)


@pytest.mark.parametrize(
    ("stated", "right"),
    [
        (None, "1"),
        ("", "1"),
        ("", ""),
        ("3.14159", "\\pi"),
        ("7.141", "\\sqrt{51}"),
        ("(4,2)", "(2,4)"),
        ("[2,4]", "(2,4)"),
        ("2x", "2y"),
        ("d + c", "d + m"),
        ("5", "2 + 3 c"),
        ("40_8", "40_9"),
        ("40_9", "40"),
        ("naMo", "\\text{Mona}"),
        ("(B)", "\\text{(C)}"),
        ("\\text{Carl}", "\\text{(C)}"),
        ("C + 1", "C"),
        ("1 1/2", "11/2"),
        ("3 4", "34"),
        ("\\frac{", "\\frac14"),
        ("x" * 1_001, "x"),
    ],
)
def test_other_latex(stated: str | None, right: str) -> None:
    assert not same_latex(stated, right)


def test_a_pathological_answer_is_stopped_and_the_next_one_compared(caplog: pytest.LogCaptureFixture) -> None:
    impatient = LatexWorker(timeout=1.0)
    try:
        with caplog.at_level(logging.WARNING):
            assert not impatient.same(POWER_TOWER, "x+2")
        assert "not compared within 1 s" in caplog.text
        assert POWER_TOWER not in caplog.text
    finally:
        impatient.close()
    assert worker().same("x + 1", "1 + x")


def test_one_that_is_killed_while_it_compares_is_asked_again() -> None:
    mine = LatexWorker()
    try:
        assert mine.same("x+2", "2+x")
        assert mine._process is not None
        mine._process.kill()
        mine._process.poll = lambda: None  # type: ignore[method-assign]  # nobody knows yet
        assert mine.same("x+3", "3+x")
    finally:
        mine.close()


def test_a_process_that_died_is_started_again() -> None:
    assert worker().same("a + b", "b + a")
    process = worker()._process
    assert process is not None
    process.kill()
    process.wait()
    assert worker().same("a + b", "b + a")


@settings(max_examples=25)
@given(st.text("0123456789xyi+-*/^_(){}[]\\, fracsqt", max_size=30))
def test_no_formula_breaks_the_process(text: str) -> None:
    same_latex(text, "x^2 + \\sqrt{y}")
    assert text == "" or same_latex("1 + z", "z + 1")


def test_threads_share_the_process() -> None:
    pairs = [(f"{n} + x", f"x + {n + n % 2}") for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda pair: same_latex(*pair), pairs)) == [n % 2 == 0 for n in range(20)]


async def test_in_an_event_loop() -> None:
    assert same_latex("c + d", "d + c")
    assert await asyncio.gather(*(asyncio.to_thread(same_latex, f"{n}c", f"c \\cdot {n}") for n in (3, 4))) == [
        True,
        True,
    ]


def test_the_comparison_itself() -> None:
    same = comparison()
    assert same("x + 1", "1 + x")
    assert not same("\\begin{pmatrix", "1 + x")


def test_without_math_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latex_worker, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"trigreason-graph\[evaluation\]"):
        LatexWorker().same("a", "b")


def test_a_forked_process_has_a_worker_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    here = worker()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert worker() is not here


# Multiple choice, text, own rules


@pytest.mark.parametrize(
    ("stated", "letter"),
    [
        *((text, "B") for text in ("B", "(B)", "b", "B.", "[B]", "**B**", "\\text{(B)}", "$\\mathrm{B}$", "B) five")),
        *((text, "B") for text in ("B. five", "B: five", "B — five", "(B) five", "Option B", "The answer is (B)")),
        *((text, "B") for text in ("five", "Five.", "The correct option is B", " FIVE ")),
        ("A cat", "C"),
        ("A", "D"),
        *((text, None) for text in ("A and B", "(A) or (B)", "B, C", "E", "six", "I think", "", "five or four")),
        *((text, None) for text in ("(A)(B)", "(A), (B), (C)", "A - B", "A) and B) are right")),
        *((text, "B") for text in ("B) five (a prime)", "(B) the value of f(x)", "B - Denver")),
    ],
)
def test_the_chosen_option(stated: str, letter: str | None) -> None:
    assert chosen(stated, OPTIONS) == letter


@pytest.mark.parametrize(
    ("stated", "right", "options"),
    [
        ("B. (c) and (d)", "B", ["(a) and (b)", "(c) and (d)", "(a)"]),
        ("B - I and II", "B", ["I only", "I and II", "III only"]),
        ("The answer is B: -x", "B", ["x", "-x", "2x"]),
        ("D. (E) is false", "D", ["1", "2", "3", "(E) is false"]),
        ("B - A", "B", ["O", "A", "AB"]),
        ("C) (I) and (II)", "C", []),
        ("A: -x", "A", []),
    ],
)
def test_a_letter_with_its_options_text(stated: str, right: str, options: list[str]) -> None:
    assert same_choice(stated, right, options)


def test_without_options_only_letters_count() -> None:
    check = checker_of("choice")
    assert check("(C) 10 m", "\\text{(C)}")
    assert not check("10 m", "C")
    with pytest.raises(ValueError, match="none of the options"):
        check("C", "ten metres")


def test_the_text_of_an_option_counts() -> None:
    assert same_choice("Five", "B", OPTIONS)
    assert checker_of("choice", OPTIONS)("B", "five")
    assert not same_choice(None, "B", OPTIONS)


@pytest.mark.parametrize("stated", ["East", " east. ", '"east"', "\\text{east}", "**east**", "ｅａｓｔ"])
def test_the_same_words(stated: str) -> None:
    assert same_text(stated, "east")


@pytest.mark.parametrize("stated", [None, "", "west", "east wind"])
def test_other_words(stated: str | None) -> None:
    assert not same_text(stated, "east")


def test_nothing_is_not_the_same_as_nothing() -> None:
    assert not same_text("", "")
    assert not same_text("...", "!")


def test_an_own_rule_is_taken_as_it_is() -> None:
    def close(stated: str | None, right: str) -> bool:
        return stated is not None and abs(float(stated) - float(right)) < 0.1

    assert checker_of(close) is close
    with pytest.raises(ValueError, match=r"no checker .*number, latex, choice, text"):
        checker_of("maths")
