"""200 runs at once in one process: fair, bounded in memory, and the event loop never held for long?

    python benchmarks/crowd.py [--runs 200]

All runs share two wrapped clients, and with them one pool of connections. The stand-in server runs in a process of its
own, so that the client's event loop is measured and not the server's threads. A model sends ten tokens a second to each
run, so that a process has 2,000 to read. Ends with 1 when a run fails or starves, or when a callback holds the event
loop for more than 50 ms of CPU time, Python's own collections of garbage apart. How late a ticking task is comes on
top of that from all that is ready at once: at the beginning, 200 runs that start in the same moment.
Writes benchmarks/results/crowd.json.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks._crowd import client, crowd_graph, large_says, settled, small_says, sockets, watched  # noqa: E402

STALL = 0.05
"""CPU seconds that the longest callback may take."""
SPREAD = 1.5
"""Most that the last run may take, by the median."""
PER_RUN = 1_500_000
"""Bytes of memory that a run may take while all are under way."""
TOKEN_SECONDS = 0.1


def _serve(connection: Any, keep_alive: bool, pace: float) -> None:
    from trigreason_graph.testing import OpenAIServer

    models: Any = {
        "s": lambda asked: replace(small_says(asked), delay=pace),
        "l": lambda asked: replace(large_says(asked), delay=pace),
    }
    with OpenAIServer(models, flavour="vllm", keep_alive=keep_alive) as server:
        connection.send(server.url)
        connection.recv()
        most = {name: most_at_once([call for call in server.calls if call.body["model"] == name]) for name in models}
        connection.send({"calls": len(server.calls), "most_at_once": max(most.values()), "open": server.open})


def most_at_once(calls: list[Any]) -> int:
    """How many of these calls were under way together at most."""
    edges = [(call.began, 1) for call in calls] + [(call.ended or call.began, -1) for call in calls]
    return max(accumulate(change for _, change in sorted(edges)), default=0)


@contextmanager
def server_apart(keep_alive: bool, pace: float) -> Iterator[tuple[str, Any]]:
    """A server in a process of its own: its address, and a function that ends it and tells what it counted."""
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    process = context.Process(target=_serve, args=(its, keep_alive, pace), daemon=True)
    process.start()
    try:
        address = mine.recv()

        def counted() -> dict[str, int]:
            mine.send("end")
            return dict(mine.recv())

        yield address, counted
    finally:
        process.join(5)
        process.kill()


async def crowd(
    runs: int, most: int | None = None, *, keep_alive: bool = True, pace: float = TOKEN_SECONDS
) -> dict[str, Any]:
    """So many runs at once, after one that warms up."""
    with server_apart(keep_alive, pace) as (address, counted):
        server = SimpleNamespace(url=address)
        small = client(server, "s", max_concurrency=most)
        graph = crowd_graph(small, client(server, "l", "turn", max_concurrency=most)).compile()

        async def one(number: int) -> tuple[float, dict[str, Any]]:
            begun = time.monotonic()
            result = await graph.ainvoke({"question": f"How many units are in {number} batches?"})
            return time.monotonic() - begun, result["report"]

        alone, _ = await one(0)
        before, cpu = settled(), time.process_time()
        gc.freeze()  # what is there for good need not be looked at in each collection: see docs/speed.md
        async with watched() as watch:
            ended = await asyncio.gather(*(one(number) for number in range(1, runs + 1)))
        gc.unfreeze()
        cpu = time.process_time() - cpu
        open_sockets = await asyncio.to_thread(sockets)
        seconds = sorted(took for took, _ in ended)
        late = sorted(watch.stalls)
        told = counted()
    return {
        "runs": runs,
        "outcomes": dict(Counter(report["outcome"]["kind"] for _, report in ended)),
        "seconds": {
            "alone": round(alone, 2),
            "first": round(seconds[0], 2),
            "median": round(statistics.median(seconds), 2),
            "last": round(seconds[-1], 2),
        },
        "longest_callback_ms": round(1_000 * watch.longest, 1),
        "longest_collection_ms": round(1_000 * watch.collection, 1),
        "tick_late_ms": {
            "median": round(1_000 * late[len(late) // 2], 1),
            "p95": round(1_000 * late[int(len(late) * 0.95)], 1),
            "worst": round(1_000 * watch.worst, 1),
        },
        "bytes_per_run": watch.peak // runs,
        "left_bytes": settled() - before,
        "cpu_seconds_per_run": round(cpu / runs, 4),
        "sockets": open_sockets,
        **told,
    }


def faults_of(result: dict[str, Any], *, limited: bool = False) -> list[str]:
    """What is not as it should be, in words.

    Args:
        result: Of `crowd`.
        limited: Runs had to wait for each other.
    """
    found = []
    if set(result["outcomes"]) != {"answered"}:
        found.append(f"not all runs answered: {result['outcomes']}")
    if result["open"]:
        found.append(f"{result['open']} requests were left open")
    if result["seconds"]["last"] > SPREAD * result["seconds"]["median"] and not limited:
        found.append(f"a run starved: {result['seconds']}")
    if result["bytes_per_run"] > PER_RUN:
        found.append(f"a run takes {result['bytes_per_run'] / 1e6:.1f} MB")
    if result["longest_callback_ms"] > 1_000 * STALL:
        found.append(f"the event loop was held for {result['longest_callback_ms']} ms")
    return found


def main() -> int:
    """Print what was measured, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    given = parser.parse_args()
    result = asyncio.run(crowd(given.runs))
    faults = faults_of(result)
    print(json.dumps(result, indent=1), *faults, sep="\n")
    if given.runs >= 200:
        (HERE / "results" / "crowd.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
