"""The LRM's blueprint: read out of its reply, and which of its key steps a trace has done. Both are ours.

The article that this project implements asks for a strategic blueprint; the published code has none.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from trigreason_graph.reasoning.patterns import later
from trigreason_graph.reasoning.terms import terms
from trigreason_graph.state import Blueprint, Step

TEXT_LIMIT = 8_000
"""Characters of a reply or a step that are read."""
MOST_ITEMS = 24
"""Key steps, and pitfalls, that are kept: what follows is no plan any more."""

_HIDDEN = later(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_NAMES = (
    ("goal", r"goals?|objectives?|aim|target|task|目标|目的|任务"),
    (
        "key_steps",
        r"key\s?steps?|main\s?steps?|steps?|plan|strategy|approach|关键步骤|主要步骤|解题步骤|步骤|计划|策略|思路",
    ),
    (
        "pitfalls",
        r"(?:common\s|possible\s)?(?:pitfalls?|mistakes?|traps?|errors?|cautions?)|watch\s?out(?:\sfor)?|warnings?"
        r"|易错点|常见错误|注意事项|注意|陷阱|误区",
    ),
)
_LABEL = later(
    r"(?:^[\s#>*_\d.)-]{0,12}|(?<=[.;。；]\s))(?:" + "|".join(f"(?P<{key}>{names})" for key, names in _NAMES) + r")"
    r"(?:[ *_]{0,4}[:：][ *_]{0,4}|[ *_]{0,4}$)",
    re.IGNORECASE | re.MULTILINE,
)
"""A label with its colon, decorated or not, or alone on its line like a heading; also behind a sentence's end."""
_MARKER = later(
    r"(?:(?P<line>^)|(?P<strong>(?<=[.:;,!?。；：，、)]\s)|(?<=[.:;,!?。；：，、)]))|(?<=\s))(?P<indent>[ \t]{0,16})"
    r"(?:(?:\*\*)?(?:[Ss]tep\s|第\s?)?[(（]?(?P<number>\d{1,2}|[一二三四五六七八九十])(?:[.):：、）]|步[:：，、]?)(?:\*\*)?(?!\d)"
    r"|(?P<circled>[①-⑳])|(?P<bullet>[-*•+–])(?=\s))[ \t]{0,16}",
    re.MULTILINE,
)
"""Where an item may begin: "strong" is behind punctuation."""
_CHINESE = {character: number for number, character in enumerate("一二三四五六七八九十", 1)}


def parse_blueprint(text: str) -> Blueprint | None:
    """Read a blueprint tolerantly.

    Labels may be decorated, translated (English, Chinese), stand as headings or be missing; items may be numbered (in
    one line too), bulleted or set apart by line ends or semicolons; JSON is read as well; a cut last item is kept.

    Args:
        text: The LRM's reply. Its hidden thinking, if it is part of it, is left out.

    Returns:
        None for a text without a word. `text` keeps what the LRM wrote, so that prompts show its own words.
    """
    text = _HIDDEN().sub("", text).strip()
    if not re.search(r"[^\W_]", text):
        return None
    read = text[:TEXT_LIMIT]
    if (structured := _from_json(read)) is not None:
        return Blueprint(
            text=text,
            goal=_joined(structured.get("goal")),
            key_steps=_listed(structured.get("key_steps", structured.get("steps", structured.get("plan")))),
            pitfalls=_listed(structured.get("pitfalls")),
        )
    labels = list(_LABEL().finditer(read))
    parts: dict[str, str] = {}
    for label, following in zip(labels, [*labels[1:], None], strict=False):
        part = read[label.end() : following.start() if following else len(read)].strip()
        parts.setdefault(label.lastgroup or "", part)
    steps = parts.get("key_steps") or (read[: labels[0].start()].strip() if labels else read)
    return Blueprint(
        text=text,
        goal=_plain(parts.get("goal", "")),
        key_steps=_items(steps),
        pitfalls=_items(parts.get("pitfalls", "")),
    )


def covered(blueprint: Blueprint, steps: Sequence[Step]) -> list[bool]:
    """Which key steps of a blueprint the steps of a trace have done, as far as their words and numbers tell.

    A key step is done when a step, together with the one before it, has half of the terms that tell this key step from
    the others, and states something: where any step of the trace has a number, one that has none only announces. A
    step that walks through the plan (several key steps and no result) does none of them. A key step without a telling
    term goes with the one before it. What tools wrote does not count. Linear in the text.

    Args:
        blueprint: The plan.
        steps: The trace, or its newest part, oldest first.

    Returns:
        One flag per key step, in their order.
    """
    wanted = tuple(_telling(blueprint["key_steps"]))
    written = [
        (step["text"], bool(step["conclusions"]))
        for step in steps
        if step["author"] != "tool" and step["kind"] != "tool"
    ]
    stated: frozenset[int] = frozenset()
    spoken: frozenset[int] = frozenset()
    before: frozenset[str] = frozenset()
    numeric = False
    for start in range(0, len(written), STRETCH):
        part = _stretch(wanted, tuple(written[start : start + STRETCH]), before)
        stated, spoken, numeric, before = stated | part.stated, spoken | part.spoken, numeric or part.numeric, part.last
    found = stated if numeric else spoken
    return _with_untold([index in found for index in range(len(wanted))], wanted)


STRETCH = 64
"""Steps that are looked at together. A trace only grows, so that all stretches but the last are known already."""


class _Stretch(NamedTuple):
    """What some steps in a row have done.

    Attributes:
        stated, spoken: Key steps that are done in steps with a result or number, and in any.
        numeric: Whether a step has a result or number.
        last: What the last step said; nothing when it only plans.
    """

    stated: frozenset[int]
    spoken: frozenset[int]
    numeric: bool
    last: frozenset[str]


