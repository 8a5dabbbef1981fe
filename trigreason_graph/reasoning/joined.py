"""The trace as one text. Of a long trace that was joined before, only the steps that are new are read."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trigreason_graph.state import Author, Step, between, trace_text

LONG = 64
"""Steps from which a trace is remembered: a shorter one is joined as fast as it is looked up."""
MOST = 64
"""Traces that are remembered, the latest: those of runs that ended in an answer are forgotten."""


class Joined(NamedTuple):
    """A trace, read.

    Attributes:
        steps: Its steps.
        body: Their text, without the white space behind the last one.
        last: Where the last step of each author stands.
    """

    steps: Sequence[Step]
    body: str
    last: Mapping[Author, int]

    def text(self, next_author: Author | None) -> str:
        """What `trace_text` says of it."""
        return self.body + between(self.steps[-1], next_author) if self.steps else ""

    def taken_over(self, author: Author) -> int:
        """How many steps there are up to where `author` took over; 0 where it has written all of them.

        A tool's result takes nothing over.
        """
        return max((place + 1 for other, place in self.last.items() if other not in (author, "tool")), default=0)


NOTHING = Joined((), "", {})
_known: dict[int, Joined] = {}
"""By the first step's identity, which stays as long as the step is held here."""
_lock = threading.Lock()


def joined(steps: Sequence[Step]) -> Joined:
    """A trace, read.

    Args:
        steps: What was read before is taken for the same where it has the same steps, which costs a look at each one's
            identity; nobody changes a step in its place.
    """
    if len(steps) < LONG:
        return _extended(NOTHING, steps)
    key = id(steps[0])
    with _lock:
        known = _known.pop(key, NOTHING)
    if known.steps != steps[: len(known.steps)]:  # rolled back, or another branch
        known = NOTHING
    found = _extended(known, steps)
    with _lock:
        _known[key] = found
        while len(_known) > MOST:
            del _known[next(iter(_known))]
    return found


def forget(steps: Sequence[Step]) -> None:
    """Nothing more is written to a trace."""
    with _lock:
        for step in steps:  # of a long one, a later part may have been read on its own
            _known.pop(id(step), None)


def _extended(known: Joined, steps: Sequence[Step]) -> Joined:
    count = len(known.steps)
    new = steps[count:]
    if not new:
        return known
    added = trace_text(new)
    body = known.text(new[0]["author"]) + added[: len(added) - len(new[-1]["sep"])]
    return Joined(list(steps), body, {**known.last, **{step["author"]: place for place, step in enumerate(new, count)}})
