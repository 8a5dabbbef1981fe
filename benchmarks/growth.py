"""Do state, checkpoint bytes and time per step grow in a straight line? In memory, SQLite and PostgreSQL.

    python benchmarks/growth.py [--steps 5000]

An infinitely fast scripted model writes real steps, committed ten at a time. Bytes are the store's own (for the memory
saver: of what it holds, serialised), time is CPU time of the process per step. A line is straight when its second half
costs no more than `SLOPE` times its first. Ends with 1 when one is not, or when bytes are above the goal of 5 MB.
Writes benchmarks/results/growth.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from langgraph.checkpoint.memory import InMemorySaver  # noqa: E402
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer  # noqa: E402

from benchmarks._swift import QUESTION, swift_graph, warmed  # noqa: E402

STORES = ("memory", "sqlite", "postgres")
GOAL = 5_000_000
"""Bytes of all checkpoints of 5,000 steps, in runs of ten. See docs/growth.md for where they go."""
SLOPE = 1.5
"""Most that the second half of a run may cost, by the first."""
TIME_SLOPE = 1.5
"""The same for CPU time, which other processes disturb."""
MARKS = 10
CONFIG: Any = {"configurable": {"thread_id": "growth"}, "recursion_limit": 1_000_000}


@dataclass(frozen=True)
class Mark:
    """What there was after so many steps: bytes of the state and of all checkpoints, CPU seconds so far."""

    steps: int
    state: int
    stored: int
    seconds: float


@asynccontextmanager
async def saver_of(store: str, folder: Path, address: str = "") -> AsyncIterator[tuple[Any, Any]]:
    """A saver, and a function that tells the bytes it holds."""
    if store == "memory":
        saver = InMemorySaver()
        yield saver, lambda: held_in_memory(saver)
    elif store == "sqlite":
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        path = folder / "growth.sqlite"
        async with AsyncSqliteSaver.from_conn_string(str(path)) as sqlite_saver:
            yield sqlite_saver, lambda: held_in_sqlite(path)
    else:
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

        async with AsyncPostgresSaver.from_conn_string(address) as postgres_saver:
            await postgres_saver.setup()
            yield postgres_saver, lambda: held_in_postgres(address)


def held_in_memory(saver: InMemorySaver) -> int:
    """Bytes of the serialised values that a memory saver keeps."""
    return sum(_size(part) for part in (saver.storage, saver.writes, saver.blobs))


def _size(value: Any) -> int:
    if isinstance(value, bytes | bytearray):
        return len(value)
    if isinstance(value, dict):
        return sum(_size(one) for one in value.values())
    return sum(_size(one) for one in value) if isinstance(value, list | tuple) else 0


def held_in_sqlite(path: Path) -> int:
    """Bytes of all values in the file; pages that are only half full left aside."""
    with sqlite3.connect(path) as connection:
        of_checkpoints = "select coalesce(sum(length(checkpoint) + length(metadata)), 0) from checkpoints"
        of_writes = "select coalesce(sum(length(value)), 0) from writes"
        return sum(int(connection.execute(query).fetchone()[0]) for query in (of_checkpoints, of_writes))


def held_in_postgres(address: str) -> int:
    """Bytes of all values in the tables, as stored (long ones are compressed there)."""
    import psycopg

    columns = {
        "checkpoints": ("checkpoint", "metadata"),
        "checkpoint_blobs": ("blob",),
        "checkpoint_writes": ("blob",),
    }
    with psycopg.connect(address) as connection:
        total = 0
        for table, names in columns.items():
            sizes = " + ".join(f"coalesce(pg_column_size({name}), 0)" for name in names)
            row = connection.execute(f"select coalesce(sum({sizes}), 0) from {table}").fetchone()  # type: ignore[arg-type]
            total += int(row[0]) if row else 0
        return total


async def grow(store: str, steps: int, folder: Path, address: str = "") -> list[Mark]:
    """Run to `steps` steps, and look `MARKS` times on the way."""
    for _ in warmed(steps):
        pass
    marks: list[Mark] = []
    serializer = JsonPlusSerializer()
    async with AsyncExitStack() as stack:
        saver, held = await stack.enter_async_context(saver_of(store, folder, address))
        builder, _ = swift_graph(steps)
        graph = builder.compile(checkpointer=saver)
        spent, begun, following = 0.0, time.process_time(), steps // MARKS
        async for state in graph.astream({"question": QUESTION}, CONFIG, stream_mode="values", durability="sync"):
            written = len(state.get("trace", ()))
            if written < following:
                continue
            spent += time.process_time() - begun  # what looking takes is not the graph's
            marks.append(Mark(written, len(serializer.dumps_typed(state)[1]), held(), spent))
            following = (len(marks) + 1) * steps // MARKS
            begun = time.process_time()
    return marks


def bend(marks: list[Mark], field: str) -> float:
    """What the second half of a run costs by its first, per step; 1 for a straight line."""
    middle, last = marks[len(marks) // 2], marks[-1]
    first = marks[0]
    early = (getattr(middle, field) - getattr(first, field)) / (middle.steps - first.steps)
    late = (getattr(last, field) - getattr(middle, field)) / (last.steps - middle.steps)
    return float(late / early)


def faults_of(marks: list[Mark], goal: int = GOAL) -> list[str]:
    """What is not as it should be, in words."""
    limits = {"state": SLOPE, "stored": SLOPE, "seconds": TIME_SLOPE}
    found = [
        f"{field}: the second half costs {bend(marks, field):.2f} times the first, above {limit}"
        for field, limit in limits.items()
        if bend(marks, field) > limit
    ]
    if marks[-1].stored > goal:
        found.append(f"stored: {marks[-1].stored / 1e6:.1f} MB, above {goal / 1e6:.1f} MB")
    return found


def main() -> int:
    """Print the table, write the results."""
    from tests import postgres

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5_000)
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    given = parser.parse_args()
    results, faults = {}, []
    for store in given.stores:
        with tempfile.TemporaryDirectory() as folder:
            try:
                with postgres.server() if store == "postgres" else tempfile.TemporaryDirectory() as address:
                    marks = asyncio.run(grow(store, given.steps, Path(folder), address))
            except postgres.NoPostgres as why:
                print(f"postgres: NOT MEASURED, {why}")
                continue
        results[store] = [asdict(mark) for mark in marks]
        faults += [f"{store}: {fault}" for fault in faults_of(marks, GOAL * given.steps // 5_000)]
        print(f"{store}: bends { ({field: round(bend(marks, field), 2) for field in ('state', 'stored', 'seconds')}) }")
        for mark in marks:
            per_step = 1e6 * mark.seconds / mark.steps
            print(f"  {mark.steps:>6} steps  state {mark.state:>9}  stored {mark.stored:>9}  {per_step:7.0f} us a step")
    if given.steps == 5_000 and len(results) == len(STORES):
        (HERE / "results" / "growth.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(*faults or ["all lines are straight"], sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
