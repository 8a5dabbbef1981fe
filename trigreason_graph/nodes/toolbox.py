"""The tools of the reasoning: checked when the graph is built, run one call at a time by LangGraph's ToolNode."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.config import get_config
from langgraph.errors import ParentCommand
from langgraph.types import Command

from trigreason_graph.models.faults import READ, own_words, redact
from trigreason_graph.models.pieces import text_of
from trigreason_graph.nodes.threads import in_own_thread
from trigreason_graph.reasoning.tool_calls import ToolRequest
from trigreason_graph.reasoning.tool_descriptions import described
from trigreason_graph.state import State

if TYPE_CHECKING:
    from langgraph.prebuilt import ToolNode

Tool = BaseTool | Callable[..., Any]
"""What `tools=` takes: any LangChain tool, or a function with a docstring."""

TIDYING_SECONDS = 0.5
"""How long a tool that was cancelled is waited for. Ours."""
FAULT_LIMIT = 500
"""Characters of an error's own words that a model is told."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class ToolOutput(NamedTuple):
    """What came of a call: text for the trace, and whether the tool failed."""

    text: str
    failed: bool = False


@dataclass(frozen=True)
class Toolbox:
    """The tools of a graph.

    Attributes:
        names: In the order given.
        described: What the models are told of them.
    """

    names: tuple[str, ...]
    described: str
    _runner: ToolNode

    async def run(self, request: ToolRequest, state: State, call_id: str, seconds: float | None) -> ToolOutput:
        """Run a tool inside the running node: its callbacks, context, store and stream are the node's.

        Whatever the tool does wrong is its output. A sync function runs in a thread of its own (a class that has its
        own `_run` in one of the loop's pool). What does not end in time is left behind: that thread, or a task that
        does not let itself be cancelled.

        Args:
            request: Which tool, with which arguments.
            state: What a tool gets that asks for the state: with the keys that were never written.
            call_id: The same when a call is repeated after a crash.
            seconds: How long it may take; None without a limit.

        Raises:
            GraphBubbleUp: The tool's own control flow: an interrupt, a command for the parent graph.
            ValueError: A tool that needs a store, in a graph compiled without one.
        """
        if request["name"] not in self.names:
            named = ", ".join(self.names)
            return ToolOutput(
                f"there is no tool {request['name'][:80]!r}. There are: {named}. Use one of them, or none", True
            )
        call = {"name": request["name"], "args": request["args"], "id": call_id, "type": "tool_call"}
        # The form in which ToolNode takes a state too: by itself it reads what was written, defaults left out.
        given = {"__type": "tool_call_with_context", "tool_call": call, "state": state}
        running = asyncio.ensure_future(self._runner.ainvoke(given, get_config()))
        try:
            await asyncio.wait({running}, timeout=seconds)
        finally:
            in_time = running.done()
            if not in_time:
                await _left(running)
        if not in_time:
            return ToolOutput(
                f"no result within {seconds:g} s. Do not ask for the same again: ask for less, or go on without", True
            )
        try:
            return _output(running.result())
        except asyncio.CancelledError:  # nobody has cancelled the run
            return ToolOutput("CancelledError: the tool gave up its own work", True)


async def _left(running: asyncio.Future[Any]) -> None:
    """Cancel a call, and give it a moment to put away its things; what it still says concerns nobody."""
    running.cancel()
    running.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait({running}, timeout=TIDYING_SECONDS)


def make_toolbox(tools: Sequence[Tool]) -> Toolbox | None:
    """The toolbox of a graph; None without tools.

    Raises:
        ValueError: Something that is no tool, has no description, or shares its name with another one.
    """
    if isinstance(tools, str | BaseTool | Mapping) or callable(tools):
        raise ValueError(f"tools=: a list of tools is needed, not {type(tools).__name__}")
    if not tools:
        return None
    from langgraph.prebuilt import ToolNode

    known: dict[str, BaseTool] = {}
    for given in tools:
        one = _as_tool(given)
        if one.name in known:
            raise ValueError(f"tools=: two tools have the name {one.name!r}; give one of them another")
        known[one.name] = one
    lines = "\n".join(_described(one) for one in known.values())
    try:
        runner = ToolNode(list(known.values()), handle_tool_errors=in_words)
    except Exception as fault:  # annotations that cannot be read
        raise ValueError(f"tools=: {', '.join(known)}: cannot be used as tools ({fault})") from fault
    return Toolbox(tuple(known), lines, runner)


