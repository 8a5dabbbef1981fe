"""What a tracer sees: every model call, named, tagged, under the run that made it, green where we closed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langgraph.graph import END, START, MessagesState, StateGraph

from tests.graphs import STEPS, Marker, large, policy, small
from trigreason_graph import ChatTrigReason, Signal, StrategicInitiation, View, as_tool, create_trigreason_graph
from trigreason_graph.testing import Scripted, ScriptedModel

QUESTION = "What is 3 + 4?"
PLAN = "Goal: the sum\nKey steps: 1. add"
ASKED: Any = {"messages": [HumanMessage(QUESTION)]}
BOTH = pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])


@dataclass(frozen=True)
class Reviewer:
    """A judge that asks about every draft and is content."""

    name: str = "reviewer"

    async def judge(self, view: View, call: Any) -> Signal | None:
        await call("Is it right?", 16)
        return None


def builder(writer: ScriptedModel | None = None, expert: ScriptedModel | None = None, **fields: Any) -> Any:
    return create_trigreason_graph(
        small=writer or small(STEPS, loop=True), large=expert or large(PLAN, loop=True), **fields
    )


async def traced(runnable: Any, sync: bool, given: Any, **config: Any) -> Any:
    """The root of the one trace that a call leaves."""
    collector = RunCollectorCallbackHandler()
    config = {"callbacks": [collector], **config}
    _ = runnable.invoke(given, config) if sync else await runnable.ainvoke(given, config)
    (root,) = collector.traced_runs
    return root


def calls(run: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each model run below, with the names above it."""
    for child in run.child_runs:
        if child.run_type == "llm" and child.name != "ChatTrigReason":
            yield (*above, run.name), child
        yield from calls(child, (*above, run.name))


def ours(run: Any) -> dict[str, Any]:
    """Our metadata of a run."""
    return {
        key.removeprefix("trigreason_"): value
        for key, value in run.extra["metadata"].items()
        if key.startswith("trigreason_")
    }


def usage(run: Any) -> dict[str, Any]:
    return run.outputs["generations"][0][0]["message"]["kwargs"].get("usage_metadata") or {}


@BOTH
class TestEachCall:
    """Of the graph itself."""

    async def test_a_plan_a_closed_stream_and_a_rewritten_step(self, sync: bool) -> None:
        writer = small("One thing is 3.\n\nWRONG.\n\nNever wanted.", "So the result is \\boxed{7}.")
        expert = large(PLAN, "wrong: none\n\nAnother thing is 4.")
        graph = builder(writer, expert, policy=policy(Marker("WRONG"), initiation=StrategicInitiation())).compile()
        root = await traced(graph, sync, {"question": QUESTION})
        found = list(calls(root))
        assert [(above[-1], run.name, ours(run)) for above, run in found] == [
            (
                "strategist",
                "large:strategist",
                {"role": "large", "purpose": "initiate", "trigger": "strategic_initiation", "step": 0},
            ),
            ("step_generator", "small:step_generator", {"role": "small", "purpose": "continue", "step": 1}),
            (
                "large_offload",
                "large:offload",
                {"role": "large", "purpose": "rewrite", "trigger": "marker", "step": 2},
            ),
            ("step_generator", "small:step_generator", {"role": "small", "purpose": "continue", "step": 3}),
        ]
        for _, run in found:
            assert {"nostream", f"trigreason:{ours(run)['role']}"} <= set(run.tags)
            assert run.extra["metadata"]["ls_model_name"] == ours(run)["role"]
            assert run.trace_id == root.id
        assert writer.closed == 1

    async def test_a_closed_stream_is_a_green_run_with_its_usage(self, sync: bool) -> None:
        writer = small("One thing is 3.\n\nWRONG.\n\nNever wanted.", "So the result is \\boxed{7}.")
        graph = builder(writer, large("wrong: none\n\nAnother thing is 4."), policy=policy(Marker("WRONG"))).compile()
        root = await traced(graph, sync, {"question": QUESTION})
        cut = next(run for _, run in calls(root))
        metadata = cut.outputs["generations"][0][0]["message"]["kwargs"]["response_metadata"]
        assert (cut.error, metadata["trigreason_cut"], metadata["finish_reason"]) == (None, True, "closed")
        assert [event["name"] for event in cut.events if event["name"] != "new_token"] == ["start", "end"]
        assert usage(cut)["output_tokens"] > 0
        assert not [run for _, run in calls(root) if run.error]

    async def test_judges_and_the_conclusion(self, sync: bool) -> None:
        writer = small("One thing is 3.", "7}.", loop=True)
        graph = builder(writer, large("Yes.", loop=True), policy=policy(Reviewer())).compile()
        root = await traced(graph, sync, {"question": QUESTION})
        found = {run.name: (above[-1], ours(run)) for above, run in calls(root)}
        assert found["large:reviewer"] == (
            "trigger_router",
            {"role": "large", "purpose": "review", "trigger": "reviewer", "step": 1},
        )
        assert found["small:answer"] == ("answer", {"role": "small", "purpose": "conclude", "step": 2})

    async def test_a_model_that_is_down_is_a_failed_run(self, sync: bool) -> None:
        """The one thing that is red."""
        down = Scripted(None, error=ValueError("down"))
        root = await traced(builder(expert=large(down, loop=True)).compile(), sync, {"question": QUESTION})
        assert {run.name: bool(run.error) for _, run in calls(root)} == {
            "large:strategist": True,
            "small:step_generator": False,
        }

    async def test_the_callers_own_names_tags_and_metadata_stay(self, sync: bool) -> None:
        config = {"run_name": "mine", "tags": ["app"], "metadata": {"user": "ann"}}
        root = await traced(builder().compile(), sync, {"question": QUESTION}, **config)
        assert root.name == "mine"
        for _, run in calls(root):
            assert "app" in run.tags
            assert run.extra["metadata"]["user"] == "ann"

    async def test_the_graphs_name(self, sync: bool) -> None:
        assert (await traced(builder().compile(), sync, {"question": QUESTION})).name == "trigreason"
        assert (await traced(builder(name="sums").compile(), sync, {"question": QUESTION})).name == "sums"
        assert (await traced(builder(name="sums").compile(name="x"), sync, {"question": QUESTION})).name == "x"


