"""Does anything leak? Runs over the stand-in servers, faults and cancels among them, for ten minutes.

    python benchmarks/soak.py [--seconds 600]        or: make soak

Memory, open sockets and asyncio tasks are looked at between the rounds, once all runs of a round are over. What grows
on and on is a leak: the verdict compares the last third of the time with the middle third. Ends with 1 on a leak.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks._crowd import client, crowd_graph, large_says, settled, small_says, sockets  # noqa: E402
from benchmarks.faults import Sixth, faults_by  # noqa: E402
from trigreason_graph.testing import OpenAIServer  # noqa: E402

AT_ONCE = 10
CANCELLED = 0.2
"""Share of the runs that their caller cancels."""
MEMORY = 8_000_000
"""Bytes by which the last third may be above the middle one: the allocator's own noise is a few megabytes."""
FEW = 4
"""Sockets or tasks that may be there more or less: a kept connection comes and goes."""


@dataclass(frozen=True)
class Look:
    """What there was between two rounds."""

    seconds: float
    memory: int
    sockets: int
    tasks: int


async def soak(seconds: float, seed: int = 1) -> tuple[list[Look], Counter[str]]:
    """Rounds of `AT_ONCE` runs for so long."""
    chance, looks, kinds, begun = random.Random(seed), list[Look](), Counter[str](), time.monotonic()
    async with OpenAIServer(
        {"s": small_says, "l": large_says}, flavour="vllm", faults=faults_by(seed, Counter())
    ) as server:
        patience = {"first_token_seconds": 0.5, "token_gap_seconds": 0.25}
        graph = crowd_graph(client(server, "s", **patience), client(server, "l", "turn", **patience), Sixth()).compile()
        while time.monotonic() - begun < seconds:
            kinds.update(await asyncio.gather(*(one_run(graph, chance) for _ in range(AT_ONCE))))
            await server.idle(2.0)
            server.requests.clear()  # the stand-in's own record of all it was asked
            looks.append(Look(time.monotonic() - begun, settled(), sockets(), len(asyncio.all_tasks())))
    return looks, kinds


async def one_run(graph: Any, chance: random.Random) -> str:
    """A run, perhaps cancelled; how it ended."""
    running = asyncio.create_task(graph.ainvoke({"question": f"How many units in {chance.randrange(99)} batches?"}))
    if chance.random() < CANCELLED:
        await asyncio.sleep(chance.random() * 0.3)
        running.cancel()
    with suppress(asyncio.CancelledError):
        return str((await running)["report"]["outcome"]["kind"])
    return "cancelled"


def leaks(looks: list[Look]) -> list[str]:
    """What grew from the middle third to the last, in words."""
    third = max(len(looks) // 3, 1)
    middle, last = looks[third : 2 * third] or looks, looks[-third:]
    found = []
    for name, allowed in (("memory", MEMORY), ("sockets", FEW), ("tasks", FEW)):
        growth = statistics.median(getattr(look, name) for look in last) - statistics.median(
            getattr(look, name) for look in middle
        )
        if growth > allowed:
            found.append(f"{name} grew by {growth:g} from the middle third of the time to the last")
    return found


def main() -> int:
    """Print a line now and then, and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    given = parser.parse_args()
    looks, kinds = asyncio.run(soak(given.seconds))
    for look in looks[:: max(len(looks) // 10, 1)]:
        print(f"{look.seconds:6.0f} s  {look.memory / 1e6:7.1f} MB  {look.sockets} sockets  {look.tasks} tasks")
    found = leaks(looks)
    print(f"{sum(kinds.values())} runs: {dict(kinds)}")
    print("LEAK: " + "; ".join(found) if found else "no leak: memory, sockets and tasks stay level")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
