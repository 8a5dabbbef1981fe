"""What a server says about its model, free of charge."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.ollama import described

PATIENCE = 5.0
"""Seconds to wait for a list of models."""

WINDOWS = ("max_model_len", "context_length", "context_window", "max_context_length")
"""What servers call the window in their lists of models: vLLM and SGLang; OpenRouter and Together; Groq; Mistral and
LM Studio."""


async def server_facts(model: BaseChatModel, card: ModelCard) -> dict[str, Any]:
    """Fields of the card that the model's server tells; nothing where it does not answer.

    Args:
        model: The client, whose own address and key are used.
        card: What is known so far; a window that is known is not asked for.
    """
    kinds = {cls.__name__ for cls in type(model).__mro__}
    if "EmbeddedChat" in kinds:
        with suppress(OSError):  # a file that is not there is somebody else's to report
            return {"digest": str(getattr(model, "digest", ""))}
    if "ChatOllama" in kinds:
        return await described(model)
    if card.window is None and getattr(model, "root_async_client", None) is not None:
        window = await _listed_window(model, card)
        return {} if window is None else {"window": window}
    return {}


async def _listed_window(model: Any, card: ModelCard) -> int | None:
    """From an OpenAI-compatible server's list of models; llama.cpp tells what it really gives in /props."""
    from openai import OpenAIError

    client = model.root_async_client.with_options(max_retries=0, timeout=PATIENCE)
    try:
        entry = _entry(await client.get("/models", cast_to=object), card.name)
        meta = entry.get("meta")
        if isinstance(meta, dict):
            with suppress(OpenAIError, KeyError, TypeError):
                root = str(client.base_url).rstrip("/").removesuffix("/v1")
                props = await client.get(f"{root}/props", cast_to=object)
                return int(props["default_generation_settings"]["n_ctx"])
            return int(meta.get("n_ctx") or meta["n_ctx_train"])
        return next((int(entry[name]) for name in WINDOWS if entry.get(name)), None)
    except (OpenAIError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _entry(listed: Any, name: str) -> dict[str, Any]:
    """The model's entry; a server that has only one answers to any name."""
    entries = [entry for entry in listed["data"] if isinstance(entry, dict)]
    named = [entry for entry in entries if entry.get("id") == name]
    return (named or entries)[0] if named or len(entries) == 1 else {}
