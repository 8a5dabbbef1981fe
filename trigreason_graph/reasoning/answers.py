r"""Whether a text states an answer, and which.

An answer counts when it is complete: ``Answer: …`` (emphasised or not, "Final answer:", "答案：", GSM8K's ``#### 72``)
or a closed ``\boxed{…}``. "The answer is 72." is a weak form: it counts only as the text's last sentence, where no
other form stands, and without a doubt in it. Nothing else is one: the last number of an unfinished trace is no answer.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from trigreason_graph.reasoning.markup import boxes, masked, undecorated
from trigreason_graph.reasoning.patterns import later

NEAR_END = 400
"""Characters that may follow an answer: a remark or a check, not another part of the reasoning. Our choice."""

WINDOW = 4_000
"""Characters from the end in which an answer is looked for. Our choice."""

_LABEL = later(
    r"""
    (?:
        (?<![\w"'“‘「『`<\\])(?:[Ff]inal\ |FINAL\ )?(?:Answer|ANSWER)
      | ^[\s\#*_-]{0,12}(?i:(?:so|thus|hence|therefore),?\ )?(?i:the\ |my\ |our\ )?
        (?i:(?:final\ |correct\ )?answer(?:\ is)?)
      | (?<!["'“‘「『`])(?:最终|最后|正确)?答案(?:是|为)?
      | ^[\s*_]{0,6}解?答
    )
    [*_]{0,3}\ ?[:：][*_]{0,3}(?P<value>[^\n]*)
  | ^[\s*_]{0,4}\#{1,6}\ [*_]{0,3}(?i:final\ answer|最终答案)[*_]{0,3}[ \t]*$
  | ^[*_]{1,3}(?i:final\ answer|最终答案)[*_]{1,3}[ \t]*$
  | ^\#\#\#\#[ \t]*(?P<gsm>[-−$€£¥]{0,2}\d[\d,]{0,30}(?:\.\d{1,30})?(?:/\d{1,30})?[ \t]?%?)[ \t]*$
    """,
    re.VERBOSE | re.MULTILINE,
)
_WEAK = later(
    r"""
    (?:^|[.!?。！？]\s*|,\ )
    (?: (?:and\ )?(?:so|thus|hence|therefore|then)?,?\s*(?:the|our|my)\ (?:final\ |correct\ )?answer\ is
      | (?:所以|因此)?，?(?:最终)?答案[是为] )
    :?\s*(?P<value>[^\n]{1,200})\Z
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_DOUBT = later(
    r"""
    [?？] | 可能 | 也许 | 不是 | 错
    | (?<!\w)(?:not|maybe|perhaps|probably|possibly|likely|wrong|correct|incorrect|unclear|unknown|that|if|when|what
        |supposed|going)(?!\w)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SLOT_WORD = (
    r"your|here|number|numeric(?:al)?|value|result|letter|option|choice|integer|digit|expression|solution|answer"
)
_SLOT = later(
    rf"""
    [<\[{{(\s]*(?:(?:the|your|my|final|correct)\ )*(?:answer|答案)(?:\ here)?[\W_]*
    | (?:your|你的)[^\d,]{{0,40}}
    | [<\[{{][^\d\[\]<>{{}},]{{0,30}}\b(?:{_SLOT_WORD}|数字|结果|答案)\b[^\d\[\]<>{{}},]{{0,30}}[>\]}}]
    | (?:[_.…?？□\s-]|\\(?:square|ldots|dots|cdots)|[Xx]{{2,}})*
    | (?:and\ |followed\ by\ ).*
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""A form's empty place, or the instruction repeated ('"Answer:" and the final answer')."""
_DANGLING = later(
    r"(?:[*=×÷·≈:：,，;；(\[{\\^]|(?<=\s)[-+/]|(?<=\w\s)(?:is|are|was|the|of|an|to|for|with|by|and|or|that|about|equals))\Z",
    re.IGNORECASE,
)
_NEXT_SENTENCE = later(r"[.!?]\s+\S|[。！？]\S|\n\s*\S")
_HUSK = later(r"</?\w{1,20}>|<\|\w{1,20}\|>|\\[()\[\]]|[\s.,;:!?。，！？*_`$\\()\[\]{}\"'”’|]+")


class _Found(NamedTuple):
    """A place where an answer is stated; `value` is None where it is not complete."""

    start: int
    end: int
    value: str | None


def complete_answer(text: str, question: str = "") -> str | None:
    r"""The last complete answer near the end of `text`, without decoration, or None.

    Args:
        text: What a model wrote: a step, or a whole reply.
        question: The problem. A statement that is literally part of it is not the model's.

    Returns:
        The answer's text ("72", "$1,000", "(B)", "The robe takes 3 bolts"), never empty. None where there is none,
        where the last one is not complete (an unclosed box, "Answer: the total is"), where more than `NEAR_END`
        characters follow, and for what is only shown: code fences, quoted lines, a form ("Answer: <number>").
    """
    found = _last(text, question)
    return found[0] if found else None


def ends_with_answer(text: str, question: str = "") -> bool:
    """Whether `text` states an answer and says nothing of substance after that answer's sentence."""
    found = _last(text, question)
    if found is None:
        return False
    rest = _NEXT_SENTENCE().search(text, found[1])
    return rest is None or not _HUSK().sub("", text[rest.start() :])


def _last(text: str, question: str) -> tuple[str, int] | None:
    """Value and end of the answer that counts."""
    text = text.rstrip()
    visible = masked(text)
    floor = max(len(visible) - WINDOW, 0)
    asked = _collapsed(question)
    found = [one for one in _stated(visible, floor) if not _is_part(_collapsed(text[one.start : one.end]), asked)]
    if not found:
        return _weak(visible, floor, asked)
    last = found[-1]
    if last.value is None or len(visible) - last.end > NEAR_END:
        return None
    return last.value, last.end


def _stated(text: str, floor: int) -> list[_Found]:
    """Labelled and boxed answers, in order; forms to fill in and labels without anything behind them are left out."""
    labelled = [one for label in _LABEL().finditer(text, floor) if (one := _labelled(text, label)) is not None]
    boxed = [
        _Found(box.start + floor, box.end + floor, _value(box.content))
        for box in boxes(text[floor:])
        if box.content is None or not _to_fill_in(box.content)
    ]
    inside = [box for box in boxed if any(label.start <= box.start < label.end for label in labelled)]
    return sorted([*labelled, *(box for box in boxed if box not in inside)])


def _labelled(text: str, label: re.Match[str]) -> _Found | None:
    """The answer behind a label: the rest of its line, or the one line or formula that follows and ends the text."""
    written, end = label["value"] or label["gsm"] or "", label.end()
    if not written.strip(" *_") or written.rstrip(" *_").endswith((":", "：")):
        below = text[end:].strip()
        if not below or ("\n" in below and not below.startswith(("\\[", "$$"))) or "\n\n" in below:
            return None
        written, end = below, len(text)
    around = boxes(written)
    if around:
        written = around[-1].content or ""
        if around[-1].content is None:
            return _Found(label.start(), end, None)
    return None if _to_fill_in(written) else _Found(label.start(), end, _value(written))


def _value(written: str | None) -> str | None:
    """The value as it is handed out; None for one that breaks off."""
    if written is None:
        return None
    value = undecorated(written)
    opened = sum(map(value.count, "([{")) - sum(map(value.count, ")]}"))
    return None if not value or opened > 0 or _DANGLING().search(value) else value


def _to_fill_in(written: str) -> bool:
    """Whether a value is a form's empty place: "<number>", "[your answer]", "___", nothing."""
    return _SLOT().fullmatch(undecorated(written)) is not None


def _weak(text: str, floor: int, asked: str) -> tuple[str, int] | None:
    """ "The answer is 72." as the last sentence."""
    line = max(text.rfind("\n") + 1, floor)
    found = _WEAK().search(text, line)
    if found is None or _DOUBT().search(found["value"]) or _NEXT_SENTENCE().search(found["value"]):
        return None
    value = None if _to_fill_in(found["value"]) else _value(found["value"])
    if value is None or _is_part(_collapsed(found[0].lstrip(" .!?,。！？")), asked):
        return None
    return value, len(text)


def _is_part(statement: str, asked: str) -> bool:
    """Whether a statement stands in the question, and not as the beginning of a longer one there."""
    at = asked.find(statement)
    while at >= 0:
        end = at + len(statement)
        if not _goes_on(statement[-1], asked[end : end + 2]):
            return True
        at = asked.find(statement, at + 1)
    return False


def _goes_on(last: str, after: str) -> bool:
    """Whether a word or number that ends with `last` is longer than that."""
    return last.isalnum() and (after[:1].isalnum() or (after[:1] in (".", ",") and after[1:].isdigit()))


def _collapsed(text: str) -> str:
    return " ".join(text.split()).casefold()
