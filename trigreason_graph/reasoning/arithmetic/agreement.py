"""Whether the two sides of an equation agree, under every reading that a writer may reasonably have meant."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
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
_DIMENSIONS: list[tuple[frozenset[str], tuple[int, ...]]] = [
    (words("second minute hour day week month year decade century"), (60, 3_600, 24, 7, 12, 52, 365, 10, 100)),
    (words("inch foot yard mile mm cm km meter metre centimeter kilometer millimeter kilometre"),
     (12, 3, 36, 5_280, 10, 100, 1_000)),
    (words("gram kg mg kilogram ounce pound ton tonne"), (16, 1_000, 2_000)),
    (words("ml cl liter litre milliliter cup pint quart gallon teaspoon tablespoon"), (2, 3, 4, 8, 16, 1_000)),
    (words("bit byte kb mb gb tb kib mib gib tib"), (8, 1_000, 1_024)),
    (words("$ cent dollar penny pennie nickel dime quarter euro"), (100,)),
]  # fmt: skip
"""Units that convert into one another, and the usual factors: between two of a kind, or where one side has none and
the sides differ by just such a factor, a mismatch may be a conversion."""


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
    size = max(left.value.size, right.value.size)
    if roughly:
        return gap <= max((CLOSE if right.places else CLOSE_ENOUGH) * size, right.last_place)
    used = left.operators | right.operators
    if left.operators and right.operators:
        return "/" in used and gap <= size * CARRIED
    computed, stated = (left, right) if left.operators else (right, left)
    if stated.places >= FLOAT_PLACES and gap * 10**6 <= size:
        return True
    if 2 * gap <= stated.last_place and (stated.places > 0 or used & {"*", "/", "^"}):
        return True  # rounded
    if gap >= stated.last_place or not used & {"*", "/", "^"}:
        return False
    cut = stated.value.size < computed.value.size
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
    if any(len((units | trailing) & dimension) > 1 for dimension, _ in _DIMENSIONS):
        return False
    if _converted(left, right, trailing):
        return False
    if not (left.operators | right.operators) & {"+", "-"} or not units - {"$"}:
        return True
    return len(units) == 1 and bool(units & (trailing | right.units))


def _converted(left: Side, right: Side, trailing: AbstractSet[str]) -> bool:
    """Whether one side alone has a unit, and the sides differ by a factor to another unit of that kind.

    "25 * 4 = $1.00" is about cents, "45 * 4 = 3 hours" about minutes.
    """
    smaller, larger = sorted((left.value.size, right.value.size))
    if not smaller:
        return False
    return any(
        bool(left.units & dimension) != bool((right.units | trailing) & dimension)
        and Fraction(larger, smaller) in factors
        for dimension, factors in _DIMENSIONS
    )
