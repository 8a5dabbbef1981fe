"""An evaluation in a process of its own, to be killed: python tests/evaluate_child.py FOLDER SECONDS_PER_TOKEN."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.solvers import PROBLEMS, pair
from trigreason_graph.evaluation import evaluate

POLICIES = ["small_only", "large_only", "specreason", "self_consistency(2)", "random@specreason"]


def run(folder: Path, delay: float = 0.0) -> None:
    evaluate(
        PROBLEMS,
        POLICIES,
        out=folder,
        recordings=folder / "recordings",
        **pair(log=folder / "calls.txt", delay=delay),
    )


if __name__ == "__main__":
    run(Path(sys.argv[1]), float(sys.argv[2]))
