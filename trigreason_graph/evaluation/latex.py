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
_SHORT_FRACTION = re.compile(r"\\frac\s*(\d)\s*(\d)")
_WORD = re.compile(r"[A-Za-z]{3,}")
_MATHS = re.compile(r"[\d\\^_=+*/<>|√π∞]")
_LETTER = re.compile(r"\(?([A-Z])\)?")
_BASED = re.compile(r"([0-9A-Z]+)(?:_\{?(\d+)\}?)?")
_SEGMENT = re.compile(r"\$([^$]+)\$|\\\((.+?)\\\)")
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
    if "_" in one + other and (based := _BASED.fullmatch(_without_spaces(other))):
        return _same_numeral(_BASED.fullmatch(_without_spaces(one)), based)
    return worker().same(_spelled(stated), _spelled(right))


def _formula(stated: str) -> str:
    """The one formula of a sentence; else all of it."""
    plain = undecorated(stated)
    formulas = {undecorated(found[1] or found[2]) for found in _SEGMENT.finditer(plain)}
    return formulas.pop() if len(formulas) == 1 else plain


def _normal(latex: str) -> str:
    """One spelling for what LaTeX shows alike."""
    latex = _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", _spelled(latex))
    return _SILENT.sub("", without_text_commands(latex)).replace("\\$", "").replace("$", "")


def _spelled(latex: str) -> str:
    for written, meant in _SPELLINGS:
        latex = written.sub(meant, latex)
    return latex


def _is_text(right: str) -> bool:
    """Whether an answer is words, not mathematics: "\\text{east}", "Evelyn", "no solution"."""
    return not is_mathematics(right) and bool(_WORD.search(right))


def _letters(text: str) -> str:
    return " ".join(re.findall(r"\w+", without_text_commands(text))).casefold()


def _same_numeral(stated: re.Match[str] | None, right: re.Match[str]) -> bool:
    """Numerals of a base: "52_8" is "52_{8}", and "52" where the base goes without saying; but "52_8" is not 52."""
    if stated is None or stated[1].lstrip("0") != right[1].lstrip("0"):
        return False
    return stated[2] is None or stated[2] == (right[2] or "10")


def _without_spaces(latex: str) -> str:
    return "".join(latex.split())
