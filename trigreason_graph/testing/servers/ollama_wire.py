"""Ollama's replies on the wire: lines of JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from trigreason_graph.testing.servers.asked import Logprob
from trigreason_graph.testing.servers.record import Record
from trigreason_graph.testing.servers.writing import Piece


class OllamaWire:
    """Lines of JSON. See :class:`Wire`."""

    media_type = "application/x-ndjson"

    def __init__(self, body: Mapping[str, Any], *, chat: bool, logprobs: bool) -> None:
        self.streams = body.get("stream") is not False
        self._model, self._chat, self._logprobs = body["model"], chat, logprobs
        self._began = time.monotonic_ns()
        self._first: int | None = None

    def opening(self) -> list[bytes]:
        """Nothing."""
        return []

    def piece(self, piece: Piece) -> list[bytes]:
        """One line."""
        self._first = self._first or time.monotonic_ns()
        row = {**self._head(), **self._text(piece.thinking, piece.content), "done": False}
        return [_line(row, piece.logprobs if self._logprobs else ())]

    def closing(self, record: Record) -> list[bytes]:
        """The line with the reason and the counts."""
        return [_line({**self._head(), **self._text("", ""), **self._ending(record)})]

    def failure(self, message: str) -> bytes:
        """A line with an error and nothing else."""
        return _line({"error": message})

    def garbage(self, text: str) -> bytes:
        """A line."""
        return f"{text}\n".encode()

    def whole(self, pieces: list[Piece], record: Record) -> Any:
        """One object."""
        text = self._text("".join(piece.thinking for piece in pieces), "".join(piece.content for piece in pieces))
        ending = self._ending(record) if record.finish else {"done": False}
        logprobs = [one for piece in pieces for one in piece.logprobs] if self._logprobs else []
        return {**self._head(), **text, **ending, **_told(logprobs)}

    def _head(self) -> dict[str, Any]:
        return {"model": self._model, "created_at": now()}

    def _text(self, thinking: str, content: str) -> dict[str, Any]:
        thought = {"thinking": thinking} if thinking else {}
        if self._chat:
            return {"message": {"role": "assistant", "content": content, **thought}}
        return {"response": content, **thought}

    def _ending(self, record: Record) -> dict[str, Any]:
        now = time.monotonic_ns()
        first = self._first or now
        told = {
            "done": True,
            "done_reason": record.finish,
            "total_duration": now - self._began,
            "load_duration": 1,
            "prompt_eval_count": record.tokens_in,
            "prompt_eval_duration": first - self._began,
            "eval_count": record.tokens_out,
            "eval_duration": now - first,
        }
        return {name: value for name, value in told.items() if value}  # Go leaves zeros out


def _line(row: dict[str, Any], logprobs: Sequence[Logprob] = ()) -> bytes:
    return f"{json.dumps({**row, **_told(logprobs)}, ensure_ascii=False)}\n".encode("utf-8", "replace")


def _told(logprobs: Sequence[Logprob]) -> dict[str, Any]:
    if not logprobs:
        return {}
    return {
        "logprobs": [
            {
                **_token(one.token, one.logprob),
                **({"top_logprobs": [_token(*other) for other in one.top]} if one.top else {}),
            }
            for one in logprobs
        ]
    }


def _token(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}


def now() -> str:
    """The time as Ollama writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