BOTH_CALLS = [("strategist", "large:strategist"), ("step_generator", "small:step_generator")]


@BOTH
class TestNesting:
    """Each call under the run of whatever asked for it."""

    async def test_a_subgraph(self, sync: bool) -> None:
        graph = StateGraph(MessagesState).add_node("solve", builder().compile()).add_edge(START, "solve")
        root = await traced(graph.add_edge("solve", END).compile(name="desk"), sync, ASKED)
        assert [(*above, run.name) for above, run in calls(root)] == [
            ("desk", "solve", "trigreason", *pair) for pair in BOTH_CALLS
        ]

    async def test_a_tool(self, sync: bool) -> None:
        call = {"name": "reason", "args": {"question": QUESTION}}
        agent = create_agent(ScriptedModel(script=[Scripted(tool_calls=[call]), "Done."]), [as_tool(builder())])
        root = await traced(agent, sync, ASKED)
        found = [(*above, run.name) for above, run in calls(root) if run.name != "ScriptedModel"]
        assert [path[-5:] for path in found] == [("tools", "reason", "trigreason", *pair) for pair in BOTH_CALLS]

    async def test_two_tool_calls_of_one_turn(self, sync: bool) -> None:
        asked = [{"name": "reason", "args": {"question": f"Sum {n}?"}} for n in (1, 2)]
        agent = create_agent(ScriptedModel(script=[Scripted(tool_calls=asked), "Done."]), [as_tool(builder())])
        root = await traced(agent, sync, ASKED)
        tools = [run for run in _all(root) if run.run_type == "tool"]
        assert len(tools) == 2
        for tool in tools:
            assert [run.name for _, run in calls(tool)] == [name for _, name in BOTH_CALLS]

    async def test_a_chat_model_in_an_agent(self, sync: bool) -> None:
        model = ChatTrigReason(small=small(STEPS), large=large(PLAN))
        root = await traced(create_agent(model), sync, ASKED)
        found = [(*above, run.name) for above, run in calls(root)]
        assert [path[-5:] for path in found] == [
            ("model", "ChatTrigReason", "trigreason", *pair) for pair in BOTH_CALLS
        ]

    async def test_the_answer_call_of_a_chat_model_with_tools(self, sync: bool) -> None:
        def add(a: int, b: int) -> int:
            """Add two numbers."""
            return a + b

        expert = large(Scripted(tool_calls=[{"name": "add", "args": {"a": 3, "b": 4}}]))
        model = ChatTrigReason(small=small(STEPS), large=expert, policy="small_only").bind_tools([add])
        root = await traced(model, sync, QUESTION)
        last = list(calls(root))[-1]
        assert (last[0][-1], last[1].name, ours(last[1])["purpose"]) == ("answer", "large:reply", "conclude")
        assert last[1].error is None

    async def test_runs_at_once_keep_their_own_traces(self, sync: bool) -> None:
        graph, collector = builder().compile(), RunCollectorCallbackHandler()
        given = [{"question": f"Sum {n}?"} for n in range(8)]
        config: Any = {"callbacks": [collector]}
        _ = graph.batch(given, config) if sync else await graph.abatch(given, config)
        assert len(collector.traced_runs) == 8
        for root in collector.traced_runs:
            assert [run.name for _, run in calls(root)] == [name for _, name in BOTH_CALLS]
            for _, run in calls(root):
                assert root.inputs["question"] in str(run.inputs)


def _all(run: Any) -> Iterator[Any]:
    yield run
    for child in run.child_runs:
        yield from _all(child)
