"""A caller's conversation as the reasoning takes it: one system message, earlier turns, and last the question.

Tool calls and their results are written out as text: either model has to read them, and few small ones, and no template
that continues a trace, take them natively. The reasoning that other models' replies carry is left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from trigreason_graph.errors import InputError
from trigreason_graph.reasoning.handover import with_suffix

SINCE = "What has happened since:"


def as_turns(messages: Sequence[BaseMessage], question_id: str | None = None) -> list[BaseMessage]:
    """The whole conversation, so that it ends in the question to be reasoned about.

    Args:
        messages: In order. What came after the question (an agent's tool calls and their results) is told behind it.
        question_id: Of the human message that holds the question; None: the last one does.

    Raises:
        InputError: There is no human message.
    """
    human = [index for index, message in enumerate(messages) if isinstance(message, HumanMessage)]
    asked_at = [index for index in human if question_id in (None, messages[index].id)]
    position = asked_at[-1] if asked_at else None
    if position is None:
        raise InputError("there is no question: the messages hold no human message")
    asked = HumanMessage(messages[position].content)
    since = [line for message in messages[position + 1 :] if (line := told(message))]
    system = "\n\n".join(str(message.text) for message in messages if isinstance(message, SystemMessage))
    return [
        *([SystemMessage(system)] if system else []),
        *(turn for message in messages[:position] if (turn := as_turn(message)) is not None),
        with_suffix(asked, "\n\n".join([SINCE, *since])) if since else asked,
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
    """What a message says, its tool calls and results written out; of a system message nothing."""
    if isinstance(message, SystemMessage):
        return ""
    text = str(message.text).strip()
    if isinstance(message, ToolMessage):
        failed = " failed" if message.status == "error" else ""
        return f"[{message.name or 'tool'}{failed}: {text}]"
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    written = [f"[called {call['name']}({json.dumps(call['args'], ensure_ascii=False)})]" for call in calls]
    return "\n\n".join([*([text] if text else []), *written])
