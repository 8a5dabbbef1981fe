"""The tokens of a recording, and how they are packed into a line of text.

A token keeps its length in characters and its probabilities: of the chosen token and of the most likely ones, so that
entropies and tempered probabilities can be asked later. Probabilities are `nats`: -log p in thousandths of a nat.
"""

from __future__ import annotations

import base64
import sys
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import BaseMessage

from trigreason_graph.reasoning.confidence import NATS_LIMIT, to_nats

TOP = 5
"""Alternatives kept for each token: what the embedded models are asked for (their card's `top_logprobs`)."""
NONE = NATS_LIMIT
"""Stands where there is no further alternative, and for a token without a probability."""


@dataclass(frozen=True, slots=True)
class RecordedToken:
    """One token.

    Attributes:
        size: Length in characters; 0 for the first bytes of a character that a later token completes.
        nats: -log p of the token, in thousandths of a nat; None where the server reported none.
        top: The same of the most likely tokens, the chosen one among them; at most `TOP`.
    """

    size: int
    nats: int | None = None
    top: tuple[int, ...] = ()


def tokens_of_chunk(
    text: str, generation_info: Mapping[str, Any] | None, message: BaseMessage
) -> tuple[RecordedToken, ...]:
    """The tokens of one chunk of a client's stream; their sizes add up to the length of `text`.

    Args:
        text: The chunk's text. One without any reported token counts as one.
        generation_info: Of the chunk, with ChatOpenAI's ``{"logprobs": {"content": [...]}}``.
        message: Of the chunk; ChatOllama puts a flat list of the same there.
    """
    reported = (generation_info or {}).get("logprobs") or message.response_metadata.get("logprobs") or []
    entries = reported.get("content") or [] if isinstance(reported, Mapping) else reported
    tokens = [_token(entry) for entry in entries if _field(entry, "token")]
    if not tokens:
        return (RecordedToken(len(text)),) if text else ()
    sizes = [token.size for token in tokens]
    for index, size in enumerate(sizes):  # a character split over tokens is reported as one in each
        before = sum(sizes[:index])
        sizes[index] = len(text) - before if index == len(sizes) - 1 else min(size, len(text) - before)
    return tuple(replace(token, size=size) for token, size in zip(tokens, sizes, strict=True))


def _token(entry: object) -> RecordedToken:
    logprob = _field(entry, "logprob")
    top = [_field(other, "logprob") for other in _field(entry, "top_logprobs") or ()]
    return RecordedToken(
        len(_field(entry, "token")),
        to_nats([logprob])[0] if isinstance(logprob, int | float) else None,
        tuple(to_nats(value for value in top if isinstance(value, int | float))[:TOP]),
    )


def _field(entry: object, name: str) -> Any:
    return entry.get(name) if isinstance(entry, Mapping) else getattr(entry, name, None)


def as_logprobs(pieces: Sequence[tuple[str, RecordedToken]]) -> dict[str, Any]:
    """Tokens, each with its text, as ``generation_info`` of a ChatOpenAI chunk; empty where they have no probability.

    The texts of alternatives are not recorded, and come as empty.
    """
    entries = [
        {
            "token": text or "\ufffd",
            "logprob": -token.nats / 1_000,
            "top_logprobs": [{"token": "", "logprob": -nats / 1_000} for nats in token.top],
        }
        for text, token in pieces
        if token.nats is not None
    ]
    return {"logprobs": {"content": entries}} if entries else {}


def pack(tokens: Sequence[RecordedToken]) -> str:
    """Tokens as one line of ASCII: 16-bit columns (sizes, nats, alternatives), deflated, in base 85."""
    width = max((len(token.top) for token in tokens), default=0)
    columns = [[token.size for token in tokens], [NONE if token.nats is None else token.nats for token in tokens]]
    columns += [[token.top[rank] if rank < len(token.top) else NONE for token in tokens] for rank in range(width)]
    numbers = array("H", [len(tokens), *(value for column in columns for value in column)])
    return base64.b85encode(zlib.compress(_little_endian(numbers).tobytes(), 9)).decode("ascii")


def unpack(packed: str) -> tuple[RecordedToken, ...]:
    """What :func:`pack` was given.

    Raises:
        ValueError: It is not the work of :func:`pack`.
    """
    numbers = array("H")
    try:
        numbers.frombytes(zlib.decompress(base64.b85decode(packed)))
    except zlib.error as damaged:
        raise ValueError(f"packed tokens are damaged: {damaged}") from None
    count, *values = _little_endian(numbers)
    columns = [values[start : start + count] for start in range(0, len(values), count)] if count else []
    if any(len(column) != count for column in columns) or (count and len(columns) < 2):
        raise ValueError("packed tokens are damaged: their columns have different lengths")
    return tuple(
        RecordedToken(size, None if nats == NONE else nats, tuple(value for value in top if value != NONE))
        for size, nats, *top in zip(*columns, strict=True)
    )


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers = array("H", numbers)
        numbers.byteswap()
    return numbers
