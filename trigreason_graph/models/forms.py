"""Where a model's reasoning lives, hidden behind one incremental reader per call.

A trace is the content of a plain model, what stands inside ``<think>…</think>``, or a separate reasoning field. The
reader turns (content, field) pairs into (phase, text) pairs: "reasoning" is trace, "answer" is what a thinking model
writes after its thinking. In turn style a model's own thinking is private: only what it says afterwards is trace. (What
is sent to a thinking model is the business of reasoning.handover and models.sending.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trigreason_graph.models.cards import Form, Style
from trigreason_graph.models.pieces import Phase

OPEN, CLOSE = "<think>", "</think>"
_TAG = re.compile(f"({OPEN}|{CLOSE})")


class FormReader:
    """Reads one reply of one model, whatever chunks it comes in.

    Args:
        form: Where the model's reasoning lives.
        style: "prefill": thinking is trace, what follows it is the answer. "turn": thinking is dropped.
        prefill: The text that the reply continues; the model is past its thinking where it ends behind a closing tag.
    """

    def __init__(self, form: Form, style: Style, prefill: str = "") -> None:
        self._form = form
        self._turn = style == "turn"
        # A template that opens the tag itself leaves no opening tag in the stream, nor does a prefilled trace; of the
        # latter a server that has a reasoning field knows nothing, and sends the rest of the thinking as content.
        expected = form == "think_tags" or (form == "field" and style == "prefill")
        self._thinking = expected and CLOSE not in prefill.rpartition(OPEN)[2]
        self._tagged = self._field_seen = self._after_opening = False
        self._held = ""
        self._untold: list[tuple[Phase, str]] = []

    @property
    def holding(self) -> bool:
        """Whether text is held back that may yet be handed on."""
        return bool(self._held)

    def feed(self, content: str, field: str) -> list[tuple[Phase, str]]:
        """(phase, text) of what one chunk added; nothing for tags and for text that is private."""
        if self._form == "content":
            return [("reasoning", content)] if content else []
        read: list[tuple[Phase, str]] = []
        if field:
            if not self._field_seen:  # the field holds the thinking, so the content is what is said afterwards
                self._field_seen, self._thinking = True, False
                field = field.removeprefix("\n")  # what stood behind the opening tag; vLLM leaves it
            if field and not self._turn:
                read.append(("reasoning", field))
        for thinking, text in self._split(content):
            read += self._told(thinking, text)
        return read

    def flush(self, *, ended: bool) -> list[tuple[Phase, str]]:
        """What is left when the stream is over.

        Args:
            ended: The model ended its turn by itself. A reply without any tag was then no thinking; one that was cut
                short may have been nothing else.
        """
        held, self._held = self._held, ""
        read = self._told(self._thinking, held)
        if self._turn and ended and not self._tagged:
            read = [*self._untold, *read]
        self._untold = []
        return read

    def _split(self, content: str) -> Iterator[tuple[bool, str]]:
        """The text between tags, and whether it is thinking; a possible beginning of a tag is held back."""
        text = self._held + content
        start = text.rfind("<")
        tail = text[start:] if start >= 0 else ""
        self._held = tail if tail and any(tag != tail and tag.startswith(tail) for tag in (OPEN, CLOSE)) else ""
        for part in _TAG.split(text.removesuffix(self._held)):
            if part in (OPEN, CLOSE):
                self._tagged = True
                self._thinking = self._after_opening = part == OPEN
            elif part:
                if self._after_opening:  # the line end that prompts put there
                    self._after_opening = False
                    part = part.removeprefix("\n")
                yield self._thinking, part

    def _told(self, thinking: bool, text: str) -> list[tuple[Phase, str]]:
        if not text:
            return []
        if not self._turn:
            return [("reasoning" if thinking else "answer", text)]
        if not thinking:
            return [("reasoning", text)]
        self._untold.append(("reasoning", text))
        return []
