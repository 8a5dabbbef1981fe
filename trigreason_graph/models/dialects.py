"""How each client spells sampling options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trigreason_graph.models.cards import Effort, ModelCard
from trigreason_graph.models.hosted import effort_levels, profile_of, takes_thinking_budget


@dataclass(frozen=True, slots=True)
class Options:
    """What a call asks of a model beyond its messages."""

    max_tokens: int
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    effort: Effort | None = None
    """How long a model whose reasoning is hidden may think; None: its own default."""
    probabilities_at: float | None = None
    """Temperature at which the tokens' probabilities are wanted; None: as the server reports them."""
    top_p: float | None = None
    """Share of the probability that is sampled from; None: the model's own. Not sent at temperature 0."""
    seed: int | None = None
    """Of the sampling, for servers that take one; None: their own. Not sent at temperature 0."""

    @property
    def drawn(self) -> dict[str, Any]:
        """`top_p` and `seed` where they mean something."""
        given = {"top_p": self.top_p, "seed": self.seed} if self.temperature else {}
        return {name: value for name, value in given.items() if value is not None}


def call_arguments(
    card: ModelCard, options: Options, model: object, *, streaming: bool = True, continuing: bool = False
) -> dict[str, Any]:
    """Keyword arguments for the wrapped client's ``_astream`` or ``_agenerate``.

    Args:
        card: Decides the spelling; an unknown client gets none, since it may refuse keywords it does not know.
        options: What is asked.
        model: The client, for what was set on it.
        streaming: Whether ``_astream`` is called.
        continuing: Whether the messages end in an assistant message to go on with.
    """
    if card.dialect == "openai":
        return _openai_arguments(card, options, model, streaming, continuing)
    if card.dialect == "ollama":
        return _ollama_arguments(card, options, model)
    if card.dialect == "anthropic":
        return _anthropic_arguments(card, options, model)
    if card.dialect == "google":
        return _google_arguments(card, options, model)
    return {}


def _openai_arguments(
    card: ModelCard, options: Options, model: object, streaming: bool, continuing: bool
) -> dict[str, Any]:
    arguments: dict[str, Any] = {"max_tokens": options.max_tokens + card.hidden_at(options.effort)}
    body: dict[str, Any] = {}
    if options.temperature is not None and not card.hides_reasoning:
        arguments |= {"temperature": options.temperature, **options.drawn}
        if uses_responses(model):
            arguments.pop("seed", None)  # that API takes none
    if options.stop and not card.hidden_tokens:
        arguments["stop"] = list(options.stop)
    if card.efforts and options.effort:
        effort = spelled(options.effort, effort_levels(model))
        if uses_responses(model):
            arguments["reasoning"] = {**(getattr(model, "reasoning", None) or {}), "effort": effort}
        elif card.provider != "openrouter":
            arguments["reasoning_effort"] = effort
        elif hasattr(model, "extra_body"):
            body["reasoning"] = {"effort": effort}
        else:  # ChatOpenRouter
            arguments["reasoning"] = {"effort": effort}
    if card.provider == "openai" and getattr(model, "store", None) is None:
        arguments["store"] = False  # OpenAI keeps what the Responses API is sent unless told not to
    if card.logprobs:
        arguments |= _logprobs(card)
    if streaming and getattr(model, "stream_usage", True) is None and not uses_responses(model):
        # ChatOpenAI with a base_url of one's own asks for no usage unless told to.
        arguments["stream_usage"] = True
    if continuing and card.style == "prefill" and card.continues == "flags":
        body |= {"add_generation_prompt": False, "continue_final_message": True}
    if body:
        arguments["extra_body"] = {**(getattr(model, "extra_body", None) or {}), **body}
    return arguments


def uses_responses(model: object) -> bool:
    """Whether a client talks to OpenAI's Responses API."""
    decide = getattr(model, "_use_responses_api", None)
    return bool(decide and decide(getattr(model, "model_kwargs", None) or {}))


def _ollama_arguments(card: ModelCard, options: Options, model: object) -> dict[str, Any]:
    # The client takes options given with a call for all there are, so what was set on it is merged in.
    merged = {**ollama_options(model), "num_predict": options.max_tokens + card.hidden_at(options.effort)}
    if options.temperature is not None:
        merged |= {"temperature": options.temperature, **options.drawn}
    if options.stop:
        merged["stop"] = [*(merged.get("stop") or ()), *options.stop]
    arguments: dict[str, Any] = {"options": merged}
    if card.form == "field" and getattr(model, "reasoning", None) is None:
        # With `think` unset the server turns thinking on and the client drops it silently.
        arguments["reasoning"] = True
    if card.logprobs:
        arguments |= _logprobs(card)
    return arguments


def _anthropic_arguments(card: ModelCard, options: Options, model: object) -> dict[str, Any]:
    arguments: dict[str, Any] = {"max_tokens": options.max_tokens + card.hidden_at(options.effort)}
    takes_temperature = profile_of(model).get("temperature") is not False and not card.hidden_tokens
    if options.temperature is not None and takes_temperature:
        arguments["temperature"] = min(options.temperature, 1.0)  # Anthropic's highest; beside it, it takes no top_p
    if options.stop:
        arguments["stop"] = list(options.stop)
    if card.efforts and options.effort:
        arguments["reasoning_effort"] = spelled(options.effort, effort_levels(model))
    return arguments


MOST_GOOGLE_STOPS = 5
"""Stop sequences that Gemini takes."""

FIXED_SAMPLING = ("gemini-3.5-flash-lite", "gemini-3.6-flash")
"""Gemini models that take no temperature (langchain-google-genai, which warns when they are sent one)."""


def _google_arguments(card: ModelCard, options: Options, model: object) -> dict[str, Any]:
    hidden = card.hidden_at(options.effort)
    arguments: dict[str, Any] = {"max_output_tokens": options.max_tokens + hidden}
    if options.temperature is not None and not card.name.startswith(FIXED_SAMPLING):
        arguments |= {"temperature": options.temperature, **options.drawn}
    if options.stop:
        arguments["stop"] = list(options.stop[:MOST_GOOGLE_STOPS])
    if card.efforts and options.effort:
        if takes_thinking_budget(card.name):
            arguments["thinking_budget"] = hidden
        else:
            arguments["reasoning_effort"] = spelled(options.effort, effort_levels(model))
    return arguments


ORDER = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Efforts of all providers, from short to long."""


def spelled(effort: Effort, levels: Sequence[str]) -> str:
    """The effort as one of the levels a model takes: itself, else the next shorter one, else the shortest.

    Not a longer one: the call's limit has room for what was asked for.

    Args:
        effort: What is asked for.
        levels: What the model takes; nothing when that is not known.
    """
    known = sorted((level for level in levels if level in ORDER), key=ORDER.index)
    short = [level for level in known if level != "none" and ORDER.index(level) <= ORDER.index(effort)]
    return short[-1] if short else known[0] if known else effort


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
