"""Wrong sums, recomputed. An extension of ours: not in the paper, and free, since no model is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trigreason_graph.reasoning.arithmetic import Equation, check_equations
from trigreason_graph.state import Signal
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import whole
from trigreason_graph.triggers.window import TEXT_LIMIT, own_text, small_draft

EXCERPT = 200
"""Characters of an equation that are shown."""
_OWN_RULES = re.compile(
    r"\b(?:defin\w*|(?:an?|the|this)\s+operations?|operator|modulo|base\s+\d+|base[- ]\w+\s+(?:number|numeral)|binary|"
    r"octal|hexadecimal|digits? of|cryptarithm\w*|clock)\b|[⊕⊗⊙★☆◇△]|\\(?:oplus|otimes|star|diamond|pmod|bmod|equiv)\b",
    re.IGNORECASE,
)
"""Words of a problem in which 3 * 4 need not be 12."""


@dataclass(frozen=True, slots=True)
class ArithmeticCheck:
    """Fires when the SRM's draft states an equation that is surely wrong.

    The route is "retry": the SRM redrafts once, for free; the graph sends a second failure there to the LRM.
    A problem that sets its own rules of arithmetic (a defined operation, another base, a modulus) silences it, as does
    an equation that the problem itself states, or that the same step puts right.

    Attributes:
        steps: How many steps the LRM writes if it has to. Default 1: the wrong one.
    """

    steps: int | None = 1

    name: ClassVar[str] = "arithmetic_check"
    when: ClassVar[When] = "step"

    def __post_init__(self) -> None:
        whole(self, "steps", 1, optional=True)

    def check(self, view: View) -> Signal | None:
        """A signal to retry, or None."""
        draft = small_draft(view)
        if draft is None or _OWN_RULES.search(view.question[:TEXT_LIMIT]):
            return None
        wrong = _first_wrong(check_equations(own_text(draft)), view.question[:TEXT_LIMIT])
        if wrong is None:
            return None
        equation = " ".join(wrong.excerpt.split())[:EXCERPT]
        return Signal(
            trigger=self.name,
            reason=f'The step says "{equation}", but it comes to {wrong.expected}, not {wrong.found}.',
            evidence={"equation": equation, "expected": wrong.expected, "found": wrong.found},
            route="retry",
            steps=self.steps,
        )


def _first_wrong(equations: Sequence[Equation], question: str) -> Equation | None:
    stated = "".join(question.split()) if equations else ""
    for index, equation in enumerate(equations):
        if equation.holds or "".join(equation.excerpt.split()) in stated:
            continue
        if not any(later.holds and later.expected == equation.expected for later in equations[index + 1 :]):
            return equation
    return None
