"""Hesitation expressions: word lists per language, compiled once, matched in linear time."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files

_CJK = "\u3400"
_OPENING = r"(?:\A|[.!?;:,—…。！？；：，(（]\s{0,3}|\n)[\s\"'“‘*_>-]{0,8}"
"""What may stand before the beginning of a sentence or clause; bounded, so that a search stays linear."""


@cache
def word_lists(language: str) -> dict[str, dict[str, list[str]]]:
    """The lists of a language by name, each with "phrases" and perhaps "openers".

    Raises:
        ValueError: No lists ship for that language; the text names those that do.
    """
    if language not in languages():
        raise ValueError(f"no word lists for language {language!r}; there are: {', '.join(languages())}")
    text = (files("trigreason_graph.triggers") / "words" / f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Languages that word lists ship for."""
    folder = files("trigreason_graph.triggers") / "words"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


@lru_cache(maxsize=64)
def hesitation_pattern(words: str, chosen: tuple[str, ...], extra: tuple[str, ...] = ()) -> re.Pattern[str]:
    """One pattern for a list in some languages; its group "said" is the expression.

    Args:
        words: Name of the list, such as "default" or "paper".
        chosen: Languages. One that has no list of that name adds nothing.
        extra: More phrases.

    Raises:
        ValueError: An unknown language, or no expression at all.
    """
    lists = [word_lists(language)[words] for language in chosen if words in word_lists(language)]
    phrases = [*extra, *(phrase for one in lists for phrase in one["phrases"])]
    openers = [opener for one in lists for opener in one.get("openers", [])]
    if not phrases and not openers:
        known = ", ".join(sorted({name for language in languages() for name in word_lists(language)}))
        raise ValueError(f"no word list {words!r} for {', '.join(chosen) or 'no language'}; there are: {known}")
    branches = [_phrase(phrase) for phrase in phrases]
    if openers:
        branches.append(f"(?:{_OPENING})(?:{'|'.join(_phrase(opener) for opener in openers)})")
    return re.compile(f"(?P<said>{'|'.join(branches)})", re.IGNORECASE)


def _phrase(phrase: str) -> str:
    """A pattern for whole words; white space and apostrophes may vary. Chinese has no spaces, hence no word ends."""
    parts = [re.escape(part).replace("'", "['’]") for part in phrase.split()]
    start = r"\b" if phrase.strip()[0] < _CJK else ""
    end = r"\b" if phrase.strip()[-1] < _CJK else ""
    return start + r"\s{1,4}".join(parts) + end


def hesitates(text: str, words: str, chosen: tuple[str, ...], extra: tuple[str, ...] = ()) -> str:
    """The first hesitation expression in `text`, in lower case and without what stands around it; "" for none."""
    found = hesitation_pattern(words, chosen, extra).search(text)
    return " ".join(found["said"].lower().split()).strip(" .!?;:,—…。！？；：，(（\"'“‘*_>-") if found else ""
