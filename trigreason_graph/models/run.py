"""One attempt of a call: reads the client's stream, hands its pieces on, and knows what it has cost."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langgraph.errors import GraphBubbleUp

from trigreason_graph.models.card_store import place_of
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.exchange import Attempt, Exchange, OutOfTime, Status, estimate_tokens, tokens_in_text
from trigreason_graph.models.faults import describe_fault, secrets_of
from trigreason_graph.models.pieces import Piece, Usage, finish_of, text_of, tokens_of, usage_of
from trigreason_graph.models.prices import PriceTable, cost
from trigreason_graph.models.reply_text import ReplyText
from trigreason_graph.models.streams import Chunks
from trigreason_graph.models.watchdog import Watchdog

ROUNDS = 2
"""Rounds of the event loop that a closed stream is given: clients have a generator in their own, which is left to the
loop, and with it the connection."""
HEADROOM = 64
"""Tokens by which a server that was told a limit may seem to go past it before we close the stream."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every call of one model: its card, its prices, its patience in seconds."""

    card: ModelCard
    prices: PriceTable
    first_token_seconds: float
    token_gap_seconds: float
    client: object
    """The wrapped client, for the keys that must not show in texts."""


class Run:
    """One attempt; a context that its reply is read in (``next_text``), and that counts it at the end.

    Args:
        terms: Of the model.
        messages: The prompt, as sent.
        exchange: Style, and who reads along.
        stream: The client's, not begun.
    """

    def __init__(self, terms: Terms, messages: Sequence[BaseMessage], exchange: Exchange, stream: Chunks) -> None:
        self._terms, self._messages, self._exchange, self._stream = terms, messages, exchange, stream
        self._begun = time.monotonic()
        self._watchdog = Watchdog()
        self._waiting: list[ChatGenerationChunk] = []
        self._text = ReplyText(terms.card, messages, exchange)
        self._over = self._answered = False
        self._stopped = self._speaking = self._read_to_end = False
        self._finish = self._fault = self._limit = ""
        self._usage: Usage | None = None
        self._tokens_out = 0.0
        card, options = terms.card, exchange.options
        self._probabilities_at = options.probabilities_at if card.logprob_space == "raw" else None
        allowed = options.max_tokens + card.hidden_at(options.effort)
        # Where the server was told, our count of its tokens may be high.
        self._allowed = allowed if card.dialect == "plain" else 2 * allowed + HEADROOM

    @property
    def closed(self) -> bool:
        """Whether the reader had the stream closed before it was over."""
        return self._stopped and (self._read_to_end or not self._over)

    async def wait_for_text(self) -> None:
        """Read up to the first text, or to the end of a reply without any.

        Raises:
            Exception: Whatever the client raises; TimeoutError and ConnectionError for a stream that stays or ends
                silent.
        """
        while (chunk := await self._next(self._terms.first_token_seconds)) is not None:
            self._waiting.append(chunk)
            if any(text_of(chunk.message)):
                return
        self._over = True
        if not self._finish and (self._tells_why_it_ends or not self._waiting):
            raise ConnectionError("the stream ended before it began")

    async def next_text(self) -> str | None:
        """More of the reply, handed on; None when it is over, breaks off, or no more of it is wanted."""
        if self._stopped:
            if self.closed and not self._limit and self._terms.card.hides_reasoning and self._tells_why_it_ends:
                await self._read_out()
            return None
        chunk = self._waiting.pop(0) if self._waiting else await self._more()
        if chunk is not None:
            return self._hand_on(chunk)
        self._stopped = True
        return self._tell(self._text.rest(ended=self._ended_by_itself))

    async def __aenter__(self) -> Run:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the stream, and count the attempt: what a cancelled reader, or one at fault, has taken as well."""
        finished = False
        try:
            await self.aclose()
            finished = kind is None
        finally:
            self._exchange.attempts.append(self.ended() if finished else self.left())
            self._exchange.cut = self.closed

    async def aclose(self) -> None:
        """Close the client's stream. What goes wrong in that concerns nobody any more."""
        self._watchdog.close()
        with suppress(Exception):
            await self._stream.aclose()
            if not self._over:
                for _ in range(ROUNDS):
                    await asyncio.sleep(0)

    def failed(self, fault: BaseException) -> Attempt:
        """The attempt, when no text came. One that only ran out of its time is no failure of the model."""
        if self._limit:
            return self._attempt("cut", self._limit, f"{self._terms.card.full_name} wrote nothing in the time it had")
        return self._attempt("error", "error", self.describe(fault))

    def ended(self) -> Attempt:
        """The attempt, when the stream is over or closed."""
        if self._limit:
            return self._attempt("cut", self._limit)
        if self.closed:
            return self._attempt("cut", "closed")
        if self._fault:
            return self._attempt("cut", "broken", self._fault)
        if not self._finish and self._tells_why_it_ends:
            return self._attempt("cut", "broken", f"{self._terms.card.full_name} broke off without saying why")
        return self._attempt("ok", self._finish or "stop")

    def left(self) -> Attempt:
        """The attempt, when whoever asked for it has gone away: cancelled, or itself at fault."""
        return self._attempt("cut", "cancelled")

    def describe(self, fault: BaseException) -> str:
        """The fault in one line, without keys."""
        client = self._terms.client
        return describe_fault(fault, self._terms.card, secrets_of(client), place_of(client))

    @property
    def _tells_why_it_ends(self) -> bool:
        return self._terms.card.dialect != "plain"

    @property
    def _ended_by_itself(self) -> bool:
        return not self._fault and self._finish != "length" and bool(self._finish or not self._tells_why_it_ends)

    async def _more(self) -> ChatGenerationChunk | None:
        """The next chunk; None at the end, also of a stream that breaks off."""
        if self._over:
            return None
        try:
            chunk = await self._next(self._patience)
        except GraphBubbleUp:
            raise
        except Exception as fault:
            self._fault, chunk = self.describe(fault), None
        self._over = chunk is None
        return chunk

    @property
    def _patience(self) -> float:
        """Seconds to wait for the next chunk; hidden reasoning may be silent, or shown in few summaries."""
        silent = self._terms.card.hidden_tokens and not self._speaking
        return self._terms.first_token_seconds if silent else self._terms.token_gap_seconds

    async def _read_out(self) -> None:
        """Read on to the end of a reply that nobody wants more of: only there stands what its reasoning took.

        What it still says is little, since the reasoning is done. Closing would save that and hide the rest.
        """
        self._read_to_end = True
        while (chunk := await self._more()) is not None:
            self._tokens_out += tokens_in_text(text_of(chunk.message)[0])

    async def _next(self, patience: float) -> ChatGenerationChunk | None:
        left = self._seconds_left()
        try:
            chunk = await self._watchdog.next_of(self._stream, min(patience, left))
        except TimeoutError:
            if not self._watchdog.expired:
                raise  # the client's own
            if left < patience:
                self._limit = "seconds"
                raise OutOfTime("the time it had is used up") from None
            raise TimeoutError(f"nothing came for {patience:g} s") from None
        if chunk is not None:
            self._note(chunk)
        return chunk

    def _note(self, chunk: ChatGenerationChunk) -> None:
        self._answered = True
        usage = usage_of(chunk.message)
        if usage is not None:
            self._usage = self._usage.then(usage) if self._usage else usage
        self._finish = finish_of(chunk.generation_info, chunk.message) or self._finish
        if isinstance(chunk.message, AIMessageChunk):
            self._exchange.tool_calls += chunk.message.tool_call_chunks

    def _hand_on(self, chunk: ChatGenerationChunk) -> str:
        content, field = text_of(chunk.message)
        self._speaking = self._speaking or bool(content)
        tokens = tokens_of(chunk.generation_info, chunk.message, self._probabilities_at)
        self._tokens_out += len(tokens) or tokens_in_text(content) + tokens_in_text(field)
        told = self._tell(self._text.pieces(content, field, tokens))
        if not self._stopped and (limit := self._limit_reached()):
            self._limit, self._stopped = limit, True
        return told

    def _seconds_left(self) -> float:
        allowed = self._exchange.seconds
        return math.inf if allowed is None else max(allowed - (time.monotonic() - self._begun), 0.01)

    def _limit_reached(self) -> str:
        """Which limit the reply has gone past: "length", "seconds", or none."""
        if self._tokens_out >= self._allowed:
            return "length"
        return "seconds" if self._seconds_left() <= 0.01 else ""

    def _tell(self, pieces: list[Piece]) -> str:
        told = ""
        for piece in pieces:
            told += piece.text
            if self._exchange.on_piece(piece):
                self._stopped = True
                break
        return told

    def _attempt(self, status: Status, finish: str, fault: str = "") -> Attempt:
        # A whole reply, or a last chunk, tells all of it also where the rest of its text was not wanted.
        whole = status == "ok" or (self._finish and not self._fault)
        # A prompt that nobody counted has been left out by the client, not free.
        exact = self._usage if whole and self._usage and self._usage.tokens_in else None
        usage = exact or self._estimate()
        return Attempt(
            status=status,
            usage=usage,
            estimated=exact is None,
            seconds=time.monotonic() - self._begun,
            cost=cost(self._terms.card, usage, self._terms.prices),
            finish=finish,
            fault=fault,
        )

    def _estimate(self) -> Usage:
        """What arrived, rounded up, and what the server has said so far; a call that was never answered is nothing."""
        if not self._answered:
            return Usage()
        said = self._usage or Usage()
        return Usage(
            tokens_in=said.tokens_in or estimate_tokens(self._messages),
            tokens_cached=said.tokens_cached,
            tokens_out=max(math.ceil(self._tokens_out), said.tokens_out),
            tokens_reasoning=said.tokens_reasoning,
            tokens_written=said.tokens_written,
        )
