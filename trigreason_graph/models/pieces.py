"""Tokens, text, usage and end of a reply, in one shape whatever client they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from langchain_core.messages import AIMessageChunk, BaseMessage, ToolCallChunk

from trigreason_graph.reasoning.confidence import entropy_of, in_nats, tempered

Phase = Literal["reasoning", "answer"]


class Token(NamedTuple):
    """One generated token: its length in characters, -log p in thousandths of a nat, and what else was likely."""

    size: int
    nats: int
    top: tuple[object, ...] = ()
    """log p of the most likely tokens, as far as what the server told are numbers: looked at for few tokens only."""

    @property
    def entropy(self) -> float | None:
        """Entropy of its distribution in nats; None when unknown."""
        alternatives = _known(self.top)
        return entropy_of(alternatives) if alternatives else None


class Piece(NamedTuple):
    """Some text as it arrived, and the tokens it is made of (none where the server reports no log-probabilities)."""

    text: str
    tokens: tuple[Token, ...] = ()
    phase: Phase = "reasoning"


_LOGPROB = itemgetter("logprob")
_PARTS = itemgetter("token", "logprob", "top_logprobs")


def tokens_of(
    generation_info: Mapping[str, Any] | None, message: BaseMessage, at: float | None = None
) -> tuple[Token, ...]:
    """The tokens of one chunk, from ChatOpenAI's ``{"content": [...]}`` or ChatOllama's flat list.

    End-of-text entries come as an empty token and are left out.

    Args:
        generation_info: Of the chunk.
        message: Of the chunk.
        at: Temperature for which raw log-probabilities are recomputed, out of the alternatives; a token without any
            keeps its own. Entropies stay as they were.
    """
    entries = _entries(generation_info, message)
    try:
        if at is None:
            return _whole(entries)
    except (TypeError, KeyError):
        pass  # not all are
    return tuple([token for entry in entries if (token := _token(entry, at)) is not None])


def _whole(entries: Sequence[Any]) -> tuple[Token, ...]:
    """The tokens of entries that lack nothing, as nearly always: in two thirds of the time.

    Raises:
        TypeError, KeyError: One has another form.
    """
    return tuple(
        [
            Token(len(text), in_nats(logprob), tuple(map(_LOGPROB, top or ())))
            for text, logprob, top in map(_PARTS, entries)
            if isinstance(text, str) and text
        ]
    )


def alternatives_of(generation_info: Mapping[str, Any] | None, message: BaseMessage) -> list[dict[str, float]]:
    """For each token of one chunk, the log-probabilities of the alternatives told for it, by token text."""
    return [
        {str(_field(other, "token")): float(_field(other, "logprob")) for other in _field(entry, "top_logprobs") or ()}
        for entry in _entries(generation_info, message)
        if _token(entry) is not None
    ]


def _entries(generation_info: Mapping[str, Any] | None, message: BaseMessage) -> Sequence[Any]:
    reported = (generation_info or {}).get("logprobs") or message.response_metadata.get("logprobs")
    if isinstance(reported, Mapping):
        reported = reported.get("content")
    return () if not isinstance(reported, Sequence) or isinstance(reported, str) else reported


def _token(entry: object, at: float | None = None) -> Token | None:
    text, logprob, top = _field(entry, "token"), _field(entry, "logprob"), _field(entry, "top_logprobs")
    if not isinstance(text, str) or not text or not isinstance(logprob, (int, float)):
        return None
    told = _told(top)
    if at is not None and (alternatives := _known(told)):
        logprob = tempered(alternatives, logprob, at)
    return Token(len(text), in_nats(logprob), told)


def _told(top: object) -> tuple[object, ...]:
    """What stands for log p in each entry. Not the entries: they would be hundreds of objects a step."""
    return tuple([_field(other, "logprob") for other in top]) if isinstance(top, (list, tuple)) else ()


def _known(told: Sequence[object]) -> list[float]:
    """log p of the most likely tokens; none where the server tells of fewer than two."""
    known = [value for value in told if isinstance(value, (int, float))]
    return known if len(known) > 1 else []


def _field(entry: object, name: str) -> Any:
    return entry.get(name) if isinstance(entry, Mapping) else getattr(entry, name, None)


def text_of(message: BaseMessage) -> tuple[str, str]:
    """The text of a message or chunk, and what came in a separate reasoning field."""
    if not message.additional_kwargs and isinstance(message.content, str):
        return message.content, ""
    thinking = message.additional_kwargs.get("reasoning_content") or message.additional_kwargs.get("reasoning")
    parts: list[str] = []
    hidden: list[str] = [thinking] if isinstance(thinking, str) else []
    for block in [message.content] if isinstance(message.content, str) else message.content:
        if isinstance(block, str):
            parts.append(block)
        elif block.get("type") == "text":
            parts.append(str(block.get("text") or ""))
        elif block.get("type") in ("thinking", "reasoning"):
            hidden.append(str(block.get("thinking") or block.get("reasoning") or _summary(block)))
    return "".join(parts), "".join(hidden)


def _summary(block: Mapping[str, Any]) -> str:
    """What OpenAI's Responses API tells of the reasoning it hides."""
    return "".join(str(part.get("text") or "") for part in block.get("summary") or ())


