"""A model as the author of a trace: what it writes after a prefix, without a graph around it.

The cutting into steps is the graph's own, and so is the prompt of a model that writes a whole solution: what is
recorded here is a hit there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage

from trigreason_graph.errors import ModelsFailing
from trigreason_graph.evaluation.missing import NOT_RECORDED, RecordingMissing
from trigreason_graph.models.dialects import Options
from trigreason_graph.models.pieces import Piece
from trigreason_graph.models.wrapper import Exchange, ReasoningModel
from trigreason_graph.nodes.reply import UNNATURAL, with_answer_marked
from trigreason_graph.nodes.writing import StepWriter
from trigreason_graph.reasoning.answers import complete_answer
from trigreason_graph.reasoning.handover import Handover, continuation
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS
from trigreason_graph.reasoning.segment import SegmentMode, open_block
from trigreason_graph.state import Role, Step, trace_text

SOLUTION_TOKENS = 512
"""Longest solution, prefix not counted: nearly all greedy GSM8K solutions of the embedded pair end before."""
ANSWER_TOKENS = 32
"""Longest conclusion: the rest of a line that begins with "The final answer is"."""


class Written(NamedTuple):
    """What an author wrote.

    Attributes:
        steps: In order; one that a limit cut short is the last.
        ended: Whether the author ended its turn.
    """

    steps: list[Step]
    ended: bool


@dataclass(frozen=True)
class Author:
    """One model that goes on with traces of one problem after another, in prefill style.

    Attributes:
        model: The model, wrapped.
        mode: Where steps end.
        probabilities_at: Temperature at which token probabilities are wanted; None: as reported.
    """

    model: ReasoningModel
    mode: SegmentMode = "adaptive"
    probabilities_at: float | None = None

    @classmethod
    def of(cls, model: BaseChatModel, role: Role, mode: SegmentMode = "adaptive") -> Author:
        """An author out of a chat model that continues a trailing assistant message."""
        return cls(ReasoningModel(inner=model, role=role), mode)

    async def write(self, question: str, trace: Sequence[Step] = (), *, steps: int | None = None) -> Written:
        """Go on with a trace.

        Args:
            question: The problem.
            trace: What is there, by either author.
            steps: The stream is closed after so many; None: to the end of the turn, or `SOLUTION_TOKENS`.

        Raises:
            RecordingMissing: The model stands for recordings that do not hold this.
            ModelsFailing: The model failed.
        """
        role = self.model.role
        writer = StepWriter(self.mode, open_block(trace), role, self.model.card.full_name, 0, len(trace))
        written: list[Step] = []

        def read(piece: Piece) -> bool:
            written.extend(writer.feed(piece))
            return steps is not None and len(written) >= steps

        finish = await self._ask(continuation(_handover(question, trace), role), SOLUTION_TOKENS, read)
        if steps is None or len(written) < steps:
            written += writer.finish()
        ended = finish not in UNNATURAL and finish != "closed"
        written = written[:steps]
        return Written(with_answer_marked(written, question) if ended else written, ended)

    async def answer(self, question: str, trace: Sequence[Step]) -> str | None:
        """The trace's complete answer; where it states none, the model is asked for one, as the graph does."""
        stated = complete_answer(trace_text(trace), question)
        if stated is not None:
            return stated
        lead, pieces = DEFAULT_PROMPTS.lead, list[str]()

        def read(piece: Piece) -> bool:
            pieces.append(piece.text)
            return "\n" in piece.text and complete_answer(lead + "".join(pieces)) is not None

        messages = continuation(_handover(question, trace), self.model.role, lead=lead)
        await self._ask(messages, ANSWER_TOKENS, read)
        return complete_answer(lead + "".join(pieces))

    async def _ask(self, messages: list[BaseMessage], max_tokens: int, read: Callable[[Piece], bool]) -> str:
        """Why the reply ended."""
        exchange = Exchange("prefill", Options(max_tokens, 0.0, probabilities_at=self.probabilities_at), read)
        last = await self.model.write(messages, exchange, name=f"{self.model.role}:evaluation")
        if last.status == "error" or last.finish == "broken":
            if NOT_RECORDED in last.fault:
                raise RecordingMissing(last.fault)
            raise ModelsFailing(f"{self.model.card.full_name} failed: {last.fault}")
        return last.finish


def _handover(question: str, trace: Sequence[Step]) -> Handover:
    """The problem and the bare trace: what either model would have read had it written all of it itself.

    The graph also tells who takes over what was found so far. A label must not depend on the wording of that.
    """
    bare = [Step(**{**step, "conclusions": []}) for step in trace]
    return Handover(conversation=[HumanMessage(question)], problem=question, blueprint=None, trace=bare)
