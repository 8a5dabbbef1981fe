"""What is known of one side of an equation, and the ways in which it may have been meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from trigreason_graph.reasoning.arithmetic.intervals import Interval, Rational


class Unsure(Exception):
    """The text is not surely arithmetic. `at` is the lexeme where the doubt arose."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class Reading(NamedTuple):
    """Ways in which people mean what they write; True is the textbook's."""

    percent: bool = True
    """"%" divides by 100; False: it is only a unit, as in 15 / 60 * 100 = 25%."""
    left_to_right: bool = True
    """a / b * c is (a / b) * c; False: a / (b * c)."""
    point: bool = True
    """1.500 is one and a half; False: fifteen hundred, as written in much of Europe."""


TEXTBOOK = Reading()


@dataclass(slots=True)
class Side:
    """One side of an equation, read.

    Attributes:
        value: What it may stand for.
        start, end: Lexemes it covers, end excluded.
        operators: Which of + - * / ^ it uses.
        units: The unit of each number that has one, "$" for money.
        lead: Its first number.
        places: Decimal places of its last number.
        last_place: What one more in the last place of that number amounts to.
        percent: Whether a "%" occurs.
        mixed_percent: Whether a sum has terms with a bare "%" and terms without.
    """

    value: Interval
    start: int
    end: int
    operators: set[str] = field(default_factory=set)
    units: set[str] = field(default_factory=set)
    lead: Rational | None = None
    places: int = 0
    last_place: Rational = 1
    percent: bool = False
    mixed_percent: bool = False
