"""The report's files: table.md against a golden one, summary.json, and the report made anew from a folder."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path
from time import process_time

import pytest

from tests.synthetic import PLAIN, POLICIES, call, evaluation, run, step
from trigreason_graph.evaluation.definitions import DEFINITIONS
from trigreason_graph.evaluation.headline import headline
from trigreason_graph.evaluation.metrics import Figure, measure
from trigreason_graph.evaluation.report_files import report_folder, write_report
from trigreason_graph.evaluation.results import RunResult
from trigreason_graph.evaluation.scenarios import shipped_scenario
from trigreason_graph.evaluation.summary import summary
from trigreason_graph.evaluation.table import Footnotes, cell, table, told

GOLDEN = Path(__file__).parent / "golden" / "evaluation_table.md"
PROVENANCE = {"command": "trigreason evaluate sums", "versions": {"trigreason-graph": "0"}, "seed": 0}


def rendered(results: list[RunResult], resamples: int = 200) -> str:
    measured = measure(results, shipped_scenario("edge_cloud"), resamples=resamples)
    return table(measured, headline(results, resamples=resamples), PROVENANCE)


def test_the_table_is_the_golden_one() -> None:
    text = rendered(evaluation(12))
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_the_table_does_not_depend_on_the_order_of_the_results() -> None:
    results = evaluation(12)
    shuffled = list(results)
    random.Random(1).shuffle(shuffled)
    assert rendered(shuffled) == rendered(results)


def test_every_line_of_a_table_has_as_many_cells() -> None:
    results = [*evaluation(3), run("a|b")]
    blocks = [block.splitlines() for block in rendered(results).split("\n\n") if block.startswith("|")]
    assert len(blocks) == 3
    for block in blocks:
        assert len({line.replace("\\|", "").count("|") for line in block}) == 1


def test_missing_policies_are_explained_once_in_the_foot() -> None:
    text = rendered([run("mine", "p0"), run("mine", "p1", False)])
    assert text.count("no runs of large_only.") == 1
    assert "no runs of specreason" in text
    assert "50.0 (0.0 to 100.0)" in text


def test_small_samples_are_said_to_be_small() -> None:
    assert "They are wide: one problem of 12 is 8.3 points" in rendered(evaluation(12))


def test_unequal_problem_sets_and_failed_models_are_told() -> None:
    results = [
        *(run("large_only", f"p{index}") for index in range(3)),
        run("mine", "p0"),
        run("mine", "p1", False, outcome="model_error"),
    ]
    text = rendered(results)
    assert "sums: not all 3 problems: mine 2. Comparisons are over those both have." in text
    assert "Runs in which a model failed count as they are: sums mine 1." in text


@pytest.mark.parametrize(
    ("unit", "value", "shown"),
    [
        ("share", 0.125, "12.5"),
        ("points", 0.05, "+5.0"),
        ("points", -0.0, "+0.0"),
        ("change", -0.439, "-43.9"),
        ("ratio", 1.7, "1.70"),
        ("tokens", 1234.4, "1,234"),
        ("calls", 2, "2.00"),
        ("dollars", 0, "0"),
        ("dollars", 0.1234, "0.123"),
        ("seconds", 61.25, "61.2"),
        ("share", float("inf"), "not reached"),
    ],
)
def test_values_are_told_in_their_unit(unit: str, value: float, shown: str) -> None:
    assert told(unit, value) == shown


def test_every_unit_can_be_told() -> None:
    for definition in DEFINITIONS.values():
        assert told(definition.unit, 0.5)
    with pytest.raises(ValueError, match="no unit 'parsec'"):
        told("parsec", 1)


def test_an_empty_cell_has_the_mark_of_its_reason() -> None:
    notes = Footnotes()
    cells = [cell("share", Figure(None, note=note), notes) for note in ("why", "else", "why")]
    assert cells == ["- (1)", "- (2)", "- (1)"]
    assert notes.lines() == ["(1) why.", "(2) else."]


# --- the article's headline


def test_the_headline_by_hand() -> None:
    """Under edge + cloud: half of the LRM's time and none of its dollars less, three times the steps."""
    results = [
        run("specreason", steps=[step("small")], ledger=[call("large", 0, 1000)]),
        run("paper", steps=[step("small")] * 3, ledger=[call("large", 0, 480)]),
    ]
    found = {(one.policy, one.against): one for one in headline(results)}
    one = found["paper", "specreason"]
    assert one.latency.value == pytest.approx((0.5 + 480 / 40) / (0.5 + 1000 / 40) - 1)
    assert one.dollars.value == pytest.approx(0.48 - 1)
    assert one.steps.value == 3
    assert found["default", "paper"].latency.note == "no runs of default"


