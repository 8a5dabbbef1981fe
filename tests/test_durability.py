"""Nothing lost, nothing paid twice: runs that are killed with SIGKILL and resumed by another process.

TRIGREASON_KILL_SEED chooses other points to be killed at; `make verify` kills ten times as many.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from tests.kill_child import Job, log_lines, run_to_end, timeless
from tests.kill_script import QUESTION, SCENARIOS, PromptModel, killable_graph
from tests.kills import campaign, faults, kill, undisturbed, windows
from trigreason_graph.errors import NotStored
from trigreason_graph.nodes import saving
from trigreason_graph.state import Input, Output

SEED = int(os.environ.get("TRIGREASON_KILL_SEED", "6"))
KILLS = 5
"""For each of four combinations of store and durability."""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kills")


class TestKilled:
    @pytest.mark.parametrize("durability", ["sync", "async"])
    def test_sqlite(self, durability: str, logs: Path) -> None:
        self.check("sqlite", durability, logs)

    @pytest.mark.parametrize("durability", ["sync", "async"])
    def test_postgresql(self, durability: str, logs: Path, postgres_server: str) -> None:
        self.check(postgres_server, durability, logs)

    def check(self, store: str, durability: str, logs: Path) -> None:
        runs = list(campaign(store, durability, logs, SEED, KILLS))
        found = [fault for _, faults in runs for fault in faults]
        assert not found, f"seed {SEED}:\n" + "\n".join(found)
        assert sum(len(run.at) for run, _ in runs) == KILLS

    def test_every_node_can_be_killed_inside_and_at_its_boundaries(self, tmp_path: Path) -> None:
        labels: set[str] = set()
        for scenario in ("plan", "judge"):
            job = Job(scenario, "memory", "sync", scenario, str(tmp_path / scenario))
            labels |= set(undisturbed(job).points)
        assert {label.partition(",")[0] for label in labels if "," in label} == {
            "prepare",
            "strategist",
            "step_generator",
            "trigger_router",
            "large_offload",
            "checkpoint_rollback",
            "answer",
        }
        assert {"put begins", "put ended", "put_writes begins", "put_writes ended"} <= labels

    def test_exit_durability_loses_what_was_not_ended(self, tmp_path: Path) -> None:
        expected = undisturbed(Job("plan", "memory", "sync", "t", str(tmp_path / "expected")))
        job = Job("plan", str(tmp_path / "runs.sqlite"), "exit", "t", str(tmp_path / "log"))
        run = kill(job, [("large_offload, large begins", 2)])
        assert run.result == expected.result
        begun = Counter(line["call"] for line in run.lines if line["label"].endswith(" begins") and line["call"])
        assert max(begun.values()) == 2
        assert any("was made again" in fault for fault in faults(run, expected))

    def test_the_window_of_a_finished_reply_is_its_own_write(self, tmp_path: Path) -> None:
        """Between the last byte of a large reply and its write there is no other call and no other wait."""
        job = Job("prime", str(tmp_path / "runs.sqlite"), "async", "t", str(tmp_path / "log"))
        undisturbed(job)
        lines = [line["label"] for line in log_lines(job.log)]
        for place, label in enumerate(lines):
            if label.endswith("large ended"):
                until_stored = lines[place + 1 : lines.index("put ended", place)]
                assert not [one for one in until_stored if one.endswith("begins") and "put" not in one]
        assert len(windows(log_lines(job.log))) == 5


class Slow(AsyncSqliteSaver):
    """Takes its time for each checkpoint."""

    seconds = 0.02
    inside = 0

    async def aput(self, *args: Any, **kwargs: Any) -> Any:
        self.inside += 1
        try:
            await asyncio.sleep(self.seconds)
            return await super().aput(*args, **kwargs)
        finally:
            self.inside -= 1


@asynccontextmanager
async def slow_saver(path: Path, seconds: float) -> AsyncIterator[Slow]:
    async with Slow.from_conn_string(str(path)) as saver:
        assert isinstance(saver, Slow)
        saver.seconds = seconds
        yield saver


class Watching(PromptModel):
    """Notes whether a checkpoint was still being written when it was called."""

    seen: list[int] = []  # noqa: RUF012
    saver: Any = None

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        type(self).seen.append(type(self).saver.inside)  # pydantic copies instances
        async for chunk in super()._astream(*args, **kwargs):
            yield chunk


class TestCallsWaitForTheSaver:
    async def test_no_call_is_made_while_a_checkpoint_is_written(self, tmp_path: Path) -> None:
        async with slow_saver(tmp_path / "runs.sqlite", 0.02) as saver:

            class Watcher(Watching):
                pass

            Watcher.seen, Watcher.saver = [], saver
            graph = killable_graph("plan", Watcher).compile(checkpointer=saver)
            await graph.ainvoke({"question": QUESTION}, {"configurable": {"thread_id": "t"}})
        assert Watcher.seen
        assert not any(Watcher.seen)

    async def test_a_store_that_hangs_ends_the_run_before_anything_is_paid(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with slow_saver(tmp_path / "runs.sqlite", 0.2) as saver:
            graph = killable_graph("plan").compile(checkpointer=saver)
            config: Any = {"configurable": {"thread_id": "t"}}
            with monkeypatch.context() as patched, pytest.raises(NotStored, match="nothing further was paid"):
                patched.setattr(saving, "STORE_SECONDS", 0.05)
                await graph.ainvoke({"question": QUESTION}, config)
            saver.seconds = 0
            assert (await run_to_end(graph, "t", "async"))["answer"] == "13"

    def test_a_sync_caller_with_a_sync_saver(self, tmp_path: Path) -> None:
        with SqliteSaver.from_conn_string(str(tmp_path / "runs.sqlite")) as saver:
            graph = killable_graph("plan").compile(checkpointer=saver)
            result = graph.invoke({"question": QUESTION}, {"configurable": {"thread_id": "t"}})
        assert result["answer"] == "13"

    @pytest.mark.parametrize("durability", ["sync", "async", "exit"])
    async def test_as_a_node_of_another_graph(self, durability: Any, tmp_path: Path) -> None:
        outer = StateGraph(Output, input_schema=Input)
        outer.add_node("solve", killable_graph("plan").compile())
        outer.add_edge(START, "solve")
        outer.add_edge("solve", END)
        async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "runs.sqlite")) as saver:
            graph = outer.compile(checkpointer=saver)
            given = {"messages": [("user", QUESTION)]}
            result = await graph.ainvoke(given, {"configurable": {"thread_id": "t"}}, durability=durability)
        assert result["answer"] == "13"


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_script_gives_the_same_run_each_time(scenario: str) -> None:
    """What the comparison of killed with undisturbed runs stands on."""
    graph = killable_graph(scenario).compile(checkpointer=InMemorySaver())
    once, again = await run_to_end(graph, "once", "sync"), await run_to_end(graph, "again", "sync")
    assert timeless(once) == timeless(again)
