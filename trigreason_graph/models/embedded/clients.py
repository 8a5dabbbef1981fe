"""One OpenAI client per event loop and server.

A pooled connection belongs to the loop it was opened on, and this package's sync bridge, a notebook and ``asyncio.run``
each have a loop of their own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from trigreason_graph.models.embedded.server import EmbeddedServer

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

SECONDS = 600.0
"""Longest silence of the server, which sends a sign of life every second: only a hung one is cut off by it."""

_lock = threading.Lock()
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, ChatOpenAI]] = WeakKeyDictionary()
_sync: dict[str, ChatOpenAI] = {}


def async_client(server: EmbeddedServer) -> ChatOpenAI:
    """The client of `server` for the running loop."""
    with _lock:
        return _client(_by_loop.setdefault(asyncio.get_running_loop(), {}), server)


def sync_client(server: EmbeddedServer) -> ChatOpenAI:
    """The client of `server` for sync calls from any thread."""
    with _lock:
        return _client(_sync, server)


def _client(known: dict[str, ChatOpenAI], server: EmbeddedServer) -> ChatOpenAI:
    if server.api_key not in known:
        known[server.api_key] = _make(server)
    return known[server.api_key]


def _make(server: EmbeddedServer) -> ChatOpenAI:
    import httpx
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    def note(event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            server.opened(info["return_value"])

    async def anote(event: str, info: Mapping[str, Any]) -> None:
        note(event, info)

    def watch(request: httpx.Request) -> None:
        request.extensions["trace"] = note

    async def awatch(request: httpx.Request) -> None:
        request.extensions["trace"] = anote

    # No connection is kept: llama.cpp may close one just as it is used again. So none is left open either, when a loop
    # ends without a word. A proxy's variables do not concern a server on this machine, nor do certificates.
    options: dict[str, Any] = {
        "limits": httpx.Limits(max_keepalive_connections=0),
        "trust_env": False,
        "verify": False,
        "timeout": SECONDS,
    }
    return ChatOpenAI(
        model=server.path.stem,
        base_url=server.base_url,
        api_key=SecretStr(server.api_key),
        stream_usage=True,
        stream_chunk_timeout=None,
        max_retries=0,  # the wrapper retries, and counts each try
        timeout=SECONDS,
        openai_proxy=None,
        http_client=httpx.Client(**options, event_hooks={"request": [watch]}),
        http_async_client=httpx.AsyncClient(**options, event_hooks={"request": [awatch]}),
    )
