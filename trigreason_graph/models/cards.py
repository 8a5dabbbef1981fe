"""What a model can do, as far as the graph cares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trigreason_graph.settings import Effort as Effort

Style = Literal["prefill", "turn"]
Form = Literal["content", "think_tags", "field"]
LogprobSpace = Literal["raw", "tempered"]
Dialect = Literal["openai", "ollama", "anthropic", "google", "plain"]
Continues = Literal["assistant", "flags", "prefix"]
Thoughts = Literal["kept", "opened", "dropped"]

HIDDEN_SHARE: dict[Effort, float] = {"low": 0.25, "medium": 0.5, "high": 1.0}
"""Share of ``hidden_tokens`` that a call of this effort is given. Our choice: a bound that is enforced by the output
limit sent with the call, not a prediction."""


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
        continues: How a prefill-style server is told to go on with the trailing assistant message. "assistant": by its
            standing there (Ollama, llama.cpp). "flags": by ``continue_final_message`` (vLLM, SGLang). "prefix": by
            ``"prefix": true`` in it (DeepSeek, Mistral).
        thoughts: What its chat template does with the thinking in a trailing assistant message. "kept": as written.
            "opened": writes the opening tag itself, so that ours is left out. "dropped": removes thinking that is
            closed, so that it is left open.
        dialect: How call options are spelled: in one client's keywords, or none at all ("plain"). Clients of all
            others say why a stream ended, so that a silent end is a broken stream.
        streams: Sends its text piece by piece.
        logprobs: Reports log-probabilities of the tokens it chose.
        top_logprobs: How many alternatives per token to ask for.
        logprob_space: "raw": softmax of the logits. "tempered": of the logits divided by the temperature.
        window: Context window in tokens; None when unknown.
        local: Runs on the user's machine or network: costs 0 by rule.
        trims_newlines: Its server's template trims the newlines that end a prefill.
        hidden_tokens: Output tokens that its hidden or private reasoning may take on top of what a call asks for, at
            high effort; 0 for a model without. Such a model is sent no temperature where it refuses one, and OpenAI's
            no stop, which would end the reasoning.
        efforts: Takes a reasoning effort with each call.
        usage: Reports token counts, also on a stream.
        tool_calling: Takes tools and calls them natively; a client's profile may say so as well.
        cached: Reports how much of a prompt came from its cache; None when unknown.
        digest: Of the weights, where the server tells; empty when unknown.
    """

    provider: str = "unknown"
    name: str = "model"
    style: Style = "turn"
    form: Form = "content"
    continues: Continues = "assistant"
    thoughts: Thoughts = "kept"
    dialect: Dialect = "plain"
    streams: bool = True
    logprobs: bool = False
    top_logprobs: int = 0
    logprob_space: LogprobSpace = "raw"
    window: int | None = None
    local: bool = False
    trims_newlines: bool = False
    hidden_tokens: int = 0
    efforts: bool = False
    usage: bool = True
    cached: bool | None = None
    digest: str = ""
    tool_calling: bool = False

    @property
    def hides_reasoning(self) -> bool:
        """Whether its reasoning is never shown, so that only the server can count it."""
        return self.hidden_tokens > 0 and self.form == "content"

    def hidden_at(self, effort: Effort | None) -> int:
        """Hidden output tokens that a call of this effort is given; all of them without an effort.

        No more than half of the window, or a model with a small one could never be called.
        """
        most = self.hidden_tokens if self.window is None else min(self.hidden_tokens, self.window // 2)
        if effort is None or not self.efforts:
            return most
        return int(most * HIDDEN_SHARE[effort])

    @property
    def full_name(self) -> str:
        """As "provider:name"."""
        return f"{self.provider}:{self.name}"
