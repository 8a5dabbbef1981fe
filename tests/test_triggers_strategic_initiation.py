"""StrategicInitiation: once, before the first step."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphs import graph, large, small
from tests.views import step, view
from trigreason_graph import Settings
from trigreason_graph.triggers import StrategicInitiation


def test_fires_before_the_first_step() -> None:
    signal = StrategicInitiation().check(view())
    assert signal == {
        "trigger": "strategic_initiation",
        "reason": "The large model sets the strategy before the first step.",
        "evidence": {"form": "blueprint", "tokens": "120"},
        "route": "intervene",
        "steps": 0,
    }


def test_never_twice() -> None:
    initiation = StrategicInitiation()
    assert initiation.check(view("a draft")) is None
    start = view()
    later = type(start)(start.question, None, [step("one")], None, False, ())
    assert initiation.check(later) is None


@pytest.mark.parametrize(
    ("fields", "steps", "evidence", "said"),
    [
        ({"tokens": None, "steps": 20}, 20, {"form": "prime", "steps": "20"}, "first steps"),
        ({"tokens": 300, "steps": None}, None, {"form": "prime", "tokens": "300"}, "first steps"),
        ({"tokens": 300, "steps": 3}, 3, {"form": "prime", "tokens": "300", "steps": "3"}, "first steps"),
        ({"tokens": None, "steps": None}, None, {"form": "prime"}, "whole solution"),
        ({"tokens": None, "share": 0.25}, None, {"form": "prime", "tokens": "75", "share": "0.25"}, "first steps"),
        ({"tokens": 50, "share": 0.25}, None, {"form": "prime", "tokens": "50", "share": "0.25"}, "first steps"),
        (
            {"tokens": None, "share": 0.1, "expected": 4_000, "steps": 2},
            2,
            {"form": "prime", "tokens": "400", "steps": "2", "share": "0.1"},
            "first steps",
        ),
    ],
)
def test_priming(fields: dict[str, Any], steps: int | None, evidence: dict[str, str], said: str) -> None:
    signal = StrategicInitiation(form="prime", **fields).check(view())
    assert signal is not None
    assert signal["steps"] == steps
    assert signal["evidence"] == evidence
    assert said in signal["reason"]


def test_both_begins_with_the_blueprint() -> None:
    both = StrategicInitiation(form="both", steps=2)
    assert both.check(view()) == StrategicInitiation().check(view())
    assert both.prime_tokens is None
    assert both.priming()["evidence"] == {"form": "prime", "steps": "2"}
    assert StrategicInitiation(form="both", share=0.5).prime_tokens == 150


async def test_both_in_a_run() -> None:
    planner = large("Goal: the sum\nKey steps: 1. read 2. add", "It is 1.\n\nIt is 2.\n\nIt is 3.\n\n")
    both = StrategicInitiation(form="both", steps=2)
    result = await graph(small("So \\boxed{7}."), planner, initiation=both).ainvoke({"question": "What?"})
    assert [(step["author"], step["text"]) for step in result["trace"]] == [
        ("large", "It is 1."),
        ("large", "It is 2."),
        ("small", "So \\boxed{7}."),
    ]
    assert "1. read 2. add" in str(planner.prompts[1])
    assert result["report"]["interventions"] == {"strategic_initiation": 2}


async def test_both_without_the_large_model_just_begins() -> None:
    both = StrategicInitiation(form="both", steps=2)
    never = Settings(large="never")
    result = await graph(small("So \\boxed{7}."), initiation=both, settings=never).ainvoke({"question": "What?"})
    assert result["answer"] == "7"
    assert result["report"]["unserved"] == {"strategic_initiation": 1}


@pytest.mark.parametrize(
    ("question", "trivial"),
    [
        ("What is 3 + 4?", True),
        ("3+4=?", True),
        ("What is 3 + 4 + 5?", False),
        ("A train leaves at 3 and arrives at 5 in a town that nobody knows. How long?", False),
        ("word" * 100, False),
    ],
)
def test_trivial_problems_are_skipped_only_when_asked_for(question: str, trivial: bool) -> None:
    assert StrategicInitiation().check(view(question=question)) is not None
    assert (StrategicInitiation(skip_trivial=True).check(view(question=question)) is None) is trivial


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"form": "plan"}, "form"),
        ({"tokens": 0}, "tokens"),
        ({"tokens": 1.5}, "tokens"),
        ({"tokens": True}, "tokens"),
        ({"form": "prime", "steps": 0}, "steps"),
        ({"tokens": None}, "tokens"),
        ({"steps": 3}, "steps"),
        ({"skip_trivial": 1}, "skip_trivial"),
        ({"share": 0.3}, "share"),
        ({"form": "prime", "share": 0}, "share"),
        ({"form": "prime", "share": 1.5}, "share"),
        ({"form": "prime", "expected": 0}, "expected"),
        ({"form": "both"}, "steps or share"),
        ({"form": "both", "steps": 2, "tokens": None}, "tokens"),
    ],
)
def test_bad_fields_are_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"StrategicInitiation: {named}"):
        StrategicInitiation(**fields)
