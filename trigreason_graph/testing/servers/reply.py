"""One answer to one request: sent, cut or refused, and over at once when the client has gone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from trigreason_graph.testing.servers.faults import Fault
from trigreason_graph.testing.servers.record import Outcome, Record

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

GARBAGE = '{"this is no JSON'
EXCUSE = "a fault of the test"


class Refusal(Exception):
    """The request is answered with an error status."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, dict(headers or {})


class Host(Protocol):
    """What a reply needs of its server."""

    keep_alive: bool

    def error_body(self, status: int, message: str) -> Any:
        """An error in the server's own form."""
        ...

    def hang_up(self, scope: Any) -> None:
        """Close the connection a request came on."""
        ...

    def over(self, record: Record) -> None:
        """Note that a request is answered."""
        ...


class Reply:
    """An ASGI application that answers one request with something the server knows without asking a model.

    Args:
        host: The server.
        record: Of the request; kept up to date.
        body: JSON, or a text that goes out as it is.
        status: From 400 on it counts as refused.
    """

    def __init__(self, host: Host, record: Record, body: Any = None, status: int = 200) -> None:
        self.host, self.record = host, record
        self.fault = record.fault or Fault()
        self._body, self._status = body, status

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        working = asyncio.ensure_future(self._answer(scope, send))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and self.record.outcome == "open":
                self.record.outcome, self.record.noticed = "closed", time.monotonic()
        finally:
            working.cancel()
            leaving.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)
            self.record.ended = time.monotonic()
            self.host.over(self.record)
        if not working.cancelled():
            working.result()  # a failure of the server itself: answered with 500 by uvicorn, and logged

    async def _answer(self, scope: Any, send: Send) -> None:
        await asyncio.sleep(self.fault.delay)
        try:
            if self.fault.status is not None:
                raise self._refused_by_fault(self.fault.status)
            if self.fault.then == "cut" and self.fault.after is None:
                await self.cut(scope)
            await self.reply(scope, send)
        except Refusal as refusal:
            self.record.outcome = "refused"
            await self.send_whole(send, refusal.body, refusal.status, refusal.headers)

    async def reply(self, scope: Any, send: Send) -> None:
        """Send the answer, or raise a :class:`Refusal` before anything is sent."""
        if self._status >= 400:
            raise Refusal(self._status, self._body)
        garbled = self.fault.then == "garbage"
        await self.send_whole(send, self.fault.text or GARBAGE if garbled else self._body, self._status)

    def _refused_by_fault(self, status: int) -> Refusal:
        body = self.host.error_body(status, EXCUSE) if self.fault.body is None else self.fault.body
        retry = {} if self.fault.retry_after is None else {"retry-after": str(self.fault.retry_after)}
        return Refusal(status, body, {**retry, **self.fault.headers})

    async def cut(self, scope: Any) -> None:
        """Close the connection; what was sent before still arrives."""
        self.record.outcome = "cut"
        self.host.hang_up(scope)
        await asyncio.Event().wait()  # cancelled when the closing is noticed, as a client's own would be

    async def send_whole(
        self, send: Send, body: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a complete answer."""
        content = as_bytes(body)
        kind = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
        await self.start(send, kind, status, {"content-length": str(len(content)), **(headers or {})})
        await self.finish(send, [content], "finished" if self.record.outcome == "open" else self.record.outcome)

    async def start(
        self, send: Send, media_type: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send the status and the headers."""
        self.record.status = status
        connection = {} if self.host.keep_alive else {"connection": "close"}
        fields = {"content-type": media_type, **connection, **(headers or {})}
        head = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": status, "headers": head})

    async def send(self, send: Send, chunks: Iterable[bytes]) -> None:
        """Send parts of the body."""
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def finish(self, send: Send, chunks: Iterable[bytes], outcome: Outcome) -> None:
        """Send the last parts of the body and end the answer in order."""
        self.record.outcome = outcome
        await send({"type": "http.response.body", "body": b"".join(chunks), "more_body": False})


def as_bytes(body: Any) -> bytes:
    """JSON, unless it is text already."""
    return (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode("utf-8", "replace")


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
