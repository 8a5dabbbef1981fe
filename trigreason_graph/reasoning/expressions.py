"""A small recursive-descent reader of numeric expressions. Exact, bounded, and never eval.

Values are intervals of Fractions: a literal such as 0.67 may be a rounded 2/3, and reading it as exactly 0.67 would
call a right equation wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from trigreason_graph.reasoning.lexemes import Lexeme, words

MAX_DEPTH = 24
MAX_EXPONENT = 64
MAX_BITS = 2048
"""Bounds on nesting, exponents and the size of any intermediate result: 9^9^9 is refused, not computed."""
MAX_UNIT_WORDS = 3
"""Words between a number and the next operator that may be its unit ("3 small red boxes * 4")."""

class Reading(NamedTuple):
    """Ways in which people mean what they write; the first of each pair is the textbook's."""

    percent: bool = True
    """"%" divides by 100; False: it is only a unit, as in 15 / 60 * 100 = 25%."""
    left_to_right: bool = True
    """a / b * c is (a / b) * c; False: a / (b * c)."""
    point: bool = True
    """1.500 is one and a half; False: fifteen hundred, as written in much of Europe."""


@dataclass(slots=True)
class Side:
    """One side of an equation, read.

    Attributes:
        value: What it may stand for.
        start, end: Lexemes it covers, end excluded.
        operators: Which of + - * / ^ it uses.
        units: Unit of each number that has one, "$" for money.
        addends: Units of the terms of the outermost sum.
        lead: Its first number.
        places: Decimal places of the last number.
        percent: Whether a "%" occurs.
        mixed_percent: Whether a sum has terms with a bare "%" and terms without.
    """

    value: Interval
    start: int
    end: int = 0
    operators: set[str] = field(default_factory=set)
    units: list[str] = field(default_factory=list)
    addends: list[str] = field(default_factory=list)
    lead: Fraction | None = None
    places: int = 0
    percent: bool = False
    mixed_percent: bool = False


def read_side(lexemes: Sequence[Lexeme], start: int, reading: Reading) -> Side:
    """Read the longest expression that begins at lexeme `start`.

    Raises:
        Unsure: It is not surely one expression.
    """
    return _Reader(lexemes, start, reading).side()


def operand_starts(lexemes: Sequence[Lexeme], at: int) -> bool:
    """Whether an expression can begin at lexeme `at`."""
    if at >= len(lexemes):
        return False
    lexeme = lexemes[at]
    return lexeme.kind in ("number", "currency", "frac", "boxed", "open") or (
        lexeme.kind == "op" and lexeme.text == "-" and at + 1 < len(lexemes) and lexemes[at + 1].kind != "op"
    )


