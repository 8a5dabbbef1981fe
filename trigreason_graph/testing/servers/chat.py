"""Chat completions: the request as a model understands it, and the reply on the wire."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from trigreason_graph.testing.servers.asked import Asked, Logprob
from trigreason_graph.testing.servers.flavours import (
    Flavour,
    ReasoningField,
    continued,
    prefill_of,
    thinking_asked_for,
)
from trigreason_graph.testing.servers.record import Record
from trigreason_graph.testing.servers.server import ServedModel
from trigreason_graph.testing.servers.writing import Piece

MOST_LOGPROBS = 20
FOREIGN = ("add_generation_prompt", "continue_final_message", "chat_template_kwargs", "thinking")
"""Parameters of other servers, which OpenAI refuses."""


class ChatRequest:
    """A request for a chat completion.

    Args:
        flavour: Whose rules hold.
        body: Of the request, with a model's name and messages.
        beta: Whether it came in under DeepSeek's /beta.
    """

    def __init__(self, flavour: Flavour, body: Mapping[str, Any], *, beta: bool) -> None:
        self._flavour, self._body, self._beta = flavour, body, beta

    def asked(self, model: ServedModel) -> Asked:
        """What the model is asked.

        Raises:
            ValueError: The server refuses the request: what it says, and further fields of the error.
        """
        body = self._body
        think = model.thinking and thinking_asked_for(self._flavour, body)
        self._check(think=think)
        turns = [_turn(message) for message in body["messages"]]
        goes_on = continued(self._flavour, body, beta=self._beta, thinking=think)
        prefill = prefill_of(self._flavour, body["messages"][-1], turns.pop()["content"]) if goes_on else None
        stop = body.get("stop") or ()
        return Asked(
            messages=tuple(turns),
            prefill=prefill,
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            temperature=body.get("temperature"),
            seed=body.get("seed"),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            top_logprobs=body.get("top_logprobs") or 0,
            think=think,
            opens=model.opens,
            effort=body.get("reasoning_effort"),
            response_format=body.get("response_format"),
            model=body["model"],
            body=body,
        )

    def _check(self, *, think: bool) -> None:
        body, openai = self._body, self._flavour.name == "openai"
        if body.get("n") not in (None, 1):
            raise ValueError("this test server writes one choice", {"param": "n"})
        top = body.get("top_logprobs")
        if top is not None and not body.get("logprobs"):
            raise ValueError(
                "Invalid value for 'top_logprobs': 'logprobs' must be set to true.", {"param": "top_logprobs"}
            )
        if not 0 <= (top or 0) <= MOST_LOGPROBS:
            raise ValueError("Invalid value for 'top_logprobs': must be between 0 and 20.", {"param": "top_logprobs"})
        if not openai:
            return
        foreign = next((name for name in FOREIGN if name in body), None)
        if foreign is not None:
            raise ValueError(f"Unrecognized request argument supplied: {foreign}")
        if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
            raise ValueError(
                "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
                {"code": "invalid_parameter_combination"},
            )
        if think:
            check_reasoning_model(body, ("max_tokens", "stop", "logprobs", "top_logprobs"))
        elif body.get("reasoning_effort") is not None:
            raise ValueError("Unrecognized request argument supplied: reasoning_effort")


def check_reasoning_model(body: Mapping[str, Any], refused: Sequence[str]) -> None:
    """Refuse what OpenAI's reasoning models do not take.

    Raises:
        ValueError: What is said, and further fields of the error.
    """
    for name in refused:
        if body.get(name):
            instead = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
            raise ValueError(
                f"Unsupported parameter: '{name}' is not supported with this model.{instead}",
                {"param": name, "code": "unsupported_parameter"},
            )
    temperature = body.get("temperature")
    if temperature not in (None, 1):
        raise ValueError(
            f"Unsupported value: 'temperature' does not support {temperature} with this model. "
            "Only the default (1) value is supported.",
            {"param": "temperature", "code": "unsupported_value"},
        )


def text_of(content: Any) -> str:
    """The text of a message's content: a string, a list of parts, or nothing."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") if isinstance(part, dict) else str(part) for part in content)
    return content if isinstance(content, str) else ""


