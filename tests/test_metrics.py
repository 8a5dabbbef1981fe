"""Figures of an evaluation, counted by hand in small cases."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.synthetic import PLAIN, call, evaluation, run, signal, step
from trigreason_graph.evaluation.definitions import DEFINITIONS
from trigreason_graph.evaluation.measures import count
from trigreason_graph.evaluation.metrics import POOLED, Figure, Measured, Row, measure
from trigreason_graph.evaluation.results import RunResult
from trigreason_graph.evaluation.scenarios import shipped_scenario
from trigreason_graph.evaluation.thresholds import NOT_REACHED, family, frontier, thresholds


def rights(policy: str, pattern: str, **more: object) -> list[RunResult]:
    """A run for each character: "1" is right."""
    return [run(policy, f"p{index}", one == "1", **more) for index, one in enumerate(pattern)]  # type: ignore[arg-type]


def row(measured: Measured, policy: str, data: str = "sums") -> Row:
    found = measured.row(data, policy)
    assert found is not None
    return found


LARGE = [call("large", 100, 100)]
TRIO = [
    *rights("small_only", "1000", ledger=[call("small", 100, 100)]),
    *rights("large_only", "1110", ledger=LARGE),
    *rights("mine", "1100", ledger=[call("small", 100, 60), call("large", 130, 25)]),
]


def test_every_figure_has_a_definition_and_the_other_way_round() -> None:
    assert set(row(measure(TRIO, PLAIN), "mine").figures) == set(DEFINITIONS)


def test_accuracy_difference_and_gap_recovered() -> None:
    figures = row(measure(TRIO, PLAIN), "mine").figures
    assert figures["accuracy"].value == 0.5
    assert figures["difference"].value == -0.25
    assert figures["pgr"].value == 0.5  # (0.5 - 0.25) / (0.75 - 0.25)
    assert figures["accuracy"].n == 4


def test_accuracy_is_the_mean_over_samples_of_each_problem_first() -> None:
    results = [run("mine", "p0", True), run("mine", "p0", False, sample=1), run("mine", "p1", True)]
    found = row(measure(results, PLAIN), "mine")
    assert found.figures["accuracy"].value == 0.75  # (0.5 + 1) / 2, not 2 / 3
    assert (found.problems, found.runs) == (2, 3)


def test_a_paired_difference_of_the_same_answers_is_certain() -> None:
    results = [*rights("mine", "1010101010"), *rights("large_only", "1010101010")]
    figures = row(measure(results, PLAIN), "mine").figures
    assert figures["difference"] == Figure(0.0, 0.0, 0.0, 10)
    assert figures["accuracy"].low is not None
    assert figures["accuracy"].low < 0.5


def test_without_a_gap_there_is_nothing_to_recover_and_the_reason_is_told() -> None:
    results = [*rights("small_only", "11"), *rights("large_only", "10"), *rights("mine", "11")]
    figure = row(measure(results, PLAIN), "mine").figures["pgr"]
    assert figure.value is None
    assert "no gap to recover" in figure.note


def test_a_gap_that_many_draws_do_not_have_gets_no_interval() -> None:
    figure = row(measure(TRIO, PLAIN), "mine").figures["pgr"]
    assert figure.value == 0.5
    assert figure.low is None
    assert figure.note.startswith("no interval")


def test_cost_and_tokens_as_shares_of_the_reference() -> None:
    figures = row(measure(TRIO, PLAIN), "mine").figures
    # the reference: 100 in and 100 out: 100 * 1 + 100 * 2 = 300; mine, the LRM's part: 130 * 1 + 25 * 2 = 180
    assert figures["cost_share"].value == pytest.approx(180 / 300)
    assert figures["large_output_share"].value == 0.25
    assert figures["dollars"].value == pytest.approx(1000 * 180e-6)
    # small: 100 / 1000 + 60 / 100; large: 1 + 130 / 1000 + 25 / 50
    assert figures["seconds"].value == pytest.approx(0.7 + 1.63)


def test_where_the_reference_costs_nothing_tokens_stand_in_for_cost() -> None:
    measured = measure(TRIO, shipped_scenario("local"))
    assert row(measured, "mine").figures["cost_share"].value == 0.25
    assert measured.cost_is_tokens == ["sums"]


def test_what_is_counted_of_a_run() -> None:
    result = run(
        "mine",
        outcome="budget",
        steps=[step("small", 10), step("large", 30), step("tool", 99, "tool"), step("small", 20)],
        ledger=[
            call("small", 100, 50),
            call("large", 100, 30),
            call("large", 100, 0, status="error"),
            call("large", 100, 5, attempt=2, purpose="review"),
        ],
        discarded=(20, 3),
    )
    counts = count(result, PLAIN)
    assert (counts.small_tokens, counts.large_tokens, counts.small_steps) == (30, 30, 2)
    assert (counts.large_calls, counts.large_output, counts.discarded) == (2, 35, 23)
    assert (counts.right, counts.cut) == (1.0, 1.0)
    assert counts.large_cached + counts.large_uncached == 300


def test_share_of_accepted_tokens_and_steps_against_specreason() -> None:
    results = [
        run("specreason", steps=[step("small", 10), step("large", 10)]),
        run("mine", steps=[step("small", 30), step("small", 30), step("small", 30), step("large", 10)]),
    ]
    figures = row(measure(results, PLAIN), "mine").figures
    assert figures["small_share"].value == 0.9
    assert figures["small_steps_ratio"].value == 3.0


def test_missing_policies_leave_figures_empty_and_say_so() -> None:
    figures = row(measure(rights("mine", "10"), PLAIN), "mine").figures
    assert figures["difference"] == Figure(None, note="no runs of large_only")
    assert figures["pgr"].note == "no runs of small_only and large_only"
    assert figures["small_steps_ratio"].note == "no runs of specreason"
    assert figures["cpt_80"].value is None
    assert figures["accuracy"].value == 0.5


def test_comparisons_are_over_the_problems_that_both_have() -> None:
    results = [*rights("large_only", "11", ledger=LARGE), *rights("mine", "100", ledger=LARGE)]
    figures = row(measure(results, PLAIN), "mine").figures
    assert (figures["difference"].value, figures["difference"].n) == (-0.5, 2)
    assert figures["accuracy"].n == 3


def test_several_data_sets_are_pooled_and_one_is_not() -> None:
    other = [replace(result, data="words") for result in TRIO]
    assert measure(TRIO, PLAIN).data == ["sums"]
    measured = measure([*TRIO, *other], PLAIN)
    assert measured.data == ["sums", "words", POOLED]
    assert row(measured, "mine", POOLED).problems == 8  # the same id in two sets is two problems


def test_another_policy_can_be_the_reference() -> None:
    figures = row(measure(TRIO, PLAIN, reference="mine"), "large_only").figures
    assert figures["difference"].value == 0.25


def test_outcomes_are_counted() -> None:
    results = [run("mine", "p0"), run("mine", "p1", outcome="budget")]
    found = row(measure(results, PLAIN), "mine")
    assert found.outcomes == {"answered": 1, "budget": 1}
    assert found.figures["cut"].value == 0.5


def test_a_threshold_lies_on_the_line_from_srm_alone_to_the_policy() -> None:
    figures = row(measure(TRIO, PLAIN), "mine").figures
    assert figures["cpt_50"].value == pytest.approx(0.6)  # PGR 0.5 at 60 % of the cost
    assert figures["cpt_80"].value == NOT_REACHED
    assert row(measure(TRIO, PLAIN), "large_only").figures["cpt_80"].value == pytest.approx(0.8)


def test_operating_points_of_one_family_make_one_line() -> None:
    results = [
        *rights("small_only", "00000"),
        *rights("large_only", "11111", ledger=LARGE),
        *rights("random(0.1)", "11000", ledger=[call("large", 0, 15)]),  # 10 % of the cost, PGR 0.4
        *rights("random(0.5)", "11110", ledger=[call("large", 0, 75)]),  # 50 %, PGR 0.8
    ]
    measured = measure(results, PLAIN)
    for policy in ("random(0.1)", "random(0.5)"):
        assert row(measured, policy).figures["cpt_50"].value == pytest.approx(0.2)
    assert measured.best["sums"]["cpt_50"].value == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("points", "level", "cost"),
    [
        ([(0, 0), (0.4, 0.8)], 0.4, 0.2),
        ([(0, 0), (0.4, 0.8)], 0.9, NOT_REACHED),
        ([(0, 0), (0.2, -0.5), (0.4, 0.8)], 0.4, 0.2),  # a point worse than a cheaper one is not gone through
        ([(0, 0), (0.2, 0.6), (0.6, 1.0)], 0.8, 0.4),
        ([(0.1, 0.9)], 0.5, 0.1),
        ([(0, 0), (0, 0.7)], 0.5, 0),  # recovered for nothing
        ([], 0.5, NOT_REACHED),
    ],
)
def test_thresholds(points: list[tuple[float, float]], level: float, cost: float) -> None:
    assert thresholds(points, [level]) == [pytest.approx(cost)]


@pytest.mark.parametrize("name", ["random", "random(0.2)", "random@default"])
def test_family(name: str) -> None:
    assert family(name) == "random"


POINTS = st.lists(st.tuples(st.floats(0, 2), st.floats(-1, 2)), max_size=8)


@given(POINTS)
def test_a_higher_threshold_never_costs_less(points: list[tuple[float, float]]) -> None:
    found = thresholds(points, [0.5, 0.8, 0.95])
    assert found == sorted(found)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(points: list[tuple[float, float]], chance: random.Random) -> None:
    shuffled = list(points)
    chance.shuffle(shuffled)
    assert frontier(shuffled) == frontier(points)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_shares_are_shares_and_intervals_hold_their_value(seed: int, problems: int) -> None:
    for found in measure(evaluation(problems, ("sums",), seed=seed), PLAIN, resamples=100).rows:
        for name in ("accuracy", "small_share", "cut"):
            figure = found.figures[name]
            assert figure.value is None or 0 <= figure.value <= 1
            assert figure.low is None or figure.high is None or 0 <= figure.low <= figure.high <= 1
        for figure in found.figures.values():
            assert figure.value is None or not math.isnan(figure.value)


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_results_does_not_matter(chance: random.Random) -> None:
    results = [*evaluation(4), *(replace(one, sample=1, right=not one.right) for one in evaluation(4))]
    shuffled = list(results)
    chance.shuffle(shuffled)
    assert measure(shuffled, PLAIN, resamples=20) == measure(results, PLAIN, resamples=20)


def test_no_intervals_where_none_are_asked_for_or_only_one_problem_is_there() -> None:
    assert row(measure(TRIO, PLAIN, resamples=0), "mine").figures["accuracy"] == Figure(0.5, None, None, 4)
    assert row(measure([run("mine")], PLAIN), "mine").figures["accuracy"] == Figure(1.0, None, None, 1)


def test_the_interval_is_the_bootstraps() -> None:
    """For 5 right of 10 the percentiles of a binomial(10, 1/2) / 10: 0.2 and 0.8."""
    figure = row(measure(rights("mine", "1010101010"), PLAIN, resamples=4000), "mine").figures["accuracy"]
    assert (figure.low, figure.high) == (pytest.approx(0.2), pytest.approx(0.8))


def test_signals_do_not_enter_the_figures() -> None:
    bare = measure([run("mine")], PLAIN)
    assert measure([run("mine", signals=[signal("cognitive_offload")])], PLAIN) == bare
