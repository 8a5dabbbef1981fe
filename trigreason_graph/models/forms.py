"""Where a model's reasoning lives, hidden behind one incremental reader per call.

A trace is the content of a plain model, what stands inside ``<think>…</think>``, or a separate reasoning field. The
reader turns (content, field) pairs into (phase, text) pairs: "reasoning" is trace, "answer" is what a thinking model
writes after its thinking. In turn style a model's own thinking is private: only what it says afterwards is trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from trigreason_graph.models.cards import Form, Style
from trigreason_graph.models.pieces import Phase

OPEN, CLOSE = "<think>", "</think>"


class TagReader:
    """Splits a text stream at think tags, also where a tag arrives in two chunks."""

    def __init__(self, *, inside: bool) -> None:
        self.inside = inside
        self.closed = False
        self._held = ""

    def feed(self, text: str) -> Iterator[tuple[Literal["thinking", "said"], str]]:
        """Yield the text with its place; tags themselves are dropped, a second closing tag too."""
        text = self._held + text
        self._held = ""
        while text:
            start = text.find("<")
            if start < 0:
                yield self._place, text
                return
            if start:
                yield self._place, text[:start]
                text = text[start:]
            tag = next((tag for tag in (OPEN, CLOSE) if text.startswith(tag)), None)
            if tag is not None:
                self.inside = tag == OPEN
                self.closed = self.closed or tag == CLOSE
                text = text[len(tag) :]
            elif any(tag.startswith(text) for tag in (OPEN, CLOSE)):
                self._held = text
                return
            else:
                yield self._place, text[0]
                text = text[1:]

    def flush(self) -> str:
        """What was held back as a possible tag and never became one."""
        held, self._held = self._held, ""
        return held

    @property
    def _place(self) -> Literal["thinking", "said"]:
        return "thinking" if self.inside else "said"


class FormReader:
    """Reads one reply of one model.

    Args:
        form: Where the model's reasoning lives.
        style: "prefill": thinking is trace, what follows it is the answer. "turn": thinking is dropped.
    """

    def __init__(self, form: Form, style: Style) -> None:
        self._turn = style == "turn"
        self._form = form
        # A template that opens the tag itself leaves no opening tag in the stream.
        self._tags = TagReader(inside=form == "think_tags" or (form == "field" and not self._turn))
        self._field_seen = False
        self._private: list[str] = []

    def feed(self, content: str, field: str) -> list[tuple[Phase, str]]:
        """(phase, text) of what one chunk added; nothing for text that is private."""
        read: list[tuple[Phase, str]] = []
        if field and self._form != "content":
            self._field_seen = True
            if not self._turn:
                read.append(("reasoning", field))
        if not content:
            return read
        if self._form == "content":
            return [*read, ("reasoning", content)]
        if self._field_seen:  # the field held the thinking, so the content is what was said afterwards
            self._tags.inside = False
        for place, text in self._tags.feed(content):
            read.extend(self._keep(place == "thinking", text))
        return read

    def flush(self) -> list[tuple[Phase, str]]:
        """What is left when the stream has ended."""
        held = self._tags.flush()
        read = list(self._keep(self._tags.inside, held)) if held else []
        if self._turn and self._private and not self._tags.closed:
            # It never closed a tag, so it was not thinking in private: this is its reply.
            return [("reasoning", "".join(self._private)), *read]
        return read

    def _keep(self, thinking: bool, text: str) -> Iterator[tuple[Phase, str]]:
        if self._turn:
            if thinking:
                self._private.append(text)
            else:
                yield "reasoning", text
        else:
            yield ("reasoning" if thinking else "answer"), text
