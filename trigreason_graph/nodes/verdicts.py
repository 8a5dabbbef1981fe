"""What is to be done with a draft, and the memory that spares the trigger router a second look at the same drafts."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from trigreason_graph.state import Signal, Step

Action = Literal["accept", "retry", "rewrite", "intervene", "rollback"]

MOST_RUNS = 1_024
"""Runs whose latest drafts are remembered: one that ends between the two nodes leaves its own behind."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a draft.

    Attributes:
        action: The decision.
        signal: What is acted upon; None with "accept".
        unserved: What fired besides, each with the reason why it is not acted upon.
    """

    action: Action
    signal: Signal | None = None
    unserved: tuple[Signal, ...] = ()


ACCEPTED = Verdict("accept")
"""Of nearly all drafts: nothing fired."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Drafts of one run of steps and the verdict on each, given that those before it were accepted.

    Attributes:
        under: What the verdicts depend on beside state and policy; under anything else they do not hold.
        drafts: In order.
        verdicts: On each of them.
    """

    under: Hashable
    drafts: Sequence[Step]
    verdicts: Sequence[Verdict]


class Verdicts:
    """The latest verdicts of the step generator by run; safe to use from several threads.

    A verdict is a pure function of state and policy: this only saves time. It is taken over where the router gets the
    very objects that were judged, within one process; what comes back out of a checkpoint is judged anew.
    """

    def __init__(self) -> None:
        self._by_run: dict[str, Judged] = {}
        self._lock = threading.Lock()

    def keep(self, run_id: str, judged: Judged) -> None:
        """Remember the verdicts on a run's latest drafts; its earlier ones are forgotten."""
        with self._lock:
            self._by_run.pop(run_id, None)
            self._by_run[run_id] = judged
            while len(self._by_run) > MOST_RUNS:
                del self._by_run[next(iter(self._by_run))]

    def take(self, run_id: str, under: Hashable, drafts: Sequence[Step]) -> Sequence[Verdict]:
        """The verdicts on the first of `drafts`, as far as these were judged; they are forgotten here."""
        with self._lock:
            judged = self._by_run.pop(run_id, None)
        if judged is None or judged.under != under:
            return ()
        same = 0
        for draft, known in zip(drafts, judged.drafts, strict=False):
            if draft is not known:
                break
            same += 1
        return judged.verdicts[:same]
