"""Many runs at once, two graphs in one parent, our graph inside our chat model's agent: nothing is mixed."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from typing_extensions import TypedDict

from tests.graphs import LOCAL_SMALL, PAID_LARGE, Marker, policy
from trigreason_graph import ChatTrigReason, Settings, StrategicInitiation, as_tool, create_trigreason_graph
from trigreason_graph.testing import Scripted, ScriptedModel

AT_ONCE = 50
NUMBER = re.compile(r"#(\d+)")


class Echo(ScriptedModel):
    """Reasons about the number in the question: a plan, a step, a step that is rewritten, an answer.

    Which of them it writes depends on its prompt alone, so that one object serves all runs.
    """

    script: Any = ("",)
    loop: bool = True
    tag: str = ""

    def _take(self, messages: Any, arguments: Any) -> Scripted:
        prompt = "\n".join(str(message.text) for message in messages)
        numbers = set(NUMBER.findall(prompt))
        assert len(numbers) == 1, f"one prompt has the numbers of several runs: {sorted(numbers)}"
        (n,) = numbers
        return Scripted(self._reply(n, prompt), delay=0.0005)

    def _reply(self, n: str, prompt: str) -> str:
        if self.trigreason_card is PAID_LARGE:
            planned = "Reasoning so far:\n\nStep" in prompt
            return f"wrong: none\n\n{self.tag}Large on #{n}." if planned else f"Goal: #{n}\nKey steps: 1. look at #{n}"
        if f"Large on #{n}." in prompt:
            return f"So it is \\boxed{{{self.tag}{n}}}."
        return f"{self.tag}Small on #{n}.\n\nWRONG on #{n}.\n\nMore."


def parts(tag: str = "") -> dict[str, Any]:
    """Models and a policy of one graph, shared by all of its runs."""
    return {
        "small": Echo(trigreason_card=LOCAL_SMALL, tag=tag),
        "large": Echo(trigreason_card=PAID_LARGE, tag=tag),
        "policy": policy(Marker("WRONG"), initiation=StrategicInitiation()),
    }


def builder(tag: str = "") -> Any:
    return create_trigreason_graph(**parts(tag))


def question(n: int) -> str:
    return f"Number #{n} please"


def trace_of(n: int, tag: str = "") -> list[str]:
    return [f"{tag}Small on #{n}.", f"{tag}Large on #{n}.", f"So it is \\boxed{{{tag}{n}}}."]


def check_events(events: list[Any], n: int, tag: str = "") -> None:
    """One whole run about `n`, and of no other."""
    assert [event["text"] for event in events if event["type"] == "step"] == trace_of(n, tag)
    assert len({event["run_id"] for event in events}) == 1
    assert set(NUMBER.findall(str(events))) == {str(n)}


def check_report(report: Any) -> None:
    assert report["steps"] == {"small": 2, "large": 1}
    assert {role: totals["calls"] for role, totals in report["totals"].items()} == {"small": 2, "large": 2}
    assert (report["discarded_steps"], report["interventions"]) == (1, {"strategic_initiation": 1, "marker": 1})


def in_node(node: Any) -> Any:
    return StateGraph(MessagesState).add_node("solve", node).add_edge(START, "solve").add_edge("solve", END)


class Caller(ScriptedModel):
    """An agent's model: hands the question on to its tool, then says what that said."""

    script: Any = ("",)
    loop: bool = True

    def _take(self, messages: Any, arguments: Any) -> Scripted:
        last = messages[-1]
        if isinstance(last, ToolMessage):
            return Scripted(f"It is {last.text}.")
        return Scripted(tool_calls=[{"name": "reason", "args": {"question": last.text}}])


def split(items: list[Any]) -> tuple[list[Any], Any]:
    return [data for mode, data in items if mode == "custom"], items[-1][1]


