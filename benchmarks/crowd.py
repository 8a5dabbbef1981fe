"""200 runs at once in one process: fair, bounded in memory, and the event loop never held for long?

    python benchmarks/crowd.py [--runs 200]

All runs share two wrapped clients, and with them one pool of connections. The stand-in server runs in a process of its
own, so that the client's event loop is measured and not the server's threads. A model sends ten tokens a second to each
run, so that a process has 2,000 to read. Measured twice: with Python's collector of garbage as it is, and as a server
may set it (docs/speed.md), for more runs then, since garbage stays. Ends with 1 when a run fails or starves, or when a
callback holds the event loop for more than 50 ms of CPU time: with Python's settings its collections apart, with a
server's all of them included. `collection_before_ms` is a full collection of what is imported, with no run under way.
How late a ticking task is comes on top of that from all that is ready at once: at the beginning, 200 runs that start in
the same moment. Writes benchmarks/results/crowd.json.
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

from benchmarks._crowd import client, crowd_graph, large_says, memory, settled, small_says, sockets, watched  # noqa: E402

STALL = 0.05
"""CPU seconds that the longest callback may take."""
SPREAD = 1.5
"""Most that the last run may take, by the median."""
PER_RUN = 1_500_000
"""Bytes of memory that a run may take while all are under way."""
TOKEN_SECONDS = 0.1
WAVES = 3
NEVER = 1_000_000_000
"""Collections of the middle generation before a full one."""


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


@contextmanager
def collector(steady: bool) -> Iterator[None]:
    """Python's collector while the runs are under way; what is there for good is not looked at (docs/speed.md).

    Args:
        steady: Without its full collections, which stop everything for as long as the objects alive take.
    """
    usual = gc.get_threshold()
    gc.freeze()
    if steady:
        gc.set_threshold(*usual[:2], NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


async def crowd(
    runs: int,
    most: int | None = None,
    *,
    keep_alive: bool = True,
    pace: float = TOKEN_SECONDS,
    steady: bool = False,
    waves: int = 1,
) -> dict[str, Any]:
    """So many runs at once, after one that warms up; `waves` times, of which all but the first show what stays."""
    with server_apart(keep_alive, pace) as (address, counted):
        server = SimpleNamespace(url=address)
        small = client(server, "s", max_concurrency=most)
        graph = crowd_graph(small, client(server, "l", "turn", max_concurrency=most)).compile()

        async def one(number: int) -> tuple[float, dict[str, Any]]:
            begun = time.monotonic()
            result = await graph.ainvoke({"question": f"How many units are in {number} batches?"})
            return time.monotonic() - begun, result["report"]

        alone, _ = await one(0)
        before, began = settled(), time.process_time()
        gc.collect()
        imports = time.process_time() - began
        cpu, ended, sizes = time.process_time(), list[tuple[float, dict[str, Any]]](), list[int]()
        with collector(steady):
            async with watched() as watch:
                for wave in range(waves):
                    first = wave * runs + 1
                    ended += await asyncio.gather(*(one(number) for number in range(first, first + runs)))
                    sizes.append(memory())
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
        "longest_callback_and_collections_ms": round(1_000 * watch.held, 1),
        "longest_collection_ms": round(1_000 * watch.collection, 1),
        "collection_before_ms": round(1_000 * imports, 1),
        "tick_late_ms": {
            "median": round(1_000 * late[len(late) // 2], 1),
            "p95": round(1_000 * late[int(len(late) * 0.95)], 1),
            "worst": round(1_000 * watch.worst, 1),
        },
        "bytes_per_run": watch.peak // runs,
        "bytes_that_a_run_leaves": (sizes[-1] - sizes[0]) // (runs * (waves - 1)) if waves > 1 else None,
        "left_bytes": settled() - before,
        "cpu_seconds_per_run": round(cpu / (runs * waves), 4),
        "sockets": open_sockets,
        **told,
    }


def faults_of(result: dict[str, Any], *, limited: bool = False, steady: bool = False) -> list[str]:
    """What is not as it should be, in words.

    Args:
        result: Of `crowd`.
        limited: Runs had to wait for each other.
        steady: Collections count as well.
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
    held = result["longest_callback_and_collections_ms" if steady else "longest_callback_ms"]
    if held > 1_000 * STALL:
        found.append(f"the event loop was held for {held} ms")
    return found


def main() -> int:
    """Print what was measured, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    given = parser.parse_args()
    usual = asyncio.run(crowd(given.runs))
    steady = asyncio.run(crowd(given.runs, steady=True, waves=WAVES))
    result = {"as Python has it": usual, "as a server may set it": steady}
    faults = [*faults_of(usual), *faults_of(steady, steady=True)]
    print(json.dumps(result, indent=1), *faults, sep="\n")
    if given.runs >= 200:
        (HERE / "results" / "crowd.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
