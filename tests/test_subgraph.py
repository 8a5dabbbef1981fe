"""The graph as a node of a parent graph: state, context, streams, checkpoints, interrupts."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from pydantic import BaseModel
from typing_extensions import TypedDict

from tests.graphs import STEPS, large, small
from trigreason_graph import Budget, Report, Settings, Step, create_trigreason_graph
from trigreason_graph.testing import Scripted, ScriptedModel

PLAN = "Goal: the sum\nKey steps: 1. add"
QUESTION = "What is 3 + 4?"
ASKED: Any = {"messages": [HumanMessage(QUESTION)]}
CONFIG: Any = {"configurable": {"thread_id": "1"}}
BOTH = pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])


class Ticket(TypedDict, total=False):
    """A state that shares no key with ours."""

    text: str
    reply: str


class Shared(MessagesState, total=False):
    """A state that takes all that we give."""

    answer: str
    trace: list[Step]
    report: Report


@dataclass
class ForeignData:
    """Names of ours that mean something else there."""

    large: str = "never"
    temperature: float = 9.0


class ForeignModel(BaseModel):
    large: str = "never"
    trigreason: Any = None


def builder(writer: ScriptedModel | None = None, expert: ScriptedModel | None = None, **fields: Any) -> Any:
    return create_trigreason_graph(
        small=writer or small(STEPS, loop=True), large=expert or large(PLAN, loop=True), **fields
    )


def parent(node: Any, *, state: Any = MessagesState, context: Any = None, saver: Any = None) -> Any:
    graph = StateGraph(state, context_schema=context).add_node("solve", node)
    return graph.add_edge(START, "solve").add_edge("solve", END).compile(checkpointer=saver)


def wrapped(child: Any, sync: bool) -> Any:
    """A node function for another state; passes the events on, so that nobody has to ask for subgraphs."""

    def given(state: Ticket) -> dict[str, Any]:
        return {"question": state["text"]}

    def solve(state: Ticket) -> Ticket:
        write, last = get_stream_writer(), {}
        for mode, data in child.stream(given(state), stream_mode=["custom", "values"]):
            if mode == "custom":
                write(data)
            else:
                last = data
        return {"reply": last["answer"]}

    async def asolve(state: Ticket) -> Ticket:
        write, last = get_stream_writer(), {}
        async for mode, data in child.astream(given(state), stream_mode=["custom", "values"]):
            if mode == "custom":
                write(data)
            else:
                last = data
        return {"reply": last["answer"]}

    return solve if sync else asolve


async def run(graph: Any, sync: bool, given: Any = ASKED, config: Any = None, **arguments: Any) -> Any:
    return graph.invoke(given, config, **arguments) if sync else await graph.ainvoke(given, config, **arguments)


async def streamed(graph: Any, sync: bool, given: Any = ASKED, **arguments: Any) -> list[Any]:
    if sync:
        return list(graph.stream(given, **arguments))
    return [item async for item in graph.astream(given, **arguments)]


def kinds(events: list[Any]) -> list[str]:
    return [event["type"] for event in events if event["type"] in ("run", "step", "outcome")]


WHOLE_RUN = ["run", "step", "step", "step", "outcome"]


@BOTH
class TestState:
    async def test_of_messages_nothing_is_added_but_the_answer(self, sync: bool) -> None:
        result = await run(parent(builder().compile()), sync)
        assert set(result) == {"messages"}
        assert [(message.type, message.content) for message in result["messages"]] == [("human", QUESTION), ("ai", "7")]

    async def test_shared_keys_are_filled(self, sync: bool) -> None:
        result = await run(parent(builder().compile(), state=Shared), sync)
        assert result["answer"] == "7"
        assert [step["author"] for step in result["trace"]] == ["small"] * 3
        assert result["report"]["outcome"]["kind"] == "answered"

    async def test_another_state_by_a_function(self, sync: bool) -> None:
        graph = parent(wrapped(builder().compile(), sync), state=Ticket)
        assert await run(graph, sync, {"text": QUESTION}) == {"text": QUESTION, "reply": "7"}

    async def test_a_second_turn_of_the_parents_thread(self, sync: bool) -> None:
        writer = small(STEPS, "So it is \\boxed{12}.")
        graph = parent(builder(writer, policy="small_only").compile(), saver=InMemorySaver())
        await run(graph, sync, config=CONFIG)
        result = await run(graph, sync, {"messages": [HumanMessage("And 5 more?")]}, CONFIG)
        assert [message.text for message in result["messages"]] == [QUESTION, "7", "And 5 more?", "12"]
        assert [message.text for message in writer.prompts[1][:2]] == [QUESTION, "7"]

    async def test_an_agents_conversation_reaches_both_models_as_text(self, sync: bool) -> None:
        """A template that continues a trace takes no tool calls, and no other model's reasoning is ours to tell."""
        writer, expert = small(STEPS), large(PLAN)
        said = [
            SystemMessage("Be brief."),
            HumanMessage("Hello."),
            AIMessage([{"type": "reasoning", "reasoning": "PRIVATE"}, {"type": "text", "text": "Hello you."}]),
            HumanMessage("What is in the file?"),
            AIMessage("", tool_calls=[{"name": "read", "args": {"path": "a"}, "id": "1"}]),
            ToolMessage("3 and 4", name="read", tool_call_id="1"),
        ]
        result = await run(parent(builder(writer, expert).compile()), sync, {"messages": said})
        assert [message.type for message in result["messages"]] == [
            "system",
            "human",
            "ai",
            "human",
            "ai",
            "tool",
            "ai",
        ]
        for prompt in (writer.prompts[0], expert.prompts[0]):
            assert [message.type for message in prompt] == ["system", "human", "ai", "human"]
            assert not any(message.tool_calls for message in prompt if isinstance(message, AIMessage))
            text = "\n".join(str(message.content) for message in prompt)
            assert "PRIVATE" not in text
            for part in ("Be brief.", "Hello you.", "What is in the file?", '[called read({"path": "a"})]', "3 and 4"):
                assert part in text

    async def test_the_reasoning_in_the_message(self, sync: bool) -> None:
        graph = parent(builder(settings=Settings(reasoning_in_message=True)).compile())
        message = (await run(graph, sync))["messages"][-1]
        assert [block["type"] for block in message.content_blocks] == ["reasoning", "text"]
        assert message.content_blocks[0]["reasoning"] == STEPS
        assert message.text == "7"

    async def test_the_reasoning_in_a_message_is_not_told_at_the_next_turn(self, sync: bool) -> None:
        writer = small(STEPS, STEPS)
        settings = Settings(reasoning_in_message=True)
        graph = parent(builder(writer, policy="small_only", settings=settings).compile(), saver=InMemorySaver())
        await run(graph, sync, config=CONFIG)
        await run(graph, sync, {"messages": [HumanMessage("And 5 more?")]}, CONFIG)
        assert writer.prompts[1][1].content == "7"

    async def test_a_recursion_limit_that_is_inherited_ends_in_an_answer(self, sync: bool) -> None:
        writer = small("\n\n".join(f"Thing {n} is {n}." for n in range(90)), Scripted("\\boxed{7}"), loop=True)
        child = builder(writer, policy="small_only", budget=Budget(usd=None)).compile()
        result = await run(parent(child), sync, config={"recursion_limit": 9})
        assert result["messages"][-1].text


