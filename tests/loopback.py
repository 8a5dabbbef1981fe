"""A tiny HTTP server on this machine that answers what it is told to, for tests of real clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One response. Its body goes out in chunks; `broken`: the connection drops before the last one is confirmed."""

    body: Sequence[bytes] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    broken: bool = False


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


DROP = None
"""In place of an answer: the connection is closed before any byte."""


@dataclass
class Server:
    """What was asked of it, in `requests`, at `url`."""

    url: str
    requests: list[Request] = field(default_factory=list)


def as_json(body: Any, status: int = 200, **headers: str) -> Answer:
    return Answer([json.dumps(body).encode()], status, {"content-type": "application/json", **headers})


def as_events(*events: Any, broken: bool = False, done: bool = True) -> Answer:
    """Server-sent events, as OpenAI's; text goes out as it is."""
    lines = [f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode() for event in events]
    return Answer(
        [*lines, *([b"data: [DONE]\n\n"] if done else [])], 200, {"content-type": "text/event-stream"}, broken
    )


def as_lines(*rows: Any, broken: bool = False) -> Answer:
    """Newline-delimited JSON, as Ollama's."""
    lines = [(row if isinstance(row, str) else json.dumps(row)).encode() + b"\n" for row in rows]
    return Answer(lines, 200, {"content-type": "application/x-ndjson"}, broken)


@asynccontextmanager
async def serving(answer: Callable[[Request], Answer | None]) -> AsyncIterator[Server]:
    """Serve `answer` on a free port of 127.0.0.1."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _request(reader)
            server.requests.append(request)
            answered = answer(request)
            if answered is not DROP:
                await _send(writer, answered)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    server = Server(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    async with listening:
        yield server


def in_turn(*answers: Answer | None) -> Callable[[Request], Answer | None]:
    """These answers, one a request."""
    rest = iter(answers)
    return lambda _: next(rest)


async def _request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path, headers, json.loads(body) if body else None)


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    headers = {"transfer-encoding": "chunked", "connection": "close", **answer.headers}
    head = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    for chunk in answer.body:
        writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        await writer.drain()
    if not answer.broken:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
