"""Whether a stated answer is the right number. Answers that are no plain numbers need math-verify, not this."""

from __future__ import annotations

import re
from fractions import Fraction

_NUMBER = re.compile(r"[-−]?(?:\d{1,3}(?:,\d{3})+|\d+|(?=\.\d))(?:\.\d+)?(?:/[1-9]\d*)?")
_FRACTION = re.compile(r"\\d?frac\{(-?\d+)\}\{([1-9]\d*)\}")


def same_number(stated: str | None, right: str) -> bool:
    """Whether a stated answer is the number `right`, exactly.

    Args:
        stated: As :func:`~trigreason_graph.reasoning.answers.complete_answer` hands it out: "$1,000", "18 eggs",
            "\\frac{3}{4}". The only number in it counts; with several different ones nothing is stated. None: no
            answer.
        right: The number, as data sets write it: "72", "1,000", "2.5", "3/4".

    Raises:
        ValueError: `right` is not a number.
    """
    wanted = _numbers(right)
    if len(wanted) != 1:
        raise ValueError(f"the right answer must be one number, not {right!r}")
    return stated is not None and _numbers(stated) == wanted


def _numbers(text: str) -> set[Fraction]:
    plain = _FRACTION.sub(r"\1/\2", text.replace("\\!", "").replace("{,}", ","))
    return {Fraction(found.replace("−", "-").replace(",", "")) for found in _NUMBER.findall(plain)}
