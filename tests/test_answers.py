"""Complete answers, and what only looks like one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigreason_graph.reasoning.answers import NEAR_END, complete_answer, ends_with_answer
from trigreason_graph.reasoning.markup import Box, boxes, masked, undecorated


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: 72", "72"),
        ("**Answer:** 72", "72"),
        ("**Answer: 72**", "72"),
        ("### Answer: 72.", "72"),
        ("Final answer: 72.", "72"),
        ("The final answer is: 72", "72"),
        ("So, the sum is 72. Answer: 72 clips.", "72 clips"),
        ("Answer: $1,000", "$1,000"),
        ("Answer: 50\\%", "50%"),
        ("Answer: (B)", "(B)"),
        ("Answer: A", "A"),
        ("Answer: a", "a"),
        ("Answer: 5 in", "5 in"),
        ("Answer: -5", "-5"),
        ("Answer: [3, 5)", "[3, 5)"),
        ("Answer: <5, 3>", "<5, 3>"),
        ("Answer: yes", "yes"),
        ("Answer: an integer", "an integer"),
        ("Answer: $204 + $160 = $364", "$204 + $160 = $364"),
        ("Answer: Janet makes $22 every day.", "Janet makes $22 every day"),
        ("Answer: \\boxed{366}", "366"),
        ("Answer: Josh made a profit of \\(\\boxed{50000}\\).", "50000"),
        ("Answer: $\\frac{1}{2}$", "\\frac{1}{2}"),
        ("Answer: \\( x = 5 \\)", "x = 5"),
        ("Answer:\n72", "72"),
        ("4. **Answer:**\n   Claire eats \\(\\boxed{1.5}\\) dozens of eggs.", "1.5"),
        ("Answer:\n\\[\n\\boxed{72}\n\\]", "72"),
        ("### Final Answer\n72", "72"),
        ("**Final Answer**\n\\[ \\boxed{5} \\]", "5"),
        ("#### 1,000", "1,000"),
        ("答案：72。", "72"),
        ("**最终答案：** 72", "72"),
        ("答：一共72个。", "一共72个"),
        ("Thus it is \\(\\boxed{48}\\) miles.", "48"),
        ("\\[ \\boxed{\\frac{1}{\\sqrt{2}}} \\]", "\\frac{1}{\\sqrt{2}}"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("\\boxed{\\text{No solution}}", "No solution"),
        ("$$\\boxed{x^{2}}$$", "x^{2}"),
        ("\\fbox{7}", "7"),
        ("\\boxed{80 + 150} = 230\n\nTherefore, it is \\(\\boxed{230}\\) miles.", "230"),
        ("First \\boxed{3}.\n\nAnswer: 4", "4"),
        ("Answer: 3\n\nWait, that is wrong.\n\nAnswer: 4", "4"),
        ("Answer: 72\n\nAnswer:", "72"),
        ("```output\n260\n```\nThe total is \\(\\boxed{260}\\).", "260"),
    ],
)
def test_complete_answers(text: str, answer: str) -> None:
    assert complete_answer(text) == answer
    assert complete_answer("First, we add.\n\n" + text) == answer


@pytest.mark.parametrize(
    "text", ["The answer is 72.", "So the answer is $72.", "We add. Hence, the final answer is 72."]
)
def test_the_weak_form_counts_as_the_last_sentence(text: str) -> None:
    assert complete_answer(text) in ("72", "$72")
    assert complete_answer(text[:-1]) in ("72", "$72")
    assert complete_answer(text + " Let me check.") is None
    assert complete_answer(text + "\nLet me check.") is None
    assert complete_answer(text + "\n\nAnswer: 73") == "73"
    assert complete_answer("First, we add.\n\n" + text) in ("72", "$72")
    assert complete_answer("The sum:\n" + text) in ("72", "$72")


def test_the_weak_form_in_chinese() -> None:
    assert complete_answer("所以答案是72。") == "72"
    assert complete_answer("答案可能是72。") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "48 + 24 = 72",
        "Therefore Natalia sold 72 clips.",
        "Is the answer 72?",
        "So the answer is 72?",
        "The answer is probably 72.",
        "The answer is not 72.",
        "Answer:",
        "**Answer:**",
        "Answer: \n",
        "Answer:\nFirst we add.\nThen we stop.",
        "Answer: Here is the list:\n1. one\n2. two",
        "Answer: the total is",
        "Answer: 5 +",
        "Answer: 5 =",
        "Answer: (3, 4",
        "Answer: \\frac{1}{",
        "\\boxed{3",
        "\\boxed{3\n\nand then some text with a } in it",
        "First \\boxed{1}, then \\boxed{2",
        "Answer: it is \\boxed{2",
        "\\boxed{}",
        "\\boxed{ }",
        "\\boxed{answer}",
        "\\boxed{...}",
        "Answer: <number>",
        "Answer: <your answer here>",
        "Answer: [your answer]",
        "Answer: {answer}",
        "Answer: your answer",
        "Answer: ___",
        "Answer: …",
        "Answer: ?",
        'At the end I write "Answer:" and the final answer',
        'The line "Answer: 72" has to come last.',
        "Write `Answer: 72` at the end.",
        "3. Answer the question: how many clips?",
        "#### Step 4",
        "> Answer: 72",
        "> so \\boxed{72}",
        "```\nAnswer: 72\n```",
        "```python\nprint('Answer: 72')",
        "1. ```\n   \\boxed{72}\n   ```",
    ],
)
def test_what_is_no_answer(text: str) -> None:
    assert complete_answer(text) is None
    assert not ends_with_answer(text)


def test_what_is_part_of_the_question_is_not_the_models() -> None:
    question = "Sam wrote: Answer: 72\nIs Sam right? Put the result into \\boxed{x}. A hint: the answer is 5."
    assert complete_answer("Sam wrote: Answer: 72", question) is None
    assert complete_answer("We put the result into \\boxed{x}.", question) is None
    assert complete_answer("The answer is 5.", question) is None
    assert complete_answer("Answer: 7", question) == "7"
    assert complete_answer("Sam wrote: Answer: 72\n\nAnswer: Sam is right", question) == "Sam is right"
    assert complete_answer("Answer: 72") == "72"


def test_an_answer_counts_only_near_the_end() -> None:
    assert complete_answer("Answer: 72\n\n" + "x" * (NEAR_END - 2)) == "72"
    assert complete_answer("Answer: 72\n\n" + "x" * NEAR_END) is None
    assert complete_answer("\\boxed{5} is the first part. " + "Then we go on. " * 40) is None


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("Answer: 72", True),
        ("Answer: 72\n\n", True),
        ("**Answer: 72**\n</think>", True),
        ("It will be \\(\\boxed{92}\\) centimetres shorter from 1:00 PM to 5:00 PM.", True),
        ("\\[\n\\boxed{92}\n\\]\n", True),
        ("The answer is 72.", True),
        ("\\boxed{3} is the first part. Then we go on.", False),
        ("\\boxed{3}\n\nLet me check that.", False),
        ("Answer: 72\n\nWait, that is wrong.", False),
    ],
)
def test_ends_with_answer(text: str, ends: bool) -> None:
    assert ends_with_answer(text) is ends


PIECES = st.sampled_from(
    [
        "Answer:",
        " 72",
        "\n",
        "\\boxed{",
        "}",
        "{",
        "**",
        "`",
        "```\n",
        "> ",
        "the answer is",
        ".",
        "$",
        "\\(",
        "\\)",
        "答案：",
        "####",
        " ",
    ]
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=20).map("".join))
def test_nothing_is_invented(text: str) -> None:
    answer = complete_answer(text)
    assert answer is None or (answer.strip() and answer in text)
    assert complete_answer(text, text) is None


@pytest.mark.parametrize(
    "unit",
    [
        "\\boxed{",
        "\\boxed{5} ",
        "Answer: ",
        "Answer: 5\n",
        "prose ",
        "\n",
        "> a\n",
        "```\n",
        "**",
        "the answer is ",
        " ",
        "{",
        "So, ",
    ],
)
def test_time_is_linear(unit: str) -> None:
    text = (unit * (100_000 // len(unit) + 1))[:100_000]
    begin = time.process_time()
    complete_answer(text, text[:20_000])
    assert time.process_time() - begin < 0.5


def test_boxes_are_balanced_and_outermost() -> None:
    assert boxes("a \\boxed{1} {b} \\boxed {\\boxed{2}}") == [Box(2, 11, "1"), Box(16, 34, "\\boxed{2}")]
    assert boxes("}} \\boxed{\\}}") == [Box(3, 13, "\\}")]
    assert boxes("\\boxed{1} \\boxed{2") == [Box(0, 9, "1"), Box(10, 18, None)]


def test_masked_text_keeps_every_position() -> None:
    text = "a\n```\nb\n```\n> c\nd ```py\ne"
    assert masked(text) == "a\n   \n \n   \n   \nd      \n "


def test_undecorated() -> None:
    assert undecorated(" **$\\boxed{5}$.** ") == "5"
    assert undecorated("a...") == "a..."
    assert undecorated("`x`") == "x"