@BOTH
class TestContext:
    @pytest.mark.parametrize(
        ("context", "schema", "calls"),
        [
            (None, None, 1),
            ({}, dict, 1),
            ({"large": "never", "temperature": 9}, dict, 1),
            ({"trigreason": {"large": "never"}}, dict, 0),
            ({"trigreason": Settings(large="never")}, dict, 0),
            (ForeignData(), ForeignData, 1),
            (ForeignModel(), ForeignModel, 1),
            (ForeignModel(trigreason={"large": "never"}), ForeignModel, 0),
            (Settings(large="never"), Settings, 0),
            ({"large": "never"}, Settings, 0),
        ],
        ids=str,
    )
    async def test_of_a_foreign_context_our_key_alone(self, sync: bool, context: Any, schema: Any, calls: int) -> None:
        expert = large(PLAN)
        result = await run(parent(builder(expert=expert).compile(), context=schema), sync, context=context)
        assert result["messages"][-1].text == "7"
        assert expert.calls == calls

    async def test_the_parents_context_reaches_a_wrapped_child(self, sync: bool) -> None:
        expert = large(PLAN)
        graph = parent(wrapped(builder(expert=expert).compile(), sync), state=Ticket, context=dict)
        await run(graph, sync, {"text": QUESTION}, context={"trigreason": {"large": "never"}})
        assert expert.calls == 0


