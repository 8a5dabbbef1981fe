"""Code fences and display maths: where a blank line belongs to the text and ends nothing.

A block is named by its opener: three or more backticks or tildes, ``$$``, ``\\[`` or ``\\begin{name}``; "" is none.
"""

from __future__ import annotations

import re
import sys
from typing import Literal, NamedTuple

INFO_LIMIT = 40
"""Characters after a fence that are looked at for the end of its line."""

_FIRST = re.compile(r"[\n`~$\\.!?。！？]")
"""What a mark begins with: looked for on its own, since most of a text is none."""
_MARK = re.compile(
    r"""
      (?P<newline>\n)
    | (?P<fence>`{1,16}|~{1,16})
    | (?P<dollars>\${1,16})
    | (?P<command>\\(?:[A-Za-z]{1,8}(?:\{(?:[A-Za-z]{1,24}\*?\}?)?)?|[^A-Za-z\s])?)
    | (?P<stop>(?:[.!?]{1,8}|[。！？]{1,8})["'”’」』）)\]*_]{0,8})
    """,
    re.VERBOSE,
)
"""Every repetition is bounded: a mark that is not complete yet is read again when there is more text."""
_INFO = re.compile(r"[ \t]*[\w+#-]{0,20}[ \t]*")
_ENVIRONMENT = re.compile(r"\\(begin|end)\{([A-Za-z]+\*?)\}")


class Mark(NamedTuple):
    """Something that may matter to where a step ends.

    `block` is the block that is open behind it. Kind "wait": nothing more is certain; look again from `start` when
    there is more text.
    """

    kind: Literal["newline", "stop", "block", "wait"]
    start: int
    end: int
    block: str


def next_mark(
    text: str,
    position: int,
    end: int,
    block: str,
    *,
    sealed: bool,
    lines_from: int = sys.maxsize,
    stops_from: int = sys.maxsize,
) -> Mark:
    """The next mark in ``text[position:end]``. Inside a block only its end is a mark.

    Args:
        text: Begins where the step begins.
        position: Where to look from.
        end: Where to stop.
        block: The block that is open at `position`.
        sealed: Whether what stands at `end` is none of this text's business; else a mark that touches it waits.
        lines_from: Before it, a line end is no mark unless white space follows (it may begin a blank line).
        stops_from: A sentence stop that ends before it is no mark.
    """
    while (first := _FIRST.search(text, position, end)) and (found := _MARK.match(text, first.start(), end)):
        kind, start, position = found.lastgroup, found.start(), found.end()
        if kind == "newline":
            if not block and (start >= lines_from or position == end or text[position].isspace()):
                return Mark("newline", start, position, block)
            continue
        if position == end and not sealed:
            return Mark("wait", start, start, block)
        if kind == "stop":
            if not block and position >= stops_from:
                return Mark("stop", start, position, block)
            continue
        after = _fence(text, found, end, block, sealed=sealed) if kind == "fence" else _maths(found[0], block)
        if after is None:
            return Mark("wait", start, start, block)
        if after != block:
            return Mark("block", start, position, after)
    return Mark("wait", end, end, block)


def block_after(text: str, opening: str) -> str:
    """The block that is open behind a step with this text, when `opening` was open before it.

    Display maths that was open before the step and is not closed in it is given up: no formula is that long, a model
    forgot to close it, and the rest of the trace would have no more step ends. A fence is kept open.
    """
    block, position, inherited = opening, 0, True
    while (mark := next_mark(text, position, len(text), block, sealed=True)).kind != "wait":
        inherited = inherited and mark.block == block
        block, position = mark.block, mark.end
    return "" if inherited and not block.startswith(("`", "~")) else block


def _fence(text: str, found: re.Match[str], end: int, block: str, *, sealed: bool) -> str | None:
    """The open block behind a run of backticks or tildes, or None while the rest of its line is needed."""
    run = found[0]
    if len(run) < 3 or (block and block[0] != run[0]):
        return block
    ahead = text[found.end() : min(end, found.end() + INFO_LIMIT)]
    rest, newline, _ = ahead.partition("\n")
    full = len(ahead) == INFO_LIMIT
    if not newline and not full and not sealed:
        return None
    line_ended = bool(newline) or not full
    if block:
        return "" if len(run) >= len(block) and line_ended and not rest.strip() else block
    before = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
    if not before.strip(" \t>"):
        return run if run[0] == "~" or "`" not in rest else ""  # ```x``` is code in a line
    # "Here is the code: ```python", "1. ```": not Markdown's rule, but what models write.
    return run if run[0] == "`" and before[-1].isspace() and line_ended and _INFO.fullmatch(rest) else ""


def _maths(mark: str, block: str) -> str:
    """The open block behind ``$$`` or a LaTeX command."""
    if mark[1:2] not in "$[]be":  # most commands
        return block
    environment = _ENVIRONMENT.fullmatch(mark)
    opener = mark if mark in ("$$", r"\[") or (environment and environment[1] == "begin") else ""
    if not block:
        return opener
    closer = {"$$": "$$", r"\[": r"\]"}.get(block, block.replace(r"\begin", r"\end"))
    return "" if mark == closer else block
