"""CognitiveOffload: the paper's measure on the SRM's own tokens, and one sign in the text where there are none."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pytest

from tests.graphs import graph, large, small
from tests.views import blueprint, step, view
from trigreason_graph.state import Step
from trigreason_graph.testing import Scripted
from trigreason_graph.triggers import CognitiveOffload

SURE, UNSURE = 10, 900
"""Thousandths of a nat: perplexity 1.01, and 2.46."""


def drafted(sure: int, unsure: int, **fields: Any) -> Step:
    return step("a step", nats=[SURE] * sure + [UNSURE] * unsure, **fields)


def test_an_overconfident_step_is_rewritten() -> None:
    signal = CognitiveOffload().check(view(drafted(9, 1)))
    assert signal == {
        "trigger": "cognitive_offload",
        "reason": "The small model is overconfident: 90% of this step's tokens are near certain (above 85%).",
        "evidence": {"share": "0.900", "rho": "0.85", "tau": "1.05", "tokens": "10"},
        "route": "rewrite",
        "steps": 1,
    }


@pytest.mark.parametrize(
    ("sure", "unsure", "fires"),
    [(17, 3, False), (18, 2, True), (1, 0, True), (0, 1, False), (0, 0, False)],
    ids=["equal to rho", "above", "one sure token", "one unsure token", "no tokens"],
)
def test_the_share_must_be_above_rho_strictly_at_any_length(sure: int, unsure: int, fires: bool) -> None:
    assert (CognitiveOffload(rho=0.85).check(view(drafted(sure, unsure))) is not None) is fires


def test_a_token_must_be_below_tau() -> None:
    assert CognitiveOffload(tau=1.05).check(view(step("s", nats=[48]))) is not None  # exp(0.048) is 1.0492
    assert CognitiveOffload(tau=1.05).check(view(step("s", nats=[49]))) is None  # exp(0.049) is 1.0502


def test_rho_1_never_fires() -> None:
    assert CognitiveOffload(rho=1.0).check(view(drafted(50, 0))) is None


def test_minimum_length_is_an_option() -> None:
    trigger = CognitiveOffload(min_tokens=8, ceiling=0.1)
    assert trigger.check(view(drafted(7, 0))) is None
    assert trigger.check(view(drafted(0, 7))) is None
    assert trigger.check(view(drafted(8, 0))) is not None


def test_persistent_uncertainty_is_an_option() -> None:
    unsure = view(drafted(0, 10))
    assert CognitiveOffload().check(unsure) is None
    signal = CognitiveOffload(ceiling=0.5).check(unsure)
    assert signal is not None
    assert signal["evidence"] == {"mean_nats": "0.900", "ceiling": "0.5", "tokens": "10"}
    assert "unsure" in signal["reason"]
    assert CognitiveOffload(ceiling=0.9).check(unsure) is None


class TestFirstToken:
    UNSURE_START: ClassVar = step("Hm", nats=[UNSURE], entropy=1.2)

    def test_an_unsure_beginning_is_given_away_while_it_is_written(self) -> None:
        trigger = CognitiveOffload(first_token=1.0)
        assert trigger.when == "partial"
        for complete in (False, True):
            signal = trigger.check(view(self.UNSURE_START, complete=complete))
            assert signal is not None
            assert signal["evidence"] == {"entropy": "1.200", "first_token": "1"}
            assert "unsure how this step begins" in signal["reason"]

    def test_from_the_bound_on(self) -> None:
        assert CognitiveOffload(first_token=1.2).check(view(self.UNSURE_START, complete=False)) is not None
        assert CognitiveOffload(first_token=1.3).check(view(self.UNSURE_START, complete=False)) is None

    def test_only_when_asked_for(self) -> None:
        assert CognitiveOffload().when == "step"
        assert CognitiveOffload().check(view(self.UNSURE_START, complete=False)) is None
        assert CognitiveOffload().check(view(self.UNSURE_START)) is None

    def test_a_growing_draft_is_judged_by_its_first_token_alone(self) -> None:
        sure = step("It is 3.", nats=[SURE] * 9, entropy=0.1)
        assert CognitiveOffload(first_token=1.0).check(view(sure, complete=False)) is None
        assert CognitiveOffload(first_token=1.0).check(view(sure)) is not None

    async def test_the_step_is_cut_at_its_beginning(self) -> None:
        unsure = Scripted("It is a long story that nobody wants to hear to its end. " * 5, probability=0.5)
        writer = small(unsure, Scripted("So \\boxed{7}.", probability=0.9))
        result = await graph(writer, large("It is 4."), CognitiveOffload(first_token=0.69)).ainvoke({"question": "?"})
        assert [one["author"] for one in result["trace"]] == ["large", "small"]
        assert writer.closed == 1
        assert result["report"]["discarded_tokens"] < 5


@pytest.mark.parametrize("route", ["rewrite", "retry", "intervene"])
def test_where_it_leads_is_an_option(route: Any) -> None:
    signal = CognitiveOffload(route=route).check(view(drafted(9, 1)))
    assert signal is not None
    assert signal["route"] == route


def test_answers_are_judged_unless_told_otherwise() -> None:
    answer = view(drafted(10, 0, kind="answer"))
    assert CognitiveOffload().check(answer) is not None
    assert CognitiveOffload(answers=False).check(answer) is None


def test_hand_over_to_the_end() -> None:
    signal = CognitiveOffload(steps=None).check(view(drafted(10, 0)))
    assert signal is not None
    assert signal["steps"] is None


@pytest.mark.parametrize("author", ["large", "tool"])
def test_only_the_small_models_text_is_judged(author: str) -> None:
    assert CognitiveOffload().check(view(drafted(10, 0, author=author))) is None


def test_what_is_not_complete_is_not_judged() -> None:
    assert CognitiveOffload().check(view(drafted(10, 0), complete=False)) is None
    assert CognitiveOffload().check(view()) is None


PLAN = blueprint(
    "Work out how many eggs remain after breakfast.",
    "Work out the muffins and the eggs they need.",
    "Multiply the remaining eggs by the price on the market.",
    "Compare with last week's earnings.",
)


def test_sudden_certainty_without_log_probabilities() -> None:
    signal = CognitiveOffload().check(view(step("Answer: 42", kind="answer"), blueprint=PLAN))
    assert signal is not None
    assert signal["evidence"] == {"sign": "sudden certainty", "key_steps": "4", "covered": "0"}
    assert signal["route"] == "rewrite"


@pytest.mark.parametrize(
    "looked_at",
    [
        view(step("Answer: 42", kind="answer", nats=[UNSURE]), blueprint=PLAN),
        view(step("Answer: 42", kind="answer"), blueprint=None),
        view(step("Answer: 42", kind="answer"), blueprint=blueprint("Add eggs.", "Take the price.")),
        view(step("So we begin."), blueprint=PLAN),
        view("First.", "Second.", step("Answer: 42", kind="answer"), blueprint=PLAN),
        view(
            step(
                "16 eggs, 3 for breakfast, 4 for muffins: 9 eggs remaining; on the market at a price of $2 they come "
                "to 18, more than the earnings of last week. Answer: 18",
                kind="answer",
                conclusions=["18"],
            ),
            blueprint=PLAN,
        ),
        view(step("Answer: 42", kind="answer"), blueprint=blueprint("先算鸡蛋", "再算价格", "最后相乘")),
    ],
    ids=["log-probabilities", "no plan", "short plan", "no answer", "worked for", "covered", "another script"],
)
def test_no_sudden_certainty(looked_at: Any) -> None:
    assert CognitiveOffload().check(looked_at) is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tau": 1.0}, "tau"),
        ({"tau": math.nan}, "tau"),
        ({"rho": 1.1}, "rho"),
        ({"rho": "0.9"}, "rho"),
        ({"min_tokens": -1}, "min_tokens"),
        ({"answers": None}, "answers"),
        ({"ceiling": 0.0}, "ceiling"),
        ({"steps": 0}, "steps"),
        ({"first_token": 0}, "first_token"),
        ({"text": "sometimes"}, "text"),
        ({"route": "rollback"}, "route"),
    ],
)
def test_bad_fields_are_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"CognitiveOffload: {named}"):
        CognitiveOffload(**fields)
