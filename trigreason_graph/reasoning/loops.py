"""Text that goes round in circles, told from text that only looks alike.

A loop is a unit that comes again, word for word, until the very end of the text: only the number of a list item may
differ. A list that makes progress (other numbers, other letters) is none. Tables, code and formulas repeat themselves
by nature and must do so for much longer. No words are needed, so that it works in any language.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Literal, NamedTuple

from trigreason_graph.reasoning.patterns import later
from trigreason_graph.reasoning.periods import borders_of, sums_of

WINDOW = 6_000
"""Characters from the end that are looked at: a bound on the time of a look (a few milliseconds)."""
EXCERPT = 120
"""Characters of the unit that are shown."""
_WIDE_LETTER = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_LETTER = rf"(?:(?![{_WIDE_LETTER}])[^\W\d_])"
_ITEM = r"^[ \t>*#_-]{0,12}(?:(?:(?:step|case|attempt|iteration|第)[ ]?)?[(（]?\d{1,6}[.):：、）步](?!\d)[ ]?){1,2}"
_TOKEN = later(
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
_ITEMS = later(_ITEM.replace("^", r"\n", 1), re.IGNORECASE)
"""List items by the line feed before them: what begins with a fixed character is found much faster."""
_SAME_ITEM = " " + "\0" * 17 + " "
"""What stands for every list item in the quick look: as long as a third of the longest, in letters."""
_NEXT_ITEM = re.compile(r"\n[ \t>*#_-]{0,12}(?:step[ ]?)?\d{0,6}\Z", re.IGNORECASE)
"""The number of a list item that is only just begun."""
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)

WIDE = 3
"""Letters that one Chinese, Japanese or Korean character counts for. White space between tokens counts one."""
NEEDED = ((180, 2), (60, 3), (24, 4), (8, 6), (0, 10))
"""How often a unit of words must come, by its least length in letters. Ours, set on tests/data/loops.jsonl: the longer
a unit is, the less can its second coming be chance."""
REGION = 90
"""Letters that all repetitions of words must have together."""
BARE_NEEDED, BARE_REGION = 6, 280
"""The same for a unit without words (digits, brackets): "0 & 0 & 0" and 1/3 = 0.333 are no loops."""
EQUAL_NEEDED, EQUAL_REGION = ((24, 3), (0, 5)), 60
"""The same for a unit with an equals sign: "= 10x + y = 10x + y = 10x + y" gets nowhere."""
RULES = frozenset("-=_*.~#+|·…—─&")
"""Signs that are written in rows on purpose. A row of another one, such as ";;;;", is a loop from `ROW` on."""
ROW, RULES_REGION = 30, 1_000
FIXED_FACTOR, FIXED_REGION = 2, 400
"""In tables, code and formulas a unit must come so many times as often, and all repetitions be so long. Without words
twice the length is needed."""

GRAM = 6
"""Tokens of the phrases that are counted for loops without a fixed period."""
GRAMS = 150
"""Phrases that are counted, the newest."""
GRAMS_SHARE = 0.9
"""Share of them that must come three times or more."""


class Loop(NamedTuple):
    """Where a text goes round.

    Attributes:
        start: Where the first round begins.
        keep: Where it ends: what follows only repeats.
        times: How often the unit comes, the last one perhaps broken off.
        unit: The beginning of the unit, on one line.
    """

    start: int
    keep: int
    times: int
    unit: str


class _Tokens(NamedTuple):
    """Tokens of a tail: what is compared, and where each begins and ends in the whole text."""

    ids: list[int]
    starts: list[int]
    ends: list[int]
    words: list[bool]
    wide: list[bool]
    signs: list[bool]
    """Whether it has a letter or a digit."""
    letters: list[int]


@lru_cache(maxsize=512)  # every draft is judged twice: while it streams in, and when it is committed
def looping(text: str) -> Loop | None:
    """The loop in which `text` ends, or None.

    Args:
        text: What a model wrote, perhaps still being written. `WINDOW` characters from its end are read.

    Time is linear in the window, whatever the text.
    """
    begin = max(len(text) - WINDOW, 0)
    tail = _NEXT_ITEM.sub("", text[begin:])
    look = _quick_look(tail)
    if look == "nothing":
        return None
    if look == "phrases":  # found in the newest lines, if they have enough of them
        newest = tail.find("\n", max(len(tail) - NEWEST, 0)) + 1
        tokens, _ = _complete(text, tail[newest:], begin + newest)
        if len(tokens.ids) >= GRAMS + GRAM:
            return None if _fixed_form(tail) else _irregular(text, tokens)
    return _found(text, begin, tail)


def may_loop(texts: Sequence[str]) -> bool:
    """Whether `looping` could find anything where these texts end, each beginning a line; a fraction of its cost.

    Args:
        texts: The newest last. What is known of the others is kept for the next look.
    """
    newest = _NEXT_ITEM.sub("", "\n" + texts[-1])
    if not newest:  # only the number of an item: the text before is the newest, and may not be complete
        return True
    return _look([*chain.from_iterable(map(_whole_words, texts[:-1])), *_words(newest)]) != "nothing"


def _found(text: str, begin: int, tail: str) -> Loop | None:
    """The full look."""
    tokens, broken = _complete(text, tail, begin)
    if len(tokens.ids) < GRAM:
        return None
    fixed = _fixed_form(tail)
    return _periodic(text, tokens, fixed, broken) or (None if fixed else _irregular(text, tokens))


def _complete(text: str, tail: str, begin: int) -> tuple[_Tokens, str]:
    """The tokens of a tail, and apart the last word or number where it may not be complete."""
    tokens, broken = _tokens(tail, begin), ""
    if tail[-1:].isalnum() and tokens.ids and not tokens.wide[-1]:
        broken = text[tokens.starts[-1] : tokens.ends[-1]].lower()
        for part in tokens:
            part.pop()
    return tokens, broken


LONGEST_WORD = 24
"""Letters of a word that is one token."""
NEWEST = 1_200
"""Characters that nearly always hold the phrases that are counted."""
QUICK_LETTERS = 20
"""Characters without white space of the shortest loop: 60 letters, of which one character counts for 3 at most."""


def _quick_look(tail: str) -> Literal["nothing", "phrases", "anything"]:
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
    return tuple(_ITEMS().sub(_SAME_ITEM, "\n" + text).casefold().split())


def _words(lines: str) -> list[str]:
    """The same of lines, the first of them empty; the last word is left out where it may not be complete."""
    plain = _ITEMS().sub(_SAME_ITEM, lines)
    if lines[-1:].isalnum():
        last = next(iter(deque(_TOKEN().finditer(lines, lines.rfind("\n") + 1), maxlen=1)), None)
        if last is not None and last.lastgroup == "item":
            plain = plain[: -len(_SAME_ITEM)]
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
        one = word == _SAME_ITEM.strip() or (word.isascii() and word.isalpha() and len(word) <= LONGEST_WORD)
        tokens += 1 if one else len(word)
        if tokens > GRAMS:
            break
        if index < GRAM - 1:
            continue
        mark = written[end : end + GRAM]
        if written.count(mark) < 3 and (mark[0] not in mark[1:] or _comes_twice(written, mark)):
            rare += 1
            if rare > allowed:
                return False
    return True


def _comes_twice(written: str, mark: str) -> bool:
    """Whether a mark comes twice at most, also where it overlaps with itself."""
    second = written.find(mark, written.find(mark) + 1)
    return second < 0 or written.find(mark, second + 1) < 0


def _tokens(tail: str, begin: int) -> _Tokens:
    numbers: dict[str, int] = {}
    found = _Tokens([], [], [], [], [], [], [])
    for token in _TOKEN().finditer(tail):
        kind = token.lastgroup
        key = "1." if kind == "item" else token[0].lower()
        found.ids.append(numbers.setdefault(key, len(numbers)))
        found.starts.append(begin + token.start())
        found.ends.append(begin + token.end())
        found.words.append(kind in ("wide", "word"))
        found.wide.append(kind == "wide")
        found.signs.append(token[0][-1].isalnum() or kind == "item")
        found.letters.append(WIDE if kind == "wide" else len(token[0]) + 1)
    return found


def _fixed_form(tail: str) -> bool:
    """Whether the end of a tail stands in code, a table or an array of formulas."""
    if len(_FENCE.findall(tail)) % 2:
        return True
    lines = [line for line in tail[-400:].split("\n") if line.strip()][-4:-1]
    return bool(lines) and all(line.count("|") > 1 or "&" in line or line.rstrip().endswith("\\\\") for line in lines)


def _periodic(text: str, tokens: _Tokens, fixed: bool, broken: str) -> Loop | None:
    """The longest tail that consists of one unit over and over (by the prefix function of the reversed tokens).

    What is broken off at its end must be the beginning of what the unit goes on with.
    """
    ids = tokens.ids[::-1]
    borders = borders_of(ids)
    letters = sums_of(tokens.letters[::-1])
    words = sums_of([int(word) for word in tokens.words[::-1]])
    signs = sums_of([int(sign) for sign in tokens.signs[::-1]])
    for length in range(len(ids), 1, -1):
        period = length - borders[length - 1]
        if 2 * period > length or not text[tokens.starts[-period] : tokens.ends[-period]].lower().startswith(broken):
            continue
        unit, region, times = letters[period], letters[length], length // period
        first = len(ids) - length
        written = text[tokens.starts[first] : tokens.ends[first + period - 1]][:EXCERPT]
        if words[period] > 1 or (words[period] and unit > 2 * NEEDED[-2][0]):
            needed, enough = _by_length(unit, NEEDED), REGION
        elif "=" in written and signs[period]:
            needed, enough = _by_length(unit, EQUAL_NEEDED), EQUAL_REGION
        elif signs[period]:
            needed, enough = BARE_NEEDED, BARE_REGION
        else:
            needed, enough = ROW, RULES_REGION if RULES.issuperset(written.replace(" ", "")) else 2 * ROW
        if fixed:
            needed, enough = needed * FIXED_FACTOR, max(FIXED_REGION, enough * FIXED_FACTOR)
        if times >= needed and region >= enough:
            first = _aligned(text, tokens, first, period)
            start, keep = tokens.starts[first], tokens.ends[first + period - 1]
            return Loop(start, keep, times, _excerpt(text, start, keep))
    return None


def _by_length(unit: int, table: Sequence[tuple[int, int]]) -> int:
    return next(count for least, count in table if unit >= least)


def _aligned(text: str, tokens: _Tokens, first: int, period: int) -> int:
    """The token in the first round with which a sentence or line begins, else a word; the round may begin anywhere."""
    for shift in range(first, first + period):
        before = text[max(tokens.starts[shift] - 4, 0) : tokens.starts[shift]]
        if tokens.words[shift] and (not before.strip() or before.rstrip()[-1] in ".!?。！？" or "\n" in before):
            return shift
    return next((shift for shift in range(first, first + period) if tokens.words[shift]), first)


def _irregular(text: str, tokens: _Tokens) -> Loop | None:
    """A tail in which nearly all phrases come three times or more, in whatever order."""
    grams = list(zip(*(tokens.ids[shift:] for shift in range(GRAM)), strict=False))[-GRAMS:]
    if len(grams) < GRAMS or sum(tokens.words[-GRAMS:]) < GRAMS // 2:
        return None
    counts = Counter(grams)
    often = sum(counts[gram] > 2 for gram in grams)
    if counts[grams[-1]] < 3 or often < GRAMS_SHARE * GRAMS:
        return None
    first = len(tokens.ids) - GRAM + 1 - GRAMS
    seen: set[tuple[int, ...]] = set()
    again = next(index for index, gram in enumerate(grams) if gram in seen or seen.add(gram))  # type: ignore[func-returns-value]
    start, keep = tokens.starts[first], tokens.starts[first + again]
    return Loop(start, keep, max(counts.values()), _excerpt(text, start, keep))


def _excerpt(text: str, start: int, end: int) -> str:
    return " ".join(text[start : min(end, start + EXCERPT)].split())
