"""Word lists per language: expressions of hesitation and of certainty, compiled once, matched in linear time.

A list is data: a TOML file with a table for each list, "phrases" that count anywhere as whole words, and "openers" that
count only at the beginning of a sentence, clause or line:

    [default]
    phrases = ["vielleicht", "nicht sicher"]
    openers = ["moment", "halt"]

English ("en") and Chinese ("zh") ship. Another language is the path of such a file ("words/de.toml"), or a name given
to `add_language`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

Lists = Mapping[str, Mapping[str, Sequence[str]]]
"""The lists of a language, by name."""

_CJK = "\u3400"
_OPENING = r"(?:\A|[.!?;:,—…。！？；：，(（\n])[\s\"'“‘*_>-]{0,8}+"
"""What may stand before the beginning of a sentence or clause; bounded and possessive: a search stays linear."""
_AROUND = " .!?;:,—…。！？；：，(（\"'“‘*_>-"
_WORD = re.compile(r"\w+")
_added: dict[str, Lists] = {}


def word_lists(language: str) -> Lists:
    """The lists of a language.

    Args:
        language: "en", "zh", a name given to `add_language`, or the path of a file that ends in ".toml".

    Raises:
        ValueError: There is no such language or file, or it cannot be used; the text says what is known or wrong.
    """
    if language in _added:
        return _added[language]
    return _read(language) if language.endswith(".toml") else _shipped(language)


def add_language(name: str, lists: Lists) -> None:
    """Make the lists of a language known under a name, in this process, in place of those it was given before.

    Args:
        name: What `languages=` of a trigger will call it. "en" and "zh" stay what they are.
        lists: ``{"default": {"phrases": [...], "openers": [...]}}``.

    Raises:
        ValueError: An empty name, one of a shipped language or of a file, or lists of another shape.
    """
    if not name.strip():
        raise ValueError("the language needs a name, by which languages= of a trigger can call it")
    if name in languages() or name.endswith(".toml"):
        raise ValueError(f"the name {name!r} is taken; shipped are {', '.join(languages())}, and .toml is for files")
    _added[name] = _checked(lists, f"language {name!r}")
    phrase_pattern.cache_clear()
    _marks.cache_clear()


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Languages that word lists ship for."""
    folder = files("trigreason_graph.triggers") / "words"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


@lru_cache(maxsize=64)
def phrase_pattern(words: str, chosen: tuple[str, ...], extra: tuple[str, ...] = ()) -> re.Pattern[str]:
    """One pattern for a list in some languages; its group "said" is the expression.

    Args:
        words: Name of the list, such as "default" or "paper".
        chosen: Languages. One that has no list of that name adds nothing.
        extra: More phrases.

    Raises:
        ValueError: An unknown language, or no expression at all.
    """
    phrases, openers = _expressions(words, chosen, extra)
    if not phrases and not openers:
        known = ", ".join(sorted({name for language in languages() for name in word_lists(language)}))
        raise ValueError(f"no word list {words!r} for {', '.join(chosen) or 'no language'}; there are: {known}")
    branches = [_phrase(phrase) for phrase in phrases]
    if openers:
        branches.append(f"(?:{_OPENING})(?:{'|'.join(_phrase(opener) for opener in openers)})")
    return re.compile(f"(?P<said>{'|'.join(branches)})", re.IGNORECASE)


def phrase_in(text: str, words: str, chosen: tuple[str, ...], extra: tuple[str, ...] = ()) -> str:
    """The first expression of a list in `text`, in lower case and without what stands around it; "" for none."""
    folded, marks = text.casefold(), _marks(words, chosen, extra)
    narrow = marks.wide_only and folded.isascii()
    if marks.words.isdisjoint(_WORD.findall(folded)) and (narrow or not any(mark in folded for mark in marks.wide)):
        return ""  # nearly always, and much faster than the pattern
    found = phrase_pattern(words, chosen, extra).search(text)
    return " ".join(found["said"].lower().split()).strip(_AROUND) if found else ""


def _expressions(words: str, chosen: tuple[str, ...], extra: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The phrases and the openers of a list in some languages."""
    lists = [all_lists[words] for language in chosen if words in (all_lists := word_lists(language))]
    phrases = [*extra, *(phrase for one in lists for phrase in one.get("phrases", []))]
    return phrases, [opener for one in lists for opener in one.get("openers", [])]


class _Marks(NamedTuple):
    """What stands in every text that holds an expression of a list: one of these words, or of these characters."""

    words: frozenset[str]
    wide: tuple[str, ...]
    wide_only: bool
    """Whether no text in ASCII has one of the latter."""


@lru_cache(maxsize=64)
def _marks(words: str, chosen: tuple[str, ...], extra: tuple[str, ...]) -> _Marks:
    phrases, openers = _expressions(words, chosen, extra)
    wanted = [phrase.casefold() for phrase in (*phrases, *openers)]
    narrow = [phrase for phrase in wanted if max(phrase) < _CJK and _WORD.search(phrase)]
    longest = frozenset(max(_WORD.findall(phrase), key=len) for phrase in narrow)
    wide = tuple(phrase.split()[0] for phrase in wanted if phrase not in narrow)
    return _Marks(longest, wide, not any(map(str.isascii, wide)))


def _phrase(phrase: str) -> str:
    """A pattern for whole words; white space and apostrophes may vary. Chinese has no spaces, hence no word ends."""
    parts = [re.escape(part).replace("'", "['’]") for part in phrase.split()]
    start = r"\b" if phrase.strip()[0] < _CJK else ""
    end = r"\b" if phrase.strip()[-1] < _CJK else ""
    return start + r"\s{1,4}".join(parts) + end


@lru_cache(maxsize=32)
def _shipped(language: str) -> Lists:
    if language not in languages():
        known = ", ".join([*languages(), *_added])
        raise ValueError(
            f"no word lists for language {language!r}; there are: {known}; your own: the path of a file that ends in "
            '".toml"'
        )
    text = (files("trigreason_graph.triggers") / "words" / f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=32)
def _read(path: str) -> Lists:
    try:
        lists = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"word list {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"word list {path}: this is no valid TOML: {error}") from None
    return _checked(lists, f"word list {path}")


def _checked(lists: object, name: str) -> Lists:
    if not isinstance(lists, Mapping) or not lists:
        raise ValueError(f"{name}: it must have a table for each list, such as [default]")
    for title, one in lists.items():
        if not isinstance(one, Mapping) or not one.keys() <= {"phrases", "openers"} or not one:
            raise ValueError(f'{name}: [{title}] must have "phrases", "openers" or both, and nothing else')
        for kind, texts in one.items():
            if not isinstance(texts, list | tuple) or not all(isinstance(text, str) and text.strip() for text in texts):
                raise ValueError(f"{name}: {kind} of [{title}] must be a list of texts that are not empty")
    return lists
