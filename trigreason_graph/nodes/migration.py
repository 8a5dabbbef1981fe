"""States of earlier versions, as the nodes of this one read them.

A key that was added later, or never written, is given its default here, and nowhere else; the problem's text is that of
its message, and not stored a second time. STATE_VERSION rises only where an older reader would go wrong with what a
newer one has written.
"""

from __future__ import annotations

from langchain_core.messages import BaseMessage

from trigreason_graph.errors import NewerState
from trigreason_graph.models.pieces import text_of
from trigreason_graph.nodes.updates import DEFAULTS
from trigreason_graph.reasoning.text import clean
from trigreason_graph.state import STATE_VERSION, State


def migrated(state: State) -> State:
    """The state with all keys of this version.

    Raises:
        NewerState: A newer version wrote it.
    """
    version = state.get("version", 1)
    if version > STATE_VERSION:
        raise NewerState(
            f"this thread was written by a newer version of trigreason-graph (state {version}; this one reads up to "
            f"{STATE_VERSION}): upgrade with pip install -U trigreason-graph, or use another thread"
        )
    return {**DEFAULTS, **state, "problem": problem_of(state)}  # type: ignore[typeddict-item]


def problem_of(state: State) -> str:
    """Text of the question being reasoned about; empty before there is one. Up to version 1 it had a key of its own."""
    turn, messages = state.get("turn"), state.get("messages", [])
    asked = None if turn is None else next((message for message in reversed(messages) if message.id == turn), None)
    return problem_text(asked) if asked is not None else state.get("problem", "")


def problem_text(message: BaseMessage) -> str:
    """What a message asks, cleaned."""
    return clean(text_of(message)[0]).strip()
