"""The way of AIME24 through the harness: thinking models behind Ollama's and SGLang's wire, with scripted traces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import aime_path
from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph.evaluation import evaluate
from trigreason_graph.evaluation.report_files import write_report
from trigreason_graph.evaluation.results import read_results


@pytest.fixture(autouse=True)
def our_own_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(aime_path.REAL, raising=False)


def test_thirty_items_with_integer_answers() -> None:
    given = aime_path.problems()
    assert len(given.problems) == 30
    assert all(0 <= int(problem.answer) < 1000 for problem in given.problems)
    assert "scripted" in given.name
    done = aime_path.measure(given, ["small_only", "large_only"], samples=1)
    assert done.accuracy("small_only") == 20 / 30  # every third is miscalculated
    assert done.accuracy("large_only") == 27 / 30  # every tenth is


def test_every_policy_at_the_papers_sampling(tmp_path: Path) -> None:
    done = aime_path.measure(aime_path.problems(2), samples=1, out=tmp_path)
    assert len(done.policies) == len(aime_path.POLICIES)
    assert {run.outcome["kind"] for run in done.results} == {"answered"}
    # A miscalculated step of the first problem is found, and rewritten by the large model.
    for policy in ("default", "specreason"):
        authors = [step["author"] for step in done.of(policy)[0].steps]
        assert done.of(policy)[0].right
        assert set(authors) == {"small", "large"}
    assert done.of("glimprouter")[0].steps[-1]["author"] == "large"
    # The paper's twenty first steps are longer than these solutions, and its small model is overconfident nowhere else.
    assert done.large_share("paper") == 1
    rows = [row for run in done.results for row in run.ledger]
    assert {row["model"] for row in rows} == {f"ollama:{aime_path.SMALL}", f"sglang:{aime_path.LARGE}"}
    assert done.provenance["models"]["small"]["digest"]
    assert (done.provenance["sampling"]["temperature"], done.provenance["sampling"]["top_p"]) == (0.6, 0.95)

    write_report(read_results(tmp_path / "results.jsonl"), tmp_path, provenance=done.provenance, resamples=20)
    assert "scripted traces" in (tmp_path / "table.md").read_text(encoding="utf-8")


def test_what_the_servers_are_asked() -> None:
    given = aime_path.problems(1)
    ollama, sglang = aime_path.servers(given)
    with ollama, sglang:
        evaluate(
            given,
            ["early_only(1)"],
            small=aime_path.small_on(ollama),
            large=aime_path.large_on(sglang),
            samples=2,
            temperature=0.6,
            top_p=0.95,
            seed=7,
            budget=aime_path.BUDGET,
        )
    options = [record.body["options"] for record in ollama.calls]
    assert {(one["temperature"], one["top_p"], one["seed"]) for one in options} == {(0.6, 0.95, 7), (0.6, 0.95, 8)}
    bodies = [record.body for record in sglang.calls]
    assert {(one["temperature"], one["top_p"], one["seed"]) for one in bodies} == {(0.6, 0.95, 7), (0.6, 0.95, 8)}
    assert all(record.outcome in ("finished", "closed") for record in (*ollama.calls, *sglang.calls))


def test_real_items_are_read_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"id": "2024-I-1", "problem": "Find the number of my own making.", "answer": "204"}
    (tmp_path / "aime24.jsonl").write_text(json.dumps(row) + "\n")
    monkeypatch.setenv(aime_path.REAL, str(tmp_path / "aime24.jsonl"))
    given = aime_path.problems()
    assert (given.name, given.problems[0].answer) == ("aime24 (scripted traces)", "204")
    done = aime_path.measure(given, ["large_only"], samples=1)
    assert done.accuracy("large_only") == 1
