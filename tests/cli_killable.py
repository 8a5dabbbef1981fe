"""The `trigreason` command over models that reply to their prompt alone, so that another process can take up a run.

``python -m tests.cli_killable DELAY solve ...``: DELAY seconds before each token.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver

from tests.kill_script import PromptModel, killable_graph
from trigreason_graph.cli import solve
from trigreason_graph.testing import Scripted

CALLS: list[str] = []
"""Roles of the calls made in this process."""


class CountedModel(PromptModel):
    """Counts its calls, and takes its time."""

    def _take(self, *args: Any) -> Scripted:
        CALLS.append(self.trigreason_card.name)
        return replace(super()._take(*args), delay=DELAY)


DELAY = 0.0


def build_graph(job: object) -> Any:
    """In the place of solve's: the same graph whatever the models are called."""
    return killable_graph("plan", CountedModel).compile(checkpointer=InMemorySaver())


if __name__ == "__main__":
    DELAY = float(sys.argv.pop(1))
    solve.build_graph = build_graph
    from trigreason_graph.cli import main

    main()
