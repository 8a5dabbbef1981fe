"""OpenAI's Responses API: the request as a model understands it, and the reply on the wire."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from trigreason_graph.testing.servers.asked import Asked
from trigreason_graph.testing.servers.chat import check_reasoning_model, event, logprob_entry, text_of
from trigreason_graph.testing.servers.record import Record
from trigreason_graph.testing.servers.server import ServedModel
from trigreason_graph.testing.servers.writing import Piece

LEAST_OUTPUT_TOKENS = 16
UNKNOWN = ("messages", "stop", "max_tokens", "max_completion_tokens", "logprobs", "seed", "n", "reasoning_effort")
"""Parameters of chat completions that this API refuses."""


@dataclass(frozen=True)
class Stored:
    """A response that was kept: the conversation so far, and what the client got."""

    turns: tuple[dict[str, str], ...]
    response: dict[str, Any]


class ResponsesRequest:
    """A request for a response.

    Args:
        body: Of the request, with a model's name and an input.
        stored: Earlier responses, by id.
    """

    def __init__(self, body: Mapping[str, Any], stored: Mapping[str, Stored]) -> None:
        self._body, self._stored = body, stored

    def asked(self, model: ServedModel) -> Asked:
        """What the model is asked.

        Raises:
            ValueError: The server refuses the request: what it says, and further fields of the error.
        """
        body = self._body
        self._check(model)
        instructions = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
        return Asked(
            messages=(*instructions, *self._earlier(), *self._turns()),
            max_tokens=body.get("max_output_tokens"),
            temperature=body.get("temperature"),
            top_logprobs=body.get("top_logprobs") or 0,
            think=model.thinking,
            effort=(body.get("reasoning") or {}).get("effort"),
            response_format=_response_format(body),
            model=body["model"],
            body=body,
        )

    def _check(self, model: ServedModel) -> None:
        body = self._body
        unknown = next((name for name in UNKNOWN if name in body), None)
        if unknown is not None:
            raise ValueError(f"Unknown parameter: '{unknown}'.", {"param": unknown, "code": "unknown_parameter"})
        most = body.get("max_output_tokens")
        if most is not None and most < LEAST_OUTPUT_TOKENS:
            raise ValueError(
                f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {LEAST_OUTPUT_TOKENS}, "
                f"but got {most} instead.",
                {"param": "max_output_tokens", "code": "integer_below_min_value"},
            )
        if model.thinking:
            check_reasoning_model(body, ("temperature", "top_p", "top_logprobs"))
        elif (body.get("reasoning") or {}).get("effort") is not None:
            raise ValueError(
                "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
                {"param": "reasoning.effort", "code": "unsupported_parameter"},
            )

    def _earlier(self) -> tuple[dict[str, str], ...]:
        name = self._body.get("previous_response_id")
        if name is None:
            return ()
        if name not in self._stored:
            raise ValueError(
                f"Previous response with id '{name}' not found.",
                {"param": "previous_response_id", "code": "previous_response_not_found"},
            )
        return self._stored[name].turns

    def _turns(self) -> list[dict[str, str]]:
        given = self._body["input"]
        if isinstance(given, str):
            return [{"role": "user", "content": given}]
        turns = []
        for item in given:
            kind = item.get("type", "message")
            if kind == "message":
                role = "system" if item["role"] == "developer" else item["role"]
                turns.append({"role": role, "content": text_of(item.get("content"))})
            elif kind == "reasoning":
                self._check_kept(item)
            else:
                raise ValueError(f"this test server knows no input of type {kind!r}", {"param": "input"})
        return turns

    def _check_kept(self, item: Mapping[str, Any]) -> None:
        """A reasoning item is known by its id, if its response was stored, or brings its content along."""
        kept = {one["id"] for stored in self._stored.values() for one in stored.response["output"]}
        if item.get("encrypted_content") or item.get("id") in kept:
            return
        raise ValueError(
            f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false. Try "
            "again with `store` set to true, or remove this item from your input.",
            {"status": 404, "param": "input", "code": None},
        )


def _response_format(body: Mapping[str, Any]) -> dict[str, Any] | None:
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        return {"type": "json_schema", "json_schema": {name: form[name] for name in ("name", "schema") if name in form}}
    return {"type": "json_object"} if form.get("type") == "json_object" else None


class ResponsesWire:
    """Named server-sent events, or one object. See :class:`Wire`.

    Args:
        body: Of the request.
        asked: What the model is asked.
        stored: Where the response is kept, unless `store` is false.
        thinks: Whether the reply begins with hidden reasoning.
    """

    media_type = "text/event-stream; charset=utf-8"

    def __init__(
        self, body: Mapping[str, Any], asked: Asked, stored: MutableMapping[str, Stored], *, thinks: bool
    ) -> None:
        self.streams = bool(body.get("stream"))
        self._body, self._asked, self._stored, self._thinks = body, asked, stored, thinks
        self._id, self._created = f"resp_{secrets.token_hex(12)}", int(time.time())
        included = body.get("include") or ()
        self._logprobs = "message.output_text.logprobs" in included
        self._reasoning = {"id": f"rs_{secrets.token_hex(12)}", "type": "reasoning", "summary": []}
        if "reasoning.encrypted_content" in included:
            self._reasoning["encrypted_content"] = secrets.token_urlsafe(32)
        self._message = f"msg_{secrets.token_hex(12)}"
        self._pieces: list[Piece] = []
        self._number = -1

    def opening(self) -> list[bytes]:
        """The response begins, and its reasoning."""
        begun = self._response("in_progress", [])
        events = [self._event("response.created", response=begun), self._event("response.in_progress", response=begun)]
        if self._thinks:
            events.append(self._event("response.output_item.added", output_index=0, item=self._reasoning))
        return events

    def piece(self, piece: Piece) -> list[bytes]:
        """Some text; the first opens the message."""
        if not piece.content:
            return []
        opening = [] if self._pieces else self._open_message()
        self._pieces.append(piece)
        logprobs = [logprob_entry(one) for one in piece.logprobs] if self._logprobs else []
        delta = self._event("response.output_text.delta", **self._place(), delta=piece.content, logprobs=logprobs)
        return [*opening, delta]

    def closing(self, record: Record) -> list[bytes]:
        """The message is done, and the response."""
        whole = self._done(record)
        events = []
        if self._pieces:
            item = whole["output"][-1]
            part = item["content"][0]
            events = [
                self._event("response.output_text.done", **self._place(), text=part["text"], logprobs=part["logprobs"]),
                self._event("response.content_part.done", **self._place(), part=part),
                self._event("response.output_item.done", output_index=self._index, item=item),
            ]
        elif self._thinks:
            events = [self._event("response.output_item.done", output_index=0, item=self._reasoning)]
        return [*events, self._event(f"response.{whole['status']}", response=whole)]

    def failure(self, message: str) -> bytes:
        """An error event."""
        return self._event("error", code="server_error", message=message, param=None)

    def garbage(self, text: str) -> bytes:
        """An event."""
        return f"event: response.output_text.delta\ndata: {text}\n\n".encode()

    def whole(self, pieces: list[Piece], record: Record) -> Any:
        """One object."""
        self._pieces = [piece for piece in pieces if piece.content]
        return self._done(record)

    @property
    def _index(self) -> int:
        return 1 if self._thinks else 0

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._message, "output_index": self._index, "content_index": 0}

    def _open_message(self) -> list[bytes]:
        item = {"id": self._message, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        thought = [self._event("response.output_item.done", output_index=0, item=self._reasoning)]
        return [
            *(thought if self._thinks else []),
            self._event("response.output_item.added", output_index=self._index, item=item),
            self._event("response.content_part.added", **self._place(), part=part),
        ]

    def _done(self, record: Record) -> dict[str, Any]:
        status = "completed" if record.finish == "stop" else "incomplete"
        text = "".join(piece.content for piece in self._pieces)
        shown = [logprob_entry(one) for piece in self._pieces for one in piece.logprobs] if self._logprobs else []
        output: list[dict[str, Any]] = [self._reasoning] if self._thinks else []
        if text:
            part = {"type": "output_text", "text": text, "annotations": [], "logprobs": shown}
            message = {"id": self._message, "type": "message", "status": status, "role": "assistant", "content": [part]}
            output = [*output, message]
        usage = {
            "input_tokens": record.tokens_in,
            "input_tokens_details": {"cached_tokens": record.tokens_cached, "cache_write_tokens": 0},
            "output_tokens": record.tokens_out,
            "output_tokens_details": {"reasoning_tokens": record.tokens_reasoning},
            "total_tokens": record.tokens_in + record.tokens_out,
        }
        response = self._response(status, output, usage)
        if record.finish == "length":
            response["incomplete_details"] = {"reason": "max_output_tokens"}
        if self._body.get("store") is not False:
            said = tuple(turn for turn in self._asked.messages if turn["role"] != "system")
            self._stored[self._id] = Stored((*said, {"role": "assistant", "content": text}), response)
        return response

    def _response(self, status: str, output: list[Any], usage: Any = None) -> dict[str, Any]:
        body = self._body
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "model": body["model"],
            "output": output,
            "parallel_tool_calls": True,
            "previous_response_id": body.get("previous_response_id"),
            "reasoning": {"effort": self._asked.effort, "summary": None},
            "store": body.get("store") is not False,
            "temperature": 1.0 if body.get("temperature") is None else body["temperature"],
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": self._asked.top_logprobs,
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": usage,
            "metadata": {},
        }

    def _event(self, kind: str, **fields: Any) -> bytes:
        self._number += 1
        return event({"type": kind, "sequence_number": self._number, **fields}, kind)
