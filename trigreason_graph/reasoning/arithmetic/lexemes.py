"""Lexemes of the arithmetic in a line of prose, Markdown or LaTeX.

Everything that is not surely arithmetic becomes a lexeme of kind "odd": the parser stops there, so that a doubt is
never read as a number. One pass, linear in the length of the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from trigreason_graph.reasoning.patterns import later

Kind = Literal[
    "number", "word", "op", "relation", "open", "close", "brace", "frac", "root", "boxed", "currency", "percent",
    "dollar", "quote", "stop", "delim", "note", "odd",
]  # fmt: skip


class Lexeme(NamedTuple):
    """One token. `text` is normalised (operators are + - * / ^, relations = ≈); the offsets point into the line."""

    kind: Kind
    text: str
    start: int
    end: int
    spaced: bool
    """White space stands before it."""
    match: int = -1
    """Index of the other bracket, for "open" and "close"."""


def words(text: str) -> frozenset[str]:
    """A set of words, written as running text."""
    return frozenset(text.split())


ATTACHED_UNITS = words("kg mg lb lbs oz cm mm km ft yd mi ml cl hr hrs min mins sec secs ms mph kph gb mb kb cents")
"""Unit names that may touch their number. Single letters are left out: they could be variables."""

_CJK = "\u3400-\u9fff"
_WHITE = "[ \t\u00a0\u2000-\u200a\u202f]"
_LEXEME = later(
    rf"""
    (?P<white>{_WHITE}*+)(?:
      (?P<space>\\[,;:!\ ]|\\q?quad\b|&|\\(?:left|right|[bB]igg?|displaystyle)\b|\Z)
    | (?P<number>\.?\d+(?:(?:[.,:]|\{{,\}})\d+)*)(?P<suffix>(?:(?![{_CJK}])[^\W\d_²³¹⁰⁴-⁹½¼¾⅓⅔])*)
    | (?P<superscript>[²³¹⁰⁴-⁹]+)
    | (?P<han>[{_CJK}]+)
    | (?P<times>(?<=\s)[xX](?=\s{{1,3}}[\d$(.]))
    | (?P<word>[^\W\d_](?:(?![{_CJK}])\w|['’](?=\w)|-(?=[^\W\d_]))*)
    | \\(?:text|mathrm|textrm|mbox|operatorname)\s?\{{(?P<inner>[^{{}}\\]{{0,80}})\}}
    | \\[dtc]?frac\s?(?P<shortfrac>\d\d)(?!\d)
    | (?P<frac>\\[dtc]?frac\b)
    | (?P<root>\\sqrt\b|√)
    | (?P<boxed>\\(?:boxed|fbox|mathbf|textbf|underline)\b)
    | (?P<latexop>\\(?:times|cdot|ast|div)\b)
    | (?P<approx>\\(?:approx|simeq|cong|doteq)\b|[≈≅≃]|=\s?[~≈])
    | (?P<currency>\\?[$€£¥₹](?=\s?[-−]?\s?\.?\d))
    | (?P<percent>\\?%)
    | (?P<delim>\\\\|\\[()\[\]]|\\(?:implies|iff|Rightarrow|Longrightarrow|rightarrow|to|therefore|leq?|geq?|lt|gt)\b
        |[-=]{{1,2}}>|<=|>=|:=|<<|>>|[<>≤≥→⇒∴⟹])
    | (?P<oddcommand>\\(?:[A-Za-z]+|.)|!=|[-+*/^]=|\.{{2,}}|…|(?<=[\d)])!|(?<=\d)–(?=\d))
    | (?P<power>(?<=[\d)])\*\*(?=[\d(\-])|\^)
    | (?P<bold>\*\*)
    | (?P<relation>==?)
    | (?P<op>[-+−–*/×✕✖·∙⋅÷∕])
    | (?P<open>[(\[])
    | (?P<close>[)\]])
    | (?P<brace>[{{}}])
    | (?P<dollar>\$)
    | (?P<quote>["'“”‘’«»`])
    | (?P<cents>¢)
    | (?P<stop>[.,;:!?—。，；：！？、])
    | (?P<odd>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_PLAIN = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_DATE = re.compile(r"\d{1,4}([-/])\d{1,2}\1\d{2,4}(?!\d)")
_OPERATORS = {
    **dict.fromkeys("-−–", "-"), **dict.fromkeys("*×✕✖·∙⋅", "*"), **dict.fromkeys("/÷∕", "/"), "+": "+",
    "\\times": "*", "\\cdot": "*", "\\ast": "*", "\\div": "/",
}  # fmt: skip
_SAME_KIND: dict[str, Kind] = {
    "frac": "frac", "boxed": "boxed", "currency": "currency", "percent": "percent", "delim": "delim", "open": "open",
    "close": "close", "brace": "brace", "dollar": "dollar", "quote": "quote", "root": "root",
}  # fmt: skip
"""By the pattern's group; what stands in no other is "odd"."""
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_FULL_WIDTH = str.maketrans("＝＋－（）％０１２３４５６７８９", "=+-()%0123456789")
MAX_DIGITS = 30
"""A longer number is nobody's arithmetic."""


def lexemes(line: str, start: int = 0) -> list[Lexeme]:
    """The lexemes of `line` from offset `start`, brackets matched.

    A bracket pair that holds words only becomes one "note"; one that is unmatched, or that holds an equation, becomes
    two "delim", so that what is inside can be read on its own.
    """
    return _matched(_scan(line if line.isascii() else line.translate(_FULL_WIDTH), start))


def _scan(line: str, position: int) -> list[Lexeme]:
    found: list[Lexeme] = []
    spaced = True
    while position < len(line):
        for match in _LEXEME().finditer(line, position):
            before, position = match.span()
            start = match.end("white")
            spaced = spaced or start > before
            kind = match.lastgroup or "odd"
            if kind == "space" or kind == "bold" or (kind == "inner" and not match["inner"].strip()):
                continue
            if kind == "word":
                found.append(Lexeme(*_read_word(line[start:position]), start, position, spaced))
            elif kind in ("number", "suffix"):
                follower = line[position : position + 1]
                if follower in ("-", "/") and (date := _DATE.match(line, start)):
                    found.append(Lexeme("odd", date.group(), start, date.end(), spaced))
                    spaced, position = False, date.end()
                    break  # and on from behind it
                found += _number(match, spaced, follower)
            else:
                found += _other(kind, match, spaced, line)
            spaced = False
    return found


def _number(match: re.Match[str], spaced: bool, follower: str) -> list[Lexeme]:
    digits, suffix = match["number"], match["suffix"]
    start, middle, end = match.start("number"), match.end("number"), match.end()
    sure = digits.isdecimal()  # nearly always
    if not sure:
        digits = digits.replace("{,}", ",")
        sure = bool(_THOUSANDS.fullmatch(digits) or _PLAIN.fullmatch(digits))
    times = suffix in ("x", "X") and digits != "0" and follower != "" and follower in "0123456789($."
    known = not suffix or times or suffix.lower() in ATTACHED_UNITS
    if not sure or not known or len(digits) > MAX_DIGITS or follower == "_":
        return [Lexeme("odd", match["number"] + suffix, start, end, spaced)]
    number = Lexeme("number", digits.replace(",", ""), start, middle, spaced)
    if not suffix:
        return [number]
    return [
        number,
        Lexeme("op", "*", middle, end, False) if times else Lexeme("word", suffix.lower(), middle, end, False),
    ]


def _other(kind: str, match: re.Match[str], spaced: bool, line: str) -> Iterator[Lexeme]:
    start, end = match.end("white"), match.end()
    text = line[start:end]
    if kind in ("op", "latexop", "times"):
        yield Lexeme("op", _OPERATORS.get(text, "*"), start, end, spaced)
    elif kind == "power":
        yield Lexeme("op", "^", start, end, spaced)
    elif kind == "superscript":
        yield Lexeme("op", "^", start, end, spaced)
        yield Lexeme("number", text.translate(_SUPERSCRIPTS), start, end, False)
    elif kind == "relation":
        yield Lexeme("relation", "=", start, end, spaced)
    elif kind == "approx":
        yield Lexeme("relation", "≈", start, end, spaced)
    elif kind == "han":
        yield Lexeme("word", text, start, end, spaced)
    elif kind == "shortfrac":
        yield from _short_fraction(Lexeme("frac", text, start, end, spaced), match["shortfrac"])
    elif kind == "inner":
        inner = match["inner"]
        for index, part in enumerate(inner.split()):
            yield Lexeme(*_read_word(part), start, end, index > 0 or spaced or inner[0].isspace())
    elif kind == "cents":
        yield Lexeme("word", "cents", start, end, spaced)
    elif kind == "stop":
        # "0.\overline{3}" goes on after the point; "2 : 3" is a ratio
        cut = text == "." and line[end : end + 1] not in ("", " ", "\t", "$", "*", '"', "'", "”", ")", "]")
        ratio = text == ":" and spaced and line[:start].rstrip()[-1:].isdigit()
        yield Lexeme("odd" if cut or ratio else "stop", text, start, end, spaced)
    else:
        yield Lexeme(_SAME_KIND.get(kind, "odd"), text, start, end, spaced)


def _short_fraction(made: Lexeme, digits: str) -> Iterator[Lexeme]:
    r"""\frac12 as if it were written \frac{1}{2}."""
    yield made
    for digit in digits:
        yield made._replace(kind="brace", text="{", spaced=False)
        yield made._replace(kind="number", text=digit, spaced=False)
        yield made._replace(kind="brace", text="}", spaced=False)


@lru_cache(maxsize=4_096)  # words come again and again
def _read_word(written: str) -> tuple[Kind, str]:
    text = written.lower().replace("’", "'")
    if text in ("percent", "percentage"):
        return "percent", "%"
    if len(text) == 1 or "_" in text or any(map(str.isdigit, text)):
        return "odd", written  # could be a variable
    return "word", text


def _matched(raw: list[Lexeme]) -> list[Lexeme]:
    """Pair the round and square brackets, in one pass."""
    result: list[Lexeme] = []
    stack: list[tuple[int, bool, bool]] = []  # index of the opening bracket, holds an equation, holds more than words
    for lexeme in raw:
        if lexeme.kind == "open":
            stack.append((len(result), False, False))
        elif lexeme.kind == "close":
            if not stack:
                result.append(lexeme._replace(kind="delim"))
                continue
            at, equation, more = stack.pop()
            opening = result[at]
            if not more:
                del result[at:]
                result.append(opening._replace(kind="note", end=lexeme.end))
                continue
            if equation:
                result[at] = opening._replace(kind="delim")
                lexeme = lexeme._replace(kind="delim")
            else:
                result[at] = opening._replace(match=len(result))
                lexeme = lexeme._replace(match=at)
            if stack:
                outer, outer_equation, _ = stack[-1]
                stack[-1] = (outer, outer_equation or equation, True)
        elif stack and lexeme.kind != "word":
            at, equation, _ = stack[-1]
            stack[-1] = (at, equation or lexeme.kind in ("relation", "delim"), True)
        result.append(lexeme)
    for at, _, _ in stack:
        result[at] = result[at]._replace(kind="delim")
    return result
