"""Whether the two sides of an equation agree, under every reading that a writer may reasonably have meant."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

from trigreason_graph.reasoning.expressions import Reading, Side, Unsure, read_side, unit_of
from trigreason_graph.reasoning.lexemes import Lexeme, words

CLOSE_ENOUGH = Fraction(1, 5)
"""Relative difference up to which "≈" is left alone: estimates round generously."""
_DIMENSIONS = [
    words("second sec minute min hour hr day week month year decade century mph kph am pm"),
    words("inch in foot feet ft yard yd mile mi mm cm km meter metre centimeter kilometer millimeter kilometre"),
    words("gram kg mg kilogram ounce oz pound lb lbs ton tonne"),
    words("ml cl liter litre milliliter cup pint quart gallon teaspoon tablespoon"),
    words("$ cent dollar penny pennie nickel dime quarter euro"),
]
"""Units that convert into one another: between two of a kind, a mismatch may be a conversion."""


def agree(row: Sequence[Lexeme], left: Side, right: Side, relation: str, rounded: bool) -> bool | None:
    """Whether the sides are equal as far as they are written; None when that cannot be said for sure."""
    if _close(left, right, relation, rounded):
        return True
    if right.operators and right.lead is not None and left.value.low <= right.lead <= left.value.high:
        return True  # running text: 3 + 4 = 7 + 5 = 12
    readings = _readings(row, left, right)
    if len(readings) > 1 and any(
        _close_as(row, left, right, how, relation, rounded) for how in product(readings, repeat=2)
    ):
        return True
    if left.mixed_percent or right.mixed_percent or not _comparable(row, left, right):
        return None
    return False


def _readings(row: Sequence[Lexeme], left: Side, right: Side) -> list[Reading]:
    """The readings that make a difference here."""
    operators = left.operators | right.operators
    numbers = [lexeme.text for lexeme in row[left.start : right.end] if lexeme.kind == "number"]
    varied = (
        left.percent or right.percent,
        {"*", "/"} <= operators,
        any(number[-4:-3] == "." for number in numbers),
    )
    return [Reading(*choice) for choice in product(*[(True, False) if vary else (True,) for vary in varied])]


def _close_as(
    row: Sequence[Lexeme], left: Side, right: Side, how: tuple[Reading, Reading], relation: str, rounded: bool
) -> bool:
    try:
        return _close(read_side(row, left.start, how[0]), read_side(row, right.start, how[1]), relation, rounded)
    except Unsure:
        return False


def _close(left: Side, right: Side, relation: str, rounded: bool) -> bool:
    if left.value.low <= right.value.high and right.value.low <= left.value.high:
        return True
    gap = max(left.value.low - right.value.high, right.value.low - left.value.high)
    size = max(abs(left.value.middle), abs(right.value.middle))
    if relation == "≈" or rounded:
        return gap <= max(CLOSE_ENOUGH * size, _ulp(right))
    used = left.operators | right.operators
    if left.operators and right.operators:
        return "/" in used and gap <= size / 100  # an intermediate result was rounded
    stated = right if left.operators else left
    if stated.places >= 7 and gap <= size / 10**6:
        return True
    if "/" in used or (used & {"*", "^"} and _has_decimals(left, right)):
        return gap < _ulp(stated)
    return stated.places > 0 and gap <= _ulp(stated) / 2


def _ulp(side: Side) -> Fraction:
    unit = Fraction(1, 10**side.places)
    return unit / 100 if side.percent else unit


def _has_decimals(left: Side, right: Side) -> bool:
    computed = left if left.operators else right
    return computed.value.middle.denominator != 1


def _comparable(row: Sequence[Lexeme], left: Side, right: Side) -> bool:
    """Whether the units allow the sides to be compared: no conversion, and no "3 apples + 2 pears = $12"."""
    trailing: list[str] = []
    at = right.end
    while at < len(row) and row[at].kind == "word" and len(trailing) < 4:
        trailing.append(row[at].text)
        at += 1
    named = [unit_of(trailing[: index + 1]) for index in range(len(trailing))]
    units = {*left.units, *right.units}
    if any(len(units.union(named) & dimension) > 1 for dimension in _DIMENSIONS):
        return False
    sums = (left.operators | right.operators) & {"+", "-"}
    things = units - {"$"}
    if not sums or not things:
        return True
    return len(units) == 1 and (bool(things & set(named)) or bool(things & set(right.units)))
