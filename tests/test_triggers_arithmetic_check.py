"""ArithmeticCheck: a wrong sum of the SRM's is redrafted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.views import step, view
from trigreason_graph.triggers import ArithmeticCheck


def test_a_wrong_sum() -> None:
    signal = ArithmeticCheck().check(view("She has 16 - 3 - 4 = 11 eggs left."))
    assert signal == {
        "trigger": "arithmetic_check",
        "reason": 'The step says "16 - 3 - 4 = 11", but it comes to 9, not 11.',
        "evidence": {"equation": "16 - 3 - 4 = 11", "expected": "9", "found": "11"},
        "route": "retry",
        "steps": 1,
    }


def test_the_first_wrong_one_is_named() -> None:
    signal = ArithmeticCheck().check(view("3 + 4 = 7, 3 * 4 = 13 and so on. Then 13 - 5 = 9."))
    assert signal is not None
    assert signal["evidence"]["equation"] == "3 * 4 = 13"


def test_answers_are_checked_too() -> None:
    assert ArithmeticCheck().check(view(step("Answer: 3 + 4 = 8", kind="answer"))) is not None


@pytest.mark.parametrize(
    "looked_at",
    [
        view(),
        view("3 + 4 = 7"),
        view("3 + 4 = 8", complete=False),
        view("3 + 4 = 8", "Now we go on."),
        view(step("3 + 4 = 8", "large")),
        view(step("3 + 4 = 8", "tool")),
        view("> 3 + 4 = 8"),
        view("3 + 4 = 8. Wait, 3 + 4 = 7."),
        view("As stated, 3 + 4 = 8.", question="In this riddle 3+4 = 8 and 2 + 5 = 9. What is 6 + 1?"),
        view("3 * 4 = 10", question="The operation a * b is a + 2b - 1. What is 3 * 4?"),
        view("3 + 4 = 12", question="What is 3 + 4 in base 5?"),
        view("9 + 5 = 2", question="What is 9 + 5 modulo 12?"),
    ],
    ids=[
        "start", "right", "unfinished", "earlier step", "large model", "tool", "quotation", "corrected in the step",
        "stated by the problem", "own operation", "base", "modulus",
    ],
)  # fmt: skip
def test_silence(looked_at: Any) -> None:
    assert ArithmeticCheck().check(looked_at) is None


def test_the_large_model_can_be_given_all_the_rest() -> None:
    signal = ArithmeticCheck(steps=None).check(view("3 + 4 = 8"))
    assert signal is not None
    assert signal["steps"] is None


@pytest.mark.parametrize("steps", [0, -1, 1.5, True, "1"])
def test_bad_fields_are_named(steps: Any) -> None:
    with pytest.raises(ValueError, match="ArithmeticCheck: steps"):
        ArithmeticCheck(steps=steps)
