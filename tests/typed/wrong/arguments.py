"""Mistakes of users; the comment names the error that a strict type checker has to report there. Never run."""

from __future__ import annotations

from dataclasses import dataclass

from trigreason_graph import Budget, ChatTrigReason, Settings, Signal, Step, View, as_tool, create_trigreason_graph
from trigreason_graph.integrations import init_chat_model
from trigreason_graph.testing import ScriptedModel

graph = create_trigreason_graph(small="a:b", large=3)  # arg-type
create_trigreason_graph(small="a:b")  # call-arg
create_trigreason_graph(small="a:b", large="c:d", policies="paper")  # call-arg
create_trigreason_graph(small="a:b", large="c:d", budget={"usd": 1})  # arg-type
graph.compile(checkpointr=None)  # call-arg
graph.compile().invoke({"question": "?"}, context="never")  # call-overload
graph.compile().invoke({"query": "?"})  # call-overload
Settings(large="maybe")  # arg-type
Settings(larg="never")  # call-arg
Budget(large_calls="three")  # arg-type
as_tool("a graph")  # arg-type
as_tool(graph, title="x")  # call-arg
ChatTrigReason(small="a:b", large="c:d", budget=1)  # arg-type
ChatTrigReason(small="a:b", large="c:d", temprature=0.1)  # call-arg
ChatTrigReason(small="a:b", large="c:d").bind_tools(3)  # arg-type
init_chat_model(3)  # arg-type
ScriptedModel(script=3)  # arg-type
Signal(trigger="x", reason="y", evidence={}, route="sideways")  # typeddict-item


def read(step: Step) -> int:
    """A step's text is text."""
    assert step["txt"]  # typeddict-item
    return step["text"]  # return-value


@dataclass(frozen=True)
class NoTrigger:
    """`check` takes the view."""

    name: str = "none"
    when: str = "step"

    def check(self, text: str) -> Signal | None:
        """Too little."""
        return None


class Changes:
    """A view is frozen."""

    name, when = "changes", "step"

    def check(self, view: View) -> None:
        """Try to change it."""
        view.question = "?"  # misc


create_trigreason_graph(small="a:b", large="c:d", policy=[NoTrigger()])  # list-item
