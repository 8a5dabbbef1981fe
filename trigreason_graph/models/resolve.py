"""From what a user writes ("ollama:qwen3:0.6b", a chat model) to a ReasoningModel. Nothing is loaded or called."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from trigreason_graph.models.cards import Dialect, Form, ModelCard, Style
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.state import Role

ModelSpec = str | BaseChatModel
"""What every argument that takes a model accepts: "provider:model", "embedded:small|large|/file.gguf", a chat model."""

THINKING = re.compile(
    r"deepseek-r1|qwen3|qwq|gpt-oss|magistral|phi4-reasoning|thinking|openthinker|exaone-deep", re.IGNORECASE
)
"""Names of Ollama models that think in tags or a field of their own (Ollama's library, tag "thinking")."""

LOOPBACK = re.compile(r"//(localhost|127\.|\[::1\]|0\.0\.0\.0)")


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
    if spec is None or spec == "":
        raise ValueError(f'{role}= is missing: give a "provider:model" string or a LangChain chat model')
    if isinstance(spec, str):
        spec = _from_string(spec, role, temperature)
    if not isinstance(spec, BaseChatModel):
        raise ValueError(
            f'{role}= must be a "provider:model" string or a BaseChatModel, not {type(spec).__name__}'
            + (" (pass the model itself, not model.bind(...))" if hasattr(spec, "bound") else "")
        )
    if isinstance(spec, ReasoningModel):
        return spec.model_copy(update={"role": role, "prices": {**spec.prices, **(prices or {})}})
    return ReasoningModel(inner=spec, card=card_of(spec), role=role, prices=prices or {})


def _from_string(text: str, role: Role, temperature: float | None) -> BaseChatModel:
    provider, colon, name = text.partition(":")
    if not colon or not name.strip() or not provider.strip():
        raise ValueError(f'{role}={text!r} is not a model: write "provider:model", such as "ollama:qwen3:0.6b"')
    if provider == "embedded":
        return _embedded(name, role, temperature)
    from langchain.chat_models import init_chat_model

    arguments: dict[str, Any] = {} if temperature is None else {"temperature": temperature}
    if provider == "ollama" and THINKING.search(name):
        arguments["reasoning"] = True
    try:
        return init_chat_model(name, model_provider=provider, **arguments)
    except ImportError as missing:
        raise ValueError(f"{role}={text!r} needs a package that is not installed: {missing}") from None
    except ValueError as unknown:
        if "provider" not in str(unknown).lower():
            raise ValueError(f"{role}={text!r} cannot be set up: {unknown}") from None
        raise ValueError(
            f"{role}={text!r}: unknown provider {provider!r}; known are embedded, ollama, openai, anthropic, "
            "google_genai, deepseek, openrouter and the others of langchain's init_chat_model"
        ) from None
    except Exception as refused:  # each client has its own error for a missing key
        raise ValueError(f"{role}={text!r} cannot be set up: {refused}") from None


def _embedded(name: str, role: Role, temperature: float | None) -> BaseChatModel:
    from trigreason_graph.models.embedded.catalog import MODELS
    from trigreason_graph.models.embedded.chat import EmbeddedChat

    if name not in MODELS and not name.endswith(".gguf"):
        known = ", ".join(f'"embedded:{key}"' for key in MODELS)
        raise ValueError(f'{role}="embedded:{name}" is not there: known are {known} and "embedded:/path/to/model.gguf"')
    return EmbeddedChat(source=name, temperature=temperature or 0.0)


def card_of(model: BaseChatModel) -> ModelCard:
    """Static knowledge about a chat model: its own ``trigreason_card``, else by its class, else the cautious default."""
    own = getattr(model, "trigreason_card", None)
    if isinstance(own, ModelCard):
        return own
    kind = {cls.__name__ for cls in type(model).__mro__}
    if "EmbeddedChat" in kind:
        return _embedded_card(model)
    if "ChatOllama" in kind:
        return _ollama_card(model)
    if "BaseChatOpenAI" in kind:
        return _openai_card(model)
    params = model._get_ls_params()
    name = str(params.get("ls_model_name") or type(model).__name__)
    return ModelCard(provider=str(params.get("ls_provider") or model._llm_type), name=name, window=_window(model))


def _embedded_card(model: Any) -> ModelCard:
    source = str(model.source)
    return ModelCard(
        provider="embedded",
        name=Path(source).stem if source.endswith(".gguf") else source,
        style="prefill",
        dialect="openai",
        logprobs=True,
        top_logprobs=5,
        logprob_space="raw",
        window=model.context,
        local=True,
    )


def _ollama_card(model: Any) -> ModelCard:
    thinks = bool(model.reasoning) or bool(THINKING.search(model.model))
    form: Form = "field" if thinks else "content"
    return ModelCard(
        provider="ollama",
        name=model.model,
        style="prefill",
        form=form,
        dialect="ollama",
        logprobs=True,
        top_logprobs=5,
        window=model.num_ctx,
        local="cloud" not in model.model,
    )


def _openai_card(model: Any) -> ModelCard:
    base = str(getattr(model, "openai_api_base", None) or "")
    local = bool(LOOPBACK.search(base))
    # The Responses API and reasoning models spell options differently or refuse them.
    plain = bool(getattr(model, "use_responses_api", False)) or bool(re.match(r"(o\d|gpt-5)", model.model_name))
    dialect: Dialect = "plain" if plain else "openai"
    style: Style = "turn"
    return ModelCard(
        provider=str(model._get_ls_params().get("ls_provider") or "openai"),
        name=model.model_name,
        style=style,
        dialect=dialect,
        logprobs=local,
        top_logprobs=5 if local else 0,
        window=_window(model),
        local=local,
    )


def _window(model: BaseChatModel) -> int | None:
    profile = getattr(model, "profile", None) or {}
    window = profile.get("max_input_tokens")
    return int(window) if window else None
