"""Writes tests/data/golden_checkpoint.sqlite: a run that was left in the middle, as the version that ran it stored it.

    python -m tests.golden_checkpoint FILE

It is made once from the version whose threads are to stay readable, and never again: tests read and resume it with
every later version. The one in the repository was written by commit 17417ae (state version 1, before the keys
`fallback_on` and `left_out`), in a checkout of it that had this file and tests/kill_script.py added.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from tests.kill_script import QUESTION, killable_graph

GOLDEN = Path(__file__).parent / "data" / "golden_checkpoint.sqlite"
THREAD = "golden"
CALLS_MADE = 2
"""Calls of the LRM in it: the plan and a rewritten step. It stands before the third."""


async def write(path: Path) -> None:
    """Run the script up to the second time that the LRM is to write steps."""
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        graph = killable_graph("plan").compile(checkpointer=saver, interrupt_before=["large_offload"])
        config = {"configurable": {"thread_id": THREAD}}
        await graph.ainvoke({"question": QUESTION}, config)
        for _ in range(CALLS_MADE - 1):
            await graph.ainvoke(None, config)


def shrink(path: Path) -> None:
    """One small file, without a write-ahead log."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA page_size=512")
        connection.execute("VACUUM")
    connection.close()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    asyncio.run(write(target))
    shrink(target)
