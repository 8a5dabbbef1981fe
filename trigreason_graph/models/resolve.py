"""From what a user writes ("ollama:qwen3:0.6b", a chat model) to a ReasoningModel. Nothing is loaded or called."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from trigreason_graph.models.card_store import best_card
from trigreason_graph.models.faults import redact
from trigreason_graph.models.known import thinks
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.state import Role

ModelSpec = str | BaseChatModel
"""What every argument that takes a model accepts: "provider:model", "embedded:small|large|/file.gguf", a chat model."""

OWN_RETRIES = frozenset({"openai", "azure_openai", "anthropic", "deepseek", "xai"})
"""Providers whose clients retry on their own unless told not to; every try is to stand in the ledger."""


def resolve_model(
    spec: ModelSpec | None, role: Role, *, prices: PriceTable | None = None, temperature: float | None = None
) -> ReasoningModel:
    """Wrap a model for its role.

    Args:
        spec: A model string or a chat model; a ReasoningModel keeps the card it was given.
        role: "small" or "large"; also the argument's name in errors.
        prices: Dollars per million tokens, by "provider:model"; looked up before genai-prices.
        temperature: Sampling temperature for a model made from a string.

    Raises:
        ValueError: naming the argument, when `spec` is missing, malformed, of an unknown provider, or needs a package
            or a key that is not there.
    """
    if spec is None or (isinstance(spec, str) and not spec.strip()):
        raise ValueError(f'{role}= is missing: give a "provider:model" string or a LangChain chat model')
    model = _from_string(spec.strip(), role, temperature) if isinstance(spec, str) else spec
    if not isinstance(model, BaseChatModel):
        hint = " (pass the model itself, not model.bind(...))" if hasattr(model, "bound") else ""
        kind = type(model).__name__
        raise ValueError(f'{role}= must be a "provider:model" string or a BaseChatModel, not {kind}{hint}')
    if isinstance(model, ReasoningModel):
        return model.model_copy(update={"role": role, "prices": {**model.prices, **(prices or {})}})
    return ReasoningModel(inner=model, card=best_card(model), role=role, prices=prices or {})


def _from_string(text: str, role: Role, temperature: float | None) -> BaseChatModel:
    provider, _, name = (part.strip() for part in text.partition(":"))
    if not provider or not name:
        raise ValueError(f'{role}={redact(text)!r} is not a model: write "provider:model", such as "ollama:qwen3:0.6b"')
    if provider == "embedded":
        return _embedded(name, role, temperature)
    from langchain.chat_models import init_chat_model

    provider = provider.replace("-", "_").lower()
    arguments: dict[str, Any] = {} if temperature is None else {"temperature": temperature}
    if provider == "ollama" and thinks(name):
        arguments["reasoning"] = True
    if provider in OWN_RETRIES:
        arguments["max_retries"] = 0
    try:
        model: BaseChatModel = init_chat_model(name, model_provider=provider, **arguments)
    except ImportError as missing:
        raise ValueError(f"{role}={text!r} needs a package that is not installed: {missing}") from None
    except Exception as refused:  # each client has its own error for a missing key
        if "Unsupported provider" in str(refused):
            raise ValueError(
                f"{role}={redact(text)!r}: unknown provider {provider!r}; known are embedded, ollama, openai, "
                "anthropic, google_genai, deepseek, openrouter and the others of langchain's init_chat_model"
            ) from None
        raise ValueError(f"{role}={text!r} cannot be set up: {redact(' '.join(str(refused).split()))}") from None
    return model


def _embedded(name: str, role: Role, temperature: float | None) -> BaseChatModel:
    from trigreason_graph.models.embedded.catalog import MODELS
    from trigreason_graph.models.embedded.chat import EmbeddedChat

    if name not in MODELS and not name.endswith(".gguf"):
        known = ", ".join(f'"embedded:{key}"' for key in MODELS)
        raise ValueError(f'{role}="embedded:{name}" is not there: known are {known} and "embedded:/path/to/model.gguf"')
    return EmbeddedChat(source=name, temperature=temperature or 0.0)
