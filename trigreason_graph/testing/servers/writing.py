"""A model's reply on the wire, and whatever is to go wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from trigreason_graph.testing.servers.asked import Asked, Backend, End, Logprob
from trigreason_graph.testing.servers.faults import Fault
from trigreason_graph.testing.servers.record import Record
from trigreason_graph.testing.servers.reply import EXCUSE, GARBAGE, Host, Refusal, Reply, Send, as_bytes
from trigreason_graph.testing.servers.thinking import ThinkingReader


@dataclass(frozen=True, slots=True)
class Piece:
    """Thinking or answer, with the log-probabilities of the tokens it came from."""

    thinking: str
    content: str
    logprobs: tuple[Logprob, ...] = ()
    tokens: int = 0


class Wire(Protocol):
    """How one API writes a reply."""

    streams: bool
    media_type: str

    def opening(self) -> list[bytes]:
        """What comes before any text."""
        ...

    def piece(self, piece: Piece) -> list[bytes]:
        """Some text; nothing where the API keeps it to itself."""
        ...

    def closing(self, record: Record) -> list[bytes]:
        """What comes after a reply that ended by itself."""
        ...

    def failure(self, message: str) -> bytes:
        """An error inside of a stream."""
        ...

    def garbage(self, text: str) -> bytes:
        """A chunk of this text, which is no JSON."""
        ...

    def whole(self, pieces: list[Piece], record: Record) -> Any:
        """The reply in one."""
        ...


class ModelReply(Reply):
    """A reply that a model writes.

    Args:
        host: The server.
        record: Of the request; its `tokens_in` is known already.
        wire: How the reply is written.
        backend: The model.
        asked: What it is asked.
        reader: Tells its thinking from its answer.
        cached: How many of the prompt tokens that were read before are told.
    """

    def __init__(
        self,
        host: Host,
        record: Record,
        wire: Wire,
        backend: Backend,
        asked: Asked,
        reader: ThinkingReader,
        cached: Callable[[int], int],
    ) -> None:
        super().__init__(host, record)
        self._wire, self._backend, self._asked, self._reader, self._cached = wire, backend, asked, reader, cached

    async def reply(self, scope: Any, send: Send) -> None:
        """As :meth:`Reply.reply`."""
        async with aclosing(self._events()) as events:
            try:
                first = await anext(events, None)  # a model that refuses does so before anything is sent
            except Exception as failure:
                raise self._refusal(failure) from failure
            async with aclosing(_chained(first, events)) as all_events:
                await (self._stream if self._wire.streams else self._collect)(scope, send, all_events)

    async def _stream(self, scope: Any, send: Send, events: AsyncGenerator[Piece | Fault, None]) -> None:
        await self.start(send, self._wire.media_type)
        await self.send(send, self._wire.opening())
        try:
            async for event in events:
                if isinstance(event, Piece):
                    await self.send(send, self._wire.piece(event))
                    self._sent(event)
                elif await self._struck(scope, send, event):
                    return
        except Exception as failure:
            await self.finish(send, [self._wire.failure(str(failure))], "cut")
            return
        ending = self._wire.closing(self.record) if self.record.finish else []
        await self.finish(send, ending, "finished" if self.record.finish else "cut")

    async def _struck(self, scope: Any, send: Send, fault: Fault) -> bool:
        """Let a stream suffer its fault; returns whether the stream is over."""
        if fault.then == "cut":
            await self.cut(scope)
        if fault.then == "stall":
            await asyncio.sleep(fault.seconds)
        if fault.then == "garbage":
            await self.send(send, [self._wire.garbage(fault.text or GARBAGE)])
        if fault.then not in ("end", "error"):
            return False
        await self.finish(send, [self._wire.failure(fault.text or EXCUSE)] if fault.then == "error" else [], "cut")
        return True

    async def _collect(self, scope: Any, send: Send, events: AsyncGenerator[Piece | Fault, None]) -> None:
        pieces: list[Piece] = []
        try:
            async for event in events:
                if isinstance(event, Piece):
                    pieces.append(event)
                elif event.then == "stall":
                    await asyncio.sleep(event.seconds)
                elif event.then != "garbage":
                    self.record.finish = ""
                    break
        except Exception as failure:
            raise self._refusal(failure) from failure
        if self.fault.then == "error":
            raise Refusal(500, self.host.error_body(500, self.fault.text or EXCUSE))
        body = self._wire.whole(pieces, self.record)
        if self.fault.then == "cut":
            content = as_bytes(body)
            await self.start(send, "application/json", headers={"content-length": str(len(content))})
            await self.send(send, [content[: len(content) // 2]])
            await self.cut(scope)
        for piece in pieces:
            self._sent(piece)
        self.record.outcome = "open" if self.record.finish else "cut"
        await self.send_whole(send, self.fault.text or GARBAGE if self.fault.then == "garbage" else body)

    async def _events(self) -> AsyncGenerator[Piece | Fault, None]:
        """The pieces of the reply, and the fault where it strikes."""
        coming = self.fault if self.fault.then is not None else None
        pieces = 0
        async with aclosing(self._pieces()) as reply:
            async for piece in reply:
                if coming is not None and pieces == coming.after:
                    yield coming
                    coming = None
                yield piece
                pieces += 1
        if coming is not None:
            yield coming

    async def _pieces(self) -> AsyncGenerator[Piece, None]:
        """The reply, split into thinking and answer. The record's counts follow."""
        if self.fault.empty:
            self.record.finish = "stop"
            return
        async with aclosing(self._backend.write(self._asked)) as reply:
            async for item in reply:
                if isinstance(item, End):
                    self._count(item)
                    piece = Piece(*self._reader.flush())
                else:
                    thinks = self._reader.thinks
                    piece = Piece(*self._reader.feed(item.text), item.logprobs, item.tokens)
                    self.record.tokens_out += item.tokens
                    self.record.tokens_reasoning += (
                        item.tokens if (thinks or piece.thinking) and not piece.content else 0
                    )
                if piece.thinking or piece.content:
                    yield piece

    def _count(self, end: End) -> None:
        record = self.record
        record.finish, record.tokens_out = end.finish, end.tokens_out
        record.tokens_in, record.tokens_cached = end.tokens_in, self._cached(end.tokens_cached)

    def _sent(self, piece: Piece) -> None:
        record = self.record
        record.pieces += 1
        record.tokens_sent += piece.tokens
        record.thinking += piece.thinking
        record.content += piece.content

    def _refusal(self, failure: Exception) -> Refusal:
        """A model's failure as an answer; llama.cpp's own errors keep their status."""
        status = getattr(failure, "status_code", 500)
        return Refusal(status, self.host.error_body(status, str(failure)))


async def _chained(
    first: Piece | Fault | None, rest: AsyncGenerator[Piece | Fault, None]
) -> AsyncGenerator[Piece | Fault, None]:
    if first is not None:
        yield first
        async for event in rest:
            yield event