def test_every_comparison_of_the_headline_stands_there_whatever_was_run() -> None:
    text = rendered(evaluation(3, ("sums",)))
    for line in (
        "| sums | paper | specreason | 3 |",
        "| sums | default | specreason | 3 |",
        "| sums | paper | large_only | 3 |",
        "| sums | default | large_only | 3 |",
        "| sums | specreason | large_only | 3 |",
        "| sums | default | paper | 3 |",
    ):
        assert line in text
    assert "| -43.9 |" in text
    assert "| -73.3 |" in text
    assert "| 1.70 to 4.79 |" in text
    bare = rendered([run("mine")])
    assert "No runs of the policies that the headline is about." in bare


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (560, "the measured interval does not exclude it"),
        (100, "all of the measured interval lies below what was published"),
        (950, "all of the measured interval lies above what was published"),
    ],
)
def test_the_verdict_is_what_was_measured(tokens: int, said: str) -> None:
    results = []
    for index in range(12):
        wobble = 40 if index % 2 else -40
        results.append(run("specreason", f"p{index}", ledger=[call("large", 0, 1000)]))
        results.append(run("paper", f"p{index}", ledger=[call("large", 0, tokens + wobble)]))
    verdict = next(
        line for line in rendered(results).splitlines() if line.startswith("- paper against specreason, lat")
    )
    assert said in verdict


# --- the files


FEW = {name: POLICIES[name] for name in ("small_only", "default", "large_only")}
"""Enough to draw."""
FILES = {
    "table.md",
    "summary.json",
    *(f"{name}.{kind}" for name in ("accuracy_cost", "authorship", "interventions") for kind in ("svg", "png")),
}


def kept(results: list[RunResult], folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "results.jsonl").write_text("".join(one.to_line() + "\n" for one in results), encoding="utf-8")
    (folder / "provenance.json").write_text(json.dumps(PROVENANCE))


def test_the_report_is_written_and_can_be_written_anew(tmp_path: Path) -> None:
    results, folder = evaluation(3, ("sums",), FEW), tmp_path / "out"
    kept(results, folder)
    write_report(results, folder, provenance=PROVENANCE)
    assert {path.name for path in folder.iterdir()} == {"results.jsonl", "provenance.json", *FILES}
    before = {name: (folder / name).read_bytes() for name in FILES}
    report_folder(folder)
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def test_folders_of_several_data_sets_are_reported_on_together_under_another_scenario(tmp_path: Path) -> None:
    for data in ("sums", "words"):
        kept(evaluation(3, (data,), FEW), tmp_path / "both" / data)
    measured = report_folder(tmp_path / "both", "local")
    assert measured.data == ["sums", "words", "pooled"]
    assert measured.scenario.name == "local"
    assert all(row.figures["dollars"].value == 0 for row in measured.rows)
    content = json.loads((tmp_path / "both" / "summary.json").read_text())
    assert content["provenance"] == {"sums": PROVENANCE, "words": PROVENANCE}


def test_another_scenario_changes_dollars_and_seconds_and_no_answer() -> None:
    results = evaluation(3, ("sums",))
    cloud, local = (measure(results, shipped_scenario(name), resamples=0) for name in ("edge_cloud", "local"))
    for there in cloud.rows:
        here = local.row(there.data, there.policy)
        assert here is not None
        assert there.figures["accuracy"] == here.figures["accuracy"]
        assert here.figures["dollars"].value == 0
        assert there.figures["seconds"] != here.figures["seconds"]


def test_the_summary_has_interval_number_and_definition_of_every_figure() -> None:
    results = evaluation(4)
    measured = measure(results, shipped_scenario("edge_cloud"), resamples=50)
    content = json.loads(json.dumps(summary(measured, headline(results, resamples=50), PROVENANCE), allow_nan=False))
    assert content["provenance"] == PROVENANCE
    assert len(content["rows"]) == 7 * 3
    for row in content["rows"]:
        assert set(row["figures"]) == set(content["definitions"])
        for figure in row["figures"].values():
            assert set(figure) == {"value", "low", "high", "n", "note"}
    assert all(definition["version"] >= 1 for definition in content["definitions"].values())
    assert len(content["headline"]["comparisons"]) == 6 * 3


def test_folders_without_results_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no results\.jsonl"):
        report_folder(tmp_path)
    (tmp_path / "results.jsonl").write_text("")  # as of an evaluation that was just begun
    with pytest.raises(ValueError, match="holds no run yet"):
        report_folder(tmp_path)
    with pytest.raises(ValueError, match="no results to report on"):
        write_report([], tmp_path, provenance={})
    (tmp_path / "results.jsonl").write_text(run("mine").to_line() + "\n")
    (tmp_path / "provenance.json").write_text("{")
    with pytest.raises(ValueError, match=r"provenance\.json is no valid JSON"):
        report_folder(tmp_path)


def test_twenty_policies_on_a_thousand_problems_are_quick() -> None:
    """CPU time, with room for a busy machine: some 3 s on a quiet one."""
    few = evaluation(1, ("sums",), {"small_only": (0.3, 0.0), "large_only": (0.6, 1.0), "mine": (0.5, 0.5)})
    few += [replace(few[2], policy=f"policy {index}") for index in range(17)]
    results = [
        replace(one, problem=f"p{index}", right=index % 10 < 5 + (one.policy == "large_only"))
        for one in few
        for index in range(1000)
    ]
    start = process_time()
    measured = measure(results, PLAIN)
    assert process_time() - start < 10
    assert len(measured.rows) == 20
