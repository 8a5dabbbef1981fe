"""States of earlier versions, as the nodes of this one read them.

A key that was added later is given its default here, and nowhere else. STATE_VERSION rises only where an older reader
would go wrong with what a newer one has written.
"""

from __future__ import annotations

from trigreason_graph.errors import NewerState
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
    added = State(fallback_on="", left_out={})
    return {**added, **state}
