"""Does a run survive kill -9? Random kills of scripted runs, over SQLite and PostgreSQL, sync and async.

    python benchmarks/durability.py [--kills 240] [--seed N]

A process runs the graph and kills itself at a random point: in a model's stream (before, within, after), before or
after a write of the saver, or inside a node. Another process resumes the thread by its id, and may be killed too.
Counted is what was lost or paid twice; the last run must equal an undisturbed one. Measured is the window in which a
finished reply of the large model can still be lost: from its last byte to its checkpoint being stored.
Ends with 1 when anything was lost. Writes benchmarks/results/durability.json.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from langgraph.checkpoint.postgres import PostgresSaver  # noqa: E402

from tests import postgres  # noqa: E402
from tests.kills import campaign, windows  # noqa: E402

STORES = ("sqlite", "postgres")
DURABILITIES = ("sync", "async")


def measure(store: str, durability: str, folder: Path, seed: int, kills: int) -> dict[str, Any]:
    """One combination of store and durability."""
    labels: Counter[str] = Counter()
    found: list[str] = []
    open_for: list[float] = []
    runs, begun = 0, time.monotonic()
    for run, faults in campaign(store, durability, folder, seed, kills):
        runs += 1
        labels.update(label for label, _ in run.at)
        found += faults
        open_for += windows(run.lines)
    open_for.sort()
    return {
        "kills": sum(labels.values()),
        "runs": runs,
        "faults": found,
        "points": dict(sorted(labels.items())),
        "window_ms": {
            "replies": len(open_for),
            "median": round(1000 * open_for[len(open_for) // 2], 1),
            "p95": round(1000 * open_for[int(len(open_for) * 0.95)], 1),
            "longest": round(1000 * open_for[-1], 1),
        },
        "seconds": round(time.monotonic() - begun, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=240, help="over all four combinations")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    rows: dict[str, Any] = {}
    with postgres.server() as address, tempfile.TemporaryDirectory() as folder:
        with PostgresSaver.from_conn_string(address) as saver:
            saver.setup()
        for store in STORES:
            for durability in DURABILITIES:
                place = address if store == "postgres" else store
                row = measure(place, durability, Path(folder), asked.seed, asked.kills // 4)
                rows[f"{store}, {durability}"] = row
                window = row["window_ms"]
                print(
                    f"{store:<8} {durability:<5} {row['kills']} kills in {row['runs']} runs, {len(row['faults'])} faults; "
                    f"window {window['median']} ms (median), {window['p95']} (p95), {window['longest']} (longest)",
                    flush=True,
                )
                for fault in row["faults"]:
                    print(f"    {fault}")
    result = {"seed": asked.seed, "versions": {name: version(name) for name in PACKAGES}, "rows": rows}
    (HERE / "results" / "durability.json").write_text(json.dumps(result, indent=2) + "\n")
    if any(row["faults"] for row in rows.values()):
        sys.exit(1)


PACKAGES = ("trigreason-graph", "langgraph", "langgraph-checkpoint-sqlite", "langgraph-checkpoint-postgres")

if __name__ == "__main__":
    main()
