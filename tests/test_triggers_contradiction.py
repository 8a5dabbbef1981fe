"""Contradiction: two steps that cannot both be right; silent wherever a quantity may have changed in good faith."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.solutions import right_solutions
from tests.views import step, view
from trigreason_graph.reasoning.claims import claims, disagree
from trigreason_graph.reasoning.conclusions import conclusions
from trigreason_graph.reasoning.segment import segment
from trigreason_graph.triggers import Contradiction


def stated(text: str) -> list[tuple[str, Fraction, str]]:
    return [(claim.name, claim.value, claim.unit) for claim in claims(text)]


@pytest.mark.parametrize(
    ("text", "name", "value", "unit"),
    [
        ("So x = 24.", "x", 24, ""),
        ("\\[ x_1 = \\frac{50}{2} = 25 \\]", "x_1", 25, ""),
        ("The total cost is $72.", "total cost", 72, "$"),
        ("Total cost = 3 * $4 = $12", "total cost", 12, "$"),
        ("So the total cost is **$1,250.50**.", "total cost", Fraction("1250.5"), "$"),
        ("Therefore, the number of pens is 24 pens.", "number of pens", 24, "pens"),
        ("\\[ \\text{Total cost} = 48 + 24 = 72 \\]", "total cost", 72, ""),
        ("- John's running speed is 6 mph", "john's running speed", 6, "mph"),
        ("The answer is 42.", "answer", 42, ""),
        ("The discount rate is 20%.", "discount rate", 20, "%"),
    ],
)
def test_what_is_claimed(text: str, name: str, value: Any, unit: str) -> None:
    found = stated(text)
    assert found[-1:] == [(name, Fraction(value), unit)] or (name, Fraction(value), unit) in found


@pytest.mark.parametrize(
    "text",
    [
        "Let x = 3.",
        "If x = 3, we are done.",
        "Case 1: x = 3.",
        "x = 2 or x = 3",
        "Suppose the total cost is $5.",
        "The total cost is now $5.",
        "The total cost is about $5.",
        "The total cost is not $5.",
        "The remaining amount is 5.",
        "The total is 5.",
        "The result is 5.",
        "The cost of each pen is $2.",
        "The total time is 2 hours 30 minutes.",
        "The total cost is 5 + y.",
        "The total cost is 3/4 of 20.",
        "The total cost is x.",
        "Is the total cost $5?",
        "Wait, the total cost is $5.",
        "x ≈ 3.3",
        "x < 5",
        "The first number is 5.",
        "There are 5 pens.",
    ],
)
def test_what_is_no_claim(text: str) -> None:
    assert stated(text) == []


@pytest.mark.parametrize(
    ("one", "other", "both_cannot_be"),
    [
        ("x = 24", "x = 25", True),
        ("x = 24", "x = -24", True),
        ("x = 0", "x = 3", True),
        ("The total cost is $72.", "The total cost is $70.", True),
        ("x = 24", "x = 24.0", False),
        ("x = 1/2", "x = 0.5", False),
        ("x = 33.3", "x = 33.33", False),
        ("x = 0.25", "x = 25", False),
        ("The total time is 2 hours.", "The total time is 120 minutes.", False),
        ("The total time is 2 hours.", "The total time is 5 minutes.", False),
        ("The total time is 2.", "The total time is 120.", False),
        ("x = 24", "y = 25", False),
        ("The total cost is $72.", "The total cost of all is $70.", False),
    ],
)
def test_which_claims_disagree(one: str, other: str, both_cannot_be: bool) -> None:
    (first,), (second,) = claims(one), claims(other)
    assert disagree(first, second) is both_cannot_be
    assert disagree(second, first) is both_cannot_be


def test_the_draft_is_named_where_nothing_speaks_for_it() -> None:
    signal = Contradiction().check(view("The total cost is $72.", "So we go on.", "The total cost is $70."))
    assert signal == {
        "trigger": "contradiction",
        "reason": 'Step 1 says "The total cost is $72", but this step says "The total cost is $70".',
        "evidence": {
            "quantity": "total cost",
            "earlier": "The total cost is $72",
            "now": "The total cost is $70",
            "step": "1",
        },
        "route": "rollback",
        "steps": 1,
        "wrong": 3,
    }


def test_the_earlier_step_is_named_where_only_the_draft_was_computed() -> None:
    signal = Contradiction().check(view("Fine.", "So x = 20.", "Therefore x = 50 / 2 = 25."))
    assert signal is not None
    assert signal["wrong"] == 2


def test_the_draft_is_named_where_both_were_computed() -> None:
    signal = Contradiction().check(view("So x = 10 + 10 = 20.", "Therefore x = 50 / 2 = 25."))
    assert signal is not None
    assert signal["wrong"] == 2


@pytest.mark.parametrize(
    "looked_at",
    [
        view(),
        view("x = 24"),
        view("x = 24", "x = 24"),
        view("x = 24", "x = 25", complete=False),
        view("x = 24", "Let x = 25."),
        view("x = 24", step("x = 25", "large")),
        view(step("x = 24", "tool"), "x = 25"),
        view("> x = 24", "x = 25"),
        view("x = 24", "x = 25. Then x = 26."),
        view("x = 24. Then x = 25.", "x = 26"),
        view("x = 24", "x = 25", "x = 25"),
    ],
    ids=[
        "start", "first", "the same", "unfinished", "let", "the large model's", "a tool's", "quoted", "varies here",
        "varies there", "the latest claim stands",
    ],
)  # fmt: skip
def test_silence(looked_at: Any) -> None:
    assert Contradiction().check(looked_at) is None


def test_only_a_window_is_looked_at() -> None:
    steps = ["x = 24", *["So on."] * 20]
    assert Contradiction().check(view(*steps, "x = 25")) is None
    assert Contradiction(window=64).check(view(*steps, "x = 25")) is not None


def test_no_alarm_in_right_solutions() -> None:
    for text in right_solutions():
        steps = [step(part.text, conclusions=conclusions(part.text)) for part in segment(text, "adaptive")]
        for end in range(1, len(steps) + 1):
            assert Contradiction(window=64).check(view(*steps[:end])) is None


@given(st.text(alphabet="xy=0123456789.,/%$ \ntotalcostisif-\\{}", max_size=80))
def test_junk_never_raises(text: str) -> None:
    for claim in claims(text):
        assert not disagree(claim, claim)


@pytest.mark.parametrize(
    ("fields", "named"), [({"window": 0}, "window"), ({"window": 65}, "window"), ({"steps": 0}, "steps")]
)
def test_bad_fields_are_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"Contradiction: {named}"):
        Contradiction(**fields)
