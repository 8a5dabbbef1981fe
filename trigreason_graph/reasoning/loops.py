"""Text that goes round in circles, told from text that only looks alike.

A loop is a unit that comes again, word for word, until the very end of the text: only the number of a list item may
differ. A list that makes progress (other numbers, other letters) is none. Tables, code and formulas repeat themselves
by nature and must do so for much longer. No words are needed, so that it works in any language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from trigreason_graph.reasoning.periods import borders_of, sums_of
from trigreason_graph.reasoning.quick_look import (
    GRAM,
    GRAMS,
    GRAMS_SHARE,
    NEWEST,
    NEXT_ITEM,
    OFTEN,
    TOKEN,
    WINDOW,
    quick_look,
)

EXCERPT = 120
"""Characters of the unit that are shown."""
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
    tail = NEXT_ITEM.sub("", text[begin:])
    look = quick_look(tail)
    if look == "nothing":
        return None
    if look == "phrases":  # found in the newest lines, if they have enough of them
        newest = tail.find("\n", max(len(tail) - NEWEST, 0)) + 1
        tokens, _ = _complete(text, tail[newest:], begin + newest)
        if len(tokens.ids) >= GRAMS + GRAM:
            return None if _fixed_form(tail) else _irregular(text, tokens)
    return _found(text, begin, tail)


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


def _tokens(tail: str, begin: int) -> _Tokens:
    numbers: dict[str, int] = {}
    found = _Tokens([], [], [], [], [], [], [])
    for token in TOKEN().finditer(tail):
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
    often = sum(counts[gram] >= OFTEN for gram in grams)
    if counts[grams[-1]] < OFTEN or often < GRAMS_SHARE * GRAMS:
        return None
    first = len(tokens.ids) - GRAM + 1 - GRAMS
    seen: set[tuple[int, ...]] = set()
    again = next(index for index, gram in enumerate(grams) if gram in seen or seen.add(gram))  # type: ignore[func-returns-value]
    start, keep = tokens.starts[first], tokens.starts[first + again]
    return Loop(start, keep, max(counts.values()), _excerpt(text, start, keep))


def _excerpt(text: str, start: int, end: int) -> str:
    return " ".join(text[start : min(end, start + EXCERPT)].split())
