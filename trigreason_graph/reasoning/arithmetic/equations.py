"""Equations in a text, recomputed. It speaks only of what it is sure of.

An equation counts when both of its sides are numeric and at least one computes something. What people legitimately
leave out is given the benefit of the doubt: rounding, "%" as a unit, unit conversions, 3 + 4 = 7 + 5 = 12 as running
text, ranges, puzzles, suppositions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from itertools import islice

from trigreason_graph.reasoning.arithmetic.agreement import agree
from trigreason_graph.reasoning.arithmetic.expressions import operand_starts, read_side
from trigreason_graph.reasoning.arithmetic.intervals import Rational
from trigreason_graph.reasoning.arithmetic.lexemes import Lexeme, lexemes, words
from trigreason_graph.reasoning.arithmetic.sides import Side, Unsure
from trigreason_graph.reasoning.arithmetic.units import CLAUSE_WORDS, NOT_UNITS, is_unit
from trigreason_graph.reasoning.patterns import folded, has_one, later

MAX_LINE = 4_000
"""Characters of a line that are read; prose has no longer sentence of arithmetic."""
MAX_EQUATIONS = 100
"""Equations read in one text: a bound on the time that junk can cost."""
CONTEXT = 80
"""Characters to either side of an equation in which a word such as "suppose" or "wrong" takes it back."""

_BAD_BEFORE = (NOT_UNITS - CLAUSE_WORDS) | words(
    """a an the as not no negative log ln sin cos tan cot sec csc exp sqrt root square cube floor ceil ceiling round
    gcd lcm min max average mean median sum product difference quotient absolute value another additional extra further
    all day days week weeks month months year years number numbers no step steps part case question problem page pages
    chapter figure table row column item group grade level version phase room tank line section example equation
    stage exercise test trial box note rs usd"""
)
"""Words after which a number may not be the beginning of an expression ("twice 3 + 4", "day 1 + 2", "log 10 + 3")."""
_HAN_BEFORE = frozenset("共是为有得即需价数量额到用花")
_RELATION = re.compile(r"[=≈≅≃＝]|\\(?:approx|simeq|cong|doteq)\b")
_COMPUTES = later(
    r"[-+−–*/×✕✖·∙⋅÷∕^√²³¹⁰⁴-⁹＋－]|[\d)]\(|[\d\s][xX][\s\d$(.]|\bof\b|\\(?:times|cdot|ast|div|[dtc]?frac|sqrt)"
)
"""What a line must have somewhere for anything to be computed in it; most lines have not, and are not read."""
_ODD_LINE = later(
    r"\b(?:mod|modulo|pmod|bmod|base|binary|octal|hex|hexadecimal|remainder|xor|clock|vector|matrix)\b|余",
    re.IGNORECASE,
)
_ODD_WORDS = ("mod", "base", "binary", "octal", "hex", "remainder", "xor", "clock", "vector", "matrix", "余")
"""Without one of them, `_ODD_LINE` finds nothing."""
_TAKEN_BACK = re.compile(
    r"\b(?:if|suppose|assum\w*|imagine|pretend|instead|mistak\w*|wrong\w*|incorrect\w*|errors?|false|not|isn['’]t|"
    r"doesn['’]t|contradict\w*|impossible|whether|unless|guess\w*|would)\b|如果|假设|错|不对|不等",
    re.IGNORECASE,
)
_ROUNDED = re.compile(r"\b(?:about|approx\w*|roughly|round\w*|around|nearly|almost|estimat\w*)\b|约", re.IGNORECASE)
_TIME_OF_DAY = re.compile(r"\s*(?:hours?\b|in the (?:morning|afternoon|evening)|at (?:night|noon))", re.IGNORECASE)
_BULLET = re.compile(r"\s*(?:([-−–*+•‣◦])|#{1,6}|(?:step\s)?\d{1,3}[.):])\s+", re.IGNORECASE)
_UNFINISHED = re.compile(r"[-+*/×÷=^(\d\\&]\s*$")
_CONTINUED = re.compile(r"\s*(?:[+/×÷·^=*]|\\(?:times|cdot|div)\b|[-−](?!\s))")
_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]{1,400}`", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Equation:
    """One equation that was read for sure.

    Attributes:
        excerpt: The equation as written.
        left, right: Its sides as written.
        expected: What the computed side comes to, as text.
        found: What the text says instead, or as well.
        holds: Whether the sides agree, to the precision they are written in.
        start, end: Where in the text it stands.
    """

    excerpt: str
    left: str
    right: str
    expected: str
    found: str
    holds: bool
    start: int
    end: int


def check_equations(text: str) -> list[Equation]:
    """All equations in `text` that are surely arithmetic, in order; `holds` says which are right.

    Code, quoted lines (">") and anything doubtful are passed over. Time is linear in the length of the text, and
    bounded by `MAX_EQUATIONS`.
    """
    return list(_checked(text))


@lru_cache(maxsize=512)  # every draft is judged twice, and what the LRM wrote with each of the next drafts
def _checked(text: str) -> tuple[Equation, ...]:
    found: list[Equation] = []
    if not _RELATION.search(text):
        return ()
    lines = _CODE.sub(_blank, text).split("\n")
    offset = 0
    for index, line in enumerate(lines):
        if _may_hold_equations(line):
            before = lines[index - 1] if index else ""
            after = lines[index + 1] if index + 1 < len(lines) else ""
            found.extend(_line_equations(line[:MAX_LINE], before[-MAX_LINE:], after[:CONTEXT], offset))
            if len(found) >= MAX_EQUATIONS:
                return tuple(found[:MAX_EQUATIONS])
        offset += len(line) + 1
    return tuple(found)


def number_text(value: Rational) -> str:
    """A number for people: 72, 0.125, 3.33333; never more than about 30 characters."""
    if value.denominator == 1 and -(10**24) < value < 10**24:
        return str(value.numerator)
    context = Context(prec=40)
    exact = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    rounded = exact.normalize(Context(prec=6 if -(10**6) < value < 10**6 else 12))
    return format(rounded, "f" if -6 < rounded.adjusted() < 24 else "e")


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "\0", match.group())


def _may_hold_equations(line: str) -> bool:
    if not (_RELATION.search(line) and _COMPUTES().search(line)) or line.lstrip().startswith(">"):
        return False
    line = line[:MAX_LINE]
    return not (has_one(_ODD_WORDS, folded(line)) and _ODD_LINE().search(line))


def _line_equations(line: str, before: str, after: str, offset: int) -> Iterator[Equation]:
    bullet = _BULLET.match(line)
    start = bullet.end() if bullet else 0
    sign = (bullet.group(1) or "") if bullet else ""
    if sign in tuple("-−–*+") and line[start] in "0123456789($\\" and "=" not in before and _UNFINISHED.search(before):
        return  # not a bullet: a sum that goes on from the line before
    equations = list(islice(_equations(line, start, after, offset), MAX_EQUATIONS))
    if bullet and sign in tuple("-−–") and not all(equation.holds for equation in equations):
        # "- 3 + 4 = 1" may be a bullet and may be a negative number
        negative = [equation.end for equation in _equations(line, bullet.start(1), after, offset) if equation.holds]
        equations = [equation for equation in equations if equation.holds or equation.end not in negative]
    yield from equations


def _equations(line: str, start: int, after: str, offset: int) -> Iterator[Equation]:
    row = lexemes(line, start)
    for left, relation, right in _pairs(row):
        if not (left.operators or right.operators):
            continue
        begin, end = row[left.start].start, row[right.end - 1].end
        holds = left.value.meets(right.value) or agree(
            row, left, right, roughly=row[relation].text == "≈" or _around(_ROUNDED, line, begin, end)
        )
        if holds is None or (not holds and _doubtful(line, row, begin, right, after)):
            continue
        if not holds and _on_a_clock(line[end : end + CONTEXT], left, right):
            continue
        yield Equation(
            excerpt=line[begin:end],
            left=line[begin : row[relation].start].strip(),
            right=line[row[relation].end : end].strip(),
            expected=number_text((left if left.operators else right).value.middle),
            found=number_text((right if left.operators else left).value.middle),
            holds=holds,
            start=offset + begin,
            end=offset + end,
        )


def _pairs(row: Sequence[Lexeme]) -> Iterator[tuple[Side, int, Side]]:
    """Each two sides that are said to be equal, with the index of the relation before the second.

    In 3 + 4 = 7 = 8 the 8 is held against 3 + 4: two plain numbers alone prove nothing.
    """
    at, pending, computed = 0, None, None
    while at < len(row):
        relation = row[at].kind == "relation"
        if not relation and not (operand_starts(row, at) and _good_start(row, at)):
            at, pending, computed = at + 1, None, None
            continue
        begin = at + 1 if relation else at
        try:
            side = read_side(row, begin)
        except Unsure as doubt:
            at, pending, computed = max(doubt.at, begin), None, None
            continue
        if relation and pending and _clean_end(row, side.end):
            yield (pending if side.operators else computed or pending), at, side
        at = side.end
        pending = side if at < len(row) and row[at].kind == "relation" else None
        computed = pending and (pending if pending.operators else computed)


def _good_start(row: Sequence[Lexeme], at: int) -> bool:
    """Whether what stands before lexeme `at` leaves no doubt that an expression begins there."""
    if at == 0:
        return True
    before = row[at - 1]
    if before.kind in ("stop", "delim", "dollar", "quote", "relation"):
        return True
    if before.kind != "word" or before.text in _BAD_BEFORE:
        return False
    if before.text[-1] >= "\u3400":
        return before.text[-1] in _HAN_BEFORE
    a_unit = at > 1 and row[at - 2].kind in ("number", "percent", "op") and before.text not in CLAUSE_WORDS
    return row[at].spaced and not a_unit


def _clean_end(row: Sequence[Lexeme], at: int) -> bool:
    """Whether what follows the right side leaves no doubt that it ends there."""
    if at >= len(row):
        return True
    following = row[at]
    if following.kind == "word":
        return _clean_words(row, at)
    if following.kind == "open":
        return following.spaced
    return following.kind in ("stop", "delim", "dollar", "quote", "relation", "note")


def _clean_words(row: Sequence[Lexeme], at: int) -> bool:
    """Whether the words from lexeme `at` on leave the number before them alone.

    "7 hundred", "7 and a half", "2 hours 30 minutes" and "7 apples - 3" don't.
    """
    first = row[at]
    if first.text in CLAUSE_WORDS:
        return True
    if first.text in ("and", "per"):
        following = row[at + 1] if at + 1 < len(row) else None
        return following is not None and following.kind == "word" and following.text not in _BAD_BEFORE
    if not is_unit(first):
        return False
    while at < len(row) and row[at].kind == "word":
        at += 1
    return at >= len(row) or row[at].kind not in ("number", "op", "currency", "frac", "root")


def _around(pattern: re.Pattern[str], line: str, begin: int, end: int) -> bool:
    return bool(pattern.search(line[max(begin - CONTEXT, 0) : begin]) or pattern.search(line[end : end + CONTEXT]))


def _doubtful(line: str, row: Sequence[Lexeme], begin: int, right: Side, after: str) -> bool:
    """Whether a mismatch may be meant: supposed, asked, taken back, or going on in the next line."""
    end = row[right.end - 1].end
    if _around(_TAKEN_BACK, line, begin, end):
        return True
    following = row[right.end] if right.end < len(row) else None
    if following is None:
        return bool(_CONTINUED.match(after))
    return following.kind == "stop" and following.text in "?？"


def _on_a_clock(behind: str, left: Side, right: Side) -> bool:
    """Whether a mismatch is a clock's: "from nine, 9 - 5 = 8 hours", "11 + 4 = 3 in the afternoon"."""
    if not _TIME_OF_DAY.match(behind):
        return False
    computed, said = left.value.middle, right.value.middle
    return (computed - said) % 12 == 0 or ("-" in left.operators and (computed + said) % 12 == 0)