_ENDS = ("finish_reason", "done_reason", "stop_reason", "stopReason")
_SAID_AT_THE_END = frozenset([*_ENDS, "status"])
ENDINGS = {
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "completed": "stop",
}
"""Other providers' words for OpenAI's."""


def finish_of(generation_info: Mapping[str, Any] | None, message: BaseMessage) -> str:
    """Why the reply ended, in OpenAI's words ("stop", "length", …) where there is one; empty while it goes on."""
    info, metadata = generation_info or {}, message.response_metadata
    if _SAID_AT_THE_END.isdisjoint(info) and _SAID_AT_THE_END.isdisjoint(metadata):
        return ""  # nearly always
    said = {**metadata, **info}
    reason = next((said[name] for name in _ENDS if said.get(name)), None)
    if reason is None and said.get("status") in ("completed", "incomplete"):  # OpenAI's Responses API
        reason = (said.get("incomplete_details") or {}).get("reason") or said["status"]
    word = str(reason or "").lower()
    return ENDINGS.get(word, word)


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one call, as the server reported them."""

    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    tokens_reasoning: int = 0
    tokens_written: int = 0
    """Part of tokens_in that was written into the provider's cache, where that has a price of its own."""

    def then(self, later: Usage) -> Usage:
        """The usage after a further report of the same stream.

        LangChain's clients report what is new, and the prompt once; some servers repeat the totals so far, which shows
        in the same prompt being reported again.
        """
        if later.tokens_in and later.tokens_in == self.tokens_in:
            return later
        return Usage(
            tokens_in=self.tokens_in + later.tokens_in,
            tokens_cached=self.tokens_cached + later.tokens_cached,
            tokens_out=self.tokens_out + later.tokens_out,
            tokens_reasoning=self.tokens_reasoning + later.tokens_reasoning,
            tokens_written=self.tokens_written + later.tokens_written,
        )


def usage_of(message: BaseMessage) -> Usage | None:
    """The usage a chunk or message reports, or None."""
    reported = getattr(message, "usage_metadata", None)
    if not reported:
        return None
    read, written = reported.get("input_token_details") or {}, reported.get("output_token_details") or {}
    return Usage(
        tokens_in=int(reported.get("input_tokens") or 0),
        tokens_cached=_total(read, "cache_read"),
        tokens_out=int(reported.get("output_tokens") or 0),
        tokens_reasoning=_total(written, "reasoning"),
        tokens_written=_total(read, "cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
    )


def _total(details: Mapping[str, Any], *names: str) -> int:
    """The sum of these details; OpenAI's come with the service tier in front ("flex_cache_read")."""
    return sum(int(count or 0) for name, count in details.items() if name.endswith(names))


def joined_calls(parts: Sequence[ToolCallChunk]) -> list[ToolCallChunk]:
    """Native tool calls out of the parts in which they arrived."""
    if not parts:
        return []
    whole = AIMessageChunk(content="")
    for part in parts:
        whole += AIMessageChunk(content="", tool_call_chunks=[part])
    return whole.tool_call_chunks


def usage_chunk(usage: Usage, metadata: dict[str, Any], tool_calls: Sequence[ToolCallChunk] = ()) -> AIMessageChunk:
    """The last chunk of a wrapped stream: no text, its native tool calls, the usage, and why it ended."""
    return AIMessageChunk(
        content="",
        tool_call_chunks=joined_calls(tool_calls),
        response_metadata=metadata,
        usage_metadata={
            "input_tokens": usage.tokens_in,
            "output_tokens": usage.tokens_out,
            "total_tokens": usage.tokens_in + usage.tokens_out,
            "input_token_details": {
                "cache_read": usage.tokens_cached,
                **({"cache_creation": usage.tokens_written} if usage.tokens_written else {}),
            },
            "output_token_details": {"reasoning": usage.tokens_reasoning},
        },
        chunk_position="last",
    )
