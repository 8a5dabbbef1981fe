"""LangGraph's control flow passes through everything of ours, and nothing private of LangGraph or LangChain is used."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphBubbleUp, GraphDrained, GraphInterrupt, ParentCommand
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, Interrupt, interrupt

from tests.graphs import LOCAL_SMALL, STEPS, large, policy, small
from trigreason_graph import ChatTrigReason, Signal, View, as_tool, create_trigreason_graph
from trigreason_graph.testing import Scripted, ScriptedModel
from trigreason_graph.triggers.judges import StepReward

QUESTION = "What is 3 + 4?"
PLAN = "Goal: the sum\nKey steps: 1. add"
FLOW: dict[str, Callable[[], BaseException]] = {
    "interrupt": lambda: GraphInterrupt((Interrupt(value="stop", id="1"),)),
    "any": GraphBubbleUp,
    "parent command": lambda: ParentCommand(Command(goto="elsewhere", graph=Command.PARENT)),
    "drained": lambda: GraphDrained("stopping"),
    "cancelled": asyncio.CancelledError,
}
EACH = pytest.mark.parametrize("flow", FLOW)
BOTH = pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])


@dataclass(frozen=True)
class Raises:
    """A trigger that raises."""

    error: BaseException = field(compare=False)
    name: str = "raises"
    when: str = "step"

    def check(self, view: View) -> Signal | None:
        raise self.error


@dataclass(frozen=True)
class RaisingJudge:
    error: BaseException = field(compare=False)
    name: str = "raising_judge"

    async def judge(self, view: View, call: Any) -> Signal | None:
        raise self.error


class RaisingModel(ScriptedModel):
    """Raises in the middle of its stream, or before it."""

    script: Any = (STEPS,)
    loop: bool = True
    error: Any = None
    after: int = 0

    async def _astream(self, *given: Any, **kwargs: Any) -> Any:
        sent = 0
        async for chunk in super()._astream(*given, **kwargs):
            if sent == self.after:
                raise self.error
            sent += 1
            yield chunk


class RaisingCallback(BaseCallbackHandler):
    raise_error = True

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def on_llm_new_token(self, *given: Any, **kwargs: Any) -> None:
        raise self.error


def rewards(error: BaseException) -> Any:
    async def ask(question: str, steps: list[str]) -> list[float]:
        raise error

    return ask


def raising(place: str, error: BaseException) -> Any:
    """A graph in which `error` is raised at a place of the user's."""
    models: Any = {"small": small(STEPS, loop=True), "large": large(PLAN, loop=True)}
    how: Any = None
    if place == "trigger":
        how = policy(Raises(error))
    elif place == "judge":
        how = policy(RaisingJudge(error))
    elif place == "reward model":
        how = policy(StepReward(rewards(error)))
    elif place == "callback of a model":
        models["small"] = small(STEPS, callbacks=[RaisingCallback(error)])
    else:
        role, after = place.split()[0], 2 if place.endswith("stream") else 0
        models[role] = RaisingModel(error=error, after=after, trigreason_card=models[role].trigreason_card)
    return create_trigreason_graph(**models, policy=how)


PLACES = [
    "trigger",
    "judge",
    "reward model",
    "callback of a model",
    "small",
    "small in its stream",
    "large",
    "large in its stream",
]


async def caught(runnable: Any, sync: bool, given: Any) -> BaseException | None:
    """What comes out of a run, if anything is raised."""
    try:
        if sync:
            await asyncio.to_thread(runnable.invoke, given)
        else:
            await runnable.ainvoke(given)
    except BaseException as raised:
        return raised
    return None


@EACH
@pytest.mark.parametrize("place", PLACES)
@BOTH
async def test_it_passes_through_the_graph(flow: str, place: str, sync: bool) -> None:
    """Seen where a node of ours ends: at the top level LangGraph turns some of them into results."""
    raised = FLOW[flow]()
    builder = raising(place, raised)
    calls: list[BaseException] = []
    for name, spec in builder.nodes.items():
        run = spec.runnable.function

        async def watched(state: Any, run: Any = run, name: str = name) -> Any:
            try:
                return await run(state)
            except BaseException as error:
                calls.append(error)
                raise

        spec.runnable.function = watched
    await caught(builder.compile(), sync, {"question": QUESTION})
    assert [type(error) for error in calls] == [type(raised)]


