"""Threads of earlier versions stay readable, and can be resumed; those of newer ones are refused in words."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from tests.golden_checkpoint import CALLS_MADE, GOLDEN, THREAD
from tests.kill_child import run_to_end, timeless
from tests.kill_script import QUESTION, PromptModel, killable_graph
from trigreason_graph.errors import NewerState
from trigreason_graph.nodes.migration import migrated
from trigreason_graph.nodes.updates import DEFAULTS
from trigreason_graph.state import STATE_VERSION, State

CONFIG: Any = {"configurable": {"thread_id": THREAD}}


@pytest.fixture
async def saver(tmp_path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """A copy: resuming writes into it."""
    shutil.copy(GOLDEN, tmp_path / "golden.sqlite")
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "golden.sqlite")) as opened:
        yield opened


class Counting(PromptModel):
    """Counts the calls of each role."""

    made: Any  # a list; pydantic would copy one that is declared as such

    def _take(self, *args: Any) -> Any:
        self.made.append(self.trigreason_card.name)
        return super()._take(*args)


def test_it_is_small() -> None:
    assert GOLDEN.stat().st_size < 2**16


async def test_it_is_read(saver: AsyncSqliteSaver) -> None:
    snapshot = await killable_graph("plan").compile(checkpointer=saver).aget_state(CONFIG)
    state = snapshot.values
    assert snapshot.next == ("large_offload",)
    assert state["version"] == 1
    assert "fallback_on" not in state
    assert "left_out" not in state
    assert [step["author"] for step in state["trace"]] == ["small", "large", "small", "small"]
    assert [row["role"] for row in state["ledger"]].count("large") == CALLS_MADE
    assert [branch["steps"][0]["text"] for branch in state["discarded"]] == ["BAD is what comes second."]
    assert state["blueprint"]["key_steps"]
    history = [one async for one in killable_graph("plan").compile(checkpointer=saver).aget_state_history(CONFIG)]
    assert len(history) == 9


async def test_it_is_resumed_and_nothing_is_paid_again(saver: AsyncSqliteSaver) -> None:
    made: list[str] = []
    graph = killable_graph("plan", partial(Counting, made=made)).compile(checkpointer=saver)
    resumed = await run_to_end(graph, THREAD, "sync")
    assert resumed["answer"] == "13"
    assert resumed["report"]["left_out"] == {}
    assert [row["role"] for row in resumed["ledger"]].count("large") == CALLS_MADE + made.count("large")

    whole = await run_to_end(killable_graph("plan").compile(checkpointer=InMemorySaver()), "now", "sync")
    for key in ("trace", "answer", "discarded", "signals"):
        assert timeless(resumed[key]) == timeless(whole[key]), key


async def test_a_new_question_on_its_thread(saver: AsyncSqliteSaver) -> None:
    graph = killable_graph("plan").compile(checkpointer=saver)
    result = await graph.ainvoke({"question": "And how many now?"}, CONFIG)
    assert result["answer"] == "13"


async def test_a_thread_of_a_newer_version_is_refused_in_words(saver: AsyncSqliteSaver) -> None:
    graph = killable_graph("plan").compile(checkpointer=saver)
    await graph.aupdate_state(CONFIG, {"version": STATE_VERSION + 1}, as_node="trigger_router")
    for given in (None, {"question": QUESTION}):
        with pytest.raises(NewerState, match=r"written by a newer version.*pip install -U"):
            await graph.ainvoke(given, CONFIG)


def test_keys_that_came_later_get_their_defaults_and_others_stay() -> None:
    assert migrated(State()) == {**DEFAULTS, "problem": ""}
    assert migrated(State(fallback_on="down"))["fallback_on"] == "down"
