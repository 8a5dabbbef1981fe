"""What a chat model with bound tools tells the reasoning of them: it reasons, and does not call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, SystemMessage

from trigreason_graph.reasoning.conversation import as_turns
from trigreason_graph.reasoning.tool_descriptions import described as in_words

TOOLS = (
    "After the reasoning, and not within it, these can be called. Reason about which of them is needed, if any, and "
    "with which arguments:"
)


def as_problem(messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]] = ()) -> list[BaseMessage]:
    """The whole conversation, so that it ends in the question to be reasoned about.

    Args:
        messages: The caller's, in order.
        tools: What can be called after the reasoning, in OpenAI's form; told behind the system message.

    Raises:
        InputError: There is no human message.
    """
    return as_turns([*messages, SystemMessage(described(tools))] if tools else messages)


def described(tools: Sequence[Mapping[str, Any]]) -> str:
    """What the reasoning is told about the tools or the schema of the reply."""
    return "\n".join([TOOLS, *(_line(tool.get("function") or tool) for tool in tools)])


def _line(tool: Mapping[str, Any]) -> str:
    name, about = str(tool.get("name") or tool.get("type")), str(tool.get("description") or "")
    return in_words(name, about, tool.get("parameters") or {})


def without_tools(messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> list[BaseMessage]:
    """The conversation for a call that gets the tools natively and need not be told of them."""
    first, told_of = messages[0], described(tools)
    if not isinstance(first, SystemMessage) or not first.text.endswith(told_of):
        return list(messages)
    kept = first.text.removesuffix(told_of).strip()
    return [*([SystemMessage(kept)] if kept else []), *messages[1:]]