@EACH
@pytest.mark.parametrize("surface", ["chat", "tool"])
@BOTH
async def test_it_passes_through_the_surface(flow: str, surface: str, sync: bool) -> None:
    """What LangGraph lets out of a graph, the surface lets out as well."""

    def models() -> Any:
        return {"small": RaisingModel(error=FLOW[flow](), trigreason_card=LOCAL_SMALL), "large": large(PLAN)}

    plain = create_trigreason_graph(**models(), policy="small_only")
    expected = await caught(plain.compile(), sync, {"question": QUESTION})
    if expected is None:
        pytest.skip("LangGraph makes a result of it, at the top of a graph")
    if surface == "chat":
        found = await caught(ChatTrigReason(**models(), policy="small_only"), sync, QUESTION)
    else:
        found = await caught(as_tool(plain), sync, {"question": QUESTION})
    assert type(found) is type(expected)


class AsksAPerson(ScriptedModel):
    """A user's model that needs a person, as one behind a human-in-the-loop wrapper."""

    script: Any = (STEPS,)
    loop: bool = True

    async def _astream(self, *given: Any, **kwargs: Any) -> Any:
        assert interrupt("may I?") == "yes"
        async for chunk in super()._astream(*given, **kwargs):
            yield chunk


@BOTH
@pytest.mark.parametrize("surface", ["graph", "subgraph", "tool"])
async def test_an_interrupt_of_the_users_own_is_asked_and_answered(surface: str, sync: bool) -> None:
    builder = create_trigreason_graph(
        small=AsksAPerson(trigreason_card=LOCAL_SMALL), large=large(PLAN), policy="small_only"
    )
    given: Any = {"messages": [HumanMessage(QUESTION)]}
    saver = InMemorySaver()
    if surface == "graph":
        graph: Any = builder.compile(checkpointer=saver)
    elif surface == "subgraph":
        around = StateGraph(MessagesState).add_node("solve", builder.compile())
        graph = around.add_edge(START, "solve").add_edge("solve", END).compile(checkpointer=saver)
    else:
        call = Scripted(tool_calls=[{"name": "reason", "args": {"question": QUESTION}}])
        graph = create_agent(ScriptedModel(script=[call, "It is 7."]), [as_tool(builder)], checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "1"}}
    paused = graph.invoke(given, config) if sync else await graph.ainvoke(given, config)
    assert paused["__interrupt__"][0].value == "may I?"
    again = Command(resume="yes")
    result = graph.invoke(again, config) if sync else await graph.ainvoke(again, config)
    assert "7" in result["messages"][-1].text


ROOT = Path(__file__).parent.parent / "trigreason_graph"
MODULES = sorted(ROOT.rglob("*.py"))
LIBRARIES = ("langgraph", "langchain", "langsmith")


def private_imports(tree: ast.Module) -> list[str]:
    """Private modules and names that are imported from these libraries, at the top or inside functions."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module or ''}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names += [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    return [
        name
        for name in names
        if name.startswith(LIBRARIES)
        and any(part.startswith("_") and part != "__version__" for part in name.split("."))
    ]


def broad(handler: ast.ExceptHandler) -> bool:
    """Whether a clause would catch LangGraph's control flow, which is made of ordinary exceptions."""
    caught = "BaseException" if handler.type is None else ast.unparse(handler.type)
    return caught in ("BaseException", "Exception")


def lets_pass(tried: ast.Try, handler: ast.ExceptHandler) -> bool:
    """Whether the clause raises again, itself or in who waits for a future, or an earlier one raises GraphBubbleUp."""
    if isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None:
        return True
    if ast.unparse(handler.body[-1]).endswith(f".set_exception({handler.name})"):
        return True
    earlier = tried.handlers[: tried.handlers.index(handler)]
    return any("GraphBubbleUp" in ast.unparse(one) and isinstance(one.body[-1], ast.Raise) for one in earlier)


OF_NO_GRAPH = (
    *("cli", "testing", "evaluation", "tuning", "models/probe", "models/embedded"),
    *("models/strings.py", "models/readiness.py"),
    "nodes/toolbox.py",  # checks `tools=` while the graph is built; its tools are run by LangGraph's ToolNode
    "models/faults.py",  # describes an error that was let through or caught elsewhere
    "integrations/middleware/turn.py",  # a generator: `drive` raises control flow itself, and hands the rest to it
)
"""What runs before a graph, or around one: no control flow of LangGraph's comes by."""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_private_is_imported(path: Path) -> None:
    assert private_imports(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if not str(path.relative_to(ROOT)).startswith(OF_NO_GRAPH)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_clause_swallows_control_flow(path: Path) -> None:
    swallows = [
        f"{path.name}:{handler.lineno}"
        for tried in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(tried, ast.Try)
        for handler in tried.handlers
        if broad(handler) and not lets_pass(tried, handler)
    ]
    assert not swallows, f"these may swallow a GraphBubbleUp: {swallows}"
