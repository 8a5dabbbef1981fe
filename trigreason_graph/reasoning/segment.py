"""Cutting a growing text into steps.

A step is `text` and `sep`; joined, the steps are the text that came in. `sep` is the white space behind the step up to
its last line feed: spaces and tabs behind that are the next step's indentation, so that a trace never ends in one (a
model that has to go on behind a space goes astray). What ends a step:

- both modes: a blank line, outside code fences and display maths; and `HARD_CAP` characters anywhere.
- "adaptive": from `LINE_AFTER` characters on also a line end, unless the line leads into the next (a colon, an
  operator, a list item behind its lead-in, an equation behind its sentence); from `SENTENCE_AFTER` on a sentence end.

Characters are counted from the step's first visible one. Nothing is remembered but the text since the step began and
the block that was open there, so a trace that is closed at any step and resumed is cut the same.

Look-ahead: the white space behind a step must be over, hence a step is known once the first visible character of the
next is. A line end needs up to `lines.LOOK_AHEAD` more characters of the next line, or its end.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from trigreason_graph.reasoning.blocks import Mark, block_after, next_mark
from trigreason_graph.reasoning.lines import LOOK_AHEAD, belongs_together, leads_in, line_kind, sentence_ends
from trigreason_graph.state import Step

SegmentMode = Literal["blank_line", "adaptive"]

LINE_AFTER = 240
"""Characters from which a line end closes a step in adaptive mode (design: the embedded 1.5B writes line by line)."""
SENTENCE_AFTER = 480
"""Characters from which a sentence end closes a step in adaptive mode (design)."""
HARD_CAP = 2_000
"""Characters no step's text exceeds, leading white space aside (design; the paper caps at 512 tokens)."""

_VISIBLE = re.compile(r"\S")
_SLICE = 4_096
"""Characters taken in at once: what is copied at each cut stays small whatever the chunk."""
_NO_END = -1
_NEVER = sys.maxsize


class Segment(NamedTuple):
    """One step as written."""

    text: str
    sep: str


