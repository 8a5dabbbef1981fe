"""The report's pictures: as many marks as there is to show, and the same bytes from the same results."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from matplotlib.container import ErrorbarContainer

from tests.synthetic import PLAIN, POLICIES, evaluation, run, signal, step
from trigreason_graph.evaluation.authorship import AUTHORS, interventions, shares_along
from trigreason_graph.evaluation.metrics import measure
from trigreason_graph.evaluation.pictures import accuracy_against_cost, authorship, interventions_by_trigger, save


def test_a_point_with_both_intervals_for_every_policy_and_a_panel_for_every_data_set() -> None:
    picture = accuracy_against_cost(measure(evaluation(6), PLAIN, resamples=50))
    assert [axes.get_title() for axes in picture.axes] == ["sums (n = 6)", "words (n = 6)", "pooled (n = 12)"]
    for axes in picture.axes:
        points = [one for one in axes.containers if isinstance(one, ErrorbarContainer)]
        assert {str(point.get_label()) for point in points} == set(POLICIES)
        assert all(point.has_xerr and point.has_yerr for point in points)
        lines = [line for line in axes.lines if str(line.get_label()).startswith("line of")]
        assert {line.get_label(): len(line.get_xdata()) for line in lines} == {  # type: ignore[arg-type]
            "line of random": 3,
            "line of early only": 3,
        }


def test_without_the_reference_there_is_no_point_and_no_crash() -> None:
    picture = accuracy_against_cost(measure([run("mine")], PLAIN))
    assert picture.axes[0].containers == []


def test_a_panel_of_three_bands_for_every_policy() -> None:
    picture = authorship(evaluation(3))
    assert {axes.get_title() for axes in picture.axes} == set(POLICIES)
    for axes in picture.axes:
        assert len([one for one in axes.collections if isinstance(one, PolyCollection)]) == len(AUTHORS)


def test_a_bar_for_every_policy_and_trigger() -> None:
    results = [
        run("one", signals=[signal("cognitive_offload"), signal("arithmetic_check", "retry")]),
        run("two", signals=[signal("cognitive_offload", served=False)]),
    ]
    axes = interventions_by_trigger(results).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["two", "one"]
    assert len(axes.patches) == 4
    assert [bool(patch.get_hatch()) for patch in axes.patches] == [True, True, False, False]


def test_results_without_a_step_or_signal_still_make_pictures(tmp_path: Path) -> None:
    for number, picture in enumerate((authorship([run("mine")]), interventions_by_trigger([run("mine")]))):
        assert all(path.stat().st_size > 1000 for path in save(picture, tmp_path, f"p{number}"))


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    results = evaluation(3, ("sums",))
    for name in ("first", "second"):
        save(accuracy_against_cost(measure(results, PLAIN, resamples=20)), tmp_path, name)
    for kind, magic in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        content = (tmp_path / f"first.{kind}").read_bytes()
        assert content.startswith(magic)
        assert content == (tmp_path / f"second.{kind}").read_bytes()


# --- the counts behind them


def test_shares_along_a_trace_by_hand() -> None:
    results = [run("mine", steps=[step("large", 10), step("small", 30)]), run("mine", steps=[step("small", 7)])]
    shares = shares_along(results, bins=4)["mine"]
    assert shares["large"] == pytest.approx([0.5, 0, 0, 0])
    assert shares["small"] == pytest.approx([0.5, 1, 1, 1])


def test_a_part_that_two_authors_share() -> None:
    shares = shares_along([run("mine", steps=[step("large", 3), step("tool", 1), step("small", 4)])], bins=2)["mine"]
    assert [shares[author] for author in AUTHORS] == [[0, 1], [0.75, 0], [0.25, 0]]


STEPS = st.lists(st.builds(step, st.sampled_from(AUTHORS), st.integers(0, 500)), min_size=1, max_size=20)


@given(st.lists(STEPS, min_size=1, max_size=5), st.integers(1, 25))
def test_the_authors_shares_of_each_part_add_up(traces: list[list[object]], bins: int) -> None:
    found = shares_along([run("mine", steps=trace) for trace in traces], bins)  # type: ignore[arg-type]
    for shares in found.values():
        for part in zip(*shares.values(), strict=True):
            assert sum(part) == pytest.approx(1)
            assert all(share >= 0 for share in part)


def test_interventions_are_served_signals_a_run_free_ones_apart() -> None:
    results = [
        run("mine", signals=[signal("cognitive_offload"), signal("cognitive_offload"), signal("loop", "intervene")]),
        run("mine", signals=[signal("cognitive_offload", served=False), signal("arithmetic_check", "rollback")]),
        run("alone"),
    ]
    assert interventions(results) == {
        "alone": {},
        "mine": {"arithmetic_check (free)": 0.5, "cognitive_offload": 1.0, "loop": 0.5},
    }
