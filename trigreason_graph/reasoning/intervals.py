"""Exact, bounded arithmetic on intervals of Fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

MAX_BITS = 2048
"""Bound on the size of any intermediate result: 9^9^9 is refused, not computed."""


class Unsure(Exception):
    """The text is not surely arithmetic. `at` is the lexeme where the doubt arose."""

    def __init__(self, at: int) -> None:
        self.at = at


class Interval(NamedTuple):
    """All values an expression may stand for."""

    low: Fraction
    high: Fraction

    @property
    def middle(self) -> Fraction:
        return (self.low + self.high) / 2


def bounded(value: Interval, at: int, bits: int = MAX_BITS) -> Interval:
    for end in value:
        if end.numerator.bit_length() > bits or end.denominator.bit_length() > bits:
            raise Unsure(at)
    return value


def add(left: Interval, right: Interval) -> Interval:
    return Interval(left.low + right.low, left.high + right.high)


def negated(value: Interval) -> Interval:
    return Interval(-value.high, -value.low)


def product_of(left: Interval, right: Interval) -> Interval:
    if left.low == left.high and right.low == right.high:
        product = left.low * right.low
        return Interval(product, product)
    ends = [a * b for a in left for b in right]
    return Interval(min(ends), max(ends))
