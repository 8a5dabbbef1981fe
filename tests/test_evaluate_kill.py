"""An evaluation that is killed -9 in the middle and run again: nothing that is done is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from evaluate_child import POLICIES, run
from solvers import PROBLEMS

from trigreason_graph.evaluation import read_results
from trigreason_graph.evaluation.recordings import RecordingStore

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0
"""Seconds in which the child has made its first runs, also on a busy machine."""


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_in_the_middle(tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for folder in (killed, whole):
        folder.mkdir()
    command = [sys.executable, str(ROOT / "tests" / "evaluate_child.py"), str(killed), "0.01"]
    child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    waited = time.monotonic()
    try:
        while len(lines(killed / "results.jsonl")) < 9 and time.monotonic() - waited < PATIENCE:
            assert child.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()

    before, calls_before = read_results(killed / "results.jsonl"), lines(killed / "calls.txt")
    assert 5 < len(before) < len(PROBLEMS) * len(POLICIES)
    run(killed)
    run(whole)

    after = read_results(killed / "results.jsonl")
    assert after[: len(before)] == before
    assert Counter(run.key for run in after) == Counter(run.key for run in read_results(whole / "results.jsonl"))
    assert {(run.key, run.answer) for run in after} == {
        (run.key, run.answer) for run in read_results(whole / "results.jsonl")
    }
    # Only the call that was under way when it was killed is made again.
    calls, needed = Counter(lines(killed / "calls.txt")), Counter(lines(whole / "calls.txt"))
    assert (calls - needed).total() <= 1
    assert not needed - calls
    assert len(calls_before) < calls.total()

    store = RecordingStore(killed / "recordings")
    assert len(store) == len(RecordingStore(whole / "recordings"))
    run(killed)
    assert Counter(lines(killed / "calls.txt")) == calls
