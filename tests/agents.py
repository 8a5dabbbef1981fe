"""Scripted agents for the tests of the middleware."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool, tool

from tests.graphs import large, small
from trigreason_graph import TrigReasonMiddleware
from trigreason_graph.testing import Scripted, ScriptedModel

ASKED: Any = {"messages": [("user", "How many rolls are left?")]}
SURE = Scripted("There are 19 rolls left.", probability=0.9)
UNSURE = Scripted("There are about 23 rolls left or so, all told.", probability=0.2)


def call(name: str = "look", text: str = "", **arguments: Any) -> Scripted:
    """A reply that calls a tool."""
    return Scripted(text, tool_calls=[{"name": name, "args": arguments}], probability=0.9)


class Shelf:
    """Tools that count how often they were called."""

    def __init__(self, *results: str | Exception) -> None:
        self.results, self.calls = results or ("84 rolls",), 0

    def take(self) -> str:
        result = self.results[min(self.calls, len(self.results) - 1)]
        self.calls += 1
        if isinstance(result, Exception):
            raise result
        return result

    def tools(self) -> list[BaseTool]:
        @tool
        def look(at: str = "shelf") -> str:
            """Look at something."""
            return self.take()

        return [look]


def routed(writer: ScriptedModel | None = None, expert: ScriptedModel | None = None, **fields: Any) -> Any:
    return TrigReasonMiddleware(writer or small(SURE), expert or large(), **fields)


def agent(middleware: Any, shelf: Shelf | None = None, *others: Any, first: bool = True, **fields: Any) -> Any:
    """An agent on the small model; `first`: our middleware stands before the `others`, thus outside of them."""
    order = [middleware, *others] if first else [*others, middleware]
    return create_agent(middleware.small, (shelf or Shelf()).tools(), middleware=order, **fields)


async def run(agent: Any, sync: bool, given: Any = ASKED, **arguments: Any) -> tuple[list[Any], Any]:
    """The events of the custom stream, and the last state."""
    modes = ["custom", "values"]
    if sync:
        items = list(agent.stream(given, stream_mode=modes, **arguments))
    else:
        items = [item async for item in agent.astream(given, stream_mode=modes, **arguments)]
    return [data for mode, data in items if mode == "custom"], [data for mode, data in items if mode == "values"][-1]


def authors(state: Any) -> list[str]:
    """Who wrote the replies."""
    marks = [message.response_metadata.get("trigreason") for message in state["messages"] if message.type == "ai"]
    return [mark["author"] if mark else "?" for mark in marks]


def report(events: list[Any]) -> Any:
    (last,) = (event for event in events if event["type"] == "outcome")
    return last["report"]


def last_reply(state: Any) -> AIMessage:
    message = state["messages"][-1]
    assert isinstance(message, AIMessage)
    return message