@BOTH
class TestStreams:
    async def test_step_events_with_subgraphs(self, sync: bool) -> None:
        items = await streamed(parent(builder().compile()), sync, stream_mode="custom", subgraphs=True)
        assert kinds([event for _, event in items]) == WHOLE_RUN
        assert {namespace[0].split(":")[0] for namespace, _ in items} == {"solve"}

    async def test_step_events_that_a_function_passes_on(self, sync: bool) -> None:
        graph = parent(wrapped(builder().compile(), sync), state=Ticket)
        assert kinds(await streamed(graph, sync, {"text": QUESTION}, stream_mode="custom")) == WHOLE_RUN

    @pytest.mark.parametrize("subgraphs", [True, False])
    async def test_the_messages_stream_has_the_answer_alone(self, sync: bool, subgraphs: bool) -> None:
        graph = parent(builder().compile())
        items = await streamed(graph, sync, stream_mode="messages", subgraphs=subgraphs)
        (message,) = (data[1][0] if subgraphs else data[0] for data in items)
        assert (message.type, message.text) == ("ai", "7")

    async def test_the_tokens_of_both_models_where_they_are_asked_for(self, sync: bool) -> None:
        graph = parent(builder(settings=Settings(stream_reasoning=True)).compile())
        items = await streamed(graph, sync, stream_mode="messages", subgraphs=True)
        chunks = [(message, metadata) for _, (message, metadata) in items if isinstance(message, AIMessageChunk)]
        written: Counter[str] = Counter()
        texts: dict[str, str] = {}
        for message, metadata in chunks:
            role = metadata["trigreason_role"]
            written[role] += 1
            texts[role] = texts.get(role, "") + message.text
            assert f"trigreason:{role}" in metadata["tags"]
        assert texts == {"small": STEPS, "large": PLAN}
        assert min(written.values()) > 3  # as they come, and not as a whole
        whole = [message for _, (message, _) in items if not isinstance(message, AIMessageChunk)]
        assert [message.text for message in whole] == ["7"]

    async def test_token_events_of_both_models(self, sync: bool) -> None:
        items = await streamed(parent(builder().compile()), sync, stream_mode="custom", subgraphs=True)
        assert {event["role"] for _, event in items if event["type"] == "token"} == {"small", "large"}

    async def test_updates_of_the_inner_nodes(self, sync: bool) -> None:
        items = await streamed(parent(builder().compile()), sync, stream_mode="updates", subgraphs=True)
        nodes = [node for _, update in items for node in update]
        assert nodes == ["prepare", "strategist", "step_generator", "trigger_router", "answer", "solve"]


@asynccontextmanager
async def store(kind: str, sync: bool, path: Path) -> AsyncIterator[Any]:
    """A checkpointer for sync or async callers."""
    if kind == "memory":
        yield InMemorySaver()
    elif sync:
        with SqliteSaver.from_conn_string(str(path)) as saver:
            yield saver
    else:
        async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
            yield saver


@BOTH
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
class TestCheckpoints:
    async def test_an_approval_is_asked_for_and_given_through_the_parent(
        self, kind: str, sync: bool, tmp_path: Path
    ) -> None:
        writer, expert = small(STEPS), large(PLAN)
        child = builder(writer, expert, settings=Settings(large="ask")).compile()
        async with store(kind, sync, tmp_path / "a.sqlite") as saver:
            graph = parent(child, saver=saver)
            items = await streamed(graph, sync, config=CONFIG, stream_mode="updates")
            (asked,) = items[-1]["__interrupt__"]
            assert asked.value["kind"] == "large_model_call"
            assert (writer.calls, expert.calls) == (0, 0)
            result = await run(graph, sync, Command(resume="approve"), CONFIG)
        assert result["messages"][-1].text == "7"
        assert (writer.calls, expert.calls) == (1, 1)

    async def test_a_child_that_is_interrupted_later_repeats_no_call(
        self, kind: str, sync: bool, tmp_path: Path
    ) -> None:
        """The plan is paid and steps are written when the process ends; another parent object goes on."""
        writer, expert = small(STEPS), large(PLAN)

        def built(saver: Any) -> Any:
            child = builder(writer, expert).compile(interrupt_before=["trigger_router"])
            return parent(child, saver=saver)

        async with store(kind, sync, tmp_path / "a.sqlite") as saver:
            await run(built(saver), sync, config=CONFIG)
            assert (writer.calls, expert.calls) == (1, 1)
            graph = built(saver)
            state = graph.get_state(CONFIG, subgraphs=True) if sync else await graph.aget_state(CONFIG, subgraphs=True)
            (task,) = state.tasks
            assert len(task.state.values["drafts"]) == 3
            result = await run(graph, sync, None, CONFIG)
        assert result["messages"][-1].text == "7"
        assert (writer.calls, expert.calls) == (1, 1)

    async def test_a_wrapped_child_is_resumed_as_well(self, kind: str, sync: bool, tmp_path: Path) -> None:
        writer, expert = small(STEPS), large(PLAN)
        child = builder(writer, expert, settings=Settings(large="ask")).compile()
        async with store(kind, sync, tmp_path / "a.sqlite") as saver:
            graph = parent(wrapped(child, sync), state=Ticket, saver=saver)
            paused = await run(graph, sync, {"text": QUESTION}, CONFIG)
            assert paused["__interrupt__"][0].value["purpose"] == "initiate"
            result = await run(graph, sync, Command(resume="deny"), CONFIG)
        assert result["reply"] == "7"
        assert (writer.calls, expert.calls) == (1, 0)