def _as_tool(given: Tool) -> BaseTool:
    named = getattr(given, "name", None) or getattr(given, "__name__", None) or type(given).__name__
    if isinstance(given, type) or not (isinstance(given, BaseTool) or callable(given)):
        raise ValueError(
            f"tools=: {named!r} is no tool; pass a LangChain tool (@tool, BaseTool, StructuredTool, those of an MCP "
            "client) or a function with a docstring"
        )
    if isinstance(given, BaseTool):
        one = given
    else:
        try:
            one = tool(given)
        except Exception as fault:  # no docstring, an annotation that cannot be read
            raise ValueError(f"tools=: the function {named!r} cannot be made a tool: {fault}") from fault
    if not _NAME.fullmatch(one.name):
        raise ValueError(f"tools=: the name {one.name!r} must be letters, digits, '_', '.' or '-', at most 64 of them")
    if not one.description.strip():
        raise ValueError(f"tools=: {one.name!r} has no description; without one no model knows when to use it")
    return _threaded(one)


def _threaded(one: BaseTool) -> BaseTool:
    """A sync function's tool with a thread of its own for each call, in the place of one of the loop's pool; a tool of
    another kind as it is."""
    from langchain_core.tools import StructuredTool
    from langchain_core.tools import Tool as FunctionTool

    if not isinstance(one, StructuredTool | FunctionTool) or type(one) not in (StructuredTool, FunctionTool):
        return one  # a class of its own may do more than call its function
    blocking = one.func
    if blocking is None or one.coroutine is not None or _may_take_callbacks(blocking):
        return one

    @wraps(blocking)
    async def in_thread(*args: Any, **kwargs: Any) -> Any:
        return await in_own_thread(lambda: blocking(*args, **kwargs), f"tool {one.name}")

    return one.model_copy(update={"coroutine": in_thread})


def _may_take_callbacks(function: Callable[..., Any]) -> bool:
    """Whether LangChain may hand a function its callbacks, which are others for an async one; of some builtins nobody
    knows."""
    try:
        return "callbacks" in signature(function).parameters
    except (TypeError, ValueError):
        return True


def _described(one: BaseTool) -> str:
    try:
        schema = convert_to_openai_tool(one)["function"].get("parameters") or {}
    except Exception as fault:  # a schema that pydantic cannot put into JSON
        raise ValueError(f"tools=: the arguments of {one.name!r} cannot be described ({fault})") from fault
    return described(one.name, one.description, schema)


def in_words(error: Exception) -> str:
    """A tool's error as the model is told of it: what was wrong, no traceback, and nothing that looks like a key."""
    wrong: Sequence[Mapping[str, Any]] | None = getattr(error, "filtered_errors", None)
    if wrong is not None:  # LangGraph's own: the arguments do not fit
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong)
        return redact(f"wrong arguments ({told[:READ]}). Correct them, or go on without")[:FAULT_LIMIT]
    return redact(f"{type(error).__name__}: {own_words(error)}")[:FAULT_LIMIT]


def _output(said: Any) -> ToolOutput:
    """The tool's message out of what ToolNode returned.

    Raises:
        ParentCommand: The tool returned a command for the graph around ours.
    """
    messages: list[BaseMessage] = []
    for part in said if isinstance(said, list) else [said]:
        if isinstance(part, Command):
            if part.graph is not None:
                raise ParentCommand(part)
            part = part.update
        messages += part.get("messages") or () if isinstance(part, Mapping) else ()
    answers = [message for message in messages if isinstance(message, ToolMessage)]
    if not answers:
        return ToolOutput("the tool gave a command and no result; commands to this graph are not followed", True)
    text, other = text_of(answers[-1])[0], _not_text(answers[-1])
    return ToolOutput("\n".join(filter(None, (text, other))), answers[-1].status == "error")


def _not_text(message: ToolMessage) -> str:
    """What a result holds besides text, in words: a trace holds text alone."""
    blocks = [block for block in message.content if isinstance(block, dict)]
    kinds = [str(block.get("type")) for block in blocks if block.get("type") != "text"]
    return f"(left out, being no text: {', '.join(kinds)})" if kinds else ""
