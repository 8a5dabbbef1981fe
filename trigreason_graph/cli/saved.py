"""Reading a stored run without its models."""

from __future__ import annotations

import asyncio
from typing import Any

from trigreason_graph.cli.partial import report_so_far
from trigreason_graph.cli.store import UNFINISHED, Store, StoredRun
from trigreason_graph.graph import create_trigreason_graph
from trigreason_graph.nodes.migration import migrated, problem_of
from trigreason_graph.state import Outcome, State, nothing_spent
from trigreason_graph.testing import ScriptedModel

SO_FAR = Outcome(kind="unfinished", detail="it was interrupted or killed, or is being run")


def read_state(store: Store, run: StoredRun) -> State:
    """A run's state as its last checkpoint has it; of an unfinished one completed with the report so far.

    Raises:
        NewerState: A newer version of this package wrote it.
    """
    saved = migrated(asyncio.run(_values(store, run.thread)))
    if run.outcome != UNFINISHED and saved.get("outcome"):
        return saved
    state: State = {
        **saved,
        "problem": problem_of(saved) or run.job.question,
        "trace": saved.get("trace", []),
        "signals": saved.get("signals", []),
        "discarded": saved.get("discarded", []),
        "ledger": saved.get("ledger", []),
        "spent": saved.get("spent") or nothing_spent(),
        "notes": saved.get("notes", []),
        "outcome": SO_FAR,
        "answer": "",
    }
    state["report"] = report_so_far(state, SO_FAR, run.job)
    return state


async def _values(store: Store, thread: str) -> Any:
    async with store.saver() as saver:
        graph = create_trigreason_graph(small=_nobody(), large=_nobody()).compile(checkpointer=saver)
        return (await graph.aget_state({"configurable": {"thread_id": thread}})).values


def _nobody() -> ScriptedModel:
    """In the place of models that may need a key, a package or a server; a state is read without them."""
    return ScriptedModel(script=[])