@lru_cache(maxsize=512)
def _stretch(
    wanted: tuple[frozenset[str], ...], written: tuple[tuple[str, bool], ...], before: frozenset[str]
) -> _Stretch:
    """Of the terms of each key step, and the text of each step with whether it has conclusions."""
    stated, spoken, numeric = set[int](), set[int](), False
    for text, concludes in written:
        said, states = _said(text)
        states = states or concludes
        both = said | before
        touched = [index for index, telling in enumerate(wanted) if telling and 2 * len(telling & both) >= len(telling)]
        plans = len(touched) > 1 and not concludes and (len(touched) > 2 or _is_list(text))
        numeric = numeric or states
        if not plans:
            spoken.update(touched)
            if states:
                stated.update(touched)
        before = frozenset() if plans else said
    return _Stretch(frozenset(stated), frozenset(spoken), numeric, before)


@lru_cache(maxsize=1_024)
def _said(text: str) -> tuple[frozenset[str], bool]:
    """The terms of a step, and whether it has a number that is no item's number."""
    read = text[:TEXT_LIMIT]
    return terms(read), bool(_DIGIT().search(_NUMBERED().sub("", read)))


def untouched(blueprint: Blueprint, steps: Sequence[Step]) -> list[bool]:
    """Which key steps nothing in a trace speaks of: less than half of their terms are said anywhere, by anybody.

    Stricter than not `covered`: what is done in other words, or has few words of its own, is not untouched.
    """
    said = frozenset[str]().union(*(terms(step["text"][:TEXT_LIMIT]) for step in steps))
    wanted = map(terms, blueprint["key_steps"])
    return [bool(one) and 2 * len(one & said) < len(one) for one in wanted]


def _telling(key_steps: Sequence[str]) -> list[frozenset[str]]:
    """The terms of each key step that fewer than all others share; where all are shared, all of them."""
    of_each = [terms(key_step) for key_step in key_steps]
    shared = Counter(term for one in of_each for term in one)
    most = max(len(of_each) // 2, 1)
    return [frozenset(term for term in one if shared[term] <= most) or one for one in of_each]


def _with_untold(done: list[bool], wanted: Sequence[frozenset[str]]) -> list[bool]:
    told = [index for index, telling in enumerate(wanted) if telling]
    if not told:
        return done
    return [
        done[index] if telling else done[max((one for one in told if one < index), default=told[0])]
        for index, telling in enumerate(wanted)
    ]


_NUMBERED = later(r"^[\s#>*_]{0,8}(?:step\s|第\s?)?[(（]?\d{1,3}[.):：、）步]", re.IGNORECASE | re.MULTILINE)
_DIGIT = later(r"\d")


def _is_list(text: str) -> bool:
    return len(_MARKER().findall(text[:TEXT_LIMIT])) > 1


def _items(text: str) -> list[str]:
    """The items of a list: by their numbers or bullets, else by line ends and semicolons."""
    items = _by_markers(text) or [part for part in re.split(r"\n+|[;；]", text) if part.strip()]
    return [plain for item in items if (plain := _plain(item))][:MOST_ITEMS]


def _by_markers(text: str) -> list[str]:
    """Items behind numbers, else behind bullets at the beginning of lines."""
    found = list(_MARKER().finditer(text))
    chosen = _numbered(found) or _bulleted(found)
    following = [*(marker.start() for marker in chosen[1:]), len(text)]
    return [text[marker.end() : end] for marker, end in zip(chosen, following, strict=False)]


def _numbered(found: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    """1, 2, 3, …: each the next of its number, one behind punctuation or a line end before "the price is 2. Take"."""
    chosen: list[re.Match[str]] = []
    while len(chosen) < MOST_ITEMS:
        after = chosen[-1].end() if chosen else 0
        nexts = [one for one in found if one.start() >= after and _number(one) == len(chosen) + 1]
        if not nexts:
            break
        strong = (one for one in nexts if one["line"] is not None or one["strong"] is not None)
        chosen.append(next(strong, nexts[0]))
    return chosen


def _bulleted(found: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    bullets = [one for one in found if one["bullet"] and one["line"] is not None]
    outer = min((len(one["indent"]) for one in bullets), default=0)
    return [one for one in bullets if len(one["indent"]) == outer]


def _number(found: re.Match[str]) -> int | None:
    if found["circled"]:
        return ord(found["circled"]) - ord("①") + 1
    written = found["number"]
    return None if written is None else _CHINESE.get(written) or int(written)


def _from_json(text: str) -> Mapping[str, object] | None:
    begin, end = text.find("{"), text.rfind("}")
    if (
        begin < 0
        or '"' not in text[begin:end]
        or text[:begin].strip().strip("`").strip().casefold() not in ("", "json")
    ):
        return None
    try:
        found = json.loads(text[begin : end + 1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    named = {str(key).strip().casefold().replace(" ", "_"): value for key, value in found.items()}
    return named if named.keys() & {"goal", "key_steps", "steps", "plan"} else None


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        return _items(value)
    values: Iterable[object] = value if isinstance(value, list) else ()
    return [plain for one in values if (plain := _plain(_joined(one)))][:MOST_ITEMS]


def _joined(value: object) -> str:
    if isinstance(value, dict):
        return ": ".join(str(part) for part in value.values() if isinstance(part, str))
    return value if isinstance(value, str) else "" if value is None else str(value)


def _plain(text: str) -> str:
    """One line without emphasis."""
    return " ".join(text.replace("**", "").replace("__", "").split()).strip(" ;；*")
