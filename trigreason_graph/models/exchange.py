"""One logical call of a model: what is asked, who reads along, and what it took."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.messages import BaseMessage, ToolCallChunk

from trigreason_graph.errors import TrigReasonError
from trigreason_graph.models.cards import Style
from trigreason_graph.models.dialects import Options
from trigreason_graph.models.pieces import Piece, Usage, text_of

Status = Literal["ok", "cut", "error"]

CHARS_PER_TOKEN = 3.0
"""Of words; used where nothing better is known. Low, so that estimates err on the dear side (English has about 4)."""
SIGN_TOKENS = 1.2
"""Tokens of a digit or another sign: one (Qwen and Llama take digits one by one), and often the space before it."""
MESSAGE_TOKENS = 8
"""Tokens a chat template puts around a message, at most (ChatML: 5)."""
TEMPLATE_TOKENS = 32
"""Tokens of a system message that a template adds on its own, at most (measured: Qwen2.5 21, SmolLM2 24)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one call, as the ledger counts it.

    Attributes:
        status: ok: ended by itself. cut: closed by us, or broken off. error: no text came.
        usage: As the server counted, or what arrived, rounded up, where it did not (`estimated`).
        seconds: From the request to the end; waiting between tries is nobody's.
        cost: Dollars; None when nobody knows the price.
        finish: "stop", "length" or another word of the server's; "closed" by us, "broken" off, "error".
        fault: What went wrong, in one line without keys; empty when nothing did.
    """

    status: Status
    usage: Usage
    estimated: bool
    seconds: float
    cost: float | None
    finish: str
    fault: str = ""


@dataclass
class Exchange:
    """One logical call: what is asked, who reads along, and, afterwards, what it took.

    Attributes:
        style: Whether the messages end in the trace as a prefill, or ask for it in a user turn.
        options: Sampling options.
        on_piece: Gets every piece of text; returns True to have the stream closed there.
        seconds: How long the call may take; None without a limit.
        arguments: Keywords for the client on top of the options, such as bound tools.
        shown: Whether LangGraph's messages stream shows what the model writes.
        heard: Whether anybody is told the text token by token; else it is handed to LangChain as a whole.
        cut: Whether the stream was closed because the reader wanted no more.
        tool_calls: Native tool calls, as they arrived.
        attempts: Filled while the call runs; the last one is the call's result.
    """

    style: Style
    options: Options
    on_piece: Callable[[Piece], bool]
    seconds: float | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    shown: bool = False
    heard: bool = True
    cut: bool = False
    tool_calls: list[ToolCallChunk] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def last(self) -> Attempt:
        """The attempt that counts."""
        return self.attempts[-1]


class ModelFailed(TrigReasonError):
    """No try of a call brought any text. The text is the last attempt's `fault`."""


class OutOfTime(TrigReasonError):
    """A call took longer than it may; not worth another try."""


def estimate_tokens(messages: Sequence[BaseMessage]) -> int:
    """High estimate of a prompt's tokens, from its text; images are not counted."""
    text = sum(tokens_in_text(text_of(message)[0]) for message in messages)
    return math.ceil(text) + MESSAGE_TOKENS * len(messages) + TEMPLATE_TOKENS


def tokens_in_text(text: str) -> float:
    """High estimate for a text: above the count of Qwen2.5 and SmolLM2 for English, numbers and formulas.

    What other scripts take varies most: a Chinese character 0.7 (Qwen2.5) to 1.9 tokens (SmolLM2); 1.5 are counted.
    """
    plain = text if text.isascii() else _ODD_SPACE.sub(" ", text)
    written = plain.encode(errors="replace")
    spelled = len(written) - len(written.translate(None, _SPELLED))
    foreign = 0 if written.isascii() else len(written) - len(written.translate(None, _FOREIGN))
    return spelled / CHARS_PER_TOKEN + SIGN_TOKENS * (len(written) - spelled - foreign) + foreign / 2


# Counted by bytes, not characters: whole prompts are measured, at every request.
_SPELLED = (string.ascii_letters + string.whitespace + "\x1c\x1d\x1e\x1f").encode()
_FOREIGN = bytes(range(0x80, 0x100))
_ODD_SPACE = re.compile(r"[^\S\x00-\x7f]")
