"""Whether a text could go round in circles at all, told by its characters: a fraction of a look token by token."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Literal

from trigreason_graph.reasoning.patterns import later

WINDOW = 6_000
"""Characters from the end that are looked at: a bound on the time of a look (a few milliseconds)."""
_WIDE_LETTER = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_LETTER = rf"(?:(?![{_WIDE_LETTER}])[^\W\d_])"
_ITEM = r"^[ \t>*#_-]{0,12}(?:(?:(?:step|case|attempt|iteration|第)[ ]?)?[(（]?\d{1,6}[.):：、）步](?!\d)[ ]?){1,2}"
TOKEN = later(
    rf"""
      (?P<item>{_ITEM})
    | (?P<wide>[{_WIDE_LETTER}])
    | (?P<word>(?<![^\W\d_]){_LETTER}{{2,24}}(?!{_LETTER}))
    | \\[A-Za-z]{{1,24}}
    | (?<!\d)\d{{1,15}}(?!\d)
    | \S
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
"""Words and numbers; of very long ones the single letters and digits, so that "hahaha" has a period."""
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
GRAMS_SHARE = 0.9
"""Share of them that must come three times or more."""
LONGEST_WORD = 24
"""Letters of a word that is one token."""
QUICK_LETTERS = 20
"""Characters without white space of the shortest loop: 60 letters, of which one character counts for 3 at most."""


def quick_look(tail: str) -> Literal["nothing", "phrases", "anything"]:
    """What the full look, token by token, could find at most, told by the characters.

    What is periodic by its tokens is so by its characters, white space and case aside, and so ends in some unit twice.
    """
    return _look(_words("\n" + tail))


def _look(words: Sequence[str]) -> Literal["nothing", "phrases", "anything"]:
    if _ends_in_square("".join(words)):
        return "anything"
    return "phrases" if _often_the_same(words[1 - GRAMS - GRAM :]) else "nothing"


@lru_cache(maxsize=512)  # a step is looked at with each of the next ones
def _whole_words(text: str) -> tuple[str, ...]:
    """The words of a text that is complete and begins a line, list items made alike."""
    return tuple(ITEMS().sub(SAME_ITEM, "\n" + text).casefold().split())


def _words(lines: str) -> list[str]:
    """The same of lines, the first of them empty; the last word is left out where it may not be complete."""
    plain = ITEMS().sub(SAME_ITEM, lines)
    if lines[-1:].isalnum():
        last = next(iter(deque(TOKEN().finditer(lines, lines.rfind("\n") + 1), maxlen=1)), None)
        if last is not None and last.lastgroup == "item":
            plain = plain[: -len(SAME_ITEM)]
        elif last is not None and last.lastgroup != "wide":
            plain = plain[: -len(last[0])]
    return plain.casefold().split()


def _ends_in_square(written: str) -> bool:
    """Whether a text ends in some unit twice and, in all its coming, over at least QUICK_LETTERS characters."""
    end = len(written)
    if end < QUICK_LETTERS:
        return False
    if (mark := written[-GRAM:]) == mark[-1] * GRAM:
        return True
    at = written.rfind(mark, 0, end - 1)
    while at >= 0:
        period = end - GRAM - at
        length = max(2 * period, QUICK_LETTERS)
        if length <= end and written[-length:-period] == written[period - length :]:
            return True
        at = written.rfind(mark, 0, at + GRAM - 1)
    return False


def _often_the_same(words: Sequence[str]) -> bool:
    """Whether few of the newest phrases are rare: else no loop without a fixed period can be there.

    A phrase of `GRAM` tokens has at least as many characters; one that begins with characters that come fewer than
    three times comes fewer than three times itself. The last `GRAMS` phrases begin with the last tokens, of which a
    plain word is one, another one has as many as characters at most; none begins in the last `GRAM` - 1 words.

    Args:
        words: Those that hold the tokens of the newest phrases; each has one at least.
    """
    written = "".join(words)
    if len(written) < GRAMS:
        return False
    rare, end, tokens = 0, len(written), 0
    allowed = GRAMS - math.ceil(GRAMS_SHARE * GRAMS)
    for index, word in enumerate(reversed(words)):
        end -= len(word)
        one = word == SAME_ITEM.strip() or (word.isascii() and word.isalpha() and len(word) <= LONGEST_WORD)
        tokens += 1 if one else len(word)
        if tokens > GRAMS:
            break
        if index < GRAM - 1:
            continue
        mark = written[end : end + GRAM]
        if written.count(mark) < 3 and (mark[0] not in mark[1:] or _at_most_twice(written, mark)):
            rare += 1
            if rare > allowed:
                return False
    return True


def _at_most_twice(written: str, mark: str) -> bool:
    """Whether a mark comes twice at most, also where it overlaps with itself."""
    second = written.find(mark, written.find(mark) + 1)
    return second < 0 or written.find(mark, second + 1) < 0


def may_loop(texts: Sequence[str]) -> bool:
    """Whether `looping` could find anything where these texts end, each beginning a line; a fraction of its cost.

    Args:
        texts: The newest last. What is known of the others is kept for the next look.
    """
    if max(map(len, texts)) > WINDOW:  # not worth a look of its own
        return True
    newest = NEXT_ITEM.sub("", "\n" + texts[-1])
    if not newest:  # only the number of an item: the text before is the newest, and may not be complete
        return True
    return _look([*chain.from_iterable(map(_whole_words, texts[:-1])), *_words(newest)]) != "nothing"
