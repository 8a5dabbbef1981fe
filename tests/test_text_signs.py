"""Signs of overload in the text alone, on made cases and on real greedy traces of the embedded models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.views import blueprint, step, view
from trigreason_graph.reasoning.conclusions import conclusions
from trigreason_graph.reasoning.numbers import unfounded
from trigreason_graph.reasoning.segment import Segmenter
from trigreason_graph.state import Step
from trigreason_graph.triggers import CognitiveOffload, View

ROOT = Path(__file__).parent.parent
EGGS = "She has 16 eggs, eats 3, bakes with 4 and sells the rest for $2 each. How much does she make?"
PLAN = blueprint(
    "Find the number of eggs left after breakfast.",
    "Take away the muffins.",
    "Look up the price on the market.",
    "Add the tax of the town to the revenue.",
)


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ROOT / path).read_text(encoding="utf-8").splitlines()]


QUESTIONS = {row["id"]: row["question"] for row in lines("benchmarks/data/gsm8k_dev_60.jsonl")}
TRACES = lines("tests/data/traces.jsonl")


def steps_of(text: str) -> list[Step]:
    """The steps of a reply, the last one as its answer."""
    segmenter = Segmenter("adaptive")
    segments = [*segmenter.feed(text), segmenter.flush()]
    steps = [step(one.text, conclusions=conclusions(one.text)) for one in segments if one]
    return [*steps[:-1], Step(**{**steps[-1], "kind": "answer"})]


def views(row: dict[str, Any], text: str | None = None) -> Iterator[View]:
    """What a trigger sees along a real trace."""
    steps = steps_of(row["text"] if text is None else text)
    for index, draft in enumerate(steps):
        yield View(QUESTIONS[row["id"]], None, steps[:index], draft, True, ())


def out_of_nowhere(box: re.Match[str]) -> str:
    return f"\\boxed{{{int(box[1]) * 17 + 1013}}}"


class TestFromNowhere:
    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("Clearly she makes 37 dollars.", "37"),
            ("It follows that 250 eggs are left.", "250"),
            ("显然一共有37个。", "37"),
            ("Clearly 13 are left, and 9, so 18 dollars.", ""),
            ("Clearly 16 - 3 - 4 = 9.", ""),
            ("It is 37.", ""),
            ("Clearly, this is step 37:\n37. A list.", ""),
        ],
    )
    def test_with_certainty(self, text: str, number: str) -> None:
        signal = CognitiveOffload().check(view(text, question=EGGS))
        assert (signal["evidence"]["number"] if signal else "") == number
        if signal:
            assert signal["evidence"]["sign"] == "skipped step"

    def test_an_answer_needs_no_word(self) -> None:
        signal = CognitiveOffload().check(view("She has 9 left.", step("Answer: 37", kind="answer"), question=EGGS))
        assert signal is not None
        assert signal["evidence"] == {"sign": "sudden certainty", "number": "37"}
        grounded = view("She has 9 left.", step("Answer: 18", kind="answer"), question=EGGS)
        assert CognitiveOffload().check(grounded) is None

    def test_what_a_tool_found_is_known(self) -> None:
        tool = step("The rate is 37.", "tool")
        assert CognitiveOffload().check(view(tool, "Clearly it is 37.", question=EGGS)) is None

    def test_a_problem_that_gives_its_numbers_elsewhere_silences_it(self) -> None:
        assert CognitiveOffload().check(view("Clearly it is 37.", question="What does the picture show?")) is None

    @pytest.mark.parametrize(("text", "fires"), [("fallback", False), ("always", True), ("never", False)])
    def test_beside_log_probabilities(self, text: Any, fires: bool) -> None:
        looked_at = view(step("Clearly it is 37.", nats=[900]), question=EGGS)
        assert (CognitiveOffload(text=text).check(looked_at) is not None) is fires
        without = view("Clearly it is 37.", question=EGGS)
        assert (CognitiveOffload(text=text).check(without) is not None) is (text != "never")


@pytest.mark.parametrize(
    ("text", "source", "number"),
    [
        ("1,000 and 7.50", "1000 at 7.5", ""),
        ("a third is 5.33", "16 in three parts", ""),
        ("half of it is 8", "16", ""),
        ("1{,}234", "1234", ""),
        ("40% of 250 is 100", "250 and 40", ""),
        ("so 5.29 of them", "16 in three parts", "5.29"),
        ("the year 1987", "16", "1987"),
        ("x^{17} and 17", "16", ""),
    ],
)
def test_unfounded(text: str, source: str, number: str) -> None:
    assert unfounded(text, [source]) == number


class TestPassedOver:
    def test_key_steps_nobody_spoke_of(self) -> None:
        draft = step("The town has a tax of 2, added to the revenue 9 * 2 + 2 = 20.", conclusions=["20"])
        signal = CognitiveOffload().check(view("It has 16 of them.", draft, blueprint=PLAN))
        assert signal is not None
        assert signal["evidence"] == {"sign": "key steps passed over", "reached": "4", "passed": "3"}

    @pytest.mark.parametrize(
        "trace",
        [
            ["After breakfast 16 - 3 = 13 eggs are left.", "The muffins take away 4.", "The market has a price of 2."],
            ["Of the eggs left after breakfast, muffins take away 4; on the market the price is 2."],
        ],
        ids=["in order", "at once"],
    )
    def test_a_plan_that_was_followed(self, trace: list[str]) -> None:
        draft = step("The town has a tax of 2, added to the revenue 9 * 2 + 2 = 20.", conclusions=["20"])
        assert CognitiveOffload().check(view(*trace, draft, blueprint=PLAN)) is None

    def test_only_once(self) -> None:
        draft = step("The town has a tax of 2, added to the revenue 9 * 2 + 2 = 20.", conclusions=["20"])
        assert CognitiveOffload().check(view("It has 16.", draft, "Now 20 it is.", blueprint=PLAN)) is None


class TestRealTraces:
    def test_right_solutions_show_no_sign(self) -> None:
        right = [row for row in TRACES if row["right"]]
        assert len(right) >= 20
        seen = [signal for row in right for one in views(row) if (signal := CognitiveOffload().check(one))]
        assert seen == []

    def test_an_answer_that_nothing_leads_to_is_found(self) -> None:
        """The boxed number is replaced by one that the trace never comes near."""
        found = 0
        for row in TRACES:
            spoilt = re.sub(
                r"\\boxed\{[^{}]*?(\d+)[^{}]*\}", lambda box: f"\\boxed{{{int(box[1]) * 17 + 1013}}}", row["text"]
            )
            signals = [CognitiveOffload().check(one) for one in views(row, spoilt)]
            found += signals[-1] is not None
        assert found >= 0.9 * len(TRACES)

    def test_a_bare_answer_without_the_work_is_found(self) -> None:
        plan = blueprint("Count the apples in the boxes.", "Weigh every pear.", "Compare them with oranges.")
        for row in TRACES:
            answer = steps_of(row["text"])[-1]
            bare = View(QUESTIONS[row["id"]], plan, (), answer, True, ())
            signal = CognitiveOffload().check(bare)
            assert signal is not None
            assert signal["evidence"]["sign"] == "sudden certainty"
            assert CognitiveOffload().check(replace(bare, trace=steps_of(row["text"])[:-1])) is None
