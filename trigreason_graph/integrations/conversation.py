"""A caller's conversation as the graph takes it: one system message, earlier turns, and last the question.

Tool calls and their results are written out as text: either model has to read them, and few small ones, and no template
that continues a trace, take them natively.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from trigreason_graph.errors import InputError
from trigreason_graph.reasoning.handover import with_suffix

SINCE = "What has happened since:"
TOOLS = (
    "After the reasoning, and not within it, these can be called. Reason about which of them is needed, if any, and "
    "with which arguments:"
)


def as_problem(messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]] = ()) -> list[BaseMessage]:
    """The whole conversation, so that it ends in the question to be reasoned about.

    Args:
        messages: The caller's, in order. What came after the last human message (an agent's tool calls and their
            results) is told behind the question.
        tools: What can be called after the reasoning, in OpenAI's form.

    Raises:
        InputError: There is no human message.
    """
    position = next(
        (index for index in range(len(messages) - 1, -1, -1) if isinstance(messages[index], HumanMessage)), None
    )
    if position is None:
        raise InputError("there is no question: the messages hold no human message")
    asked = messages[position]
    since = [line for message in messages[position + 1 :] if (line := told(message))]
    system = [str(message.text) for message in messages if isinstance(message, SystemMessage)]
    system += [described(tools)] if tools else []
    return [
        *([SystemMessage("\n\n".join(system))] if system else []),
        *(turn for message in messages[:position] if (turn := as_turn(message)) is not None),
        with_suffix(asked, "\n\n".join([SINCE, *since])) if since else HumanMessage(asked.content),
    ]


def as_turn(message: BaseMessage) -> BaseMessage | None:
    """An earlier message as a plain turn; None where it has nothing to say, or is a system message."""
    if isinstance(message, SystemMessage):
        return None
    if isinstance(message, HumanMessage):
        return HumanMessage(message.content)
    text = told(message)
    if not text:
        return None
    return AIMessage(text) if isinstance(message, AIMessage) else HumanMessage(text)


def told(message: BaseMessage) -> str:
    """What a message says, its tool calls and results written out. Reasoning of earlier replies is left out."""
    text = str(message.text).strip()
    if isinstance(message, ToolMessage):
        failed = " failed" if message.status == "error" else ""
        return f"[{message.name or 'tool'}{failed}: {text}]"
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    written = [f"[called {call['name']}({json.dumps(call['args'], ensure_ascii=False)})]" for call in calls]
    return "\n\n".join([*([text] if text else []), *written])


def described(tools: Sequence[Mapping[str, Any]]) -> str:
    """What the reasoning is told about the tools or the schema of the reply."""
    return "\n".join([TOOLS, *(_line(tool.get("function") or tool) for tool in tools)])


def _line(tool: Mapping[str, Any]) -> str:
    fields = (tool.get("parameters") or {}).get("properties") or {}
    arguments = ", ".join(f"{name}: {field.get('type', 'any')}" for name, field in fields.items())
    about = " ".join(str(tool.get("description") or "").split())
    return f"- {tool.get('name') or tool.get('type')}({arguments})" + (f": {about}" if about else "")


def without_tools(messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> list[BaseMessage]:
    """The conversation for a call that gets the tools natively and need not be told of them."""
    first, told_of = messages[0], described(tools)
    if not isinstance(first, SystemMessage) or not first.text.endswith(told_of):
        return list(messages)
    kept = first.text.removesuffix(told_of).strip()
    return [*([SystemMessage(kept)] if kept else []), *messages[1:]]
