"""A process that runs a scripted graph over a real saver, and kills itself with SIGKILL at a point it is given.

The points sit in the scripted models, in the saver around the real one, and in the writer of custom events, so that
there is at least one inside every node and on both sides of every boundary between nodes. Each point that is reached is
appended to a log, which outlives the process: it is what the verdict is made from.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.outputs import ChatGenerationChunk
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.config import get_config
from langgraph.types import Command

from tests.kill_script import QUESTION, PromptModel, killable_graph
from trigreason_graph import events

UNTIMED = {"seconds", "large_alone"}
"""What depends on the clock: the only fields in which two runs of one script may differ, but for random ids."""


@dataclass(frozen=True)
class Job:
    """One life of a process.

    Attributes:
        scenario: Key of `kill_script.SCENARIOS`.
        store: "memory", a SQLite file, or a "postgresql://" address.
        durability: sync, async or exit.
        thread: Thread id; a thread that was begun is resumed.
        log: File that gets a line for each point.
        kill_at: Label of a point, and at which time it is reached the process dies; None: it lives.
    """

    scenario: str
    store: str
    durability: str
    thread: str
    log: str
    kill_at: tuple[str, int] | None = None


class Points:
    """Counts the points that are reached, writes them down, and dies at the chosen one."""

    def __init__(self) -> None:
        self._reached: Counter[str] = Counter()
        self._kill_at: tuple[str, int] | None = None
        self._log: int | None = None

    def begin(self, job: Job) -> None:
        self._kill_at = job.kill_at
        self._log = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def reach(self, label: str, call: str = "") -> None:
        self._reached[label] += 1
        fatal = self._kill_at == (label, self._reached[label])
        self.write(label=label, call=call, at=time.monotonic(), fatal=fatal)
        if fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self, **line: Any) -> None:
        if self._log is not None:
            os.write(self._log, (json.dumps(line) + "\n").encode())


POINTS = Points()


class KillableModel(PromptModel):
    """A scripted model with a point before the first chunk, after each, and after the last or the closing."""

    async def aready(self) -> None:
        POINTS.reach(f"prepare, {self.trigreason_card.name} ready")

    async def _astream(self, messages: Any, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        where = f"{get_config()['metadata']['langgraph_node']}, {self.trigreason_card.name}"
        told = "\0".join(f"{message.type}:{message.text}" for message in messages)
        call = f"{self.trigreason_card.name} {hashlib.sha256(told.encode()).hexdigest()[:16]}"
        POINTS.reach(f"{where} begins", call)
        try:
            async for chunk in super()._astream(messages, *args, **kwargs):
                POINTS.reach(f"{where} writes", call)
                yield chunk
        finally:
            POINTS.reach(f"{where} ended", call)


class KillableSaver:
    """Mixed into a saver: a point before and after each write."""

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        POINTS.reach("put begins")
        stored = await super().aput(config, checkpoint, metadata, new_versions)  # type: ignore[misc]
        POINTS.reach("put ended")
        return stored

    async def aput_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        POINTS.reach("put_writes begins")
        await super().aput_writes(config, writes, task_id, task_path)  # type: ignore[misc]
        POINTS.reach("put_writes ended")


class KillableSqlite(KillableSaver, AsyncSqliteSaver):
    """SQLite."""


class KillablePostgres(KillableSaver, AsyncPostgresSaver):
    """PostgreSQL."""


class KillableMemory(KillableSaver, InMemorySaver):
    """Memory, which dies with the process."""


def saver_of(store: str) -> AbstractAsyncContextManager[Any]:
    """The saver with points for a store."""
    if store.startswith("postgresql:"):
        return KillablePostgres.from_conn_string(store)
    return _memory() if store == "memory" else KillableSqlite.from_conn_string(store)


@asynccontextmanager
async def _memory() -> AsyncIterator[Any]:
    yield KillableMemory()


def live(job: Job) -> None:
    """Run the job's thread to its end, or to the kill; the final state stands in the log's last line."""
    POINTS.begin(job)
    asyncio.run(_live(job))


async def _live(job: Job) -> None:
    async with saver_of(job.store) as saver:
        graph = killable_graph(job.scenario, KillableModel).compile(checkpointer=saver)
        state = await run_to_end(graph, job.thread, job.durability)
    POINTS.write(label="result", call="", at=time.monotonic(), result=timeless(state))


async def run_to_end(graph: Any, thread: str, durability: str) -> dict[str, Any]:
    """Begin or resume a thread as any caller would, approving whatever is asked.

    `tasks` says whether there is anything left to do; `next` leaves out a node whose result is stored and not applied.
    """
    config = {"configurable": {"thread_id": thread}}
    snapshot = await graph.aget_state(config)
    while snapshot.metadata is None or snapshot.tasks:
        given: Any = None if snapshot.metadata else {"question": QUESTION}
        if snapshot.interrupts:
            given = Command(resume="approve")
        async with _with_points_in_events():
            await graph.ainvoke(given, config, durability=durability)
        snapshot = await graph.aget_state(config)
    return dict(snapshot.values)


@asynccontextmanager
async def _with_points_in_events() -> AsyncIterator[None]:
    """Every custom event is a point: the only ones inside nodes that call no model."""
    plain = events.get_stream_writer

    def with_point() -> Callable[[Any], None]:
        writer = plain()

        def write(event: Any) -> None:
            if event["type"] in ("step", "discard", "signal", "outcome"):
                POINTS.reach(f"{get_config()['metadata']['langgraph_node']}, {event['type']} shown")
            writer(event)

        return write

    events.get_stream_writer = with_point  # type: ignore[assignment]
    try:
        yield
    finally:
        events.get_stream_writer = plain


def timeless(value: Any) -> Any:
    """A state without the clock's and chance's part; messages as their text."""
    if isinstance(value, dict):
        return {key: timeless(part) for key, part in value.items() if key not in UNTIMED | {"run_id", "turn"}}
    if isinstance(value, list):
        return [timeless(part) for part in value]
    return f"{value.type}: {value.text}" if hasattr(value, "text") and hasattr(value, "type") else value


def log_lines(log: str | Path) -> list[dict[str, Any]]:
    """What all lives of a thread have written."""
    path = Path(log)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
