"""The graph as a tool of an agent: ``create_agent(model, tools=[as_tool(graph)])``, deepagents alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing, closing
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from pydantic import BaseModel, Field

from trigreason_graph.errors import InputError
from trigreason_graph.graph import RECURSION_LIMIT
from trigreason_graph.integrations.outer import outer_settings, outer_writer
from trigreason_graph.models.wrapper import ModelFailed
from trigreason_graph.settings import Settings
from trigreason_graph.state import Report

NAME = "reason"
DESCRIPTION = (
    "Solves one problem that takes several steps of reasoning (arithmetic, logic, planning) and returns the answer. It "
    "sees nothing but the question: put everything that is needed into it."
)


class Question(BaseModel):
    """What the calling model fills in."""

    question: str = Field(description="The whole problem, self-contained, with all facts and numbers.")


def as_tool(
    graph: StateGraph[Any, Settings, Any, Any] | CompiledStateGraph[Any, Settings, Any, Any],
    *,
    name: str = NAME,
    description: str = DESCRIPTION,
    settings: Settings | None = None,
) -> BaseTool:
    """Make a tool of the graph.

    The tool's message holds the answer, its artifact the report. The graph's events go to the agent's custom stream,
    its interrupts to the agent's checkpointer, and its settings come from the agent's context, under the key
    "trigreason". A question that cannot be used comes back to the model as an error message; a model that is not ready
    or does not answer is raised, since no other question would help.

    Args:
        graph: Of ``create_trigreason_graph``; compiled or not.
        name: The tool's name.
        description: What the calling model is told about it.
        settings: For the runs of this tool; the agent's context goes before them.

    Returns:
        A tool with the one argument ``question``; for sync and async agents.
    """
    compiled = graph.compile() if isinstance(graph, StateGraph) else graph
    own = settings or Settings()

    def reason(question: str) -> tuple[str, Report]:
        result, read = _reader()
        given, arguments = _run(question, own)
        try:
            with closing(cast("Any", compiled.stream(given, **arguments))) as items:
                for mode, data in items:
                    read(mode, data)
        except InputError as error:
            raise ToolException(str(error)) from error
        return told(result)

    async def areason(question: str) -> tuple[str, Report]:
        result, read = _reader()
        given, arguments = _run(question, own)
        try:
            async with aclosing(cast("Any", compiled.astream(given, **arguments))) as items:
                async for mode, data in items:
                    read(mode, data)
        except InputError as error:
            raise ToolException(str(error)) from error
        return told(result)

    return StructuredTool.from_function(
        func=reason,
        coroutine=areason,
        name=name,
        description=description,
        args_schema=Question,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


def told(result: Mapping[str, Any]) -> tuple[str, Report]:
    """The tool message's content and artifact out of the graph's output.

    Raises:
        ModelFailed: No model answered.
    """
    report: Report = result["report"]
    outcome = report["outcome"]
    if result["answer"]:
        return str(result["answer"]), report
    if outcome["kind"] == "model_error":
        raise ModelFailed(outcome["detail"])
    return f"No answer was found ({outcome['kind']}): {outcome['detail']}", report


def _run(question: str, own: Settings) -> tuple[dict[str, str], dict[str, Any]]:
    """The graph's input, and the arguments of ``stream`` and ``astream``."""
    config = RunnableConfig(recursion_limit=RECURSION_LIMIT)
    context = outer_settings(own)
    return {"question": question}, {"config": config, "context": context, "stream_mode": ["custom", "values"]}


def _reader() -> tuple[dict[str, Any], Callable[[str, Any], None]]:
    """The output to be, and what reads the graph's stream into it, events going on to the stream around us."""
    result: dict[str, Any] = {}
    writer = outer_writer()

    def read(mode: str, data: Any) -> None:
        if mode == "values":
            result.update(data)
        elif writer is not None:
            writer(data)

    return result, read
