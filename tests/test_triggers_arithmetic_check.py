"""ArithmeticCheck: a wrong sum of the SRM's is redrafted."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.graphs import Marker, graph, large, small
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


class TestLargeModelsSteps:
    """What the LRM wrote right before the draft is recomputed too."""

    def test_a_wrong_one_is_rolled_back(self) -> None:
        signal = ArithmeticCheck().check(view("Fine.", step("So 3 + 4 = 8.", "large"), "Therefore 8 pens."))
        assert signal == {
            "trigger": "arithmetic_check",
            "reason": 'Step 2 says "3 + 4 = 8", but it comes to 7, not 8.',
            "evidence": {"equation": "3 + 4 = 8", "expected": "7", "found": "8"},
            "route": "rollback",
            "steps": 1,
            "wrong": 2,
        }

    def test_the_earliest_is_named_and_goes_before_the_drafts_own(self) -> None:
        wrong = [step("So 3 + 4 = 8.", "large"), step("And 8 + 1 = 10.", "large")]
        signal = ArithmeticCheck().check(view("Fine.", *wrong, "10 - 1 = 8."))
        assert signal is not None
        assert (signal["route"], signal["wrong"]) == ("rollback", 2)

    @pytest.mark.parametrize(
        "looked_at",
        [
            view(step("3 + 4 = 8", "large"), "Fine.", "Go on."),
            view(step("3 + 4 = 8", "large"), step("No, 3 + 4 = 7.", "large"), "Go on."),
            view(step("3 + 4 = 8", "large"), "Rather 3 + 4 = 7."),
            view(step("3 + 4 = 7", "large"), "Go on."),
            view(step("3 + 4 = 8", "tool"), "Go on."),
            view(step("3 + 4 = 8", "large"), "Go on.", question="In base 7, what is 3 + 4?"),
            view(step("3 + 4 = 8", "large"), *[step("Fine.", "large")] * 8, "Go on."),
        ],
        ids=[
            "was looked at before",
            "put right by itself",
            "put right by the draft",
            "right",
            "a tool's",
            "base",
            "far",
        ],
    )
    def test_silence(self, looked_at: Any) -> None:
        assert ArithmeticCheck().check(looked_at) is None

    def test_it_can_be_left_out(self) -> None:
        assert ArithmeticCheck(large=False).check(view(step("3 + 4 = 8", "large"), "Go on.")) is None
        with pytest.raises(ValueError, match="ArithmeticCheck: large must be True or False"):
            ArithmeticCheck(large=1)  # type: ignore[arg-type]

    async def test_in_a_run_the_small_model_writes_that_place(self) -> None:
        writer = small("BAD.\n\nx", "Therefore 8 pens.\n\nx", "3 + 4 = 7. So \\boxed{7}.")
        compiled = graph(writer, large("wrong: none\n\nSo 3 + 4 = 8."), ArithmeticCheck(), Marker("BAD"))
        result = await compiled.ainvoke({"question": "How many pens?"})
        assert [one["text"] for one in result["trace"]] == ["3 + 4 = 7. So \\boxed{7}."]
        assert result["report"]["rollbacks"] == 1
        assert "it comes to 7, not 8" in str(writer.prompts[2][0].content)


@pytest.mark.parametrize("unit", ["3 + 4 = 8\n", "x = 5\n", "So she has 16 - 3 - 4 = 9 eggs. ", "\n", "(((1+2", "= "])
def test_a_step_of_100_kb_takes_less_than_50_ms(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    looked_at = view(*[step(text, "large")] * 20, text)
    assert min(seconds(looked_at) for _ in range(3)) < 0.05


def seconds(looked_at: Any) -> float:
    began = time.process_time()
    ArithmeticCheck().check(looked_at)
    return time.process_time() - began
