"""Numbers that come out of nowhere: neither given, nor written before, nor one simple operation away from such."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import NamedTuple

from trigreason_graph.reasoning.patterns import later

TEXT_LIMIT = 8_000
"""Characters of each text that are read."""
REMEMBERED = 40
"""Numbers that are combined with one another, the latest: a bound on the time. A long problem gives some twenty."""
CONSTANTS = frozenset(
    [
        *(0.25, 1 / 3, 0.5, *map(float, range(13)), 20.0, 30.0, 40.0, 50.0, 100.0, 1000.0),
        *(24.0, 31.0, 52.0, 60.0, 90.0, 180.0, 360.0, 365.0),
    ]
)
"""Numbers that everybody knows: all that words stand for, and hours, days, weeks, minutes, angles. Ours."""

FACTORS = (2.0, 3.0, 4.0, 7.0, 10.0, 12.0, 24.0, 30.0, 52.0, 60.0, 100.0, 365.0, 1000.0)
"""What a known number may be multiplied with or divided by, although nobody named it: halves, weeks, minutes, cents."""

_NUMBER = later(
    r"""
      (?P<item>^[\s\#>*_-]{0,12}(?:step\s)?[(（]?\d{1,3}[.):：、）](?!\d) | (?:step|case|equation|第)\s?\d{1,3}\b)
    | (?<![A-Za-z\d_.])(?P<digits>\d{1,3}(?:(?:,|\{,\})\d{3})+(?:\.\d+)?|\d{1,15}(?:\.\d{1,15})?|\.\d{1,15})
    | (?P<word>\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred
        |thousand|half|twice|double|third|quarter|triple|dozen)\b|[一二两三四五六七八九十百半])
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_ENGLISH = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORDS = {
    **{word: number for number, word in enumerate(_ENGLISH, 1)},
    **{"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "thousand": 1000},
    **{"half": 0.5, "twice": 2, "double": 2, "third": 1 / 3, "quarter": 0.25, "triple": 3, "dozen": 12},
    **{word: number for number, word in enumerate("一二三四五六七八九十", 1)},
    **{"两": 2, "百": 100, "半": 0.5},
}
_RESULT = later(r"(?:=|≈|\\approx|\\equiv)[\s$€£¥~({\\]{0,6}[-−]?\s?\Z")
"""What stands before the result of an equation: that is worked out in view, rightly or wrongly."""
_PARTS = later(r"[-+*/×÷·^]\s{0,2}[$€£¥(\\]{0,3}\Z|\A[\s)]{0,3}(?:[+*/×÷·^=≈]|\\times|\\cdot|\\div|[-−]\s?\d)")


class _Number(NamedTuple):
    value: float
    decimals: int
    written: str
    start: int
    end: int


def unfounded(text: str, sources: Iterable[str]) -> str:
    """The first number that `text` just asserts, as written; "" where there is none.

    A number has a ground when it stands in the sources or earlier in the text, is a constant that everybody knows, is
    part or result of a written calculation, or comes out of two known numbers by one operation (sum, difference,
    product, quotient, percentage), as far as its digits tell. Numbers of list items are none. Linear in the text.

    Args:
        text: A step.
        sources: The problem and the steps before, the newest last.
    """
    known = [number.value for source in sources for number in _numbers(source[:TEXT_LIMIT])]
    recent = list(dict.fromkeys(reversed(known)))[:REMEMBERED]
    grounds = {_key(value) for value in (*CONSTANTS, *known)}
    reached: set[float] | None = None
    text = text[:TEXT_LIMIT]
    for number in _numbers(text):
        if _key(number.value) in grounds:
            continue
        if not _calculated(text, number):
            if reached is None:
                reached = _reached(recent)
            if not _is_near(number, reached):
                return number.written
        grounds.add(_key(number.value))
        recent = [number.value, *recent[: REMEMBERED - 1]]
        if reached is not None:
            reached |= _combined(number.value, recent)
    return ""


def numbers_in(text: str) -> int:
    """How many numbers a text has, number words among them."""
    return sum(1 for _ in _numbers(text[:TEXT_LIMIT]))


def _numbers(text: str) -> Iterator[_Number]:
    for found in _NUMBER().finditer(text):
        if found.lastgroup == "item":
            continue
        if written := found["word"]:
            yield _Number(float(_WORDS[written.lower()]), 0, written, found.start(), found.end())
        elif digits := found["digits"]:
            plain = digits.replace("{,}", "").replace(",", "")
            decimals = len(plain.partition(".")[2])
            yield _Number(float(plain), decimals, digits, found.start(), found.end())


def _calculated(text: str, number: _Number) -> bool:
    before, after = text[max(number.start - 12, 0) : number.start], text[number.end : number.end + 12]
    return bool(_RESULT().search(before) or _PARTS().search(before) or _PARTS().search(after))


def _key(value: float) -> float:
    return float(f"{value:.9g}")


def _reached(values: list[float]) -> set[float]:
    reached: set[float] = set()
    for index, value in enumerate(values):
        reached |= _combined(value, values[index:])
    return reached


def _combined(one: float, others: Iterable[float]) -> set[float]:
    """What one operation makes of a number and each of the others, or of the number alone."""
    reached = {one + 1, one - 1, *(one * factor for factor in FACTORS), *(one / factor for factor in FACTORS)}
    for other in others:
        part = one * other / 100
        reached |= {
            one + other,
            abs(one - other),
            one * other,
            part,
            one + part,
            one - part,
            other + part,
            other - part,
        }
        if other:
            reached |= {one / other, 100 * one / other}
        if one:
            reached |= {other / one, 100 * other / one}
    return {_key(abs(value)) for value in reached if isfinite(value)}


def _is_near(number: _Number, reached: set[float]) -> bool:
    """Whether a number is one of those, exactly or rounded to the decimals it is written with."""
    if _key(number.value) in reached:
        return True
    if not number.decimals:
        return False
    half = 0.5000001 * 10.0**-number.decimals
    return any(abs(value - number.value) <= half for value in reached)
