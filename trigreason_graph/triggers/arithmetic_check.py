"""Wrong sums, recomputed. An extension of ours: not in the paper, and free, since no model is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from trigreason_graph.reasoning.arithmetic import Equation, check_equations
from trigreason_graph.state import Signal, Step
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import flag, whole
from trigreason_graph.triggers.window import TEXT_LIMIT, own_text, small_draft

EXCERPT = 200
"""Characters of an equation that are shown."""
_OWN_RULES = re.compile(
    r"\b(?:defin\w*|(?:an?|the|this)\s+operations?|operator|modulo|base\s+\d+|base[- ]\w+\s+(?:number|numeral)|binary|"
    r"octal|hexadecimal|digits? of|cryptarithm\w*|clock)\b|[⊕⊗⊙★☆◇△]|\\(?:oplus|otimes|star|diamond|pmod|bmod|equiv)\b",
    re.IGNORECASE,
)
"""Words of a problem in which 3 * 4 need not be 12."""


LARGE_STEPS = 8
"""Steps of the LRM right before the draft that are recomputed, at most, and together `TEXT_LIMIT` characters of them: a
bound on the time of a check."""


@dataclass(frozen=True, slots=True)
class ArithmeticCheck:
    """Fires when the SRM's draft, or what the LRM wrote right before it, states an equation that is surely wrong.

    For the draft the route is "retry": the SRM redrafts once, for free; the graph sends a second failure there to the
    LRM. For a step of the LRM it is "rollback" to before that step. Earlier steps of the SRM were checked as drafts.
    A problem that sets its own rules of arithmetic (a defined operation, another base, a modulus) silences it, as does
    an equation that the problem itself states, or that the same step puts right.

    Attributes:
        steps: How many steps the LRM writes if it has to. Default 1: the wrong one.
        large: Recompute the LRM's steps as well. Default True, ours: there was no false alarm on right solutions.
    """

    steps: int | None = 1
    large: bool = True

    name: ClassVar[str] = "arithmetic_check"
    when: ClassVar[When] = "step"

    def __post_init__(self) -> None:
        whole(self, "steps", 1, optional=True)
        flag(self, "large")

    def check(self, view: View) -> Signal | None:
        """A signal to retry or to roll back, or None."""
        draft, question = small_draft(view), view.question[:TEXT_LIMIT]
        if draft is None or _has_own_rules(question):
            return None
        own = check_equations(own_text(draft))
        if self.large and (signal := self._check_large(view.trace, own, question)):
            return signal
        wrong = first_wrong(own, (), question)
        return self._signal("The step", wrong) if wrong else None

    def _check_large(self, trace: Sequence[Step], after: Sequence[Equation], question: str) -> Signal | None:
        """A rollback to before the earliest wrong step of the LRM's latest ones; `after` is what follows them."""
        found: Signal | None = None
        room = TEXT_LIMIT
        for position in range(len(trace) - 1, max(len(trace) - LARGE_STEPS, 0) - 1, -1):
            if room <= 0 or trace[position]["author"] != "large" or trace[position]["kind"] == "tool":
                break
            text = own_text(trace[position])[:room]
            room -= len(text)
            equations = check_equations(text)
            wrong = first_wrong(equations, after, question)
            if wrong is not None:
                signal = self._signal(f"Step {position + 1}", wrong)
                found = Signal(**{**signal, "route": "rollback", "wrong": position + 1})
            after = [*equations, *after]
        return found

    def _signal(self, who: str, wrong: Equation) -> Signal:
        equation = " ".join(wrong.excerpt.split())[:EXCERPT]
        return Signal(
            trigger=self.name,
            reason=f'{who} says "{equation}", but it comes to {wrong.expected}, not {wrong.found}.',
            evidence={"equation": equation, "expected": wrong.expected, "found": wrong.found},
            route="retry",
            steps=self.steps,
        )


@lru_cache(maxsize=64)  # asked again at each step
def _has_own_rules(question: str) -> bool:
    return bool(_OWN_RULES.search(question))


def first_wrong(equations: Sequence[Equation], after: Sequence[Equation], question: str) -> Equation | None:
    """The first wrong equation of a step that neither the problem states nor a later equation puts right.

    Args:
        equations: Of the step.
        after: Of what follows it.
        question: Text of the problem.
    """
    stated = "".join(question.split()) if equations else ""
    put_right = {equation.expected for equation in after if equation.holds}
    found: Equation | None = None
    for equation in reversed(equations):
        if equation.holds:
            put_right.add(equation.expected)
        elif equation.expected not in put_right and "".join(equation.excerpt.split()) not in stated:
            found = equation
    return found
