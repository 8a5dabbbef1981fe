"""A run as chunks of one message, while it runs: reasoning blocks, then the reply's text.

What was sent cannot be taken back, so that a stream shows steps once they are accepted, and says so where accepted
ones are thrown away later. A whole message holds the final trace alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trigreason_graph.reasoning.content import BETWEEN, Block, reasoning_block, text_block
from trigreason_graph.state import Step


class Shown:
    """Turns the events of a run into content blocks, while it runs.

    Args:
        live: Whether the tokens of the call that concludes are the reply's, to be shown as they come.
    """

    def __init__(self, *, live: bool) -> None:
        self.replied = ""
        self._live, self._replying = live, False
        self._ids: list[int] = []
        self._held: list[Step] = []

    def read(self, event: Mapping[str, Any]) -> list[Block]:
        """What an event adds."""
        kind = event["type"]
        if kind == "step":
            return self._step(event)
        if kind == "discard":
            return self._taken_back(event)
        if kind == "call" and event["purpose"] == "conclude" and self._live:
            self._replying = event["status"] == "start"
            return self._unheld()
        if kind == "token" and self._replying:
            self.replied += event["text"]
            return [text_block(event["text"])]
        return []

    def rest(self, reply: str) -> list[Block]:
        """What is left to be shown once the reply is known."""
        self._held = [step for step in self._held if step["text"].strip() != reply.strip()]
        return [*self._unheld(), *([text_block(reply)] if reply and not self.replied else [])]

    def _step(self, event: Mapping[str, Any]) -> list[Block]:
        step: Any = event
        if event["kind"] == "answer":  # it may be the reply itself
            self._held.append(step)
            return []
        return [*self._unheld(), *self._shown(step)]

    def _unheld(self) -> list[Block]:
        held, self._held = self._held, []
        return [block for step in held for block in self._shown(step)]

    def _shown(self, step: Any) -> list[Block]:
        before = BETWEEN if self._ids else ""
        self._ids.append(step["step_id"])
        return [reasoning_block(before + step["text"])]

    def _taken_back(self, event: Mapping[str, Any]) -> list[Block]:
        gone = set(event["step_ids"])
        self._held = [step for step in self._held if step["step_id"] not in gone]  # type: ignore[typeddict-item]
        shown = [step_id for step_id in self._ids if step_id in gone]
        if not shown:
            return []
        what = "The step above is" if len(shown) == 1 else f"The last {len(shown)} steps are"
        return [reasoning_block(f"{BETWEEN}[{what} taken back: {event['why']}]")]
