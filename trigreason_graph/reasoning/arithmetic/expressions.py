"""A small recursive-descent reader of numeric expressions. Exact, bounded, and never eval.

Values are intervals: a literal such as 0.67 may be a rounded 2/3, and reading it as exactly 0.67 would call a right
equation wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from trigreason_graph.reasoning.arithmetic.intervals import Interval, OutOfBounds, Rational
from trigreason_graph.reasoning.arithmetic.lexemes import Kind, Lexeme
from trigreason_graph.reasoning.arithmetic.sides import TEXTBOOK, Reading, Side, Unsure
from trigreason_graph.reasoning.arithmetic.units import NOT_UNITS, is_unit, unit_of

MAX_DEPTH = 24
"""Brackets within brackets."""
MAX_EXPONENT = 64
_PASSED_OVER = frozenset(["word", "note", "dollar"])
"""Kinds of lexemes that may follow a number without changing it."""
MAX_UNIT_WORDS = 3
"""Words between a number and the next operator that may be its unit ("3 small red boxes * 4")."""


def read_side(lexemes: Sequence[Lexeme], start: int, reading: Reading = TEXTBOOK) -> Side:
    """Read the longest expression that begins at lexeme `start`.

    Raises:
        Unsure: It is not surely one expression.
    """
    reader = _Reader(lexemes, start, reading)
    try:
        reader.side.value = reader.sum()
    except OutOfBounds:
        raise Unsure(reader.at) from None
    reader.side.end = reader.at
    return reader.side


def operand_starts(lexemes: Sequence[Lexeme], at: int) -> bool:
    """Whether an expression can begin at lexeme `at`."""
    if at >= len(lexemes):
        return False
    lexeme = lexemes[at]
    return lexeme.kind in ("number", "currency", "frac", "root", "boxed", "open") or (
        lexeme.kind == "op" and lexeme.text == "-" and at + 1 < len(lexemes) and lexemes[at + 1].kind != "op"
    )


class _Reader:
    """A cursor over lexemes; each method reads one thing, moves on behind it, or raises Unsure."""

    def __init__(self, lexemes: Sequence[Lexeme], start: int, reading: Reading) -> None:
        self.lexemes, self.count = lexemes, len(lexemes)
        self.at = start
        self.reading = reading
        self.depth = 0
        self.bare_percent = False
        """Whether the factor read last is a number with "%"."""
        self.side = Side(Interval(0, 0), start, start)

    def sum(self) -> Interval:
        total, bare = self.product()
        percents = [bare]
        while operator := self.operator("+-"):
            sign = self.at
            self.at += 1
            term, bare = self.product()
            tight = not self.lexemes[sign].spaced and not self.lexemes[sign + 1].spaced
            if operator == "-" and tight and total.low < term.low:
                raise Unsure(self.at)  # "pages 10-20" is a range, "20-10" a difference
            total = total + term if operator == "+" else total - term
            percents.append(bare)
            self.side.operators.add(operator)
        if any(percents) and not all(percents):
            self.side.mixed_percent = True
        return total

    def product(self) -> tuple[Interval, bool]:
        """A product, and whether it is nothing but a number with a percent sign."""
        value = self.factor()
        bare = self.bare_percent
        below: Interval | None = None  # in the other reading: all that comes after the first "/"
        while operator := self.operator("*/") or self.of(bare) or self.touching_bracket():
            if operator == "touching":
                if "/" in self.side.operators:
                    raise Unsure(self.at)  # 6/2(1+2)
                operator = "*"
            else:
                self.at += 1
            factor = self.factor()
            bare = False
            self.side.operators.add(operator)
            if below is not None:
                below = below * factor if operator == "*" else below / factor
            elif operator == "/" and not self.reading.left_to_right:
                below = factor
            else:
                value = value * factor if operator == "*" else value / factor
        return (value if below is None else value / below), bare

    def of(self, bare_percent: bool) -> str:
        """ "20% of 50" and "1/2 of 48" multiply."""
        following = self.peek()
        if following is None or following.kind != "word" or following.text != "of":
            return ""
        last, middle, first = (self.look(self.at - offset) for offset in (1, 2, 3))
        fraction = first is not None and middle is not None and last is not None and (
            (first.kind, middle.text, last.kind) == ("number", "/", "number") or last.kind == "brace"
        )  # fmt: skip
        return "*" if bare_percent or fraction else ""

    def touching_bracket(self) -> str:
        """2(3 + 4): a bracket that touches what stands before it multiplies."""
        following = self.peek()
        if following is None or following.kind != "open" or following.spaced:
            return ""
        before = self.look(self.at - 1)
        return "touching" if before is not None and before.kind in ("number", "close") else ""

    def factor(self) -> Interval:
        self.bare_percent = False
        negative = bool(self.operator("-"))
        self.at += negative
        value = self.operand()
        if self.operator("^"):
            if negative:
                raise Unsure(self.at)  # -3^2 is read both ways
            self.at += 1
            value = value ** self.exponent()
        return -value if negative else value

    def exponent(self) -> int:
        following = self.peek()
        braced = following is not None and following.kind == "brace"
        if braced:
            self.expect("brace", "{")
        negative = bool(self.operator("-"))
        self.at += negative
        number = self.peek()
        if number is None or number.kind != "number" or not number.text.isdigit() or int(number.text) > MAX_EXPONENT:
            raise Unsure(self.at)
        self.at += 1
        if braced:
            self.expect("brace", "}")
        if self.operator("^"):
            raise Unsure(self.at)
        self.side.operators.add("^")
        self.unit()
        return -int(number.text) if negative else int(number.text)

    def operand(self) -> Interval:
        following = self.peek()
        if following is None:
            raise Unsure(self.at)
        if following.kind == "currency":
            return self.money()
        if following.kind == "number":
            value = self.number()
        elif following.kind == "open":
            self.at += 1
            value = self.nested("close", ")]")
        elif following.kind == "frac":
            self.at += 1
            value = self.braced() / self.braced()
            self.side.operators.add("/")
        elif following.kind == "root":
            self.at += 1
            value = self.radicand().root()
            self.side.operators.add("^")
        elif following.kind == "boxed":
            self.at += 1
            value = self.braced()
        else:
            raise Unsure(self.at)
        self.unit()
        return value

    def radicand(self) -> Interval:
        r"""What stands under a root: braced, in brackets, or a number alone; \sqrt[3]{8} is not read."""
        following = self.peek()
        if following is not None and following.kind == "brace":
            return self.braced()
        if following is not None and following.kind == "open" and self.lexemes[self.at].text == "(":
            self.at += 1
            return self.nested("close", ")")
        return self.number()

    def money(self) -> Interval:
        self.at += 1
        negative = bool(self.operator("-"))
        self.at += negative
        value = self.number()
        self.side.units.add("$")
        self.unit(money=True)
        return -value if negative else value

    def number(self) -> Interval:
        lexeme = self.expect("number")
        text = lexeme.text
        whole, _, decimals = text.partition(".")
        if not self.reading.point and len(decimals) == 3 and 0 < len(whole) <= 3:
            text, decimals = whole + decimals, ""
        value: Rational = int(text) if text.isdecimal() else Fraction(text)
        if half := self.mixed_fraction(lexeme):
            value += half
        self.side.places = len(decimals)
        if self.side.lead is None:
            self.side.lead = value
        last_place: Rational = Fraction(1, 10 ** len(decimals)) if decimals else 1
        following = self.peek()
        if following is not None and following.kind == "percent":
            self.at += 1
            self.side.percent = self.bare_percent = True
            if self.reading.percent:
                value, last_place = Fraction(value, 100), Fraction(last_place, 100)
        self.side.last_place = last_place
        rounded = len(decimals) >= 2 and not text.endswith(("0", "25", "75"))
        return Interval(value - last_place, value + last_place) if rounded else Interval(value, value)

    def mixed_fraction(self, whole: Lexeme) -> Rational:
        """The half of "2 1/2"; 0 when there is none."""
        following = self.peek()
        if following is None or following.kind != "number":
            return 0
        parts = self.lexemes[self.at : self.at + 3]
        if [part.kind for part in parts] != ["number", "op", "number"] or parts[1].text != "/":
            return 0
        top, slash, bottom = parts
        tight = top.spaced and not slash.spaced and not bottom.spaced
        if not tight or not (whole.text.isdigit() and top.text.isdigit() and bottom.text.isdigit()):
            return 0
        if not 0 < int(top.text) < int(bottom.text):
            return 0
        self.at += 3
        return Fraction(int(top.text), int(bottom.text))

    def nested(self, kind: Kind, closing: str) -> Interval:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unsure(self.at)
        value = self.sum()
        self.bare_percent = False
        self.expect(kind, closing)
        self.depth -= 1
        return value

    def braced(self) -> Interval:
        self.expect("brace", "{")
        return self.nested("brace", "}")

    def unit(self, *, money: bool = False) -> None:
        """Pass over what follows a number without changing it: unit words, a note in brackets, a closing $.

        Only where the expression goes on behind it; at the end of the last side the words are left to the caller.
        """
        first = self.peek()
        if first is None or (first.kind not in _PASSED_OVER and not (money and first.kind == "op")):
            return  # nearly always
        end, names = self.at, list[str]()
        while (lexeme := self.look(end)) and len(names) < MAX_UNIT_WORDS and is_unit(lexeme):
            names.append(lexeme.text)
            end += 1
        slash, name = self.look(end), self.look(end + 1)
        rate = ""
        if slash and name and (names or money) and name.kind == "word" and name.text not in NOT_UNITS:
            per = slash.kind == "word" and slash.text in ("per", "every")
            if per or (slash.kind == "op" and slash.text == "/" and not name.spaced):
                end, rate = end + 2, name.text
        if (lexeme := self.look(end)) and lexeme.kind == "note" and lexeme.spaced:
            end += 1
        if (lexeme := self.look(end)) and lexeme.kind == "dollar":
            end += 1
        following = self.look(end)
        if end > self.at and following and following.kind in ("op", "relation", "close", "brace"):
            self.at = end
            self.side.units |= {unit_of(names), unit_of([rate])} - {""}

    def operator(self, allowed: str) -> str:
        lexeme = self.peek()
        return lexeme.text if lexeme is not None and lexeme.kind == "op" and lexeme.text in allowed else ""

    def expect(self, kind: Kind, texts: str = "") -> Lexeme:
        lexeme = self.peek()
        if lexeme is None or lexeme.kind != kind or (texts and lexeme.text not in texts):
            raise Unsure(self.at)
        self.at += 1
        return lexeme

    def peek(self) -> Lexeme | None:
        return self.lexemes[self.at] if self.at < self.count else None

    def look(self, at: int) -> Lexeme | None:
        return self.lexemes[at] if 0 <= at < self.count else None