def _turn(message: Any) -> dict[str, str]:
    if not isinstance(message, dict) or "role" not in message:
        raise ValueError("Missing required parameter: 'messages[0].role'.", {"param": "messages[0].role"})
    role = "system" if message["role"] == "developer" else str(message["role"])
    return {"role": role, "content": text_of(message.get("content"))}


class ChatWire:
    """Server-sent events, or one object. See :class:`Wire`."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, flavour: Flavour, body: Mapping[str, Any], asked: Asked, field: ReasoningField | None) -> None:
        self.streams = bool(body.get("stream"))
        self._flavour, self._field = flavour, field
        self._logprobs = bool(body.get("logprobs"))
        self._echo = (asked.prefill or "") if flavour.echoes else ""
        self._usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self._head = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": body["model"],
            "system_fingerprint": "fp_test",
        }

    def opening(self) -> list[bytes]:
        """The chunk with the role."""
        return [self._chunk({"role": "assistant", "content": None if self._flavour.name == "llama.cpp" else ""})]

    def piece(self, piece: Piece) -> list[bytes]:
        """One chunk; nothing for thinking that is hidden."""
        delta: dict[str, Any] = {}
        if piece.thinking and self._field is not None and not self._flavour.hides:
            delta[self._field] = piece.thinking
        if piece.content:
            delta["content"] = piece.content
        return [self._chunk(delta, logprobs=self._told(piece.logprobs))] if delta else []

    def closing(self, record: Record) -> list[bytes]:
        """The chunk with the reason, the usage where it was asked for, and the end mark."""
        events = [self._chunk({}, finish=record.finish)]
        if self._usage:
            chunk = {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": self._counts(record)}
            events.append(event(chunk))
        return [*events, b"data: [DONE]\n\n"]

    def failure(self, message: str) -> bytes:
        """A chunk with an error and nothing else."""
        return event(self._flavour.error(500, message, {}))

    def garbage(self, text: str) -> bytes:
        """A chunk."""
        return f"data: {text}\n\n".encode()

    def whole(self, pieces: list[Piece], record: Record) -> Any:
        """One object."""
        thinking = "" if self._flavour.hides else "".join(piece.thinking for piece in pieces)
        shown_thinking: dict[str, Any] = {self._field: thinking} if thinking and self._field is not None else {}
        content = self._echo + "".join(piece.content for piece in pieces)
        shown = [one for piece in pieces if piece.content or not self._flavour.hides for one in piece.logprobs]
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if self._flavour.name == "vllm" and thinking and not content else content,
            **shown_thinking,
            **({"refusal": None, "annotations": []} if self._flavour.name == "openai" else {}),
        }
        choice = {"index": 0, "message": message, "logprobs": self._told(shown), "finish_reason": record.finish or None}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._counts(record)}

    def _chunk(self, delta: dict[str, Any], *, logprobs: Any = None, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        usage = {"usage": None} if self._usage else {}
        return event({**self._head, "object": "chat.completion.chunk", "choices": [choice], **usage})

    def _told(self, logprobs: Sequence[Logprob]) -> dict[str, Any] | None:
        if not self._logprobs:
            return None
        refusal = {"refusal": None} if self._flavour.name == "openai" else {}
        return {"content": [logprob_entry(one) for one in logprobs], **refusal}

    def _counts(self, record: Record) -> dict[str, Any]:
        cached = record.tokens_cached
        counts: dict[str, Any] = {
            "prompt_tokens": record.tokens_in,
            "completion_tokens": record.tokens_out,
            "total_tokens": record.tokens_in + record.tokens_out,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        if self._flavour.tells_reasoning:
            counts["completion_tokens_details"] = {"reasoning_tokens": record.tokens_reasoning}
        if self._flavour.name == "deepseek":
            counts |= {"prompt_cache_hit_tokens": cached, "prompt_cache_miss_tokens": record.tokens_in - cached}
        return counts


def event(data: Any, name: str = "") -> bytes:
    """A server-sent event."""
    kind = f"event: {name}\n" if name else ""
    return f"{kind}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")


def logprob_entry(one: Logprob) -> dict[str, Any]:
    """A token in OpenAI's form."""
    return {**_token(one.token, one.logprob), "top_logprobs": [_token(*other) for other in one.top]}


def _token(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}
