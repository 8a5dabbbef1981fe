"""Large patterns: compiled when they are first used, since together they would take a tenth of the package's import;
and asked only where a word stands without which they find nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache


def later(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> Callable[[], re.Pattern[str]]:
    """A function that compiles `pattern` once, and hands it out."""
    return cache(lambda: re.compile(pattern, flags))


def folded(text: str) -> str:
    """As patterns that ignore case see it: they take a dotless and a dotted i for i."""
    return text.casefold().replace("ı", "i").replace("i̇", "i")


def has_one(words: Sequence[str], text: str) -> bool:
    """Whether one of `words` stands in `text`, which is `folded` where case is nothing."""
    return any(map(text.__contains__, words))
