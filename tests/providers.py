"""Canned replies of the providers' APIs, and real clients that find them on a loopback server.

The bytes follow the providers' API documentation and the clients' source; none of their servers has run here.
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.loopback import Answer, as_events

CHUNK = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
CHAT_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 12},
}


def chat_event(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """A chat.completion.chunk with this delta."""
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}
    return {**CHUNK, "choices": [choice]}


def chat_stream(*deltas: dict[str, Any], usage: dict[str, Any] = CHAT_USAGE, finish: str = "stop") -> Answer:
    """A whole stream of the chat completions API."""
    return as_events(
        *(chat_event(**delta) for delta in deltas),
        chat_event(finish, content=""),
        {**CHUNK, "choices": [], "usage": usage},
    )


def named_events(*events: dict[str, Any]) -> Answer:
    """Server-sent events with their type as name, as Anthropic's and the Responses API's."""
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
    return Answer(lines, 200, {"content-type": "text/event-stream"})


def redirected(url: str) -> httpx.AsyncClient:
    """A client whose requests, whatever host they are for, go to the server at `url`."""
    target = httpx.URL(url)

    class Redirecting(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            request.url = request.url.copy_with(scheme="http", host=target.host, port=target.port)
            return await super().handle_async_request(request)

    return httpx.AsyncClient(transport=Redirecting())
