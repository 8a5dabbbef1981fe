"""Marks for Anthropic's prompt cache, on a prompt that grows at its end.

The cache knows a prompt by its blocks. What was written at a mark is found again by a later prompt that has the same
blocks up to there, if a mark of its own is among the `LOOK_BACK` blocks from there on. So every part of the prompt is
a block of its own that never changes once it is written; one mark is on the system text, one on the last part before
what is asked now, and the others each `LOOK_BACK` blocks ahead of the next: a prompt that has grown by fewer than
three times as many parts since the last call still hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from trigreason_graph.models.cards import ModelCard

MARK = {"type": "ephemeral"}
"""Kept for five minutes, and for five more from each hit; Anthropic's default."""

MARKS = 4
"""At most, in one request (Anthropic's documentation)."""

LOOK_BACK = 20
"""Blocks, a marked one and those before it, in which Anthropic looks for what it has (its documentation)."""

SEPARATOR = "\n\n"
"""Between two parts of a prompt."""


def cache_marked(messages: Sequence[BaseMessage], card: ModelCard) -> list[BaseMessage]:
    """The messages with cache marks, for the "anthropic" dialect; unchanged for others.

    Args:
        messages: The last one is a human message whose content is a list of blocks: the parts of the prompt in order,
            each the same text in every later prompt, and last what is asked now. A plain string is all ask.
        card: Of the model they go to.
    """
    if card.dialect != "anthropic" or not messages:
        return list(messages)
    marked = list(messages)
    left = MARKS - sum(_marks_in(message) for message in messages)  # marks of the caller's own stay
    for index, message in enumerate(marked):
        if isinstance(message, SystemMessage) and isinstance(message.content, str) and message.text.strip() and left:
            block = {"type": "text", "text": message.content, "cache_control": MARK}
            marked[index], left = message.model_copy(update={"content": [block]}), left - 1
    if isinstance(marked[-1], HumanMessage) and not isinstance(marked[-1].content, str):
        marked[-1] = marked[-1].model_copy(update={"content": _marked_parts(marked[-1].content, left)})
    return marked


def _marks_in(message: BaseMessage) -> int:
    blocks = [] if isinstance(message.content, str) else message.content
    return sum(isinstance(block, dict) and "cache_control" in block for block in blocks)


def _marked_parts(content: Sequence[Any], marks: int) -> list[Any]:
    blocks = _spaced([{"type": "text", "text": block} if isinstance(block, str) else block for block in content])
    places = range(len(blocks) - 2, -1, -LOOK_BACK)  # the last block is the ask
    for place in places[: max(marks, 0)]:
        blocks[place] = {"cache_control": MARK, **blocks[place]}
    return blocks


def _spaced(blocks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each text that follows a text begins with the blank line, so that no earlier block changes when one is added."""
    full = [block for block in blocks if block.get("type") != "text" or block["text"].strip()]
    spaced = full[:1]
    for earlier, block in pairwise(full):
        follows = earlier.get("type") == "text" == block.get("type")
        spaced.append({**block, "text": SEPARATOR + block["text"]} if follows else block)
    return spaced
