"""Blueprints: read whatever form they are written in, and followed along a trace."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.views import blueprint, step
from trigreason_graph.reasoning.blueprint import MOST_ITEMS, covered, parse_blueprint
from trigreason_graph.reasoning.terms import terms

STEPS = ["Count the eggs.", "Take the price."]


class TestParsing:
    @pytest.mark.parametrize(
        "text",
        [
            "Goal: her income\nKey steps: 1. Count the eggs. 2. Take the price.\nPitfalls: eggs in dough",
            "**Goal:** her income\n\n**Key Steps:**\n1. Count the eggs.\n2. Take the price.\n\n**Pitfalls:** "
            "eggs in dough",
            "Goal: her income. Key steps: 1. Count the eggs. 2. Take the price. Pitfalls: eggs in dough",
            "## Goal\nher income\n\n## Key steps\n- Count the eggs.\n- Take the price.\n\n## Common mistakes\n"
            "- eggs in dough",
            "Objective: her income\nSteps:\n(1) Count the eggs.\n(2) Take the price.\nWatch out for: eggs in dough",
            "Goal: her income\nKey steps: Count the eggs.; Take the price.\nPitfalls: eggs in dough",
            "Goal: her income\nPlan:\nStep 1: Count the eggs.\nStep 2: Take the price.\nPitfalls:\n* eggs in dough",
            "目标：her income\n关键步骤：①Count the eggs. ②Take the price.\n易错点：eggs in dough",
            '```json\n{"goal": "her income", "key_steps": ["Count the eggs.", "Take the price."], '
            '"pitfalls": "eggs in dough"}\n```',
            "<think>Goal: nothing</think>\nGoal: her income\nKey steps: 1. Count the eggs. 2. Take the price."
            "\nPitfalls: eggs in dough",
        ],
        ids=[
            "as asked",
            "bold",
            "one line",
            "headings",
            "brackets",
            "semicolons",
            "numbered words",
            "Chinese",
            "JSON",
            "thinking",
        ],
    )
    def test_forms(self, text: str) -> None:
        read = parse_blueprint(text)
        assert read is not None
        assert (read["goal"].rstrip("."), read["key_steps"], read["pitfalls"]) == (
            "her income",
            STEPS,
            ["eggs in dough"],
        )
        assert read["text"] == text.removeprefix("<think>Goal: nothing</think>\n")

    def test_no_labels_at_all(self) -> None:
        read = parse_blueprint("1. Count the eggs.\n2. Take the price.")
        assert read is not None
        assert (read["goal"], read["key_steps"], read["pitfalls"]) == ("", STEPS, [])

    def test_sub_items_belong_to_their_item(self) -> None:
        read = parse_blueprint("Key steps:\n1. **Count**:\n   - eggs laid\n   - eggs eaten\n2. Multiply")
        assert read is not None
        assert read["key_steps"] == ["Count: - eggs laid - eggs eaten", "Multiply"]

    def test_numbers_in_a_sentence_begin_no_item(self) -> None:
        read = parse_blueprint("Key steps: 1. The price of an egg is 2. Take 16 - 3. 2. Multiply by 2.")
        assert read is not None
        assert read["key_steps"] == ["The price of an egg is 2. Take 16 - 3.", "Multiply by 2."]

    def test_a_cut_reply_keeps_its_last_item(self) -> None:
        read = parse_blueprint("Goal: her income\nKey steps: 1. Count the eggs. 2. Mult")
        assert read is not None
        assert read["key_steps"] == ["Count the eggs.", "Mult"]

    @pytest.mark.parametrize("text", ["", "  \n", "...", "<think>thinking, and then cut"])
    def test_nothing(self, text: str) -> None:
        assert parse_blueprint(text) is None

    @given(st.text(alphabet='Goal: Keysteps1.2)-*\n{}"[],;第步：目标abc', max_size=200))
    def test_any_text(self, text: str) -> None:
        read = parse_blueprint(text)
        if read is not None:
            assert len(read["key_steps"]) <= MOST_ITEMS
            assert all(item.strip() == item != "" for item in read["key_steps"] + read["pitfalls"])

    @pytest.mark.parametrize("unit", ["1. a ", "- ", "* ", "Goal:", "<think>", "{", "1 ", "\n", "**", ";"])
    def test_time_is_linear(self, unit: str) -> None:
        text = unit * (100_000 // len(unit))
        begin = time.process_time()
        parse_blueprint(text)
        assert time.process_time() - begin < 0.5


PLAN = blueprint(
    "Find the eggs left after breakfast.",
    "Subtract the eggs for the muffins.",
    "Multiply the remaining eggs by the price at the market.",
)


class TestProgress:
    def test_along_a_trace(self) -> None:
        trace = [
            step("After breakfast she has 16 - 3 = 13 eggs left.", conclusions=["13"]),
            step("The muffins take 4, which leaves 13 - 4 = 9.", conclusions=["9"]),
            step("At the market the remaining ones have a price of 2, so 9 * 2 = 18.", conclusions=["18"]),
        ]
        assert [covered(PLAN, trace[:length]) for length in range(4)] == [
            [False, False, False],
            [True, False, False],
            [True, True, False],
            [True, True, True],
        ]

    def test_a_restated_plan_does_nothing(self) -> None:
        plan = step(
            "We follow these steps:\n1. Find the eggs left after breakfast.\n2. Subtract those for the muffins."
        )
        assert covered(PLAN, [plan]) == [False] * 3
        assert covered(PLAN, [step(" ".join(PLAN["key_steps"]))]) == [False] * 3

    def test_an_announcement_is_no_result_where_others_have_numbers(self) -> None:
        announced = step("2. Subtract the eggs for the muffins.")
        assert covered(PLAN, [step("After breakfast 13 eggs are left."), announced]) == [True, False, False]
        assert covered(PLAN, [announced, step("That is 13 - 4 = 9.", conclusions=["9"])]) == [False, True, False]

    def test_without_any_numbers(self) -> None:
        plan = blueprint("Assume the root is rational.", "Derive a contradiction from parity.")
        assert covered(plan, [step("Assume that it were rational, a root in lowest terms.")]) == [True, False]

    def test_chinese(self) -> None:
        plan = blueprint("先计算剩下的苹果", "再乘以单价得到收入")
        assert covered(plan, [step("剩下的苹果有 12 - 3 = 9 个", conclusions=["9"])]) == [True, False]
        assert covered(plan, [step("乘以单价 2，收入为 18", conclusions=["18"])]) == [False, True]

    def test_tools_do_nothing(self) -> None:
        assert covered(PLAN, [step("After breakfast 13 eggs are left.", "tool")]) == [False] * 3

    def test_a_key_step_without_a_telling_word_goes_with_the_one_before(self) -> None:
        plan = blueprint("Find the eggs left.", "Then solve it.")
        assert covered(plan, [step("There are 9 eggs left.")]) == [True, True]
        assert covered(plan, []) == [False, False]
        assert covered(blueprint("Solve it."), [step("It is 9.")]) == [False]

    @given(st.lists(st.text(max_size=40), max_size=5), st.lists(st.text(max_size=60), max_size=5))
    @settings(max_examples=100)
    def test_one_flag_per_key_step(self, key_steps: list[str], texts: list[str]) -> None:
        assert len(covered(blueprint(*key_steps), [step(text) for text in texts])) == len(key_steps)

    def test_time_is_linear(self) -> None:
        trace = [step("The remaining eggs at the market have a price of 2. " * 100) for _ in range(100)]
        begin = time.process_time()
        covered(PLAN, trace)
        assert time.process_time() - begin < 1.0


def test_terms() -> None:
    assert terms("Multiplying 1,000.50 apples by the price") == {"multi", "1000.5", "apple", "price"}
    assert terms("\\frac{1}{2} of it") == {"1", "2"}
    assert terms("剩下苹果") == {"剩下", "下苹", "苹果"}
    assert "apple" in terms("apples") & terms("apple")
