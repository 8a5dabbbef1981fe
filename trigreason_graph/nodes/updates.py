"""Only what changes is written: each key of an update costs bytes in every checkpoint that follows, changed or not.

A channel that was never written has no version, no value and no place in a checkpoint. So a run that has no blueprint,
no notes and no signals does not store that it has none; `migrated` reads what was never written as its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trigreason_graph.state import Output

GROWING = frozenset({"trace", "signals", "discarded", "ledger"})
"""Keys whose updates are additions: an empty one changes nothing."""
SHOWN = frozenset(Output.__annotations__)
"""Keys that a caller gets: what is written of them is there, whatever it is."""
DEFAULTS: Mapping[str, Any] = {
    "blueprint": None,
    "drafts": [],
    "finish": "",
    "why": "",
    "settings": {},
    "signal": None,
    "large_off": "",
    "fallback_on": "",
    "left_out": {},
    "notes": [],
    "outcome": None,
    "answer": "",
}
"""What a key that was never written stands for."""


def changed(update: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a node's update that makes a difference.

    Args:
        update: As the node returned it.
        state: As the node got it from LangGraph, without defaults.
    """
    return {key: value for key, value in update.items() if _matters(key, value, state)}


def _matters(key: str, value: Any, state: Mapping[str, Any]) -> bool:
    if key in GROWING:
        return bool(value if isinstance(value, list) else value.get("add") or state.get(key))
    if key == "messages":
        return bool(value)
    if key in SHOWN and key not in state:
        return True
    missing = object()
    return bool(value != state.get(key, DEFAULTS.get(key, missing)))
