"""The published table of benchmarks/policies.py follows from the recordings, without a model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.policies import BUDGET, DATA, HERE, POLICIES, RECORDINGS, RESULTS
from trigreason_graph.evaluation import aevaluate, read_results
from trigreason_graph.evaluation.report_files import report_folder


@pytest.mark.parametrize("data", DATA)
async def test_the_runs_follow_from_the_recordings(data: str, tmp_path: Path) -> None:
    """A third of the problems under every policy; `make verify` replays all of them."""
    problems = (HERE / "data" / f"{data}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[::3]
    third = tmp_path / f"{data}.jsonl"
    third.write_text("".join(problems), encoding="utf-8")
    published = {(run.policy, run.problem): run for run in read_results(RESULTS / data / "results.jsonl")}
    policies = list(dict.fromkeys(policy for policy, _ in published))
    assert set(policies) == set(POLICIES)
    again = await aevaluate(
        third,
        policies,
        small="embedded:small",
        large="embedded:large",
        budget=BUDGET,
        recordings=RECORDINGS,
        replay_only=True,
    )
    assert len(published) == 60 * len(POLICIES)
    assert len(again.results) == 20 * len(POLICIES)
    for run in again.results:
        known = published[run.policy, run.problem]
        assert (run.answer, run.right, run.steps, run.signals) == (
            known.answer,
            known.right,
            known.steps,
            known.signals,
        )
        timeless = [[{**row, "seconds": 0} for row in one.ledger] for one in (run, known)]
        assert timeless[0] == timeless[1]


def test_the_table_follows_from_the_runs(tmp_path: Path) -> None:
    copied = tmp_path / "policies"
    shutil.copytree(RESULTS, copied, ignore=lambda _, names: [name for name in names if not is_result(name)])
    report_folder(copied)
    assert (copied / "table.md").read_text(encoding="utf-8") == (RESULTS / "table.md").read_text(encoding="utf-8")


def is_result(name: str) -> bool:
    return name in (*DATA, "results.jsonl")
