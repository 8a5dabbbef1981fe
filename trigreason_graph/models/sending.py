"""The last shaping of a prompt before it goes to a client: what the model card asks for, and nothing of the words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from trigreason_graph.models.caching import SEPARATOR, cache_marked
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.forms import CLOSE, OPEN


def as_sent(messages: Sequence[BaseMessage], card: ModelCard) -> list[BaseMessage]:
    """The messages as the client gets them.

    Args:
        messages: A human message may have its parts as a list of text blocks. They keep their own block where the
            provider's cache knows prompts by their blocks, and become one text everywhere else.
        card: Of the model.
    """
    if card.dialect == "anthropic":
        return cache_marked(messages, card)
    sent = [joined(message) for message in messages]
    if sent and isinstance(sent[-1], AIMessage):
        sent[-1] = _to_continue(sent[-1], card)
    return sent


def joined(message: BaseMessage) -> BaseMessage:
    """A human message with its neighbouring texts as one; a plain string where there is nothing but text."""
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return message
    whole: list[Any] = []
    for block in message.content:
        text = block if isinstance(block, str) else block.get("text") if block.get("type") == "text" else None
        if text is None:
            whole.append(block)
        elif whole and whole[-1].get("type") == "text":
            whole[-1]["text"] += SEPARATOR + text
        else:
            whole.append({"type": "text", "text": text})
    alone = len(whole) == 1 and whole[0].get("type") == "text"
    return message.model_copy(update={"content": whole[0]["text"] if alone else whole})


def _to_continue(message: AIMessage, card: ModelCard) -> AIMessage:
    """The trailing assistant message, as this model's template or API takes it."""
    text = written = message.content if isinstance(message.content, str) else str(message.text)
    if card.continues == "prefix":
        thought, said = _parted(text)
        extra = {"prefix": True, **({"reasoning_content": thought} if thought else {})}
        return AIMessage(said, additional_kwargs={**message.additional_kwargs, **extra})
    if card.thoughts == "opened":
        text = text.removeprefix(OPEN).removeprefix("\n") if text.startswith(OPEN) else text
    elif card.thoughts == "dropped" and CLOSE in text:
        thought, _, said = text.rpartition(CLOSE)
        text = thought.rstrip() + SEPARATOR + said.lstrip()
    return message.model_copy(update={"content": text}) if text != written else message


def _parted(text: str) -> tuple[str, str]:
    """The thinking of a trailing message, and what is said after it."""
    if not text.startswith(OPEN):
        return "", text
    thought, _, said = text.removeprefix(OPEN).lstrip("\n").partition(CLOSE)
    return thought, said.lstrip("\n")