class Surface:
    """One way in: what is run, and what its result has to be for question `n`."""

    def __init__(self, kind: str) -> None:
        saver = InMemorySaver()
        self.kind = kind
        self.runnable: Any = {
            "graph": lambda: builder().compile(checkpointer=saver),
            "subgraph": lambda: in_node(builder().compile()).compile(checkpointer=saver),
            "tool": lambda: create_agent(Caller(), [as_tool(builder())], checkpointer=saver),
            "chat": lambda: create_agent(ChatTrigReason(**parts()), checkpointer=saver),
        }[kind]()

    def given(self, n: int) -> dict[str, Any]:
        return {
            "input": {"messages": [HumanMessage(question(n))]},
            "config": {"configurable": {"thread_id": str(n)}},
            "stream_mode": ["custom", "values"],
            "subgraphs": self.kind == "subgraph",
        }

    async def astream(self, n: int) -> list[Any]:
        return [item async for item in self.runnable.astream(**self.given(n))]

    def stream(self, n: int) -> list[Any]:
        return list(self.runnable.stream(**self.given(n)))

    def check(self, items: list[Any], n: int) -> None:
        if self.kind == "subgraph":
            items = [(mode, data) for namespace, mode, data in items if mode == "custom" or not namespace]
        events, final = split(items)
        check_events(events, n)
        last = final["messages"][-1]
        assert last.text == (f"It is {n}." if self.kind == "tool" else str(n))
        if self.kind == "chat":
            assert last.content_blocks[0]["reasoning"] == "\n\n".join(trace_of(n))
            check_report(last.response_metadata["report"])
        elif self.kind == "tool":
            check_report(final["messages"][-2].artifact)
        elif self.kind == "graph":
            check_report(final["report"])
            ledger = self.runnable.get_state({"configurable": {"thread_id": str(n)}}).values["ledger"]
            assert [(row["id"], row["role"]) for row in ledger] == [
                (index, role) for index, role in enumerate(["large", "small", "large", "small"])
            ]


KINDS = pytest.mark.parametrize("kind", ["graph", "subgraph", "tool", "chat"])


@KINDS
async def test_50_tasks_at_once(kind: str) -> None:
    surface = Surface(kind)
    found = await asyncio.gather(*(surface.astream(n) for n in range(AT_ONCE)))
    for n, items in enumerate(found):
        surface.check(items, n)


