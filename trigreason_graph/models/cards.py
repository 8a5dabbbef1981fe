"""What a model can do, as far as the graph cares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Style = Literal["prefill", "turn"]
Form = Literal["content", "think_tags", "field"]
LogprobSpace = Literal["raw", "tempered"]
Dialect = Literal["openai", "ollama", "plain"]


@dataclass(frozen=True)
class ModelCard:
    """Static knowledge about one model; the defaults suit an unknown ``BaseChatModel``.

    A chat model may carry its own card in an attribute ``trigreason_card``.

    Attributes:
        provider: As in "provider:model"; also what prices are looked up by.
        name: Model name, as shown in steps, ledger and events.
        style: "prefill": continues the trace as a trailing assistant message. "turn": gets the trace inside a user
            turn.
        form: Where its reasoning lives: plain content, ``<think>`` tags in it, or a separate reasoning field.
        dialect: How call options are spelled: OpenAI keywords, Ollama options, or none at all ("plain"). Clients of
            the first two always say why a stream ended, so that a silent end is a broken stream.
        streams: Sends its text piece by piece.
        logprobs: Reports log-probabilities of the tokens it chose.
        top_logprobs: How many alternatives per token to ask for.
        logprob_space: "raw": softmax of the logits. "tempered": of the logits divided by the temperature.
        window: Context window in tokens; None when unknown.
        local: Runs on the user's machine or network: costs 0 by rule.
        trims_newlines: Its server's template trims the newlines that end a prefill.
        hidden_tokens: Output tokens that its hidden reasoning may take on top of what a call asks for; 0 for a model
            without. With the "openai" dialect such a model is sent neither temperature nor stop, which it refuses.
    """

    provider: str = "unknown"
    name: str = "model"
    style: Style = "turn"
    form: Form = "content"
    dialect: Dialect = "plain"
    streams: bool = True
    logprobs: bool = False
    top_logprobs: int = 0
    logprob_space: LogprobSpace = "raw"
    window: int | None = None
    local: bool = False
    trims_newlines: bool = False
    hidden_tokens: int = 0

    @property
    def full_name(self) -> str:
        """As "provider:name"."""
        return f"{self.provider}:{self.name}"
