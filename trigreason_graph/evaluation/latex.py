r"""Whether two LaTeX answers say the same: what can be told from the text, and math-verify for the rest.

math-verify reads with sympy, which an expression such as ``9^{9^{9^9}}`` keeps busy for ever; it works in a process of
its own that is stopped then (:mod:`~trigreason_graph.evaluation.latex_worker`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from trigreason_graph.evaluation.answers import is_number, same_number
from trigreason_graph.evaluation.latex_worker import worker
from trigreason_graph.reasoning.markup import undecorated

LENGTH_LIMIT = 1_000
"""Characters of an answer that is compared; a longer one is no answer. That of a box."""

_TEXT_COMMAND = re.compile(r"\\(?:text|textbf|textit|textrm|mbox|mathrm|mathbf|operatorname)\s?\{([^{}]*)\}")
_SILENT = re.compile(r"\\(?:[!,;: ]|left(?![a-z])|right(?![a-z])|displaystyle|limits)|[\s~]")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)(?:\s|\\ )+(?=\d)")
"""What keeps two numbers apart: "1 1/2" is not 11/2. Thin spaces set thousands."""
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?: \d{3})+(?![\d/])")
_WORD = re.compile(r"[A-Za-z]{3,}")
_MATHS = re.compile(r"[\d\\^_=+*/<>|√π∞]")
_LETTER = re.compile(r"\(?([A-Z])(?:\)|[.:]\s|\Z)")
_BASED = re.compile(r"([0-9A-Z]+)(?:_\{?(\d+)\}?)?")
_SEGMENT = re.compile(r"\$([^$]+)\$|\\\((.+?)\\\)")
_SPACE = re.compile(r"(\\[A-Za-z]+|\d)(?:(?<=\d)\s+(?=\d)|(?<=[A-Za-z])\s+(?=[A-Za-z]))|\s+")
_UNIT = re.compile(
    r"(?:(?<=[\w}):;,!])\s*\\(?:text|textrm|textbf|mbox|mathrm)\s?\{[^{}]*\}|(?<=[\d}])\s+(?:[A-Za-z]{2,}|(?<=\}\s)m))"
    r"\.?(?:\s*\^\s*(?:\{[23]\}|[23]))?\s*\Z"
)
"""A unit at the end: words set as such, or after a number. math-verify drops variables as well ("3c" is 3 there)."""
_SPELLINGS = (
    (re.compile(r"(?<![A-Za-z\\])sqrt\s*\(([^()]*)\)"), r"\\sqrt{\1}"),
    (re.compile(r"√\s*\(([^()]*)\)|√\s*(\w+)"), r"\\sqrt{\1\2}"),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"\*|×|·"), r"\\cdot "),
    (re.compile(r"(?<![A-Za-z\\])pi(?![A-Za-z])|π"), r"\\pi "),
    (re.compile(r"(?<![A-Za-z\\])(?:infinity|infty|oo)(?![A-Za-z])|∞"), r"\\infty "),
    (re.compile(r"∪"), r"\\cup "),
    (re.compile(r"≤|<="), r"\\le "),
    (re.compile(r"≥|>="), r"\\ge "),
    (re.compile(r"[−–]"), "-"),
    (re.compile(r"\^?\s*°|\^\s*\{?\\circ\}?"), ""),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\[dt]frac"), r"\\frac"),
    (re.compile(r"\\frac\s*(\d)\s*(\d)"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\text\s?\{\s*(?:or|and)\s*\}|\$?\s+(?:or|and)\s+\$?"), ", "),
)


def same_latex(stated: str | None, right: str) -> bool:
    r"""Whether a stated answer is the right one, as mathematics.

    Two numbers are compared as numbers, two texts as texts, numerals of another base digit by digit, everything else by
    math-verify: equal expressions, sets, intervals, tuples, matrices, equations ("x = 7" states 7).

    Args:
        stated: As complete_answer hands it out; None: no answer. Of a sentence with one formula in it, the formula.
        right: As data sets write it: "\frac{3}{4}", "(-\infty, 0]", "\text{east}", "52_8".

    Returns:
        True where they are the same; False also where the comparison took too long.

    Raises:
        MissingPackage: math-verify is needed and not installed; the text says what to type.
    """
    return stated is not None and len(stated) <= LENGTH_LIMIT and _same(_formula(stated), undecorated(right))


def is_mathematics(answer: str) -> bool:
    """Whether an answer has digits, operators or commands, other than those that set words."""
    return bool(_MATHS.search(without_text_commands(answer)))


def without_text_commands(latex: str) -> str:
    r"""``\text{east}`` as ``east``, wherever it stands."""
    return _TEXT_COMMAND.sub(r"\1", latex)


@lru_cache(maxsize=4096)
def _same(stated: str, right: str) -> bool:
    one, other = _normal(stated), _normal(right)
    if one == other:
        return bool(one)
    if is_number(right) and is_number(stated):
        return same_number(stated, right)
    if _is_text(right):
        return _letters(stated) == _letters(right)
    if (letter := _LETTER.fullmatch(without_text_commands(right).strip())) and (
        chosen := _LETTER.match(without_text_commands(stated).strip())
    ):
        return letter[1] == chosen[1]
    one_based, other_based = _BASED.fullmatch(one), _BASED.fullmatch(other)
    if one_based and other_based and (one_based[2] or other_based[2]):
        return _same_numeral(one_based, other_based)
    return worker().same(_bare(stated), _bare(right))


def _formula(stated: str) -> str:
    """The one formula of a sentence; else all of it."""
    plain = undecorated(stated)
    formulas = {undecorated(found[1] or found[2]) for found in _SEGMENT.finditer(plain)}
    return formulas.pop() if len(formulas) == 1 else plain


def _normal(latex: str) -> str:
    """One spelling for what LaTeX shows alike."""
    joined = _THOUSANDS.sub(lambda number: number[0].replace(" ", ""), without_text_commands(_spelled(latex)))
    apart = _BETWEEN_DIGITS.sub("␣", joined)
    return _SILENT.sub("", apart).replace("\\$", "").replace("$", "")


def _spelled(latex: str) -> str:
    for written, meant in _SPELLINGS:
        latex = written.sub(meant, latex)
    return latex


def _bare(latex: str) -> str:
    """For math-verify: without units, and with spaces only where they end a command."""
    return _SPACE.sub(lambda space: f"{space[1]} " if space[1] else "", _spelled(_UNIT.sub("", latex)))


def _is_text(right: str) -> bool:
    """Whether an answer is words, not mathematics: "\\text{east}", "Evelyn", "no solution"."""
    return not is_mathematics(right) and bool(_WORD.search(right))


def _letters(text: str) -> str:
    return " ".join(re.findall(r"\w+", without_text_commands(text))).casefold()


def _same_numeral(stated: re.Match[str], right: re.Match[str]) -> bool:
    """Numerals of a base: "52_8" is "52_{8}", and "52" where the base goes without saying; but "52_8" is not 52."""
    return stated[1].lstrip("0") == right[1].lstrip("0") and stated[2] in (None, right[2] or "10")
