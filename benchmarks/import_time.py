"""What `from trigreason_graph import create_trigreason_graph` costs on top of `import langgraph.graph`.

    python benchmarks/import_time.py [--runs 9] [--limit 0.3]

Each measurement is a fresh interpreter. The two kinds take turns, in changing order, since timing drifts on a shared
machine; the cost is the median of the differences within a turn. Exit code 1 when it reaches the limit, which is meant
for a machine that imports langgraph in 0.85 s, and grows with what that takes on a slower one. What reaches it is
measured again, five times in all: other work on the machine passes, a slow import stays.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib.metadata import version
from platform import python_version
from statistics import median

BASE = "import langgraph.graph"
OURS = "import langgraph.graph; from trigreason_graph import create_trigreason_graph"
LIMIT_SECONDS = 0.3
TRIES = 5
BASE_SECONDS = 0.85
"""What the base takes at the usual speed of the machine that the limit was set on; within a day it takes up to 1.6."""


def seconds_to(statement: str) -> float:
    """Seconds that `statement` takes in a fresh interpreter (whose own start is not counted)."""
    script = f"from time import perf_counter as now; start = now(); {statement}; print(now() - start)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure(runs: int) -> tuple[list[float], list[float]]:
    """Seconds of both imports in `runs` turns, after one turn that only warms the caches."""
    seconds: dict[str, list[float]] = {BASE: [], OURS: []}
    for turn in range(runs + 1):
        for statement in (BASE, OURS) if turn % 2 else (OURS, BASE):
            taken = seconds_to(statement)
            if turn:
                seconds[statement].append(taken)
    return seconds[BASE], seconds[OURS]


def main() -> int:
    """Exit code 0 where one of the tries is below the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="turns measured (default: 9)")
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, help="seconds (default: 0.3)")
    options = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("langgraph", "langchain-core", "trigreason-graph"))
    print(f"Python {python_version()}, {packages}; median of {options.runs} fresh interpreters each")
    return 0 if any(within(options.limit, options.runs) for _ in range(TRIES)) else 1


def within(limit: float, runs: int) -> bool:
    """Measure, print, and judge once."""
    base, ours = measure(runs)
    limit *= max(median(base) / BASE_SECONDS, 1.0)
    added = median(b - a for a, b in zip(base, ours, strict=True))
    print(f"{BASE:<42}{median(base):6.3f} s  ({min(base):.3f} to {max(base):.3f})")
    print(f"{OURS:<42}{median(ours):6.3f} s  ({min(ours):.3f} to {max(ours):.3f})")
    print(f"{'added (median of the paired differences)':<42}{added:6.3f} s  (limit: < {limit:.2f} s)", flush=True)
    return added < limit


if __name__ == "__main__":
    sys.exit(main())
