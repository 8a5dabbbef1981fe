"""Reading through Markdown and LaTeX: boxes, quotations, decoration."""

from __future__ import annotations

import re
from typing import NamedTuple

from trigreason_graph.reasoning.blocks import next_mark

BOX_LIMIT = 1_000
"""Characters a boxed content may have; more, or a blank line in it, is a box that was never closed."""

_BRACE = re.compile(r"(?P<box>\\(?:boxed|fbox)\s?\{)|\\.|[{}]", re.DOTALL)
_QUOTED_LINE = re.compile(r"^[ \t]*>[^\n]*", re.MULTILINE)
_WRAPPINGS = (
    re.compile(r"\$\$(.*)\$\$", re.DOTALL),
    re.compile(r"\$([^$]*)\$"),
    re.compile(r"\\\((.*)\\\)", re.DOTALL),
    re.compile(r"\\\[(.*)\\\]", re.DOTALL),
    re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s?\{([^{}]*)\}"),
    re.compile(r"`([^`]*)`"),
)


class Box(NamedTuple):
    r"""A ``\boxed{…}``; `content` is None where it is not closed, `end` is then the end of the text."""

    start: int
    end: int
    content: str | None


def boxes(text: str) -> list[Box]:
    r"""The outermost ``\boxed{…}`` (or ``\fbox``) of a text, in order; braces in them are balanced. Linear."""
    if "box" not in text:
        return []
    found: list[Box] = []
    opened: list[tuple[int, int] | None] = []
    """Per open brace: where its box and the content begin, or None for a brace that is no box's."""
    outer = 0
    for brace in _BRACE.finditer(text):
        if brace.lastgroup == "box":
            opened.append((brace.start(), brace.end()))
            outer += 1
        elif brace[0] == "{":
            opened.append(None)
        elif brace[0] == "}" and opened and (box := opened.pop()) is not None:
            outer -= 1
            if not outer:
                found.append(_box(text, *box, brace.start()))
    unclosed = [Box(box[0], len(text), None) for box in opened if box is not None][:1]
    return sorted([*found, *unclosed])


def _box(text: str, start: int, inner: int, end: int) -> Box:
    content = text[inner:end]
    closed = len(content) <= BOX_LIMIT and "\n\n" not in content
    return Box(start, end + 1, content) if closed else Box(start, len(text), None)


def masked(text: str) -> str:
    """`text` with fenced code and quoted lines blanked out; every position stays where it was."""
    return _QUOTED_LINE.sub(_blank, _without_fences(text))


def _without_fences(text: str) -> str:
    if "```" not in text and "~~~" not in text:
        return text
    parts: list[str] = []
    block, position, kept = "", 0, 0
    while (mark := next_mark(text, position, len(text), block, sealed=True)).kind != "wait":
        if block.startswith(("`", "~")) and not mark.block:
            parts.append(_BLANK.sub(" ", text[kept : mark.end]))
            kept = mark.end
        elif mark.block.startswith(("`", "~")):
            parts.append(text[kept : mark.start])
            kept = mark.start
        block, position = mark.block, mark.end
    rest = text[kept:]
    return "".join([*parts, _BLANK.sub(" ", rest) if block.startswith(("`", "~")) else rest])


_BLANK = re.compile(r"[^\n]")


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def undecorated(value: str) -> str:
    """A value without emphasis, maths delimiters, a box around it, or a full stop behind it."""
    before = ""
    while value != before:
        before = value
        value = value.strip().strip("*").strip().removesuffix("\\\\")
        if value.endswith((".", "。")) and not value.endswith(".."):
            value = value[:-1].rstrip()
        for wrapping in _WRAPPINGS:
            if inner := wrapping.fullmatch(value):
                value = inner[1]
        around = boxes(value)
        if around and around[0].start == 0 and around[0].end == len(value) and around[0].content is not None:
            value = around[0].content
    return value.replace("\\$", "$").replace("\\%", "%")
