"""Static knowledge: the card of a chat model, from its class and its name."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from langchain_core.language_models.chat_models import BaseChatModel

from trigreason_graph.models.cards import ModelCard

THINKING = re.compile(r"deepseek-r1|qwen3(?!-?coder|-embed)|qwq|gpt-oss|magistral|thinking|reasoning", re.IGNORECASE)
"""Names of open models that think before they answer (Ollama's library, tag "thinking"). What the server itself says
about a model is compared with this before the first call (`check_ollama`)."""

NOT_THINKING = re.compile(r"instruct|non-?thinking|no-?think", re.IGNORECASE)
"""Names of their siblings that do not, such as qwen3:4b-instruct."""

HIDDEN_REASONING = re.compile(r"o\d|gpt-5(?!.*chat)", re.IGNORECASE)
"""OpenAI names of models whose reasoning is hidden, for names that have no profile in langchain-openai."""

HIDDEN_TOKENS = 4_096
"""Our choice: hidden reasoning of one short call, and half of the default budget's large_tokens."""

OLLAMA_CLOUD = re.compile(r"[-:]cloud$")


def card_of(model: BaseChatModel) -> ModelCard:
    """The card of a chat model: its own ``trigreason_card``, else by its class, else the cautious default."""
    own = getattr(model, "trigreason_card", None)
    if isinstance(own, ModelCard):
        return own
    kinds = {cls.__name__ for cls in type(model).__mro__}
    if "EmbeddedChat" in kinds:
        return _embedded_card(model)
    if "ChatOllama" in kinds:
        return _ollama_card(model)
    if "BaseChatOpenAI" in kinds:
        return _openai_card(model)
    params = model._get_ls_params()
    return ModelCard(
        provider=str(params.get("ls_provider") or model._llm_type),
        name=str(params.get("ls_model_name") or type(model).__name__),
        window=_window(model),
    )


def thinks(name: str) -> bool:
    """Whether an open model of this name thinks before it answers."""
    return bool(THINKING.search(name)) and not NOT_THINKING.search(name)


def is_local(url: str) -> bool:
    """Whether a server's address is on the user's own machine or network."""
    host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".lan")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def _embedded_card(model: Any) -> ModelCard:
    source = str(model.source)
    return ModelCard(
        provider="embedded",
        name=Path(source).stem if source.endswith(".gguf") else source,
        style="prefill",
        dialect="openai",
        logprobs=True,
        top_logprobs=5,
        window=model.context,
        local=True,
    )


def _ollama_card(model: Any) -> ModelCard:
    asked = model.reasoning  # None: left to the server, which then lets a thinking model think
    return ModelCard(
        provider="ollama",
        name=model.model,
        style="prefill",
        form="field" if (thinks(model.model) if asked is None else asked) else "content",
        dialect="ollama",
        logprobs=True,
        top_logprobs=5,
        window=model.num_ctx,
        local=not OLLAMA_CLOUD.search(model.model) and "ollama.com" not in (model.base_url or ""),
    )


def _openai_card(model: Any) -> ModelCard:
    """A client of the OpenAI API, whatever server it talks to."""
    name = str(model.model_name or getattr(model, "deployment_name", None) or "model")
    provider = str(model._get_ls_params().get("ls_provider") or "openai")
    client = getattr(model, "root_async_client", None)
    url = str(getattr(client, "base_url", None) or model.openai_api_base or "")
    host = urlsplit(url).hostname or ""
    local = is_local(url)
    own_api = provider != "openai" or not host or f".{host}".endswith(".openai.com")
    return ModelCard(
        # Another server's model is not OpenAI's of the same name: its price is looked up by its host.
        provider=provider if own_api else ("local" if local else host),
        name=name,
        form="think_tags" if not own_api and thinks(name) else "content",
        dialect="openai",
        logprobs=local,
        top_logprobs=5 if local else 0,
        window=_window(model) if own_api else None,
        local=local,
        hidden_tokens=HIDDEN_TOKENS if own_api and _hides_reasoning(model, name) else 0,
    )


def _hides_reasoning(model: Any, name: str) -> bool:
    profile = model.profile or {}
    return bool(profile.get("reasoning_output", HIDDEN_REASONING.match(name)))


def _window(model: BaseChatModel) -> int | None:
    window = (getattr(model, "profile", None) or {}).get("max_input_tokens")
    return int(window) if window else None
