"""ChatTrigReason inside LangGraph: streams, context, checkpoints, interrupts, agents, threads."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from tests.graphs import STEPS, large, small
from trigreason_graph import ChatTrigReason, Settings, as_tool, create_trigreason_graph
from trigreason_graph.testing import Scripted, ScriptedModel

QUESTION = "What is 3 + 4?"
PLAN = "Goal: the sum\nKey steps: 1. add"
ASKED: Any = {"messages": [HumanMessage(QUESTION)]}


class Desk(TypedDict, total=False):
    large: str
    trigreason: Any


def chat(writer: ScriptedModel | None = None, expert: ScriptedModel | None = None, **fields: Any) -> ChatTrigReason:
    return ChatTrigReason(small=writer or small(STEPS, loop=True), large=expert or large(PLAN, loop=True), **fields)


def one_node(model: ChatTrigReason, *, sync: bool = False, streams: bool = False, saver: Any = None) -> Any:
    """A graph of one node that calls the model."""

    async def ask(state: MessagesState) -> dict[str, list[AnyMessage]]:
        if streams:
            chunks = [chunk async for chunk in model.astream(state["messages"])]
            return {"messages": [sum(chunks[1:], chunks[0])]}
        return {"messages": [await model.ainvoke(state["messages"])]}

    def ask_sync(state: MessagesState) -> dict[str, list[AnyMessage]]:
        if streams:
            chunks = list(model.stream(state["messages"]))
            return {"messages": [sum(chunks[1:], chunks[0])]}
        return {"messages": [model.invoke(state["messages"])]}

    builder = StateGraph(MessagesState, context_schema=Desk)
    builder.add_node("ask", ask_sync if sync else ask)
    return builder.add_edge(START, "ask").add_edge("ask", END).compile(checkpointer=saver)


async def streamed(graph: Any, sync: bool, given: Any = ASKED, **arguments: Any) -> list[Any]:
    if sync:
        return list(graph.stream(given, **arguments))
    return [item async for item in graph.astream(given, **arguments)]


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
@pytest.mark.parametrize("streams", [True, False], ids=["stream", "invoke"])
class TestInANode:
    async def test_our_events_reach_the_outer_stream(self, sync: bool, streams: bool) -> None:
        events = await streamed(one_node(chat(), sync=sync, streams=streams), sync, stream_mode="custom")
        assert [event["type"] for event in events if event["type"] in ("run", "step", "outcome")] == [
            *("run", "step", "step", "step", "outcome")
        ]
        assert len({event["run_id"] for event in events}) == 1

    async def test_the_messages_stream_has_our_message_and_nothing_internal(self, sync: bool, streams: bool) -> None:
        graph = one_node(chat(), sync=sync, streams=streams)
        items = await streamed(graph, sync, stream_mode=["messages", "values"])
        chunks = [data[0] for mode, data in items if mode == "messages"]
        assert all(isinstance(chunk, AIMessageChunk) for chunk in chunks)
        assert len({chunk.id for chunk in chunks}) == 1
        shown = sum(chunks[1:], chunks[0])
        final = items[-1][1]["messages"][-1]
        assert shown.content_blocks[0]["reasoning"] == final.content_blocks[0]["reasoning"]
        assert shown.text == final.text == "7"
        assert shown.usage_metadata == final.usage_metadata is not None

    async def test_each_token_is_counted_once(self, sync: bool, streams: bool) -> None:
        with get_usage_metadata_callback() as counter:
            items = await streamed(
                one_node(chat(), sync=sync, streams=streams), sync, stream_mode=["messages", "values"]
            )
        usage = items[-1][1]["messages"][-1].usage_metadata
        assert set(counter.usage_metadata) == {"small", "large"}
        assert sum(each["total_tokens"] for each in counter.usage_metadata.values()) == usage["total_tokens"]

    @pytest.mark.parametrize(
        ("context", "calls"),
        [
            (None, 1),
            ({"large": "never"}, 1),
            ({"trigreason": {"large": "never"}}, 0),
            ({"trigreason": Settings(large="never")}, 0),
        ],
    )
    async def test_nothing_of_the_outer_context_but_our_key(
        self, sync: bool, streams: bool, context: Any, calls: int
    ) -> None:
        expert = large(PLAN)
        graph = one_node(chat(expert=expert), sync=sync, streams=streams)
        await streamed(graph, sync, context=context)
        assert expert.calls == calls

    async def test_nothing_of_ours_is_saved_and_a_low_recursion_limit_is_not_ours(
        self, sync: bool, streams: bool
    ) -> None:
        saver = InMemorySaver()
        graph = one_node(chat(), sync=sync, streams=streams, saver=saver)
        config: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": 2}
        await streamed(graph, sync, config=config)
        assert {saved.config["configurable"]["checkpoint_ns"] for saved in saver.list(None)} == {""}
        message = graph.get_state(config).values["messages"][-1]
        assert message.response_metadata["outcome"]["kind"] == "answered"

    async def test_an_approval_is_asked_for_through_the_outer_graph(self, sync: bool, streams: bool) -> None:
        writer, expert = small(STEPS), large(PLAN)
        model = chat(writer, expert, settings=Settings(large="ask"))
        graph = one_node(model, sync=sync, streams=streams, saver=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "1"}}
        paused = await streamed(graph, sync, config=config, stream_mode="updates")
        assert paused[-1]["__interrupt__"][0].value["kind"] == "large_model_call"
        assert (writer.calls, expert.calls) == (0, 0)
        items = await streamed(graph, sync, Command(resume="approve"), config=config, stream_mode="values")
        assert items[-1]["messages"][-1].text == "7"
        assert (writer.calls, expert.calls) == (1, 1)


async def test_what_a_person_tells_the_answer_call_reaches_it() -> None:
    call = Scripted(tool_calls=[{"name": "add", "args": {"a": 3, "b": 4}}])
    expert = large(call)
    model: Any = chat(small(STEPS), expert, policy="small_only", settings=Settings(large="ask")).bind_tools([adder()])
    graph = one_node(model, saver=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    paused = await graph.ainvoke(ASKED, config)
    assert paused["__interrupt__"][0].value["purpose"] == "conclude"
    edit = {"decision": "edit", "instruction": "Use the tool."}
    state = await graph.ainvoke(Command(resume=edit), config)
    assert str(expert.prompts[0][-1].content).endswith("Use the tool.")
    assert state["messages"][-1].tool_calls[0]["name"] == "add"


def adder() -> Any:
    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    return add


async def test_our_events_come_out_of_a_sequence_too() -> None:
    """As with_structured_output makes one."""
    model = chat(policy="small_only") | (lambda message: message)

    async def ask(state: MessagesState) -> dict[str, list[AnyMessage]]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").compile()
    events = await streamed(graph, sync=False, stream_mode="custom")
    assert [event["type"] for event in events].count("step") == 3


class TestInAnAgent:
    @pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
    async def test_it_reasons_calls_a_tool_and_answers(self, sync: bool) -> None:
        call = Scripted(tool_calls=[{"name": "add", "args": {"a": 3, "b": 4}}])
        writer, expert = small(STEPS, loop=True), large(call, Scripted("It is 7."))
        agent = create_agent(chat(writer, expert, policy="small_only"), [adder()])
        result: Any = agent.invoke(ASKED) if sync else await agent.ainvoke(ASKED)
        kinds = [message.type for message in result["messages"]]
        assert kinds == ["human", "ai", "tool", "ai"]
        assert result["messages"][-1].text == "It is 7."
        assert "[called add(" in str(writer.prompts[1][1].text)
        assert "[add: 7]" in str(writer.prompts[1][1].text)

    async def test_a_response_format(self) -> None:
        from pydantic import BaseModel

        class Sum(BaseModel):
            """The result."""

            result: int

        reply = Scripted(tool_calls=[{"name": "Sum", "args": {"result": 7}}])
        agent = create_agent(chat(expert=large(reply), policy="small_only"), response_format=Sum)
        result = await agent.ainvoke(ASKED)
        assert result["structured_response"] == Sum(result=7)

    async def test_our_graph_as_a_tool_of_an_agent_on_our_chat_model(self) -> None:
        """Two pairs at once: what one writes and pays is not the other's."""
        call = Scripted(tool_calls=[{"name": "reason", "args": {"question": "What is 5 + 6?"}}])
        inner_writer = small("Five is 5.\n\nSo it is \\boxed{11}.", loop=True)
        inner = create_trigreason_graph(small=inner_writer, large=large(), policy="small_only")
        outer_writer, expert = small(STEPS, loop=True), large(call, Scripted("It is 11."))
        agent = create_agent(chat(outer_writer, expert, policy="small_only"), [as_tool(inner)])
        events: list[Any] = []
        result: Any = {}
        with get_usage_metadata_callback() as counter:
            async for mode, data in agent.astream(ASKED, stream_mode=["custom", "values"]):
                if mode == "custom":
                    events.append(data)
                else:
                    result = data
        first, second = (message for message in result["messages"] if message.type == "ai")
        (told,) = (message for message in result["messages"] if message.type == "tool")
        assert (told.content, second.text) == ("11", "It is 11.")
        runs: dict[str, set[str]] = {}
        for event in events:
            if event["type"] == "step":
                runs.setdefault(event["run_id"], set()).add(event["text"])
        assert len(runs) == 3
        assert sum("Five is 5." in texts for texts in runs.values()) == 1
        reports = [first.response_metadata["report"], second.response_metadata["report"], told.artifact]
        spent = sum(each["tokens_in"] + each["tokens_out"] for report in reports for each in report["totals"].values())
        assert spent == sum(each["total_tokens"] for each in counter.usage_metadata.values())

    async def test_our_chat_model_as_the_large_model_of_our_graph(self) -> None:
        nested = chat(small("Eight is 8.\n\nSo it is \\boxed{8}.", loop=True), large(), policy="small_only")
        graph = create_trigreason_graph(small=small(STEPS), large=nested).compile()
        result = await graph.ainvoke({"question": QUESTION})
        assert result["answer"] == "7"
        assert result["report"]["totals"]["large"]["calls"] == 1


