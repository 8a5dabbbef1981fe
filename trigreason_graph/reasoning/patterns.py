"""Large patterns, compiled when they are first used: together they would take a tenth of the package's import."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache


def later(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> Callable[[], re.Pattern[str]]:
    """A function that compiles `pattern` once, and hands it out."""
    return cache(lambda: re.compile(pattern, flags))
