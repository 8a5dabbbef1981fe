"""Two steps that cannot both be right. An extension of ours: not in the paper, and free, since no model is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from trigreason_graph.reasoning.claims import Claim, claims, disagree
from trigreason_graph.state import Signal, Step
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import whole
from trigreason_graph.triggers.window import own_text, small_draft

EXCERPT = 160
"""Characters of each statement that are shown."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Fires when the SRM's draft states another value of a named quantity than an earlier step, and no rounding or
    conversion explains it.

    The route is "rollback": to before the earlier step when only the draft's value was computed in an equation that
    holds; else to before the draft, which loses least. The same place for a second time goes to the LRM.

    Not in the default policy: variables get other values in good faith too (cases, trials, a letter used twice). It
    fired on none of 43 right greedy solutions of the embedded pair, but on none of 170 wrong ones either: these models
    seldom name a quantity twice.

    Attributes:
        window: How many earlier steps are looked at. Default 16, ours.
        steps: How many steps the LRM writes if it has to. Default 1: the wrong one.
    """

    window: int = 16
    steps: int | None = 1

    name: ClassVar[str] = "contradiction"
    when: ClassVar[When] = "step"

    def __post_init__(self) -> None:
        whole(self, "window", 1, most=64)
        whole(self, "steps", 1, optional=True)

    def check(self, view: View) -> Signal | None:
        """A signal to roll back, or None."""
        draft = small_draft(view)
        stated = claims(own_text(draft)) if draft else []
        # A quantity with two values in one step is one that varies there.
        stated = [claim for claim in stated if not any(disagree(claim, other) for other in stated)]
        if not stated:
            return None
        for number, earlier in self._earlier(view):
            for claim in stated:
                if disagree(claim, earlier):
                    wrong = number if claim.computed and not earlier.computed else len(view.trace) + 1
                    return self._signal(earlier, number, claim, wrong)
        return None

    def _earlier(self, view: View) -> Iterator[tuple[int, Claim]]:
        """The claims that stand, newest first: only the latest of each quantity, and none that varies in its step."""
        seen: set[str] = set()
        for position in range(len(view.trace) - 1, max(len(view.trace) - self.window, 0) - 1, -1):
            step = view.trace[position]
            found = claims(own_text(step)) if _by_a_model(step) else []
            for claim in found:
                if claim.name not in seen and not any(disagree(claim, other) for other in found):
                    yield position + 1, claim
            seen |= {claim.name for claim in found}

    def _signal(self, earlier: Claim, number: int, claim: Claim, wrong: int) -> Signal:
        first, second = _shown(earlier), _shown(claim)
        return Signal(
            trigger=self.name,
            reason=f'Step {number} says "{first}", but this step says "{second}".',
            evidence={"quantity": claim.name, "earlier": first, "now": second, "step": str(number)},
            route="rollback",
            steps=self.steps,
            wrong=wrong,
        )


def _by_a_model(step: Step) -> bool:
    return step["author"] != "tool" and step["kind"] != "tool"


def _shown(claim: Claim) -> str:
    return claim.written if len(claim.written) <= EXCERPT else claim.written[: EXCERPT - 1] + "…"
