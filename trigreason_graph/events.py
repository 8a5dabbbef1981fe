"""Progress, sent as LangGraph custom events: one flat JSON object each, versioned.

A client that knows only ``step``, ``discard`` and ``outcome`` can show a whole run:

| type | fields besides v, type, run_id |
|---|---|
| run | question, small, large, policy, prompts (their version) |
| call | status ("start" or "end"), role, model, purpose, trigger, call; at the end also rows (ledger), spent |
| | and at the start instruction, where a person gave one |
| token | role, step_id, text |
| step | step_id, index, author, model, kind, text, tokens, trigger |
| signal | trigger, reason, evidence, route, at, served (null ahead of the call), unserved_reason |
| discard | at, step_ids, why, by: these steps are gone; some may be drafts never shown as a step |
| tool | name, call (the step that calls), status ("start", "end" or "error"), text, seconds |
| outcome | kind, detail, answer, report |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from langgraph.config import get_stream_writer

EventType = Literal["run", "token", "step", "signal", "call", "discard", "tool", "outcome"]
EVENT_VERSION = 1


def emit(kind: EventType, run_id: str, /, **fields: Any) -> None:
    """Send one event to whoever streams ``stream_mode="custom"``; nothing happens outside a graph."""
    sender(kind, run_id)(**fields)


def sender(kind: EventType, run_id: str, /, **common: Any) -> Callable[..., None]:
    """`emit` for many events of a kind: what they have in common, and to whom they go, is settled once."""
    event = {"v": EVENT_VERSION, "type": kind, "run_id": run_id, **common}
    try:
        writer = get_stream_writer()
    except (RuntimeError, KeyError):  # KeyError: inside a plain LangChain runnable
        return lambda **_: None
    return lambda **fields: writer({**event, **fields})
