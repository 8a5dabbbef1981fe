"""Lexemes of the arithmetic in a line of prose, Markdown or LaTeX.

Everything that is not surely arithmetic becomes a lexeme of kind "odd": the parser stops there, so that a doubt is
never read as a number. One pass, linear in the length of the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
_LEXEME = later(
    rf"""
      (?P<space>[ \t\u00a0\u2000-\u200a\u202f]+|\\[,;:!\ ]|\\q?quad\b|&|\\(?:left|right|[bB]igg?|displaystyle)\b)
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
    """,
    re.VERBOSE | re.DOTALL,
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_PLAIN = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_DATE = re.compile(r"\d{1,4}([-/])\d{1,2}\1\d{2,4}(?!\d)")
_OPERATORS = {
    **dict.fromkeys("-−–", "-"), **dict.fromkeys("*×✕✖·∙⋅", "*"), **dict.fromkeys("/÷∕", "/"), "+": "+",
    "\\times": "*", "\\cdot": "*", "\\ast": "*", "\\div": "/",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_FULL_WIDTH = str.maketrans("＝＋－（）％０１２３４５６７８９", "=+-()%0123456789")
MAX_DIGITS = 30
"""A longer number is nobody's arithmetic."""


def lexemes(line: str, start: int = 0) -> list[Lexeme]:
    """The lexemes of `line` from offset `start`, brackets matched.

    A bracket pair that holds words only becomes one "note"; one that is unmatched, or that holds an equation, becomes
    two "delim", so that what is inside can be read on its own.
    """
    return _matched(list(_scan(line.translate(_FULL_WIDTH), start)))


def _scan(line: str, start: int) -> Iterator[Lexeme]:
    spaced, position = True, start
    while position < len(line):
        match = _LEXEME().match(line, position)
        if match is None:  # cannot happen: the last alternative takes any character
            return
        position = match.end()
        kind = match.lastgroup or "odd"
        if kind == "space" or kind == "bold" or (kind == "inner" and not match["inner"].strip()):
            spaced = spaced or match.group().isspace()
            continue
        if kind in ("number", "suffix"):
            date = _DATE.match(line, match.start())
            if date is not None:
                position = date.end()
                yield Lexeme("odd", date.group(), match.start(), position, spaced)
            else:
                yield from _number(match, spaced, line[position : position + 1])
        else:
            yield from _other(kind, match, spaced, line)
        spaced = False


def _number(match: re.Match[str], spaced: bool, follower: str) -> Iterator[Lexeme]:
    digits, suffix = match["number"].replace("{,}", ","), match["suffix"]
    start, middle, end = match.start(), match.end("number"), match.end()
    sure = bool(_THOUSANDS.fullmatch(digits) or _PLAIN.fullmatch(digits)) and len(digits) <= MAX_DIGITS
    times = suffix in ("x", "X") and digits != "0" and follower != "" and follower in "0123456789($."
    if not sure or (suffix and not times and suffix.lower() not in ATTACHED_UNITS) or follower == "_":
        yield Lexeme("odd", match.group(), start, end, spaced)
        return
    yield Lexeme("number", digits.replace(",", ""), start, middle, spaced)
    if suffix:
        yield Lexeme("op", "*", middle, end, False) if times else Lexeme("word", suffix.lower(), middle, end, False)


def _other(kind: str, match: re.Match[str], spaced: bool, line: str) -> Iterator[Lexeme]:
    text, start, end = match.group(), match.start(), match.end()
    made = Lexeme("odd", text, start, end, spaced)
    if kind in ("op", "latexop", "times"):
        yield made._replace(kind="op", text=_OPERATORS.get(text, "*"))
    elif kind == "power":
        yield made._replace(kind="op", text="^")
    elif kind == "superscript":
        yield made._replace(kind="op", text="^")
        yield Lexeme("number", text.translate(_SUPERSCRIPTS), start, end, False)
    elif kind == "relation":
        yield made._replace(kind="relation", text="=")
    elif kind == "approx":
        yield made._replace(kind="relation", text="≈")
    elif kind == "word":
        yield _word(made)
    elif kind == "han":
        yield made._replace(kind="word")
    elif kind == "shortfrac":
        yield from _short_fraction(made, match["shortfrac"])
    elif kind == "inner":
        inner = match["inner"]
        for index, part in enumerate(inner.split()):
            yield _word(made._replace(text=part, spaced=index > 0 or spaced or inner[0].isspace()))
    elif kind == "cents":
        yield made._replace(kind="word", text="cents")
    elif kind == "stop":
        # "0.\overline{3}" goes on after the point; "2 : 3" is a ratio
        cut = text == "." and line[end : end + 1] not in ("", " ", "\t", "$", "*", '"', "'", "”", ")", "]")
        ratio = text == ":" and spaced and line[:start].rstrip()[-1:].isdigit()
        yield made if cut or ratio else made._replace(kind="stop")
    elif kind in ("frac", "boxed", "currency", "percent", "delim", "open", "close", "brace", "dollar", "quote", "root"):
        yield made._replace(kind=kind)  # type: ignore[arg-type]
    else:
        yield made


def _short_fraction(made: Lexeme, digits: str) -> Iterator[Lexeme]:
    r"""\frac12 as if it were written \frac{1}{2}."""
    yield made._replace(kind="frac")
    for digit in digits:
        yield made._replace(kind="brace", text="{", spaced=False)
        yield made._replace(kind="number", text=digit, spaced=False)
        yield made._replace(kind="brace", text="}", spaced=False)


def _word(made: Lexeme) -> Lexeme:
    text = made.text.lower().replace("’", "'")
    if text in ("percent", "percentage"):
        return made._replace(kind="percent", text="%")
    if len(text) == 1 or any(character.isdigit() or character == "_" for character in text):
        return made  # could be a variable
    return made._replace(kind="word", text=text)


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
