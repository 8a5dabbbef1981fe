"""A run with tools that dies and resumes: what a tool has said is not asked for again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.prebuilt import ToolRuntime

from tests.graphs import full_state, small
from tests.test_tools_graph import CONFIG, END_STEP, QUESTION, built, call, told
from trigreason_graph.testing import Scripted

SMALL_CALL = call("count", n=1)


class Killed(BaseException):
    """The process dies here."""


class Counter:
    """A tool that notes when it ran; `dies` kills it in its first run."""

    def __init__(self, *, dies: bool = False) -> None:
        self.ran: list[int] = []
        self.dies = dies

    def tool(self) -> Any:
        def count(n: int) -> int:
            """Counts."""
            self.ran.append(n)
            if self.dies and len(self.ran) == 1:
                raise Killed
            return n

        return count


@pytest.mark.parametrize("durability", ["async", "sync"])
async def test_a_result_is_stored_before_a_model_is_asked_again(tmp_path: Path, durability: Any) -> None:
    counter = Counter()
    model = small(SMALL_CALL, Scripted(error=Killed()), END_STEP)
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "runs.sqlite")) as saver:
        graph = built(model, counter.tool(), checkpointer=saver)
        with pytest.raises(Killed):
            await graph.ainvoke(QUESTION, CONFIG, durability=durability)
        result = await graph.ainvoke(None, CONFIG, durability=durability)
    assert counter.ran == [1]
    assert told(result) == ["> count: 1"]
    assert result["answer"] == "7"


async def test_a_tool_that_had_not_finished_runs_again_and_no_model_does(tmp_path: Path) -> None:
    counter = Counter(dies=True)
    model = small(SMALL_CALL, END_STEP)
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "runs.sqlite")) as saver:
        with pytest.raises(Killed):
            await built(model, counter.tool(), checkpointer=saver).ainvoke(QUESTION, CONFIG)
        result = await built(model, counter.tool(), checkpointer=saver).ainvoke(None, CONFIG)
    assert counter.ran == [1, 1], "at least once, and never more often than it died"
    assert told(result) == ["> count: 1"]
    assert model.calls == 2


async def test_the_call_is_the_same_when_it_is_repeated() -> None:
    """A tool can tell by its call id that it was asked before."""
    seen: list[str] = []

    async def once(runtime: ToolRuntime) -> str:
        """Does something that must not be done twice."""
        seen.append(str(runtime.tool_call_id))
        if len(seen) == 1:
            raise Killed
        return "done"

    graph = built(small(call("once"), END_STEP), once, checkpointer=InMemorySaver())
    with pytest.raises(Killed):
        await graph.ainvoke(QUESTION, CONFIG)
    await graph.ainvoke(None, CONFIG)
    assert len(seen) == 2
    assert seen[0] == seen[1]


async def test_a_call_waits_in_the_state_for_whoever_looks() -> None:
    graph = built(small(SMALL_CALL, END_STEP), Counter().tool(), checkpointer=InMemorySaver())
    await graph.ainvoke(QUESTION, CONFIG, interrupt_before=["tools"])
    state = await graph.aget_state(CONFIG)
    assert state.next == ("tools",)
    assert state.values["trace"][-1]["text"] == SMALL_CALL
    result = await graph.ainvoke(None, CONFIG)
    assert told(result) == ["> count: 1"]


async def test_a_person_may_answer_in_the_tools_place() -> None:
    counter = Counter()
    graph = built(small(SMALL_CALL, END_STEP), counter.tool(), checkpointer=InMemorySaver())
    await graph.ainvoke(QUESTION, CONFIG, interrupt_before=["tools"])
    state = await full_state(graph, CONFIG)
    said = {**state["trace"][-1], "id": state["next_id"], "author": "tool", "model": "count", "text": "> count: 5"}
    await graph.aupdate_state(CONFIG, {"trace": [said], "next_id": state["next_id"] + 1}, as_node="tools")
    result = await graph.ainvoke(None, CONFIG)
    assert told(result) == ["> count: 5"]
    assert counter.ran == []


async def test_the_next_question_on_the_thread_begins_with_all_calls() -> None:
    counter = Counter()
    graph = built(small(SMALL_CALL, END_STEP, SMALL_CALL, END_STEP), counter.tool(), checkpointer=InMemorySaver())
    for _ in range(2):
        result = await graph.ainvoke(QUESTION, CONFIG)
        assert result["report"]["tool_calls"] == {"count": 1}
    assert counter.ran == [1, 1]