class _Reader:
    def __init__(self, lexemes: Sequence[Lexeme], start: int, reading: Reading) -> None:
        self.lexemes = lexemes
        self.at = start
        self.reading = reading
        self.depth = 0
        self.result = Side(Interval(Fraction(0), Fraction(0)), start)
        self.unit = ""  # of the operand read last
        self.bare_percent = False  # the operand read last was a number with "%"

    def side(self) -> Side:
        self.result.value = self._sum()
        self.result.end = self.at
        return self.result

    def _peek(self, offset: int = 0) -> Lexeme | None:
        at = self.at + offset
        return self.lexemes[at] if 0 <= at < len(self.lexemes) else None

    def _operator(self, allowed: str) -> str:
        lexeme = self._peek()
        return lexeme.text if lexeme is not None and lexeme.kind == "op" and lexeme.text in allowed else ""

    def _sum(self) -> Interval:
        total, bare = self._product()
        percents = [bare]
        units = [self.unit]
        while operator := self._operator("+-"):
            sign = self.at
            self.at += 1
            before = self.at
            term, bare = self._product()
            self._not_a_range(sign, before, total, term)
            self.result.operators.add(operator)
            total = bounded(add(total, term if operator == "+" else negated(term)), self.at)
            percents.append(bare)
            units.append(self.unit)
        if any(percents) and not all(percents):
            self.result.mixed_percent = True
        if self.depth == 0:
            self.result.addends = units
        return total

    def _not_a_range(self, sign: int, after: int, left: Interval, right: Interval) -> None:
        """ "pages 10-20" is a range, "20-10" a difference."""
        minus = self.lexemes[sign]
        tight = not minus.spaced and not self.lexemes[after].spaced
        if minus.text == "-" and tight and left.low < right.low:
            raise Unsure(self.at)

    def _product(self) -> tuple[Interval, bool]:
        """A product, and whether it is nothing but a number with a percent sign."""
        value = self._factor()
        bare = self.bare_percent
        tail: Interval | None = None  # with the other reading: everything after the first "/"
        while True:
            operator = self._operator("*/") or self._of(bare) or self._implicit()
            if not operator:
                break
            if operator == "implicit":
                if "/" in self.result.operators:
                    raise Unsure(self.at)  # 6/2(1+2)
                operator = "*"
            else:
                self.at += 1
            factor = self._factor()
            bare = False
            self.result.operators.add(operator)
            if tail is not None:
                tail = bounded(product_of(tail, factor if operator == "*" else self._inverse(factor)), self.at)
            elif operator == "/" and not self.reading.left_to_right:
                tail = factor
            else:
                value = bounded(product_of(value, factor if operator == "*" else self._inverse(factor)), self.at)
        if tail is not None:
            value = bounded(product_of(value, self._inverse(tail)), self.at)
        return value, bare

    def _of(self, bare_percent: bool) -> str:
        """ "20% of 50" and "1/2 of 48" multiply."""
        lexeme = self._peek()
        if lexeme is None or lexeme.kind != "word" or lexeme.text != "of":
            return ""
        fraction = self._peek(-1), self._peek(-2), self._peek(-3)
        simple = [one.text if one is not None and one.kind == "op" else one.kind if one else "" for one in fraction]
        if bare_percent or simple == ["number", "/", "number"] or simple[0] == "brace":
            return "*"
        return ""

    def _implicit(self) -> str:
        """2(3 + 4): a bracket that touches what stands before it."""
        lexeme, before = self._peek(), self._peek(-1)
        touching = lexeme is not None and lexeme.kind == "open" and not lexeme.spaced and lexeme.match > 0
        return "implicit" if touching and before is not None and before.kind in ("number", "close") else ""

    def _factor(self) -> Interval:
        self.unit, self.bare_percent = "", False
        negative = bool(self._operator("-"))
        self.at += negative
        value = self._operand()
        if self._operator("^"):
            if negative:
                raise Unsure(self.at)  # -3^2 is read both ways
            self.at += 1
            value = self._power(value)
        return negated(value) if negative else value

    def _power(self, base: Interval) -> Interval:
        lexeme = self._peek()
        negative = False
        braced = lexeme is not None and lexeme.kind == "brace" and lexeme.text == "{"
        self.at += braced
        if self._operator("-"):
            negative, self.at = True, self.at + 1
        lexeme = self._peek()
        if lexeme is None or lexeme.kind != "number" or not lexeme.text.isdigit() or int(lexeme.text) > MAX_EXPONENT:
            raise Unsure(self.at)
        self.at += 1
        if braced:
            self._expect("brace", "}")
        elif self._operator("^"):
            raise Unsure(self.at)
        self.result.operators.add("^")
        self._unit()
        exponent = int(lexeme.text)
        bounded(base, self.at, MAX_BITS // max(exponent, 1))
        powers = base.low**exponent, base.high**exponent
        value = bounded(Interval(min(powers), max(powers)), self.at)
        return self._inverse(value) if negative else value

    def _operand(self) -> Interval:
        lexeme = self._peek()
        if lexeme is None:
            raise Unsure(self.at)
        if lexeme.kind == "currency":
            self.at += 1
            negative = bool(self._operator("-"))
            self.at += negative
            lexeme = self._peek()
            if lexeme is None or lexeme.kind != "number":
                raise Unsure(self.at)
            value = self._number(lexeme)
            self._unit()
            self.unit = "$"
            self.result.units.append("$")
            return negated(value) if negative else value
        if lexeme.kind == "number":
            value = self._number(lexeme)
        elif lexeme.kind == "open" and lexeme.match > 0:
            self.at += 1
            value = self._nested("close", ")]")
        elif lexeme.kind == "frac":
            self.at += 1
            top = self._braced()
            value = bounded(product_of(top, self._inverse(self._braced())), self.at)
            self.result.operators.add("/")
        elif lexeme.kind == "boxed":
            self.at += 1
            value = self._braced()
        else:
            raise Unsure(self.at)
        self._unit()
        return value

    def _number(self, lexeme: Lexeme) -> Interval:
        self.at += 1
        text = lexeme.text
        whole, _, decimals = text.partition(".")
        if not self.reading.point and len(decimals) == 3 and 0 < len(whole) <= 3:
            text, decimals = whole + decimals, ""
        value = Fraction(text)
        self.result.places = len(decimals)
        if self.result.lead is None:
            self.result.lead = value
        if self._mixed(lexeme):
            top, bottom = self.lexemes[self.at], self.lexemes[self.at + 2]
            self.at += 3
            value += Fraction(int(top.text), int(bottom.text))
        slack = Fraction(0)
        if len(decimals) >= 2 and not text.endswith(("0", "25", "75")):
            slack = Fraction(1, 10 ** len(decimals))  # may have been rounded or cut
        following = self._peek()
        if following is not None and following.kind == "percent":
            self.at += 1
            self.result.percent = self.bare_percent = True
            if self.reading.percent:
                value, slack = value / 100, slack / 100
        return Interval(value - slack, value + slack)

    def _mixed(self, whole: Lexeme) -> bool:
        """2 1/2 is two and a half."""
        top, slash, bottom = self._peek(), self._peek(1), self._peek(2)
        return (
            top is not None and slash is not None and bottom is not None
            and top.kind == bottom.kind == "number" and slash.kind == "op" and slash.text == "/"
            and whole.text.isdigit() and top.text.isdigit() and bottom.text.isdigit()
            and top.spaced and not slash.spaced and not bottom.spaced and int(top.text) < int(bottom.text)
        )  # fmt: skip

    def _nested(self, kind: str, texts: str) -> Interval:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unsure(self.at)
        value = self._sum()
        self.unit, self.bare_percent = "", False
        self._expect(kind, texts)
        self.depth -= 1
        return value

    def _braced(self) -> Interval:
        self._expect("brace", "{")
        return self._nested("brace", "}")

    def _expect(self, kind: str, texts: str) -> None:
        lexeme = self._peek()
        if lexeme is None or lexeme.kind != kind or lexeme.text not in texts:
            raise Unsure(self.at)
        self.at += 1

    def _inverse(self, value: Interval) -> Interval:
        if value.low <= 0 <= value.high:
            raise Unsure(self.at)
        return Interval(1 / value.high, 1 / value.low)

    def _unit(self) -> None:
        """Pass over what may follow a number without changing it: unit words, a note in brackets, a closing $."""
        end, names = self.at, list[str]()
        while (lexeme := self._ahead(end)) is not None and len(names) < MAX_UNIT_WORDS and is_unit(lexeme):
            names.append(lexeme.text)
            end += 1
        end, rate = self._rate(end, bool(names))
        if (lexeme := self._ahead(end)) is not None and lexeme.kind == "note" and lexeme.spaced:
            end += 1
        if (lexeme := self._ahead(end)) is not None and lexeme.kind == "dollar":
            end += 1
        following = self._ahead(end)
        if end == self.at or following is None or following.kind not in ("op", "relation", "close", "brace"):
            return  # the sentence goes on: what follows is no unit in an expression
        self.at = end
        named = unit_of(names)
        if named:
            self.unit = named
            self.result.units.append(named)
        if rate:
            self.result.units.append(unit_of([rate]))

    def _rate(self, end: int, has_unit: bool) -> tuple[int, str]:
        """ "miles/hour", "$2 per apple"."""
        slash, name = self._ahead(end), self._ahead(end + 1)
        money = (before := self._ahead(self.at - 2)) is not None and before.kind == "currency"
        if slash is None or name is None or not (has_unit or money) or name.kind != "word":
            return end, ""
        per = (slash.kind == "word" and slash.text in ("per", "every")) or (
            slash.kind == "op" and slash.text == "/" and not name.spaced
        )
        return (end + 2, name.text) if per and name.text not in NOT_UNITS else (end, "")

    def _ahead(self, at: int) -> Lexeme | None:
        return self.lexemes[at] if 0 <= at < len(self.lexemes) else None