class Echo(ScriptedModel):
    """Reasons about the number in the question."""

    script: Any = ("",)
    loop: bool = True

    def _take(self, messages: Any, arguments: Any) -> Scripted:
        number = str(messages[0].text).split("#")[1].split()[0]
        return Scripted(f"It is about {number}.\n\nSo it is \\boxed{{{number}}}.", delay=0.001)


def test_50_threads_do_not_mix_states_ledgers_or_streams() -> None:
    from tests.graphs import LOCAL_SMALL

    model = chat(Echo(trigreason_card=LOCAL_SMALL), policy="small_only")
    found: dict[int, Any] = {}

    def ask(n: int) -> None:
        given = [HumanMessage(f"Number #{n} please")]
        if n % 2:
            chunks = list(model.stream(given))
            found[n] = sum(chunks[1:], chunks[0])
        else:
            graph = one_node(model, sync=True)
            events = list(graph.stream({"messages": given}, stream_mode=["custom", "values"]))
            texts = [data["text"] for mode, data in events if mode == "custom" and data["type"] == "step"]
            assert texts == [f"It is about {n}.", f"So it is \\boxed{{{n}}}."]
            found[n] = events[-1][1]["messages"][-1]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: message.text for n, message in found.items()} == {n: str(n) for n in range(50)}
    for n, message in found.items():
        assert isinstance(message, AIMessage)
        assert message.content_blocks[0]["reasoning"] == f"It is about {n}.\n\nSo it is \\boxed{{{n}}}."  # type: ignore[typeddict-item]
        assert message.response_metadata["report"]["totals"]["small"]["calls"] == 1
