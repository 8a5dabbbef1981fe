r"""Whether a stated answer is the right number, exactly: "$1,000", "18 eggs", "50\%", "\frac{3}{4}", "1 1/2", "2e3"."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

LENGTH_LIMIT = 4_000
"""Characters of a text in which numbers are looked for. Python reads no integer of more than 4,300 digits."""

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
_SILENT = re.compile(r"\\(?:[!,;: ]|left(?![a-z])|right(?![a-z])|displaystyle)|\\(?=[$%{}#&])")
"""LaTeX that is not seen or only makes room, and backslashes before what needs one."""
_UNIT_POWER = re.compile(
    r"(?<=[A-Za-z]{2}|[\s\d]m|[A-Za-z]\})\s*\^\s*(?:\{[23]\}|[23])|(?<=[A-Za-z])[²³]|\^\s*\{?\\circ\}?"
)
_BOUNDED = r"(?:\d{1,3}(?:,\d{3}){1,30}|\d{1,100})"
"""Of what is calculated with: the result must have fewer digits than Python reads, and a search take no time."""
_FRACTION = re.compile(
    rf"(?P<whole>(?<![\d.,/])\d{{1,100}}\s*)?\\[dt]?frac\s*"
    rf"(?:\{{\s*([-−]?{_BOUNDED})\s*\}}|(\d))\s*(?:\{{\s*([-−]?{_BOUNDED})\s*\}}|(\d))"
)
_POWER = re.compile(r"(?<![\d.,/A-Za-z)}])(\d{1,3})\s*\^\s*(?:\{\s*(\d{1,2})\s*\}|(\d)(?!\d))(?!\s?!)")
_MIXED = re.compile(r"(?<![\d.,/])(\d{1,100})\s+(\d{1,100})\s?/\s?([1-9]\d{0,99})(?![\d/])")
_POWER_OF_TEN = re.compile(
    r"(?<![\d.])(\d{1,100}(?:\.\d{1,100})?)"
    r"(?:\s*(?:\\times|\\cdot|×|x|\*)\s*10\s*\^\s*\{?\s*([-−+]?\d{1,3})(?!\d)\s*\}?|[eE]([-+]?\d{1,3})(?!\w))"
)
_UNREAD = re.compile(
    r"""
    \\(?!(?:text|textbf|textit|mbox|mathrm|mathbf|mathit|operatorname|boxed|fbox|circ|degree|approx|quad|qquad|pounds|euro
        |[()\[\]\\])(?![a-z]))
    | [√π∞^|⁰-⁹¹²³½¼¾] | _\{?\d | (?<=\d)(?:[kzn](?![A-Za-z]|[./][A-Za-z])|y(?![A-Za-z./])|x(?![A-Za-z]|\s?\d))
    | (?<![A-Za-z])(?:sqrt|pi|log|ln|sin|cos|tan)(?![A-Za-z])
    """,
    re.VERBOSE,
)
"""Mathematics: a number in it is not its value."""
_NUMBER = re.compile(
    rf"""
    (?P<minus>[-−–]\s?(?=[$€£¥])|^\s*[-−–]\s?|[-−–](?=[\d.]))?[$€£¥]?\s?
    (?P<digits>(?:{_DIGITS}|(?=\.\d))(?:\.\d+)?)(?:\s?/\s?(?P<under>[1-9]\d*))?
    (?P<percent>\s?(?:%|percent\b|per\ cent\b))?
    """,
    re.VERBOSE,
)
_EQUATION = re.compile(r"(?:[^=,;]|,(?=\d{3}))+=(?P<result>(?:[^=,;]|,(?=\d{3}))+)")
_SUM = re.compile(r"\d[)\s]*(?:[+*×÷·]|x(?=\s?\d)|(?<=\d):(?=\d)|[-−](?=\s)|(?<=\d)[-−](?=\d))[(\s]*[$€£¥]?\d")
"""Two numbers with an operator between them are not the value of either, also where both are the same."""
_BESIDE = re.compile(
    r"[\s.,:;()$€£¥{}°*~\[\]]|\\[a-z]+|\\[()\[\]]|[A-Za-zÀ-ɏ]{2,}(?:[-/'’][A-Za-zÀ-ɏ]+)*|[\u4e00-\u9fff]"
)
"""What may stand beside a number and be its unit."""


class _Number(NamedTuple):
    value: Fraction
    percent: bool


def same_number(stated: str | None, right: str) -> bool:
    r"""Whether a stated answer is the number `right`, exactly.

    Args:
        stated: As :func:`~trigreason_graph.reasoning.answers.complete_answer` hands it out: "$1,000", "18 eggs",
            "\frac{3}{4}". The only number in it counts, or the result of an equation ("3 + 4 = 7"); with several
            different ones, or with mathematics around it ("\sqrt{2}", "x^2", "12_5"), nothing is stated. None: no
            answer.
        right: The number, as data sets write it: "72", "1,000", "2.5", "3/4", "50\%".

    Returns:
        True for the same number. A percent sign may be left out, as a unit ("50%" is 50), or worked in ("50%" is 0.5).

    Raises:
        ValueError: `right` is not a number.
    """
    wanted = _numbers(right)
    if len({number.value for number in wanted}) != 1:
        raise ValueError(f"the right answer must be one number, not {right!r}")
    one, other = None if stated is None else _stated(stated), wanted.pop()
    if one is None:
        return False
    if one.value == other.value:
        return True
    return one.percent != other.percent and _fraction_of_one(one) == _fraction_of_one(other)


def is_number(text: str) -> bool:
    r"""Whether a text is one number and at most its unit: "1,000", "$5", "18 eggs", "30^\circ"; not "x = 7", "2k"."""
    plain = _plain(text)
    if plain is None or len(_NUMBER.findall(plain)) != 1:
        return False
    return not _BESIDE.sub("", _NUMBER.sub(" ", plain))


def _fraction_of_one(number: _Number) -> Fraction:
    return number.value / 100 if number.percent else number.value


def _stated(text: str) -> _Number | None:
    """The one number that a text states, or its equation's result."""
    only = _only(text)
    if only is None and (equation := _EQUATION.fullmatch(text)):
        only = _only(equation["result"])
    return only


def _only(text: str) -> _Number | None:
    """The one number in a text; None for several, and for operands, also where all are the same."""
    plain = _plain(text)
    if plain is None or _SUM.search(plain):
        return None
    found = _numbers_in(plain)
    return found.pop() if len({number.value for number in found}) == 1 else None


def _numbers(text: str) -> set[_Number]:
    plain = _plain(text)
    return set() if plain is None else _numbers_in(plain)


def _numbers_in(plain: str) -> set[_Number]:
    return {_read(found) for found in _NUMBER.finditer(plain)}


def _read(found: re.Match[str]) -> _Number:
    value = Fraction(found["digits"].replace(",", "")) / int(found["under"] or 1)
    return _Number(-value if found["minus"] else value, bool(found["percent"]))


def _plain(text: str) -> str | None:
    """`text` with its LaTeX and its powers of ten written out; None where a number in it would not be its value."""
    if len(text) > LENGTH_LIMIT:
        return None
    plain = _SILENT.sub("", text.replace("{,}", ",").replace("\\!", ""))
    plain = _POWER.sub(_power, _POWER_OF_TEN.sub(_power_of_ten, plain))
    plain = _MIXED.sub(_mixed, _FRACTION.sub(_fraction, _UNIT_POWER.sub("", plain)))
    return None if _UNREAD.search(plain) else plain


def _fraction(found: re.Match[str]) -> str:
    whole = int(found["whole"] or 0)
    above, under = (int((found[n] or found[n + 1]).replace(",", "").replace("−", "-")) for n in (2, 4))
    if not under or ((above < 0 or under < 0) and found["whole"]):
        return found[0]
    if under < 0:
        above, under = -above, -under
    room = " " if found.string[: found.start()][-1:].isalnum() else ""
    return f"{room}{whole * under + above}/{under}"


def _mixed(found: re.Match[str]) -> str:
    whole, above, under = (int(part) for part in found.groups())
    return f"{whole * under + above}/{under}" if above < under else found[0]


def _power(found: re.Match[str]) -> str:
    return str(int(found[1]) ** int(found[2] or found[3]))


def _power_of_ten(found: re.Match[str]) -> str:
    power = int((found[2] or found[3]).replace("−", "-"))
    value = Fraction(found[1]) * Fraction(10) ** power
    return str(value)
