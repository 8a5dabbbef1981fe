"""Reading a model's reply into steps while it is written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trigreason_graph.models.pieces import Piece
from trigreason_graph.nodes.progress import TokenFeed
from trigreason_graph.nodes.writing import StepWriter
from trigreason_graph.reasoning.answers import complete_answer
from trigreason_graph.reasoning.loops import looping
from trigreason_graph.reasoning.tool_calls import is_call
from trigreason_graph.state import Role, Step

HEADER = re.compile(
    r"\s*\W{0,3}wrong\W{0,3}[:=]\s*\W{0,3}"
    r"(?:(?:none|nothing)\b[\W_]{0,6}|(?:step\s*)?(\d{1,5})\b(?=[^\w\n]{0,6}(?:\n|$|because\b|since\b))[^\n]*)\n*",
    re.IGNORECASE,
)
LOOK_EVERY = 48
"""Characters between two looks for a loop in a growing reply."""
HEADER_LENGTH = 160
"""Characters after which a reply without a line end has no `wrong:` line."""
GREETING = re.compile(
    r"\s*(?:(?:sure(?: thing)?|certainly|of course|absolutely|understood|okay|ok|alright|great)"
    r"(?:!\s*|[,.:]\s+(?=here|below)))?"
    r"(?:(?:here|below)(?:'s|\s+(?:is|are))\s+(?:the|your)\s+(?:next|first|remaining|following|corrected)?\s*"
    r"(?:\w+\s+)?(?:steps?|plan|reasoning|continuation|solution)\b[^\n=]{0,80}?[:.](?:\s+|$))?",
    re.IGNORECASE,
)
"""What chat models open a reply with. Always matches; an empty match is no greeting."""
NUMBERING = re.compile(r"\s*(?:#{1,6}\s*)?(?:\*\*)?step\s+\d{1,5}\s*(?:[.:)]|\*\*:?)\s*(?:\*\*)?\s*", re.IGNORECASE)


class ReplyReader:
    """Collects up to `limit` steps out of the pieces of one reply, then asks for the stream to be closed.

    A reply that goes round in circles is closed as well (`looped`), and the steps that only repeat are dropped.

    Args:
        writer: Cuts the text into steps.
        limit: How many steps are wanted; None: all.
        header: Whether a first line ``wrong: none`` or ``wrong: k`` may come (taken away wherever it does).
        tidy: Whether the reply answers a user turn: step numbers are taken off and steps end in a blank line.
        run_id, role, tokens: For token events; `tokens` turns them on.
    """

    def __init__(
        self,
        writer: StepWriter,
        *,
        limit: int | None,
        header: bool,
        tidy: bool,
        run_id: str,
        role: Role,
        tokens: bool,
    ) -> None:
        self.steps: list[Step] = []
        self.wrong: int | None = None
        self.looped = False
        self._writer, self._limit, self._tidy = writer, limit, tidy
        self._head: list[Piece] | None = [] if header else None
        self._tokens = TokenFeed(run_id, role, tokens)
        self._text = ""
        self._looked = self._cut = 0
        self._ends: list[int] = []

    def __call__(self, piece: Piece) -> bool:
        if self._head is not None:
            self._head.append(piece)
            text = "".join(part.text for part in self._head)
            if "\n" not in text.lstrip() and len(text) < HEADER_LENGTH:
                return False
            return self._end_head()
        return self._read(piece)

    def finish(self) -> None:
        """Take the rest, once the model has ended its turn by itself."""
        if self._head:
            self._end_head()
        if not self.full:
            self._keep(self._writer.finish())

    @property
    def full(self) -> bool:
        return self._limit is not None and len(self.steps) >= self._limit

    def _end_head(self) -> bool:
        pieces, self._head = self._head or [], None
        text = "".join(part.text for part in pieces)
        found = HEADER.match(text)
        if found:
            self.wrong = int(found[1]) if found[1] else None
            text = text[found.end() :]
        tokens = tuple(token for part in pieces for token in part.tokens)
        return bool(text) and self._read(Piece(text, tokens if not found else ()))

    def _read(self, piece: Piece) -> bool:
        self._text += piece.text
        self._keep(self._writer.feed(piece))
        if self._goes_round():
            return True
        if not self.full:
            self._tokens.growing(self._writer.next_id, self._writer.settled)
        return self.full or self._writer.called

    def _goes_round(self) -> bool:
        """Whether the reply has begun to repeat itself; the steps that only repeat are dropped."""
        if len(self._text) < self._looked + LOOK_EVERY:
            return False
        self._looked = len(self._text)
        loop = looping(self._text)
        if loop is None:
            return False
        self.looped = True
        self.steps = [step for step, end in zip(self.steps, self._ends, strict=True) if end <= loop.keep]
        return True

    def _keep(self, steps: list[Step]) -> None:
        room = len(steps) if self._limit is None else self._limit - len(self.steps)
        if 0 < room < len(steps) and is_call(steps[room]) and "\n\n" not in steps[room - 1]["sep"]:
            room += 1  # a step that leads into a call is not left without it
        for step in steps[:room]:
            self._ends.append(self._cut + len(step["text"]))
            self._cut += len(step["text"]) + len(step["sep"])
        self._tokens.finished(steps[:room])
        self.steps += [tidied(step) if self._tidy else step for step in steps[:room]]


REPEAT_WINDOW = 20
"""Latest steps that a new one is compared with."""
RESTATED_BYTES = 30
"""Length from which a step that stands in the problem word for word restates it, in UTF-8, where one Chinese character
counts for three. Ours: a shorter one that asks nothing ("42", "x = 4", an option) may be what the problem asks for."""


def fresh(steps: Sequence[Step], trace: Sequence[Step], problem: str) -> list[Step]:
    """The steps that say something new: no mere greeting, nor the problem restated, nor an earlier step word for word.

    Seen on a 1.5B model in turn style, which restated the problem at every call. An answer is always kept: it may well
    have been said before.
    """
    known = {" ".join(step["text"].split()) for step in trace[-REPEAT_WINDOW:]}
    asked = " ".join(problem.split())

    def says_nothing(step: Step) -> bool:
        text = " ".join(step["text"].split())
        restates = text in asked and (text[-1:] in "?？" or len(text.encode(errors="replace")) >= RESTATED_BYTES)
        return (text in known or restates or greets_only(text)) and complete_answer(text, problem) is None

    return [step for step in steps if is_call(step) or step["kind"] == "answer" or not says_nothing(step)]


def greets_only(text: str) -> bool:
    """Whether a step is nothing but what chat models open a reply with."""
    return bool(text) and GREETING.fullmatch(text) is not None


def tidied(step: Step) -> Step:
    """A step of a turn-style reply as part of a trace: no greeting or number in front, a blank line behind."""
    text = GREETING.sub("", step["text"], count=1)
    text = NUMBERING.sub("", text, count=1) if NUMBERING.match(text) else text
    text = text.strip() or step["text"]
    return Step(**{**step, "text": text, "sep": step["sep"] if "\n\n" in step["sep"] else "\n\n"})


STOPPED_BY_FILTER = {"content_filter", "refusal", "safety", "recitation", "prohibited_content"}
"""OpenAI's word, Anthropic's, and Google's."""
GIVEN_UP = {"insufficient_system_resource", "abort", "error", "incomplete"}
"""The server gave up in the middle: DeepSeek's word, that of vLLM and SGLang, OpenRouter's, and the Responses API's."""
UNNATURAL = frozenset({"length", "tool_calls", *STOPPED_BY_FILTER, *GIVEN_UP})
"""Finish reasons of a reply that its author had not ended; others, known or not, count as an end."""
ANSWER_WITHIN = 3
"""Steps from the end in which a complete answer counts as the end's: models add a remark or two after it."""


def with_answer_marked(steps: list[Step], question: str) -> list[Step]:
    """The steps of a model that ended its turn, the one with its complete answer marked as kind "answer"."""
    for index in range(len(steps) - 1, max(len(steps) - 1 - ANSWER_WITHIN, -1), -1):
        step = steps[index]
        if step["kind"] == "answer":
            return steps
        if complete_answer(step["text"], question) is not None:
            marked = Step(**{**step, "kind": "answer"})
            return [*steps[:index], marked, *steps[index + 1 :]]
    return steps
