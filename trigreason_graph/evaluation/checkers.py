"""Whether a stated answer is the right one: numbers, LaTeX, multiple choice, text, or the user's own rule."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from string import ascii_uppercase

from trigreason_graph.evaluation.answers import same_number
from trigreason_graph.evaluation.latex import same_latex, without_text_commands
from trigreason_graph.evaluation.problem import KINDS
from trigreason_graph.reasoning.markup import undecorated

Checker = Callable[[str | None, str], bool]
"""From the stated answer (None: nothing was stated) and the right one to whether they are the same."""

_LETTER = re.compile(
    r"(?:(?i:the\s+)?(?i:correct\s+|right\s+)?(?i:option|choice|answer)(?:\s+(?i:is))?:?\s+)?"
    r"(?:[(\[（]\s*([A-Za-z])\s*[)\]）]|([A-Za-z])(?=\s*\Z|\s*[).:：、]|\s+[-–—]\s))"
)
"""A statement that begins with an option's letter: "B", "(B)", "B. five", "Option B: five", "B) five"."""
_ALSO = re.compile(
    r"(?:\s*[).:\]]?\s*(?:,|/|&|and\b|or\b)\s*[(\[]?|\s+[-–—]\s+|\s*[(\[])\s*(?P<letter>[A-Za-z])\s*[)\]]?"
    r"(?=\s*(?:\Z|[,/&.;]|[-–—]\s|and\b|or\b|are\b|is\b|both\b|[(\[]))"
)
"""Another letter behind it: "A and B", "(A), (C)", "(A)(B)", "A) and B) are right"."""
_MOST = "ABCDEFGH"
"""Letters that options have where nobody says which there are: "I" is more often a numeral."""
_SEPARATORS = ").:]-–— \t\n"
_EDGES = "\"'“”‘’«»`*_.,;:!?()[]{}$ \t\n"


def checker_of(kind: str | Checker, choices: Sequence[str] = ()) -> Checker:
    """The checker of a kind of answers, or the user's own function as it is.

    Args:
        kind: "number" (exact; see :func:`~trigreason_graph.evaluation.answers.same_number`), "latex" (by math-verify;
            see :func:`~trigreason_graph.evaluation.latex.same_latex`), "choice" (a letter, in any dress, or an
            option's whole text), "text" (the same words, whatever their case, spaces and punctuation around), or a
            function.
        choices: The options' texts in the order of their letters, for "choice"; empty: only letters count.

    Raises:
        ValueError: No such kind.
    """
    if callable(kind):
        return kind
    match kind:
        case "number":
            return same_number
        case "latex":
            return same_latex
        case "choice":
            return partial(_same_choice, tuple(choices))
        case "text":
            return same_text
    raise ValueError(f"there is no checker {kind!r}: {', '.join(KINDS)}, or a function of (stated, right)")


def same_text(stated: str | None, right: str) -> bool:
    """Whether two texts are the same words: case, spaces, Unicode forms, emphasis and punctuation around aside."""
    return stated is not None and _words(stated) == _words(right) != ""


def same_choice(stated: str | None, right: str, choices: Sequence[str] = ()) -> bool:
    """Whether a stated option is the right one.

    Args:
        stated: "B", "(b)", "B. five", "Option B", or an option's whole text. Two letters state nothing.
        right: The letter, in any of these forms, or the option's text.
        choices: The options' texts in the order of their letters.

    Raises:
        ValueError: `right` is none of the options.
    """
    wanted = chosen(right, choices)
    if wanted is None:
        raise ValueError("the right answer is none of the options")
    return stated is not None and chosen(stated, choices) == wanted


def chosen(stated: str, choices: Sequence[str] = ()) -> str | None:
    """The letter of the option that a text states; None where it states none, or one there is not.

    A text that is word for word one option's is that option, also where it looks like another's letter.
    """
    text = undecorated(without_text_commands(undecorated(stated)))
    same = [letter for letter, choice in zip(ascii_uppercase, choices, strict=False) if same_text(text, choice)]
    if len(same) == 1:
        return same[0]
    found = _LETTER.match(text)
    if found is None:
        return None
    written = found[1] or found[2]
    letter, letters = written.upper(), ascii_uppercase[: len(choices)] or _MOST
    if choices and letter not in letters:
        return None
    behind = text[found.end() :]
    if choices and same_text(behind.lstrip(_SEPARATORS), choices[letters.index(letter)]):
        return letter
    return None if _names_another(behind, written, letters) else letter


def _names_another(behind: str, written: str, letters: str) -> bool:
    """Whether what stands behind an option's letter begins with another one's, in the same case."""
    also = _ALSO.match(behind)
    if also is None or also["letter"] == written or also["letter"].isupper() != written.isupper():
        return False
    return also["letter"].upper() in letters


def _same_choice(choices: Sequence[str], stated: str | None, right: str) -> bool:
    return same_choice(stated, right, choices)


def _words(text: str) -> str:
    plain = unicodedata.normalize("NFKC", without_text_commands(undecorated(text)))
    return " ".join(plain.split()).strip(_EDGES).casefold()
