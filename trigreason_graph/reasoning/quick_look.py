"""Whether a text could go round in circles at all, told by its characters: a fraction of a look token by token."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import Literal

from trigreason_graph.reasoning.patterns import later

WINDOW = 6_000
"""Characters from the end that are looked at: a bound on the time of a look (a few milliseconds)."""
_WIDE_LETTER = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_LETTER = rf"(?:(?![{_WIDE_LETTER}])[^\W\d_])"
_ITEM = r"^[ \t>*#_-]{0,12}(?:(?:(?:step|case|attempt|iteration|第)[ ]?)?[(（]?\d{1,6}[.):：、）步](?!\d)[ ]?){1,2}"
_WORD = rf"(?<![^\W\d_]){_LETTER}{{2,24}}(?!{_LETTER})"
_OTHER = r"\\[A-Za-z]{1,24}|(?<!\d)\d{1,15}(?!\d)|\S"
TOKEN = later(
    rf"(?P<item>(?i:{_ITEM}))|(?P<wide>[{_WIDE_LETTER}])|(?P<word>{_WORD})|{_OTHER}",
    re.MULTILINE,
)
"""Words and numbers; of very long ones the single letters and digits, so that "hahaha" has a period."""
_ITEM_TOKEN = later(_ITEM[1:], re.IGNORECASE)
_PLAIN_TOKENS = later(rf"[{_WIDE_LETTER}]|{_WORD}|{_OTHER}")
_ASCII_TOKENS = later(rf"(?<![A-Za-z])[A-Za-z]{{2,24}}(?![A-Za-z])|{_OTHER}")
"""The tokens of a line behind its item, all at once; the latter finds the same in ASCII, twice as fast."""
ITEMS = later(_ITEM.replace("^", r"\n", 1), re.IGNORECASE)
"""List items by the line feed before them: what begins with a fixed character is found much faster."""
SAME_ITEM = " " + "\0" * 17 + " "
"""What stands for every list item in the quick look: as long as a third of the longest, in letters."""
NEXT_ITEM = re.compile(r"\n[ \t>*#_-]{0,12}(?:step[ ]?)?\d{0,6}\Z", re.IGNORECASE)
"""The number of a list item that is only just begun."""
GRAM = 6
"""Tokens of the phrases that are counted for loops without a fixed period."""
GRAMS = 150
"""Phrases that are counted, the newest."""
OFTEN = 3
"""Times that a phrase must come, the newest one included."""
GRAMS_SHARE = 0.9
"""Share of them that must come so often."""
MOST_RARE = GRAMS - math.ceil(GRAMS_SHARE * GRAMS)
MOST_PHRASES = MOST_RARE + (GRAMS - MOST_RARE) // OFTEN
"""Different ones among them."""
NEWEST = 1_200
"""Characters that nearly always hold the phrases that are counted."""
LONGEST_ITEM = 64
"""Characters that no list item exceeds."""
QUICK_LETTERS = 20
"""Characters without white space of the shortest loop: 60 letters, of which one character counts for 3 at most."""


def quick_look(tail: str) -> Literal["nothing", "phrases", "anything"]:
    """What the full look, token by token, could find at most, told by the characters.

    What is periodic by its tokens is so by its characters, white space and case aside, and so ends in some unit twice.
    """
    unfinished = _unfinished(tail)
    written = known_letters(tail)
    written = written[: len(written) - len(unfinished)]
    places = _places(written)
    if _ends_in_square(written, places):
        return "anything"
    if len(places) < OFTEN:
        return "nothing"
    newest = tail.find("\n", len(tail) - NEWEST) + 1 if len(tail) > NEWEST else 0
    tokens = _tokens(tail[newest:])
    if newest and len(tokens) <= GRAMS + GRAM:
        tokens = _tokens(tail)
    return "phrases" if _recurring(tokens[:-1] if unfinished else tokens) else "nothing"


def may_loop(texts: Sequence[str]) -> bool:
    """Whether `looping` could find anything where these texts end, each beginning a line; a fraction of its cost.

    Args:
        texts: The newest last. What is known of the others is kept for the next look.
    """
    newest = texts[-1]
    if len(newest) > WINDOW or NEXT_ITEM.search("\n" + newest):
        return True  # not worth a look of its own
    unfinished = _unfinished(newest)
    written = "".join(map(known_letters, texts))
    written = written[: len(written) - len(unfinished)]
    places = _places(written)
    if _ends_in_square(written, places):
        return True
    if len(places) < OFTEN:
        return False
    tokens = known_tokens(newest)
    parts = [tokens[:-1] if unfinished else tokens]
    count = len(parts[0])
    for text in reversed(texts[:-1]):
        if count >= GRAMS + GRAM:
            break
        parts.append(known_tokens(text))
        count += len(parts[-1])
    return _recurring(list(chain.from_iterable(reversed(parts))))


def _letters(text: str) -> str:
    """What is compared of a text that begins a line: no white space, no case, and list items made alike."""
    return "".join(ITEMS().sub(SAME_ITEM, "\n" + text).casefold().split())


def _tokens(text: str) -> tuple[str, ...]:
    """The tokens of a text that begins a line, as they are compared: no case, and list items made alike."""
    plain = _ASCII_TOKENS() if text.isascii() else _PLAIN_TOKENS()
    found: list[str] = []
    for line in text.split("\n"):
        if item := _ITEM_TOKEN().match(line):
            found.append("1.")
        found += plain.findall(line, item.end() if item else 0)
    return tuple(map(str.lower, found))


# A step is looked at with each of the next ones.
known_letters = lru_cache(maxsize=512)(_letters)
known_tokens = lru_cache(maxsize=512)(_tokens)


def _unfinished(text: str) -> str:
    """The letters of the last word or number where it may not be complete; empty where it is."""
    if not text[-1:].isalnum():
        return ""
    begin = text.rfind("\n") + 1
    if len(text) - begin > LONGEST_ITEM:
        begin = len(text) - len(text.rsplit(None, 1)[-1])
    last = [*TOKEN().finditer(text, begin)][-1]
    if last.lastgroup == "wide":
        return ""
    return SAME_ITEM.strip() if last.lastgroup == "item" else last[0].casefold()


def _places(written: str) -> list[int]:
    """Where the last `GRAM` letters of a text stand in it, the last place first; of a row of one letter none is told.

    The newest phrase ends in them, since each of its tokens has one letter at least: it comes no more often.
    """
    mark, at = written[-GRAM:], len(written) - GRAM
    places: list[int] = []
    while at >= 0:
        places.append(at)
        at = written.rfind(mark, 0, at + GRAM - 1) if mark != mark[0] * GRAM else -1
    return places


def _ends_in_square(written: str, places: Sequence[int]) -> bool:
    """Whether a text ends in some unit twice and, in all its coming, over at least QUICK_LETTERS characters.

    A row of one letter counts as well, whatever its length.
    """
    end = len(written)
    if end < QUICK_LETTERS:
        return False
    if written[-GRAM:] == written[-1] * GRAM:
        return True
    for at in places[1:]:
        period = end - GRAM - at
        length = max(2 * period, QUICK_LETTERS)
        if length <= end and written[-length:-period] == written[period - length :]:
            return True
    return False


def _recurring(tokens: Sequence[str]) -> bool:
    """Whether nearly all of the newest phrases come three times: else no loop without a fixed period can be there."""
    counted = tokens[-GRAMS - GRAM + 1 :]
    if len(counted) < GRAMS + GRAM - 1:
        return False
    # Few phrases are rare, and the others come three times: so few different ones can be there, of tokens and of pairs.
    if len(set(counted)) > MOST_PHRASES + GRAM - 1 or len(set(pairwise(counted))) > MOST_PHRASES + GRAM - 2:
        return False
    phrases = Counter(zip(*(counted[shift:] for shift in range(GRAM)), strict=False))
    return sum([times for times in phrases.values() if times < OFTEN]) <= MOST_RARE
