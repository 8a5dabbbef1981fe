"""Both models in one string, for an app whose models are strings in a configuration file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_core.language_models.chat_models import BaseChatModel

if TYPE_CHECKING:
    from trigreason_graph.integrations.chat import ChatTrigReason

PREFIX = "trigreason:"
FORM = "small=PROVIDER:MODEL,large=PROVIDER:MODEL"
PARTS = ("small", "large", "fallback", "policy")
_PART = re.compile(rf"(?:^|,)\s*({'|'.join(PARTS)})\s*=")


def parse_pair(text: str) -> dict[str, str]:
    """The parts of ``small=ollama:qwen3:0.6b,large=openai:gpt-4.1``, with or without ``trigreason:`` in front.

    Args:
        text: Any of small, large, fallback and policy, each once. A model's own name may hold commas and equal signs.

    Raises:
        ValueError: Another form, or a part twice or empty.
    """
    given = text.strip().removeprefix(PREFIX)
    first, *rest = _PART.split(given)
    names, values = rest[::2], [value.strip() for value in rest[1::2]]
    if first.strip() or not names or len(set(names)) < len(names) or not all(values):
        raise ValueError(f"{text!r} does not name a pair of models: write {PREFIX}{FORM} (and fallback=, policy=)")
    return dict(zip(names, values, strict=True))


def init_chat_model(model: str, **arguments: Any) -> BaseChatModel:
    """LangChain's ``init_chat_model``, which also takes "trigreason:small=…,large=…".

    LangChain's own has a fixed table of providers and no way to add one, so that this one has to be imported in its
    place: ``from trigreason_graph.integrations import init_chat_model``.

    Args:
        model: A pair, or whatever LangChain's takes.
        arguments: Of ChatTrigReason, or of LangChain's.

    Raises:
        ValueError: A string that names no model.
    """
    if model.strip().startswith(PREFIX):
        from trigreason_graph.integrations.chat import ChatTrigReason

        pair: ChatTrigReason = ChatTrigReason(**{"model": model, **arguments})
        return pair
    from langchain.chat_models import init_chat_model as of_langchain

    found: BaseChatModel = of_langchain(model, **arguments)
    return found
