"""tools: answers the call at the end of the trace. Whatever comes of it is a result, and the reasoning goes on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from trigreason_graph.events import emit
from trigreason_graph.nodes.endings import OVER, ending
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.progress import show_steps
from trigreason_graph.nodes.toolbox import ToolOutput
from trigreason_graph.reasoning.tool_calls import (
    MalformedCallError,
    ToolRequest,
    is_call,
    is_result,
    read_call,
    waiting_call,
)
from trigreason_graph.reasoning.tool_results import quoted
from trigreason_graph.state import Branch, State, Step

UNREADABLE = "tool"
"""The name under which a call is answered that cannot be read, or asks for a tool that is not there."""
FAILED = " failed"
"""Stands behind the name of a tool that failed."""


async def tools(state: State, kit: Kit) -> dict[str, Any]:
    """Run the tool, once: a call that was made before, on a branch that is gone, gets the result of then."""
    trace = state["trace"]
    call = waiting_call(trace)
    if call is None:
        return ending(state, state["finish"], state["why"])
    name, begun = UNREADABLE, time.monotonic()
    try:
        request = read_call(call["text"])
    except MalformedCallError as fault:
        _show(state, call, name, "start", call["text"])
        output = ToolOutput(f'{fault}. Write {{"name": "...", "args": {{...}}}} between the tags, or go on', True)
        step = _result(name, output, state["next_id"])
    else:
        if kit.tools is not None and request["name"] in kit.tools.names:
            name = request["name"]
        _show(state, call, name, "start", call["text"])
        earlier = _earlier_result(request, state["discarded"])
        if earlier is not None:
            step = Step(**{**earlier, "id": state["next_id"]})
        else:
            step = _result(name, await _asked(state, kit, request, call), state["next_id"])
    _show(state, call, name, "error" if failed(step) else "end", step["text"], round(time.monotonic() - begun, 4))
    show_steps(state, [step], len(trace))
    return {"trace": [step], "next_id": state["next_id"] + 1, **ending(state, "")}


async def _asked(state: State, kit: Kit, request: ToolRequest, call: Step) -> ToolOutput:
    limit = kit.budget.tool_calls
    if kit.tools is None:
        return ToolOutput("this graph has no tools any more; go on without", True)
    if limit is not None and calls_answered(state) >= limit:
        return ToolOutput(f"not used: the {limit} tool calls of this run are used up. Go on without tools", True)
    shown: State = {**state}
    shown.pop("remaining", None)  # LangGraph's, not ours to show
    return await kit.tools.run(request, shown, f"{state['run_id']}-{call['id']}", kit.budget.tool_seconds)


def calls_wanted(kit: Kit, state: State) -> bool:
    """Whether the author may call a tool now. Once it was told that the limit is reached, what looks like a call is
    text: else a model that listens to nothing would be sent round in circles."""
    limit = kit.budget.tool_calls
    return kit.tools is not None and (limit is None or calls_answered(state) <= limit)


def calls_answered(state: State) -> int:
    """Calls of this run that got a result, failed and discarded ones included."""
    return sum(1 for _ in _results(state["trace"], state["discarded"]))


def call_counts(trace: Sequence[Step], discarded: Sequence[Branch]) -> tuple[dict[str, int], int]:
    """For the report: calls by tool, and how many failed."""
    found = list(_results(trace, discarded))
    return dict(Counter(step["model"] for step in found)), sum(map(failed, found))


def failed(result: Step) -> bool:
    """Whether a tool's step tells of a failure."""
    return result["text"].startswith(f"> {result['model']}{FAILED}:")


def _results(trace: Sequence[Step], discarded: Sequence[Branch]) -> Iterator[Step]:
    yield from filter(is_result, trace)
    for branch in discarded:
        yield from filter(is_result, branch["steps"])


def _earlier_result(request: ToolRequest, discarded: Sequence[Branch]) -> Step | None:
    """The newest result of the same call among the steps that were thrown away, unless it failed."""
    for branch in reversed(discarded):
        steps = branch["steps"]
        for index in range(len(steps) - 1, 0, -1):
            call, result = steps[index - 1], steps[index]
            if is_result(result) and is_call(call) and not failed(result) and _same(call, request):
                return result
    return None


def _same(call: Step, request: ToolRequest) -> bool:
    try:
        return read_call(call["text"]) == request
    except MalformedCallError:
        return False


def _result(name: str, output: ToolOutput, step_id: int) -> Step:
    return Step(
        id=step_id,
        text=quoted(name + FAILED * output.failed, output.text),
        sep="\n\n",
        kind="tool",
        author="tool",
        model=name,
        call=-1,
        tokens=0,
        conclusions=[],
        nats=None,
        entropy=None,
    )


def _show(state: State, call: Step, name: str, status: str, text: str, seconds: float | None = None) -> None:
    emit("tool", state["run_id"], name=name, call=call["id"], status=status, text=text, seconds=seconds)


def after_tools(state: State) -> Literal["continue", "escalate", "finish"]:
    """Pure route: back to who called. The LRM's signal stands as long as it has steps to write."""
    if state.get("finish", "") in OVER:
        return "finish"
    return "escalate" if state.get("signal") else "continue"
