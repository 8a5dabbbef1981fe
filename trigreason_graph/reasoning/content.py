"""A run as the content of one message: the reasoning as a standard reasoning block, then the reply's text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trigreason_graph.state import Step

REASONING, TEXT, CALLS = 0, 1, 2
"""Content indexes, by which chunks are merged; tool calls have theirs from `CALLS` on."""
BETWEEN = "\n\n"
"""What stands between two steps; their own white space is not part of the events."""

Block = dict[str, Any]


def reasoning_block(text: str) -> Block:
    """A standard reasoning block."""
    return {"type": "reasoning", "reasoning": text, "index": REASONING}


def text_block(text: str) -> Block:
    """A standard text block."""
    return {"type": "text", "text": text, "index": TEXT}


def reasoning_of(trace: Sequence[Step], reply: str) -> str:
    """The trace as text, without the step that the reply repeats word for word."""
    return BETWEEN.join(step["text"] for step in trace if step["text"].strip() != reply.strip())


def content_of(trace: Sequence[Step], reply: str) -> list[str | dict[str, Any]]:
    """Both blocks, without those that would be empty."""
    reasoning = reasoning_of(trace, reply)
    return [*([reasoning_block(reasoning)] if reasoning else []), *([text_block(reply)] if reply else [])]
