"""What a step states of a named quantity: "x = 24", "the total cost is $72"; and whether two such claims disagree.

Only what is said of a quantity as such is read. What is supposed, what belongs to a case, a running value ("now",
"left", "so far") and names that anything may have ("result", "value") are passed over: a doubt is no claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from trigreason_graph.reasoning.arithmetic import check_equations
from trigreason_graph.reasoning.conclusions import conclusions
from trigreason_graph.reasoning.patterns import later

MOST_CLAIMS = 16
"""Claims read in one step."""
CLOSE = Fraction(1, 50)
"""Relative difference up to which two values may be one, rounded."""
FACTORS = frozenset(map(Fraction, (7, 12, 16, 24, 60, 100, 1_000, 3_600)))
"""Values that differ by one of these may be one in two units, or a share and a percentage."""

_VARIABLE = later(r"(?P<name>[A-Za-z](?:_\{?\w{1,8}\}?)?)=(?P<value>-?\d+(?:\.\d+)?(?:/\d+)?)(?P<unit>%?)")
_STATEMENT = later(r"[\n;。；]+|[.!?](?=\s|$)|,\s(?=so\b|then\b|and\b|which\b)")
_MARKUP = later(r"\*\*|\\(?:text|mathrm|boxed)\s?\{([^{}]{0,80})\}|\\[()\[\]]|\\(?=[$%])|^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_NAMED = later(
    r"\s*(?:(?:so|thus|therefore|hence|then|finally),?\s+)?(?:the\s+|her\s+|his\s+|their\s+|our\s+)?"
    r"(?P<name>[A-Za-z][A-Za-z'’ -]{2,60}?)\s*(?:=|\b(?:is|are|was|were|equals)\b)(?P<rest>.{1,200})",
    re.IGNORECASE,
)
_VALUE = later(
    r"\s*(?P<sign>[$€£]?)\s?(?P<value>-?(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d{1,9})?)\s?(?P<unit>%|[A-Za-z]*)"
)
_GOES_ON = later(r"\s*[-+*/×÷^(\d\\]|[^.\n]{0,40}[-+*/×÷^=\d]")
"""After a number: it was the beginning of something longer, an expression, a fraction, "2 hours 30 minutes"."""
_QUANTITY = later(
    r"\b(?:total|sum|cost|price|amount|number|profit|answer|area|perimeter|volume|average|mean|distance|speed|time|age|"
    r"weight|length|width|height|salary|income|earnings?|revenue|balance|capacity|probability|discount|tax|tip)\b",
    re.IGNORECASE,
)
_RUNNING = later(
    r"\b(?:now|new|next|left|remain\w*|after|before|then|current\w*|updated?|so far|each|every|per|another|other|first|"
    r"second|third|fourth|last|final|initial\w*|original\w*|if|when|case|option|day|week|month|year|step|it|this|that|"
    r"there|which|we|he|she|they|not|either|or|and|than|twice|half|double|more|less|fewer|same|only)\b",
    re.IGNORECASE,
)
_DOUBT = later(
    r"\b(?:if|suppose|assum\w*|let|case|cases|either|or|try|trying|test|maybe|perhaps|guess\w*|could|would|might|should|"
    r"approx\w*|about|around|nearly|almost|estimate\w*|wait|instead|actually|wrong|mistake|incorrect\w*|not|between|at "
    r"least|at most|when|for each|again|redefin\w*|substitut\w*|plug\w*)\b|[?≈±<>≤≥]|\\(?:approx|pm|leq?|geq?|lt|gt)\b|"
    r"如果|假设|设|或|约",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A value stated of a named quantity.

    Attributes:
        name: Of the quantity, in lower case but for a variable.
        value: What is said it is.
        unit: Currency sign, "%" or the word behind the value; empty when there is none.
        written: The statement, for people.
        computed: An equation in the statement that comes to it was recomputed and holds.
    """

    name: str
    value: Fraction
    unit: str
    written: str
    computed: bool


def claims(text: str) -> list[Claim]:
    """The claims of a step, in order, at most `MOST_CLAIMS`; none from statements with any doubt. Linear."""
    found: list[Claim] = []
    for statement in _statements(text):
        if any(character.isdigit() for character in statement) and not _DOUBT().search(statement):
            found += _variables(statement) or _labelled(statement)
        if len(found) >= MOST_CLAIMS:
            break
    return found[:MOST_CLAIMS]


def disagree(one: Claim, other: Claim) -> bool:
    """Whether two claims of one quantity cannot both be right: the same unit, and values that no rounding or
    conversion makes equal."""
    if one.name != other.name or one.unit != other.unit or one.value == other.value:
        return False
    smaller, larger = sorted((abs(one.value), abs(other.value)))
    if larger - smaller <= CLOSE * larger and one.value * other.value > 0:
        return one.value.denominator == other.value.denominator == 1  # nobody rounds 71 to 72
    return not smaller or larger / smaller not in FACTORS


def _statements(text: str) -> Iterator[str]:
    begin = 0
    for separator in _STATEMENT().finditer(text):
        yield text[begin : separator.start()]
        begin = separator.end()
    yield text[begin:]


def _variables(statement: str) -> list[Claim]:
    named = [match for found in conclusions(statement) if (match := _VARIABLE().fullmatch(found))]
    return [_claim(match["name"], match["value"], match["unit"], statement) for match in named]


def _labelled(statement: str) -> list[Claim]:
    plain = _MARKUP().sub(lambda match: match[1] or " ", statement[:400])
    named = _NAMED().match(plain)
    if named is None:
        return []
    name = " ".join(named["name"].lower().split())
    if not _QUANTITY().search(name) or _RUNNING().search(name) or (" " not in name and name != "answer"):
        return []
    result = named["rest"].rpartition("=")[2]
    value = _VALUE().match(result)
    if value is None or _GOES_ON().match(result, value.end()):
        return []
    return [_claim(name, value["value"].replace(",", ""), value["sign"] or value["unit"].lower(), statement)]


def _claim(name: str, value: str, unit: str, statement: str) -> Claim:
    number = Fraction(value)
    equations: Sequence[object] = [
        equation for equation in check_equations(statement) if equation.holds and _comes_to(equation.found, number)
    ]
    return Claim(name, number, unit, " ".join(statement.split()), bool(equations))


def _comes_to(found: str, number: Fraction) -> bool:
    try:
        return Fraction(found) == number
    except ValueError:
        return False
