"""Where a line or a sentence is complete, for writers who set no blank lines."""

from __future__ import annotations

import re
from typing import Literal

LineKind = Literal["item", "equation", "other"]

LOOK_AHEAD = 48
"""Characters of the next line that can matter to whether this line ends a step. Most lines are told after a few."""

EQUATION_WORDS = 4
"""Words an equation line may have before its relation sign ("Cost of the pens = 4 * 2"); one more makes it prose."""

_ITEM = re.compile(r"(?:[-*+•–]|\d{1,3}[.)]|[(（][A-Za-z\d]{1,3}[)）]|[A-Za-z][.)])(?=\s)|\d{1,3}、|[①-⑳]")
_DISPLAY = re.compile(r"\\\[|\$\$|\\begin\{")
_CONTINUATION = re.compile(r"[=≈≤≥×÷]|\\(?:times|cdot|div|approx|leq?|geq?)(?=[^A-Za-z])")
_TOKEN = re.compile(
    r"""
      (?P<relation>[=≈≤≥]|\\(?:approx|leq?|geq?)(?=[^A-Za-z]))
    | (?P<prose>[:：;；，。！？\#|]|[.!?,](?=\s)|\\boxed(?=[^A-Za-z]))
    | \\[A-Za-z]*
    | (?P<word>[^\W\d_]{2,})
    """,
    re.VERBOSE,
)
_LEAD_IN = re.compile(r"(?:[:：](?:\*\*|__|\*|_)?|[-+*/=×÷·<>≤≥≈&,，]|\\\\|\\(?:times|cdot|div|approx|leq?|geq?))\Z")
_TITLE = re.compile(r"\s*(?:#{1,6}\s.*|\*\*[^*=.!?。]+\*\*)")
_ABBREVIATION = re.compile(
    r"(?:^|[^\w.])(?:e\.g|i\.e|etc|vs|cf|approx|resp|[Ff]ig|[Ee]q|Dr|Mr|Mrs|Ms|Prof|St|a\.m|p\.m|[A-Z])\Z"
)
_NUMBERING = re.compile(r"[\s>#*_-]*(?:\w{1,12}\s)?[(（]?\d{1,3}")


def line_kind(head: str, *, whole: bool) -> LineKind | None:
    """What a line is, told from its beginning; None while more of it is needed.

    Args:
        head: The line without indentation, or its beginning; at most `LOOK_AHEAD` characters are read.
        whole: Whether no more of the line will be seen.

    Once a beginning is told, no longer one is told otherwise (a test asserts it).
    """
    head = head[:LOOK_AHEAD]
    if _ITEM.match(head):
        return "item"
    if _DISPLAY.match(head):
        return "equation"
    words = 0
    for token in _TOKEN.finditer(head):
        if token.lastgroup == "relation":
            return "equation"
        words += token.lastgroup == "word"
        if token.lastgroup == "prose" or words > EQUATION_WORDS:
            return "other"
    return "other" if whole or len(head) == LOOK_AHEAD else None


def leads_in(line: str) -> bool:
    """Whether a line cannot be an end: it ends in a colon, a comma or an operator, or is a title."""
    return bool(_LEAD_IN.search(line) or _TITLE.fullmatch(line))


def belongs_together(line: str, following: str, kind: LineKind, indentation: int) -> bool:
    """Whether the next line stays with this one: a list item with its lead-in, an equation with its sentence.

    Args:
        line: This line, with its indentation.
        following: The next line's beginning, without its indentation.
        kind: What the next line is.
        indentation: Characters of white space before it.
    """
    own = line.lstrip()
    own_kind = line_kind(own, whole=True)
    if kind == "item":
        deeper = indentation - (len(line) - len(own))
        return deeper > 0 or (deeper == 0 and own_kind != "item")
    if kind == "equation":
        return own_kind != "equation" or bool(_CONTINUATION.match(following))
    return False


def sentence_ends(text: str, stop: int, end: int, following: str) -> bool:
    """Whether a stop before white space ends a sentence.

    Args:
        text: Begins where the step begins.
        stop: Position of the ``.``, ``!`` or ``?`` (or of its full-width form).
        end: Position behind it and the closing quotes and brackets.
        following: The first character behind the white space.
    """
    if text[stop] in "。！？":
        return True
    if following.islower() or (".." in text[stop:end] and not following.isupper()):
        return False
    if text[stop] == "!":
        return text[stop - 1] not in "0123456789)"  # a factorial
    if text[stop] == ".":
        line = text[text.rfind("\n", 0, stop) + 1 : stop]
        return not (_ABBREVIATION.search(line[-12:]) or (len(line) <= 32 and _NUMBERING.fullmatch(line)))
    return True
