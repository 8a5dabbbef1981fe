"""From pieces of text to steps."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from trigreason_graph.models.pieces import Piece, Token
from trigreason_graph.models.wrapper import CHARS_PER_TOKEN, ReasoningModel
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.tools import calls_wanted
from trigreason_graph.reasoning.conclusions import conclusions
from trigreason_graph.reasoning.segment import Segment, Segmenter, SegmentMode, open_block
from trigreason_graph.reasoning.tool_calls import CallFinder, Found, without_open_fence
from trigreason_graph.state import Role, State, Step, StepKind


class StepWriter:
    """Cuts what a model writes into steps, and gives each step its tokens.

    Args:
        mode: How steps are segmented.
        block: The fence or display maths that is open where the text begins.
        author, model, call: Who writes, by which ledger row.
        next_id: Id of the first step.
        calls: Whether calls of tools are looked for: one is a step of its own, of kind "tool", and the last.
    """

    def __init__(
        self,
        mode: SegmentMode,
        block: str,
        author: Role,
        model: str,
        call: int,
        next_id: int,
        *,
        calls: bool = False,
    ) -> None:
        self._finder = CallFinder() if calls else None
        self._segmenter = Segmenter(mode, opening=block)
        self._author, self._model, self._call = author, model, call
        self.next_id = next_id
        self._answer: list[str] = []
        self._tokens: list[Token] = []
        self._starts: list[int] = []
        self._entropy: float | None = None
        self._read = 0
        self._cut = 0

    def feed(self, piece: Piece) -> list[Step]:
        """The steps that `piece` completes."""
        if piece.tokens:
            self._add(piece)
        self._read += len(piece.text)
        if self._finder is None:
            return self._take(piece)
        if self._finder.done:
            return []
        found = self._finder.feed(piece.text)
        return [*self._take(Piece(found.text, phase=piece.phase)), *self._called(found)]

    @property
    def called(self) -> bool:
        """Whether a call of a tool has ended what is read."""
        return self._finder is not None and self._finder.done

    def _take(self, piece: Piece) -> list[Step]:
        if piece.phase == "answer":
            rest = self._segmenter.flush()
            self._answer.append(piece.text)
            return [self._step(rest)] if rest else []
        if self._answer:  # thinking again after the answer began: part of that answer
            self._answer.append(piece.text)
            return []
        return [self._step(segment) for segment in self._segmenter.feed(piece.text)]

    def finish(self) -> list[Step]:
        """The rest, once the model has ended its turn: the last step, the answer of a thinking model, or a call."""
        if self._finder is not None and not self._finder.done:
            found = self._finder.flush()
            steps = self._take(Piece(found.text, phase="answer" if self._answer else "reasoning"))
            if found.call:
                return [*steps, *self._called(found)]
            return [*steps, *self._last()]
        return self._last()

    def _called(self, found: Found) -> list[Step]:
        """The call as a step, behind what stood before it."""
        if not found.call:
            return []
        before = self._segmenter.flush()
        answer, self._answer = "".join(self._answer).strip(), []
        steps = []
        if before and (text := without_open_fence(before.text)):
            written = len(before.text) + len(before.sep)
            steps.append(self._step(Segment(text, before.sep or "\n"), size=written))  # the call has a line of its own
        if answer:  # no answer yet: a tool is asked first
            steps.append(self._step(Segment(answer, "\n"), size=len(answer)))
        return [*steps, self._step(Segment(found.whole, "\n"), "tool", size=self._read - self._cut)]

    def _last(self) -> list[Step]:
        if rest := self._segmenter.flush():
            return [self._step(rest)]
        text = "".join(self._answer).strip()
        self._answer = []
        return [self._step(Segment(text, ""), "answer", size=self._read - self._cut)] if text else []

    @property
    def settled(self) -> str:
        """What is sure to belong to the step now being written; for showing it while it is written."""
        return "".join(self._answer) if self._answer else self._segmenter.settled

    @property
    def pending(self) -> int:
        """Characters of the step now being written."""
        return len(self._segmenter.pending)

    def growing(self) -> Step | None:
        """The step now being written, its conclusions not drawn yet; None before its first character."""
        text = self._segmenter.pending
        if not text.strip():
            return None
        return self._build(Segment(text, ""), "reasoning", self._tokens, complete=False)

    def _step(self, segment: Segment, kind: StepKind = "reasoning", size: int | None = None) -> Step:
        self._cut += size if size is not None else len(segment.text) + len(segment.sep)
        count = bisect_left(self._starts, self._cut)
        step = self._build(segment, kind, self._tokens[:count])
        del self._tokens[:count], self._starts[:count]
        self._entropy = self._tokens[0].entropy if self._tokens else None
        self.next_id += 1
        return step

    def _add(self, piece: Piece) -> None:
        """Its tokens, which begin where the text now ends; none of them behind its own text."""
        if not self._tokens:
            self._entropy = piece.tokens[0].entropy
        self._tokens += piece.tokens
        end = self._read + len(piece.text)
        self._starts += accumulate([token.size for token in piece.tokens[:-1]], initial=self._read)
        if self._starts[-1] > end:  # sizes need not add up to the text
            self._starts = [min(start, end) for start in self._starts]

    def _build(self, segment: Segment, kind: StepKind, tokens: Sequence[Token], *, complete: bool = True) -> Step:
        return Step(
            id=self.next_id,
            text=segment.text,
            sep=segment.sep,
            kind=kind,
            author=self._author,
            model=self._model,
            call=self._call,
            tokens=len(tokens) or math.ceil(len(segment.text) / CHARS_PER_TOKEN),
            conclusions=conclusions(segment.text) if complete and kind != "tool" else [],
            nats=[token.nats for token in tokens] if tokens else None,
            entropy=self._entropy if tokens else None,
        )


def step_writer(kit: Kit, state: State, model: ReasoningModel, trace: Sequence[Step], call: int) -> StepWriter:
    """What cuts the reply of a call that goes on with `trace`.

    Args:
        kit: For the policy's segmentation, and the tools.
        state: For the next step's id, and the calls of tools so far.
        model: Who writes: the kit's SRM or LRM.
        trace: What it goes on with.
        call: Ledger row of the call.
    """
    # A reply to a user turn begins a block of its own; a continued text goes on inside an open one.
    block = "" if model.card.style == "turn" else open_block(trace)
    return StepWriter(
        kit.policy.segment,
        block,
        model.role,
        model.card.full_name,
        call,
        state["next_id"],
        calls=calls_wanted(kit, state),
    )
