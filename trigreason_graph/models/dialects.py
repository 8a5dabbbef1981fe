"""How each client spells sampling options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trigreason_graph.models.cards import ModelCard


@dataclass(frozen=True, slots=True)
class Options:
    """What a call asks of a model beyond its messages."""

    max_tokens: int
    temperature: float | None = None
    stop: tuple[str, ...] = ()


def call_arguments(card: ModelCard, options: Options, inner_options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Keyword arguments for the wrapped client's ``_astream``.

    Args:
        card: Decides the spelling; an unknown client gets none, since it may refuse keywords it does not know.
        options: What is asked.
        inner_options: Ollama replaces its constructor's options as a whole, so they are merged here.
    """
    if card.dialect == "openai":
        arguments: dict[str, Any] = {"max_tokens": options.max_tokens}
        if options.temperature is not None:
            arguments["temperature"] = options.temperature
        if card.logprobs:
            arguments |= {"logprobs": True, "top_logprobs": card.top_logprobs}
        return arguments
    if card.dialect == "ollama":
        ollama_options = {**(inner_options or {}), "num_predict": options.max_tokens}
        if options.temperature is not None:
            ollama_options["temperature"] = options.temperature
        if options.stop:
            ollama_options["stop"] = list(options.stop)
        arguments = {"options": ollama_options}
        if card.form != "content":
            # With `think` unset the server turns thinking on and the client drops it silently.
            arguments["reasoning"] = True
        if card.logprobs:
            arguments |= {"logprobs": True, "top_logprobs": card.top_logprobs}
        return arguments
    return {}


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
    "tfs_z",
    "top_k",
    "top_p",
)


def ollama_options(model: object) -> dict[str, Any]:
    """The options set on a ChatOllama at construction."""
    return {name: value for name in OLLAMA_OPTIONS if (value := getattr(model, name, None)) is not None}
