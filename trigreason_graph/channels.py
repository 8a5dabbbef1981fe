"""Growing lists in the graph state, at a cost per superstep that does not depend on their length.

LangGraph's ``DeltaChannel`` is beta (its docstring says so), hence this one module: everything else says
``growing()`` and never names the channel. Updates are a plain list (append) or
``{"keep": k, "add": [...]}`` (truncate to the first k, then append): plain JSON, so Studio and a JS client
can write them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.channels import DeltaChannel

SNAPSHOT_EVERY = 1_000
"""Writes between two full snapshots of a list. Ours: langgraph's default of 100 made half of what 5,000 steps take. It
bounds the writes that are read back at a resume: some milliseconds."""


def fold(current: Sequence[Any] | None, writes: Sequence[Any]) -> list[Any]:
    """Apply `writes` in order to a copy of `current`; batching-invariant, as DeltaChannel demands."""
    result = list(current or ())
    for write in writes:
        if isinstance(write, dict):
            if not write.keys() <= {"keep", "add"}:
                raise ValueError(f'an update of a growing list is a list or {{"keep": k, "add": [...]}}, not {write!r}')
            keep = write.get("keep")
            if keep is not None:
                del result[max(int(keep), 0) :]
            result.extend(write.get("add") or ())
        else:
            result.extend(write)
    return result


def growing() -> DeltaChannel[Any]:
    """A channel for one growing list; use as ``Annotated[list[T], growing()]``."""
    return DeltaChannel(fold, snapshot_frequency=SNAPSHOT_EVERY)


def latest(current: Sequence[Any] | None, writes: Sequence[Any]) -> list[Any]:
    """The last of `writes`, which replaces the list."""
    return list(writes[-1]) if writes else list(current or ())


def replaced() -> DeltaChannel[Any]:
    """A channel for one list that every write replaces, stored once, with the write, and not with each checkpoint."""
    return DeltaChannel(latest, snapshot_frequency=SNAPSHOT_EVERY)
