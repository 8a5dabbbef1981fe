"""Where `trigreason` keeps its runs: one SQLite file of the user's own, for several processes at once.

LangGraph's saver keeps the checkpoints; a table of ours has a line for each run, with what is needed to take it up
again. The file and its folder are readable by their owner alone.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from trigreason_graph.cli.job import Job

BUSY_SECONDS = 30.0
"""How long a write waits for another process's; each takes milliseconds."""
UNFINISHED = "unfinished"
"""Outcome of a run that has not come to its end, or that nobody has told about it: killed, interrupted, running."""
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")

TABLE = """
CREATE TABLE IF NOT EXISTS trigreason_runs (
    thread_id TEXT PRIMARY KEY, begun REAL NOT NULL, changed REAL NOT NULL, outcome TEXT NOT NULL, job TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class StoredRun:
    """One line of the store.

    Attributes:
        thread: LangGraph's thread id; what users name a run by.
        begun, changed: Seconds since the epoch.
        outcome: Kind of the outcome; "unfinished" for a run that can be resumed.
        job: What it was started with.
    """

    thread: str
    begun: float
    changed: float
    outcome: str
    job: Job


class Store:
    """The runs in one SQLite file; made, with its folder, when it is not there.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives its side files the same mode
        with self._locked("store"), self._connected() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(TABLE)

    def new_thread(self) -> str:
        """A free name."""
        return uuid.uuid4().hex[:8]

    def begin(self, thread: str, job: Job) -> None:
        """Note that a run begins, or goes on with other options."""
        now = time.time()
        with self._connected() as connection:
            connection.execute(
                "INSERT INTO trigreason_runs VALUES (?, ?, ?, ?, ?) ON CONFLICT (thread_id) DO UPDATE SET "
                "changed = excluded.changed, outcome = excluded.outcome, job = excluded.job",
                (thread, now, now, UNFINISHED, job.as_text()),
            )

    def end(self, thread: str, outcome: str) -> None:
        """Note how a run ended."""
        with self._connected() as connection:
            connection.execute(
                "UPDATE trigreason_runs SET changed = ?, outcome = ? WHERE thread_id = ?",
                (time.time(), outcome, thread),
            )

    def find(self, thread: str) -> StoredRun | None:
        """The run of that name."""
        return next(iter(self._rows("WHERE thread_id = ?", thread)), None)

    def runs(self) -> list[StoredRun]:
        """All runs, the one that changed last first."""
        return self._rows("ORDER BY changed DESC, begun DESC")

    def _rows(self, which: str, *values: str) -> list[StoredRun]:
        with self._connected() as connection:
            rows = connection.execute(
                f"SELECT thread_id, begun, changed, outcome, job FROM trigreason_runs {which}", values
            ).fetchall()
        return [StoredRun(name, begun, changed, ended, Job.from_text(job)) for name, begun, changed, ended, job in rows]

    def delete(self, threads: Sequence[str]) -> list[str]:
        """Remove whole threads with all their checkpoints; returns those that were removed: not those still running."""
        from langgraph.checkpoint.sqlite import SqliteSaver

        gone: list[str] = []
        with self._connected() as connection:
            saver = SqliteSaver(connection)
            for thread in threads:
                with self.held(thread) as ours:
                    if ours:
                        saver.delete_thread(thread)
                        connection.execute("DELETE FROM trigreason_runs WHERE thread_id = ?", (thread,))
                        connection.commit()
                        self._lock_file(thread).unlink(missing_ok=True)
                        gone.append(thread)
        if gone:
            self._give_back_space()
        return gone

    @contextmanager
    def held(self, thread: str) -> Iterator[bool]:
        """Hold a thread while it is run; False when another process has it. The lock dies with its process."""
        file = os.open(self._lock_file(thread), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(file)

    def is_running(self, thread: str) -> bool:
        """Whether a process is at it now."""
        with self.held(thread) as ours:
            return not ours

    @asynccontextmanager
    async def saver(self) -> AsyncIterator[Any]:
        """LangGraph's saver on this file, for the running loop."""
        import aiosqlite
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        async with aiosqlite.connect(self.path, timeout=BUSY_SECONDS) as connection:
            yield AsyncSqliteSaver(connection)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        opened = sqlite3.connect(self.path, timeout=BUSY_SECONDS, check_same_thread=False)
        with closing(opened), opened:  # the inner one commits
            yield opened

    def _give_back_space(self) -> None:
        """Overwrite what was deleted; another process at work is no reason to wait, the next prune does it."""
        with closing(sqlite3.connect(self.path, timeout=1.0, isolation_level=None)) as connection:
            try:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError:
                return

    def _lock_file(self, thread: str) -> Path:
        folder = self.path.with_suffix(".locks")
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / thread

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Wait for a lock: two processes that make the file at once would disturb each other."""
        file = os.open(self.path.with_suffix(f".{name}"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)


def store_path() -> Path:
    """The default file: ``$TRIGREASON_HOME/runs.sqlite``, else in the user's data directory."""
    home = os.environ.get("TRIGREASON_HOME")
    if home:
        return Path(home).expanduser() / "runs.sqlite"
    from platformdirs import user_data_path

    return user_data_path("trigreason", appauthor=False) / "runs.sqlite"


def can_store() -> bool:
    """Whether the extra "sqlite" is installed."""
    return find_spec("langgraph.checkpoint.sqlite") is not None and find_spec("aiosqlite") is not None


def checked_name(thread: str) -> str:
    """A thread's name, if it can be one.

    Raises:
        ValueError: It cannot.
    """
    if not NAME.fullmatch(thread):
        raise ValueError(f"--thread {thread!r}: a name is up to 64 letters, digits, dots, dashes and underscores")
    return thread