@KINDS
def test_50_threads_at_once(kind: str) -> None:
    surface, found = Surface(kind), {}

    def go(n: int) -> None:
        found[n] = surface.stream(n)

    threads = [threading.Thread(target=go, args=(n,)) for n in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == AT_ONCE
    for n, items in found.items():
        surface.check(items, n)


class Two(TypedDict, total=False):
    question: str
    first: str
    second: str


def asking(child: Any, key: str, seen: dict[str, list[Any]]) -> Callable[[Two], Coroutine[Any, Any, Any]]:
    async def ask(state: Two) -> Any:
        last: Any = {}
        async for mode, data in child.astream({"question": state["question"]}, stream_mode=["custom", "values"]):
            if mode == "custom":
                seen.setdefault(key, []).append(data)
            else:
                last = data
        return {key: last["answer"]}

    return ask


@pytest.mark.parametrize("parallel", [True, False])
async def test_two_graphs_in_one_parent(parallel: bool) -> None:
    seen: dict[str, list[Any]] = {}
    parent = StateGraph(Two)
    for key, tag in (("first", "A"), ("second", "B")):
        parent.add_node(f"ask {key}", asking(builder(tag).compile(), key, seen))
    parent.add_edge(START, "ask first")
    parent.add_edge(START if parallel else "ask first", "ask second")
    result = await parent.compile(checkpointer=InMemorySaver()).ainvoke(
        {"question": question(7)}, {"configurable": {"thread_id": "1"}}
    )
    assert (result["first"], result["second"]) == ("A7", "B7")
    check_events(seen["first"], 7, "A")
    check_events(seen["second"], 7, "B")
    assert seen["first"][0]["run_id"] != seen["second"][0]["run_id"]


@pytest.mark.parametrize("sync", [True, False])
async def test_two_branches_that_are_subgraphs(sync: bool) -> None:
    """Both write into the same messages; each namespace has one run."""
    parent = StateGraph(MessagesState)
    for tag in ("A", "B"):
        parent.add_node(tag, builder(tag).compile()).add_edge(START, tag).add_edge(tag, END)
    graph: Any = parent.compile(checkpointer=InMemorySaver())
    arguments: Any = {"stream_mode": ["custom", "values"], "subgraphs": True}
    given: Any = {"messages": [HumanMessage(question(7))]}
    config: Any = {"configurable": {"thread_id": "1"}}
    if sync:
        items = list(graph.stream(given, config, **arguments))
    else:
        items = [item async for item in graph.astream(given, config, **arguments)]
    for tag in ("A", "B"):
        events = [data for space, mode, data in items if mode == "custom" and space[0].startswith(f"{tag}:")]
        check_events(events, 7, tag)
    messages = items[-1][2]["messages"]
    assert sorted(message.text for message in messages if message.type == "ai") == ["A7", "B7"]
    assert len(messages) == 3


async def test_settings_of_one_run_are_not_anothers() -> None:
    graph = builder().compile()

    async def ask(n: int) -> Any:
        settings = Settings(large="never" if n % 2 else "auto")
        return await graph.ainvoke({"question": question(n)}, context=settings)

    for n, result in enumerate(await asyncio.gather(*(ask(n) for n in range(20)))):
        large = result["report"]["totals"].get("large", {"calls": 0})["calls"]
        assert (large > 0) == (n % 2 == 0)


async def test_our_graph_as_a_tool_under_our_chat_model_in_agents_at_once() -> None:
    """Each agent runs two pairs; which of them wrote what is told by their tags."""

    class Hands(Echo):
        """The large model of the outer pair: plans nothing, calls the tool, then says its result."""

        def _take(self, messages: Any, arguments: Any) -> Scripted:
            prompt = "\n".join(str(message.text) for message in messages)
            (n,) = set(NUMBER.findall(prompt))
            told = re.search(r"\[reason: (\w+)\]", prompt)
            if told:
                return Scripted(f"It is {told[1]}.")
            return Scripted(tool_calls=[{"name": "reason", "args": {"question": question(int(n))}}])

    class Plain(Echo):
        def _reply(self, n: str, prompt: str) -> str:
            return f"Outer on #{n}.\n\nSo it is \\boxed{{{n}}}."

    model = ChatTrigReason(
        small=Plain(trigreason_card=LOCAL_SMALL), large=Hands(trigreason_card=PAID_LARGE), policy="small_only"
    )
    agent: Any = create_agent(model, [as_tool(builder("IN"))], checkpointer=InMemorySaver())

    async def ask(n: int) -> list[Any]:
        given = {"messages": [HumanMessage(question(n))]}
        config = {"configurable": {"thread_id": str(n)}}
        return [item async for item in agent.astream(given, config, stream_mode=["custom", "values"])]

    for n, items in enumerate(await asyncio.gather(*(ask(n) for n in range(12)))):
        events, final = split(items)
        runs: dict[str, list[str]] = {}
        for event in events:
            if event["type"] == "step":
                runs.setdefault(event["run_id"], []).append(event["text"])
        outer = [f"Outer on #{n}.", f"So it is \\boxed{{{n}}}."]
        assert list(runs.values()) == [outer, trace_of(n, "IN"), outer]
        (told,) = (message for message in final["messages"] if isinstance(message, ToolMessage))
        check_report(told.artifact)
        assert told.content == f"IN{n}"
        assert [message.text for message in final["messages"] if isinstance(message, AIMessage)][-1] == f"It is IN{n}."
