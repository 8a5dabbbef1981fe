"""Exact, bounded arithmetic on intervals of rational numbers.

Whole numbers stay ints, as which they are ten times as fast; a division makes Fractions of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

MAX_BITS = 2048
"""Bound on the size of any intermediate result: 9^9^9 is refused, not computed."""


ROOT_PLACES = 12
"""Decimal places to which an irrational square root is known; a calculator shows fewer."""


Rational = int | Fraction


class OutOfBounds(ArithmeticError):
    """A result is too large to be anybody's arithmetic, or a division by zero."""


@dataclass(frozen=True, slots=True)
class Interval:
    """All values an expression may stand for."""

    low: Rational
    high: Rational

    def __post_init__(self) -> None:
        _check(self.low)
        if self.high is not self.low:
            _check(self.high)

    @property
    def middle(self) -> Rational:
        return self.low if self.low == self.high else Fraction(self.low + self.high, 2)

    @property
    def size(self) -> Rational:
        """The middle without its sign."""
        middle = self.middle
        return -middle if middle < 0 else middle

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Interval) -> Interval:
        if self.low == self.high and other.low == other.high:
            product = self.low * other.low
            return Interval(product, product)
        ends = [mine * theirs for mine in (self.low, self.high) for theirs in (other.low, other.high)]
        return Interval(min(ends), max(ends))

    def __truediv__(self, other: Interval) -> Interval:
        if other.low <= 0 <= other.high:
            raise OutOfBounds
        below = 1 / Fraction(other.high)
        return self * Interval(below, below if other.low == other.high else 1 / Fraction(other.low))

    def __pow__(self, exponent: int) -> Interval:
        """The power with a whole exponent, refused before it is computed when it would be too large."""
        if exponent < 0:
            return Interval(1, 1) / self**-exponent
        for end in (self.low, self.high):
            if max(end.numerator.bit_length(), end.denominator.bit_length()) * exponent > 2 * MAX_BITS:
                raise OutOfBounds
        ends = self.low**exponent, self.high**exponent
        return Interval(min(ends), max(ends))

    def root(self) -> Interval:
        """The square root: exact of a square of fractions, else known to `ROOT_PLACES`."""
        if self.low < 0:
            raise OutOfBounds
        return Interval(_root(self.low)[0], _root(self.high)[1])

    def meets(self, other: Interval) -> bool:
        """Whether both may stand for the same value."""
        return self.low <= other.high and other.low <= self.high

    def gap(self, other: Interval) -> Rational:
        """Distance between the intervals; negative where they overlap."""
        return max(self.low - other.high, other.low - self.high)


def _check(end: Rational) -> None:
    if end.numerator.bit_length() > MAX_BITS or end.denominator.bit_length() > MAX_BITS:
        raise OutOfBounds


def _root(value: Rational) -> tuple[Fraction, Fraction]:
    """Bounds of a square root, from below and from above."""
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Fraction(top, bottom), Fraction(top, bottom)
    scale = 10**ROOT_PLACES
    below = isqrt(value.numerator * scale * scale // value.denominator)
    return Fraction(below, scale), Fraction(below + 1, scale)