class Segmenter:
    """Cuts text that arrives in chunks; the steps do not depend on the chunks.

    Args:
        mode: See the module.
        opening: The block that is open where the text begins: ``open_block(trace)``.

    Raises:
        ValueError: Unknown mode.
    """

    _text: str
    """What there is from the begin of the step; the positions below are in it."""
    _opening: str
    """The block that was open there."""
    _block: str
    """The block that is open at `_scan`."""
    _scan: int
    """Where to look on from."""
    _body: int
    """The step's first visible character, or -1."""
    _run: int
    """Begin of the white space that is being looked at, or -1."""
    _stop: int
    """The sentence stop before it, or -1."""
    _in_white: bool
    """Whether white space reaches the end of the text."""

    def __init__(self, mode: SegmentMode, opening: str = "") -> None:
        if mode not in get_args(SegmentMode):
            raise ValueError(f"mode must be one of {get_args(SegmentMode)}, not {mode!r}")
        adaptive = mode == "adaptive"
        self._line_after = LINE_AFTER if adaptive else _NEVER
        self._sentence_after = SENTENCE_AFTER if adaptive else _NEVER
        self._held: list[str] = []
        self._begin("", opening)

    @property
    def pending(self) -> str:
        """The text of the step now being written, without white space behind it; "" before its first character."""
        return self._text.rstrip() if self._body >= 0 else ""

    @property
    def settled(self) -> str:
        """The beginning of the step now being written, as far as no look-ahead can take it away again."""
        if self._body < 0:
            return ""
        return self._text[: self._run] if self._run >= 0 else self._text

    def feed(self, text: str) -> list[Segment]:
        """Take in more text; the steps that it completes."""
        segments = []
        for start in range(0, len(text), _SLICE):
            chunk = text[start : start + _SLICE]
            if self._in_white and chunk.isspace():
                self._held.append(chunk)
                continue
            self._text = "".join((self._text, *self._held, chunk))
            self._held.clear()
            self._in_white = False
            while (segment := self._next()) is not None:
                segments.append(segment)
        return segments

    def flush(self) -> Segment | None:
        """The unfinished rest, at the end of a turn: one step, or None where only white space is left.

        Spaces and tabs at the very end, which could begin no further step, are dropped. A line end whose next line was
        too short to tell what it is stays inside the step.
        """
        rest = "".join((self._text, *self._held))
        self._held.clear()
        text = rest.rstrip()
        white = rest[len(text) :]
        segment = Segment(text, white[: white.rfind("\n") + 1])
        self._begin("", self._opening_after(segment) if text else self._opening)
        return segment if text else None

    def _begin(self, text: str, opening: str) -> None:
        """Begin a step, with what is there of it."""
        self._text = text
        self._opening = self._block = opening
        self._scan = 0
        self._body = self._run = self._stop = -1
        self._in_white = False

    def _next(self) -> Segment | None:
        """The next step, or None until there is more text."""
        if self._body < 0:
            if not self._skip_white():
                return None
            self._body = self._scan
        limit = self._body + HARD_CAP
        while True:
            if self._run >= 0:
                if not self._skip_white():
                    return None
                end = self._end_of_step(limit)
                if end is None:
                    return None
                if end != _NO_END:
                    return self._cut(self._run, end)
                self._run = self._stop = -1
                if self._scan >= limit:
                    return self._cut_at_cap(limit)
            sealed = len(self._text) > limit
            end = limit if sealed else len(self._text)
            mark = next_mark(
                self._text,
                self._scan,
                end,
                self._block,
                sealed=sealed,
                lines_from=self._body + self._line_after,
                stops_from=self._body + self._sentence_after,
            )
            self._scan, self._block = mark.end, mark.block
            if mark.kind == "newline":
                self._run = self._end_before(mark.start)
            elif mark.kind == "stop":
                if self._ends_at_stop(mark):
                    return self._cut(mark.end, mark.end)
            elif mark.kind == "wait":
                if not sealed:
                    return None
                if not self._text[limit].isspace():
                    return self._cut_at_cap(limit)
                self._run = self._end_before(limit)

    def _skip_white(self) -> bool:
        """Move on to the next visible character, if it is there yet."""
        visible = _VISIBLE.search(self._text, self._scan)
        self._scan = visible.start() if visible else len(self._text)
        self._in_white = visible is None
        return visible is not None

    def _end_of_step(self, limit: int) -> int | None:
        """Where the separator ends if the white space up to here ends the step; `_NO_END` if not, None if not known."""
        text, run, here = self._text, self._run, self._scan
        last = text.rfind("\n", run, here)
        if last < 0:
            ends = self._stop >= 0 and sentence_ends(text, self._stop, run, text[here])
            return run if ends else _NO_END
        if self._block:
            return _NO_END
        if text.find("\n", run, last) >= 0:
            return last + 1
        if run - self._body < self._line_after:
            return _NO_END
        line = text[text.rfind("\n", 0, run) + 1 : run]
        if leads_in(line):
            return _NO_END
        reach = max(min(here + LOOK_AHEAD, limit), here)
        following, newline, _ = text[here:reach].partition("\n")
        kind = line_kind(following, whole=bool(newline) or len(text) >= reach)
        if kind is None:
            return None
        return _NO_END if belongs_together(line, following, kind, here - last - 1) else last + 1

    def _ends_at_stop(self, mark: Mark) -> bool:
        """Whether a sentence stop ends the step right here; before white space, that is looked at first."""
        if self._text[mark.end].isspace():
            self._run, self._stop = mark.end, mark.start
            return False
        return self._text[mark.start] in "。！？"

    def _cut_at_cap(self, limit: int) -> Segment:
        """Cut a step that is too long: at its last line end if that is in the second half, else at its last word."""
        text, at = self._text, self._text.rfind("\n", self._body, limit + 1)
        if at < self._body + HARD_CAP // 2:
            at = limit
            while at > self._body and not text[at].isspace():
                at -= 1
            if at == self._body:
                return self._cut(limit, limit)
        end = self._end_before(at)
        visible = _VISIBLE.search(text, end)
        line_end = text.rfind("\n", end, visible.start() if visible else len(text)) + 1
        if not line_end:
            return self._cut(end, end)
        if block_after(text[:end], self._opening):
            return self._cut(line_end, line_end)  # sep "" says that a block may be open
        return self._cut(end, line_end)

    def _cut(self, text_end: int, sep_end: int) -> Segment:
        """Hand out a step and begin the next."""
        segment = Segment(self._text[:text_end], self._text[text_end:sep_end])
        self._begin(self._text[sep_end:], self._opening_after(segment))
        return segment

    def _opening_after(self, segment: Segment) -> str:
        return "" if segment.sep else block_after(segment.text, self._opening)

    def _end_before(self, position: int) -> int:
        """Where the visible text before `position` ends."""
        while self._text[position - 1].isspace():
            position -= 1
        return position


def segment(text: str, mode: SegmentMode, opening: str = "") -> list[Segment]:
    """All steps of a whole text."""
    segmenter = Segmenter(mode, opening)
    segments = segmenter.feed(text)
    rest = segmenter.flush()
    return [*segments, rest] if rest else segments


def open_block(steps: Sequence[Step]) -> str:
    """The fence or display maths that is open behind the trace, to go on with: ``Segmenter(mode, open_block(trace))``.

    Looks back only while steps have no separator: a step that ends with one ended outside of any block. A tool's text
    opens none.
    """
    unbroken: list[str] = []
    for step in reversed(steps):
        if step["sep"] or step["author"] == "tool":
            break
        unbroken.append(step["text"])
    block = ""
    for text in reversed(unbroken):
        block = block_after(text, block)
    return block
