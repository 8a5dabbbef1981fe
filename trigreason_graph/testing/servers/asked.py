"""What a server asks of a model, and what a model gives back: the small protocol behind every wire format."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

OPEN, CLOSE = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, whatever API it came through.

    Attributes:
        messages: Role and content of each turn, without the one that is to be continued.
        prefill: The beginning of the assistant's turn, which the model continues; None: it begins one.
        raw: A prompt that passes by the chat template (Ollama's `raw`); `messages` is then empty.
        max_tokens: Most tokens to write, thinking included; None: no limit.
        temperature: None: the model's own default.
        seed: Of the sampling.
        stop: Texts before which the reply ends.
        top_logprobs: Alternatives per token.
        think: Whether a thinking model thinks in this reply.
        opens: Whether the prompt has opened the thinking already, so that the model writes no opening tag.
        effort: Reasoning effort ("low", "medium", "high"), where the API has one.
        response_format: In OpenAI's form, where a JSON reply is asked for.
        model: Its name, as in the request.
        body: The request as it came.
    """

    messages: tuple[dict[str, str], ...] = ()
    prefill: str | None = None
    raw: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int = 0
    think: bool = False
    opens: bool = False
    effort: str | None = None
    response_format: Mapping[str, Any] | None = None
    model: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def past_thinking(self) -> bool:
        """Whether the turn to be continued has closed its thinking."""
        return CLOSE in (self.prefill or "").rpartition(OPEN)[2]


@dataclass(frozen=True, slots=True)
class Logprob:
    """A token, its natural log-probability, and the likeliest tokens in its place (itself among them)."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some text as the model wrote it, thinking tags included, and the number of its tokens."""

    text: str
    tokens: int = 1
    logprobs: tuple[Logprob, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """The last thing a model gives.

    Attributes:
        finish: "stop", "length", or "" for a reply that just ends.
        tokens_in: Of the prompt.
        tokens_cached: Of these, how many were read before.
        tokens_out: All that were generated; may exceed what was sent (an end-of-text token, a stop text).
    """

    finish: str
    tokens_in: int
    tokens_cached: int
    tokens_out: int


@runtime_checkable
class Backend(Protocol):
    """A model that a server can serve."""

    async def count(self, asked: Asked) -> int:
        """Tokens of the prompt."""
        ...

    def write(self, asked: Asked) -> AsyncGenerator[Chunk | End, None]:
        """The reply in pieces, then one :class:`End`. Closing it ends the generation."""
        ...
