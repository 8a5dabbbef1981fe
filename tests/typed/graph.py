"""A user's code around the graph, as a strict type checker sees it. Never run."""

from __future__ import annotations

from typing import Any, assert_type

from langchain_core.language_models.chat_models import BaseChatModel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph

from trigreason_graph import (
    ArithmeticCheck,
    Budget,
    Policy,
    Price,
    Report,
    Settings,
    State,
    Step,
    StrategicInitiation,
    create_trigreason_graph,
)
from trigreason_graph.state import Input, Outcome, Output


def build(model: BaseChatModel) -> CompiledStateGraph[State, Settings, Input, Output]:
    """Every form of every argument."""
    builder = create_trigreason_graph(
        small="ollama:qwen3:0.6b",
        large=model,
        fallback="openai:gpt-4.1-mini",
        policy=[StrategicInitiation(), ArithmeticCheck()],
        budget=Budget(large_calls=3, usd=0.1),
        settings=Settings(large="ask", effort={"rewrite": "low"}, stream_reasoning=True),
        prices={"openai:gpt-4.1": Price(input=2.0, output=8.0)},
        name="mine",
    )
    assert_type(builder, StateGraph[State, Settings, Input, Output])
    return builder.compile(checkpointer=InMemorySaver())


named = create_trigreason_graph(small="embedded:small", large="embedded:large", policy="paper")
owned = create_trigreason_graph(small="embedded:small", large="embedded:large", policy=Policy("mine", ()))
graph = named.compile()
result: Any = graph.invoke({"question": "What is 3 + 4?"}, context=Settings(large="never"))
for part in graph.stream({"question": "What is 3 + 4?"}, stream_mode="custom"):
    assert part


def read(output: Output) -> str:
    """The result, field by field."""
    assert_type(output["answer"], str)
    assert_type(output["trace"], list[Step])
    report = output["report"]
    assert_type(report, Report)
    assert_type(report["outcome"], Outcome)
    assert_type(report["interventions"], dict[str, int])
    assert_type(report["cost"], float | None)
    assert_type(output["trace"][0]["nats"], list[int] | None)
    return f"{output['answer']} {report['outcome']['kind']} {report['totals']['small']['tokens_out']}"


async def solve(state: MessagesState) -> dict[str, Any]:
    """A node of a parent graph that calls ours."""
    output: Any = await graph.ainvoke({"messages": state["messages"]}, context=Settings(budget=Budget(usd=None)))
    async for part in graph.astream({"messages": state["messages"]}, stream_mode=["custom", "values"]):
        assert part
    return {"messages": output["messages"][-1:]}


by_function = StateGraph(MessagesState).add_node("solve", solve).add_edge(START, "solve").add_edge("solve", END)
by_graph = StateGraph(MessagesState).add_node("solve", graph).add_edge(START, "solve").add_edge("solve", END)
both = (by_function.compile(checkpointer=InMemorySaver()), by_graph.compile())
