"""The `trigreason` command over scripted models, as a program: for tests that need a process of its own.

``python -m tests.cli_scripted DELAY solve ...``: DELAY seconds before each token.
"""

from __future__ import annotations

import sys
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver

from tests import graphs
from trigreason_graph.cli import solve
from trigreason_graph.testing import Scripted

MODELS = ("--small", "embedded:/nowhere/small.gguf", "--large", "embedded:/nowhere/large.gguf")
"""Specs that stand for the scripted models: nothing is fetched for a path, and nothing is loaded."""

FIRST = "One thing is 3.\n\nBAD thing is 5.\n\n"
REST = "So the result is 7.\n\nAnswer: 7"


def scripted_graph(delay: float = 0.0, *, large_delay: float | None = None) -> Any:
    """The SRM goes wrong in its second step, the LRM rewrites it, the SRM answers."""
    writer = graphs.small(Scripted(FIRST, delay=delay), Scripted(REST, delay=delay))
    expert = graphs.large(Scripted("Another thing is 4.\n\n", delay=delay if large_delay is None else large_delay))
    return graphs.graph(writer, expert, graphs.Marker("BAD"), checkpointer=InMemorySaver())


if __name__ == "__main__":
    small_delay, _, large_delay = sys.argv.pop(1).partition(",")
    solve.build_graph = lambda job: scripted_graph(  # type: ignore[assignment]
        float(small_delay), large_delay=float(large_delay or small_delay)
    )
    from trigreason_graph.cli import main

    main()
