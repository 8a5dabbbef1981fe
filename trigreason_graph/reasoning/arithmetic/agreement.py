"""Whether the two sides of an equation agree, under every reading that a writer may reasonably have meant."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

from trigreason_graph.reasoning.arithmetic.expressions import read_side
from trigreason_graph.reasoning.arithmetic.lexemes import Lexeme, words
from trigreason_graph.reasoning.arithmetic.sides import Reading, Side, Unsure
from trigreason_graph.reasoning.arithmetic.units import unit_of

CLOSE_ENOUGH = Fraction(1, 5)
"""Relative difference up to which "≈" is left alone: estimates round generously."""
CLOSE = Fraction(1, 50)
"""The same for an estimate that is written with decimals."""
CARRIED = Fraction(1, 100)
"""Relative difference up to which one expression may follow from another through a rounded intermediate result."""
FLOAT_PLACES = 7
"""From so many decimal places on, a number came out of a calculator and may end in noise."""
_DIMENSIONS = [
    words("second minute hour day week month year decade century am pm"),
    words("inch foot yard mile mm cm km meter metre centimeter kilometer millimeter kilometre"),
    words("gram kg mg kilogram ounce pound ton tonne"),
    words("ml cl liter litre milliliter cup pint quart gallon teaspoon tablespoon"),
    words("bit byte kb mb gb tb kib mib gib tib"),
    words("$ cent dollar penny pennie nickel dime quarter euro"),
]
"""Units that convert into one another: between two of a kind, a mismatch may be a conversion."""


def agree(row: Sequence[Lexeme], left: Side, right: Side, *, roughly: bool) -> bool | None:
    """Whether the sides are equal as far as they are written; None when that cannot be said for sure.

    Args:
        row: The lexemes of the line, for reading the sides again in another way.
        left, right: The sides in the textbook's reading; at least one has an operator.
        roughly: Whether the text says that it rounds.
    """
    if _close(left, right, roughly):
        return True
    if right.operators and right.lead is not None and left.value.low <= right.lead <= left.value.high:
        return True  # running text: 3 + 4 = 7 + 5 = 12
    readings = _readings(row, left, right)
    if len(readings) > 1 and any(_close_as(row, left, right, *how, roughly) for how in product(readings, readings)):
        return True
    if left.mixed_percent or right.mixed_percent or not _comparable(row, left, right):
        return None
    return False


def _readings(row: Sequence[Lexeme], left: Side, right: Side) -> list[Reading]:
    """The readings that make a difference here."""
    numbers = [lexeme.text for lexeme in row[left.start : right.end] if lexeme.kind == "number"]
    varied = (
        left.percent or right.percent,
        {"*", "/"} <= left.operators | right.operators,
        any(number[-4:-3] == "." for number in numbers),
    )
    return [Reading(*choice) for choice in product(*[(True, False) if vary else (True,) for vary in varied])]


def _close_as(row: Sequence[Lexeme], left: Side, right: Side, one: Reading, other: Reading, roughly: bool) -> bool:
    try:
        return _close(read_side(row, left.start, one), read_side(row, right.start, other), roughly)
    except Unsure:
        return False


def _close(left: Side, right: Side, roughly: bool) -> bool:
    if left.value.meets(right.value):
        return True
    gap = left.value.gap(right.value)
    size = max(abs(left.value.middle), abs(right.value.middle))
    if roughly:
        return gap <= max((CLOSE if right.places else CLOSE_ENOUGH) * size, right.last_place)
    used = left.operators | right.operators
    if left.operators and right.operators:
        return "/" in used and gap <= size * CARRIED
    computed, stated = (left, right) if left.operators else (right, left)
    if stated.places >= FLOAT_PLACES and gap <= size / 10**6:
        return True
    if gap <= stated.last_place / 2 and (stated.places > 0 or used & {"*", "/", "^"}):
        return True  # rounded
    if gap >= stated.last_place or not used & {"*", "/", "^"}:
        return False
    cut = abs(stated.value.middle) < abs(computed.value.middle)
    return cut or ("/" in used and stated.places == 0)  # 22 / 3 = 8 boxes are needed


def _comparable(row: Sequence[Lexeme], left: Side, right: Side) -> bool:
    """Whether the units allow the sides to be compared: no conversion, and no "3 apples + 2 pears = $12"."""
    names: list[str] = []
    for lexeme in row[right.end : right.end + 4]:
        if lexeme.kind != "word":
            break
        names.append(lexeme.text)
    trailing = {unit_of(names[: index + 1]) for index in range(len(names))} - {""}
    units = left.units | right.units
    if any(len((units | trailing) & dimension) > 1 for dimension in _DIMENSIONS):
        return False
    if not (left.operators | right.operators) & {"+", "-"} or not units - {"$"}:
        return True
    return len(units) == 1 and bool(units & (trailing | right.units))
