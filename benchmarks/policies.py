"""What does each policy get, and what does it cost? The embedded pair, gsm8k_dev and svamp_dev, 60 items each, greedy.

    python benchmarks/policies.py                # reads the recordings only; no model is needed
    python benchmarks/policies.py --record       # has the embedded pair write what is missing, then the same

A policy that is not recorded for every item of a data set is left out of that set's table and named. Resumable: what is
recorded is never written again, and --minutes ends a recording run early (exit code 3). Writes results/policies/: a
folder for each data set with every run and its ledger, and the table and pictures of both together.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from trigreason_graph import Budget  # noqa: E402
from trigreason_graph.evaluation import RunResult, Standing, aevaluate  # noqa: E402
from trigreason_graph.evaluation.missing import RecordingMissing  # noqa: E402
from trigreason_graph.evaluation.report_files import report_folder  # noqa: E402
from trigreason_graph.evaluation.results import RESULTS as RESULTS_FILE  # noqa: E402
from trigreason_graph.models.embedded.server import close_all  # noqa: E402

DATA = ("gsm8k_dev_60", "svamp_dev_60")
RECORDINGS = HERE / "recordings"
RESULTS = HERE / "results" / "policies"
POLICIES = (
    "small_only",
    "large_only",
    "default",
    "paper",
    "specreason",
    "glimprouter",
    "one_way_handoff",
    "early_only(1)",
    "random(0.2)",
)
BUDGET = Budget(large_calls=20, large_tokens=1_024, total_tokens=1_024, seconds=None, usd=None)
"""Of one run: twice what nearly all greedy solutions of the pair take. `seconds` would depend on the machine."""
SLICE_OVER = 3


class SliceOver(Exception):
    """What --minutes allows is used up."""


async def record(minutes: float) -> None:
    """Have the models write what is missing, one policy after the other.

    Raises:
        SliceOver: The time is up.
    """
    until = time.monotonic() + 60 * minutes

    def told(result: RunResult, _: Standing) -> None:
        right = "right" if result.right else "wrong"
        print(f"{time.strftime('%H:%M:%S')} {result.policy} {result.problem}: {right}", flush=True)
        if time.monotonic() > until:
            raise SliceOver

    for policy in POLICIES:
        for data in DATA:
            await _evaluated(data, (policy,), record=True, on_item=told)


async def _evaluated(data: str, policies: Sequence[str], *, record: bool = False, **options: object) -> None:
    await aevaluate(
        HERE / "data" / f"{data}.jsonl",
        policies,
        small="embedded:small",
        large="embedded:large",
        budget=BUDGET,
        recordings=RECORDINGS,
        replay_only=not record,
        command=("python", "benchmarks/policies.py"),
        **options,  # type: ignore[arg-type]
    )


async def complete(data: str) -> tuple[str, ...]:
    """The policies that are recorded for every item."""
    found = []
    for policy in POLICIES:
        try:
            await _evaluated(data, (policy,))
        except RecordingMissing:
            print(f"{data}: {policy} is not recorded for every item", flush=True)
        else:
            found.append(policy)
    return tuple(found)


async def measure(folder: Path = RESULTS) -> None:
    """The results of all that is recorded, and the report."""
    for data in DATA:
        (folder / data / RESULTS_FILE).unlink(missing_ok=True)  # it is derived: always from today's code
        try:
            await _evaluated(data, POLICIES, out=folder / data)
        except RecordingMissing:
            policies = await complete(data)
            (folder / data / RESULTS_FILE).unlink(missing_ok=True)
            await _evaluated(data, policies, out=folder / data)
    report_folder(folder)


def main() -> int:
    """Record where that is asked for; write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    given = parser.parse_args()
    try:
        if given.record:
            asyncio.run(record(given.minutes))
    except SliceOver:
        return SLICE_OVER
    finally:
        close_all()
    asyncio.run(measure())
    print((RESULTS / "table.md").read_text(encoding="utf-8").split("## How to read this")[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
