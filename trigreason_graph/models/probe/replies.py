"""The probe's own calls: short, counted, and read more closely than the graph reads them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from math import ceil

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import BaseMessage

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.dialects import Options, call_arguments
from trigreason_graph.models.exchange import Exchange, estimate_tokens, tokens_in_text
from trigreason_graph.models.pieces import Piece, Usage, alternatives_of, finish_of, text_of, usage_of
from trigreason_graph.models.prices import PriceTable, cost
from trigreason_graph.models.streams import can_stream, streamed, whole_reply
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.state import Role

PATIENCE = 300.0
"""Seconds for one call: a server may have to load the model first (the wrapper's own wait for a first token)."""
LONGEST_REPLY = 1_000
"""Characters after which a client that was told no limit is closed."""


@dataclass
class Reply:
    """What one call brought.

    Attributes:
        text: Its content.
        thinking: What came in a separate reasoning field.
        pieces: Chunks that brought text.
        alternatives: For each token, the log-probabilities told for it, by token text; empty without any.
        usage: As the server counted; None when it did not.
        tells_cached: The server says how much of the prompt came from its cache, be it nothing.
        finish: Why it ended; empty when nobody said.
    """

    text: str = ""
    thinking: str = ""
    pieces: int = 0
    alternatives: list[dict[str, float]] = field(default_factory=list)
    usage: Usage | None = None
    tells_cached: bool = False
    finish: str = ""


@dataclass
class Caller:
    """Calls one model and keeps the books."""

    inner: BaseChatModel
    role: Role
    prices: PriceTable
    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0

    async def ask(self, card: ModelCard, messages: list[BaseMessage], options: Options) -> Reply:
        """One reply, read chunk by chunk. Raises what the client raises, and TimeoutError."""
        self.calls += 1
        streaming = card.streams and can_stream(self.inner)
        arguments = call_arguments(card, options, self.inner, streaming=streaming)
        stream = (streamed if streaming else whole_reply)(self.inner, messages, arguments)
        reply = Reply()
        async with asyncio.timeout(PATIENCE), aclosing(stream):
            async for chunk in stream:
                content, thinking = text_of(chunk.message)
                reply.text, reply.thinking = reply.text + content, reply.thinking + thinking
                reply.pieces += bool(content or thinking)
                reply.alternatives += alternatives_of(chunk.generation_info, chunk.message)
                reply.finish = finish_of(chunk.generation_info, chunk.message) or reply.finish
                usage = usage_of(chunk.message)
                if usage is not None:
                    reply.usage = reply.usage.then(usage) if reply.usage else usage
                    details = chunk.message.usage_metadata.get("input_token_details") or {}  # type: ignore[attr-defined]
                    reply.tells_cached |= "cache_read" in details
                if len(reply.text) + len(reply.thinking) > LONGEST_REPLY:
                    break
        written = ceil(tokens_in_text(reply.text) + tokens_in_text(reply.thinking))
        self._count(card, reply.usage or Usage(estimate_tokens(messages), 0, written, 0))
        return reply

    async def go_on(self, card: ModelCard, messages: list[BaseMessage], options: Options) -> tuple[str, str]:
        """How the model goes on with the trailing assistant message, exactly as the graph asks it to.

        Returns:
            (text, fault): what it wrote, and why nothing came where nothing came.
        """
        self.calls += 1
        read: list[str] = []

        def on_piece(piece: Piece) -> bool:
            read.append(piece.text)
            return False

        model = ReasoningModel(
            inner=self.inner,
            card=card,
            role=self.role,
            prices=self.prices,
            retries=1,
            first_token_seconds=PATIENCE,
        )
        exchange = Exchange("prefill", options, on_piece, seconds=PATIENCE)
        attempt = await model.write(messages, exchange, name=f"{self.role}:probe", purpose="probe")
        self._count(card, attempt.usage)
        return "".join(read), attempt.fault

    def _count(self, card: ModelCard, usage: Usage) -> None:
        self.tokens += usage.tokens_in + usage.tokens_out
        paid = cost(card, usage, self.prices)
        self.cost = None if paid is None or self.cost is None else self.cost + paid
