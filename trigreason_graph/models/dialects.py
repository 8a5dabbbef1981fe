"""How each client spells sampling options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trigreason_graph.models.cards import Effort, ModelCard


@dataclass(frozen=True, slots=True)
class Options:
    """What a call asks of a model beyond its messages."""

    max_tokens: int
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    effort: Effort | None = None
    """How long a model whose reasoning is hidden may think; None: its own default."""


def call_arguments(card: ModelCard, options: Options, model: object, *, streaming: bool = True) -> dict[str, Any]:
    """Keyword arguments for the wrapped client's ``_astream`` or ``_agenerate``.

    Args:
        card: Decides the spelling; an unknown client gets none, since it may refuse keywords it does not know.
        options: What is asked.
        model: The client, for what was set on it.
        streaming: Whether ``_astream`` is called.
    """
    if card.dialect == "openai":
        return _openai_arguments(card, options, model, streaming)
    if card.dialect == "ollama":
        return _ollama_arguments(card, options, model)
    return {}


def _openai_arguments(card: ModelCard, options: Options, model: object, streaming: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {"max_tokens": options.max_tokens + card.hidden_tokens}
    if not card.hidden_tokens:
        if options.temperature is not None:
            arguments["temperature"] = options.temperature
        if options.stop:
            arguments["stop"] = list(options.stop)
    if card.logprobs:
        arguments |= _logprobs(card)
    if streaming and getattr(model, "stream_usage", True) is None:
        # ChatOpenAI with a base_url of one's own asks for no usage unless told to.
        arguments["stream_usage"] = True
    return arguments


def _ollama_arguments(card: ModelCard, options: Options, model: object) -> dict[str, Any]:
    # The client takes options given with a call for all there are, so what was set on it is merged in.
    merged = {**ollama_options(model), "num_predict": options.max_tokens}
    if options.temperature is not None:
        merged["temperature"] = options.temperature
    if options.stop:
        merged["stop"] = [*(merged.get("stop") or ()), *options.stop]
    arguments: dict[str, Any] = {"options": merged}
    if card.form == "field" and getattr(model, "reasoning", None) is None:
        # With `think` unset the server turns thinking on and the client drops it silently.
        arguments["reasoning"] = True
    if card.logprobs:
        arguments |= _logprobs(card)
    return arguments


def _logprobs(card: ModelCard) -> dict[str, Any]:
    return {"logprobs": True, "top_logprobs": card.top_logprobs} if card.top_logprobs else {"logprobs": True}


OLLAMA_OPTIONS = (
    "mirostat",
    "mirostat_eta",
    "mirostat_tau",
    "num_ctx",
    "num_gpu",
    "num_thread",
    "repeat_last_n",
    "repeat_penalty",
    "temperature",
    "seed",
    "stop",
    "tfs_z",
    "top_k",
    "top_p",
)
"""What ChatOllama sends as options, but for num_predict, which every call sets."""


def ollama_options(model: object) -> dict[str, Any]:
    """The options set on a ChatOllama at construction."""
    return {name: value for name in OLLAMA_OPTIONS if (value := getattr(model, name, None)) is not None}
