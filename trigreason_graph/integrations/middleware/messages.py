"""An agent's messages as what triggers look at: steps of the small model, the large one, and the tools.

A paragraph is a step, as in a trace. The calls of a reply stand behind its last paragraph as quoted lines, which no
trigger takes for the model's own words; a tool's result is a step of author "tool" that begins with the call it
answers.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage

from trigreason_graph.models.forms import FormReader
from trigreason_graph.models.pieces import Phase, Piece, text_of, tokens_of
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.nodes.writing import StepWriter
from trigreason_graph.reasoning.segment import SegmentMode
from trigreason_graph.reasoning.text import clean
from trigreason_graph.state import Blueprint, Role, Signal, Step
from trigreason_graph.triggers import View
from trigreason_graph.triggers.window import LOOK_BACK, TEXT_LIMIT

MARK = "trigreason"
"""Key in a message's `response_metadata` under which stands who wrote it, in which turn, and why."""
CALLED = "> called "
FAILED_CALL = "Model call failed after "
"""How the message begins that LangChain's ModelRetryMiddleware puts in place of a reply that never came."""
LONGEST_CALL = 200
"""Characters of a call that are shown; of a longer one the beginning, and a digest that tells it from others."""


@dataclass(frozen=True)
class History:
    """The messages since the question, as steps.

    Attributes:
        question: Text of the last human message.
        trace: The steps since, oldest first; of very many messages the newest.
        starts: Position of the first step of each turn that is marked, by turn.
    """

    question: str
    trace: tuple[Step, ...]
    starts: Mapping[int, int]

    def view(
        self, draft: Step | None, written: Sequence[Step], plan: Blueprint | None, signals: Sequence[Signal]
    ) -> View:
        """What a trigger sees of `draft`, the next step after those of the same reply.

        Args:
            draft: A finished step; None at the beginning of a turn.
            written: The steps of the same reply before it.
            plan: The blueprint.
            signals: Of the run, by turn; those of turns that are gone (summarised away) are left out.
        """
        placed = [
            Signal(**{**signal, "at": self.starts[signal["at"]]}) for signal in signals if signal["at"] in self.starts
        ]
        return View(self.question, plan, (*self.trace, *written), draft, draft is not None, placed)


def history(messages: Sequence[BaseMessage], question: str, small: ReasoningModel, mode: SegmentMode) -> History:
    """Read an agent's messages.

    Args:
        messages: Of the agent's state.
        question: Stands in where the messages no longer hold it.
        small: Whose card says where its reasoning is.
        mode: How paragraphs are segmented.
    """
    asked = question_at(messages)
    if asked is not None and not is_summary(messages[asked]):
        question = clean(str(messages[asked].text))[:TEXT_LIMIT]
    since = messages[0 if asked is None else asked + 1 :][-LOOK_BACK:]
    calls: dict[str, str] = {}
    trace: list[Step] = []
    starts: dict[int, int] = {}
    turn = -1
    for message in since:
        if isinstance(message, AIMessage):
            mark = mark_of(message)
            turn = mark.get("turn", turn)
            starts.setdefault(turn, len(trace))
            calls |= {call["id"]: call_line(call) for call in message.tool_calls if call["id"]}
            author: Role = "small" if mark.get("author") == "small" else "large"
            trace += steps_of(message, author, small, mode, turn, len(trace))
        elif isinstance(message, ToolMessage):
            trace.append(tool_step(message, calls.get(message.tool_call_id, ""), turn, len(trace)))
    starts.setdefault(turn + 1, len(trace))
    return History(question, tuple(trace), starts)


def question_at(messages: Sequence[BaseMessage]) -> int | None:
    """Position of the last human message; None where there is none."""
    places = (index for index in range(len(messages) - 1, -1, -1) if isinstance(messages[index], HumanMessage))
    return next(places, None)


def is_summary(message: BaseMessage) -> bool:
    """Whether LangChain's summarisation wrote it in place of older messages."""
    return message.additional_kwargs.get("lc_source") == "summarization"


def steps_of(
    message: AIMessage, author: Role, model: ReasoningModel, mode: SegmentMode, turn: int, first: int
) -> list[Step]:
    """The steps of one reply, with the probabilities of their tokens where it has them. No private thinking.

    Args:
        message: The reply.
        author: Who wrote it.
        model: The small model.
        mode: How it is segmented.
        turn: Which turn of the run it is.
        first: Id of the first step.
    """
    writer = StepWriter(mode, "", author, model.card.full_name, turn, first)
    steps = [step for piece in _pieces(message, model) for step in writer.feed(piece)] + writer.finish()
    called = "\n".join(CALLED + call_line(call) for call in message.tool_calls)
    if not called:
        return [Step(**{**step, "kind": "answer"}) for step in steps]
    if not steps:
        steps = [_plain(writer.next_id, "", author, model.card.full_name, turn)]
    last = steps[-1]
    return [*steps[:-1], Step(**{**last, "text": f"{last['text']}\n{called}".strip(), "sep": "\n\n"})]


def _pieces(message: AIMessage, model: ReasoningModel) -> list[Piece]:
    """The text as pieces without thinking; its tokens with the whole of it, where they are known to be its own."""
    text = text_of(message)[0]
    if "<think>" in text or "</think>" in text:
        reader = FormReader("think_tags", "prefill")
        read: list[tuple[Phase, str]] = [*reader.feed(text, ""), *reader.flush(ended=True)]
        return [Piece(clean(part)) for phase, part in read if phase == "answer"]
    tokens = tokens_of(None, message)
    length = sum(token.size for token in tokens)
    # A server may report the tokens of the calls too, behind those of the text.
    own = length == len(text) or (length > len(text) and bool(message.tool_calls) and model.card.form == "content")
    cleaned = clean(text)
    return [Piece(cleaned, tokens if own and cleaned == text else ())]


def tool_step(message: ToolMessage, call: str, turn: int, step_id: int) -> Step:
    """A tool's result as a step."""
    text = clean(str(message.text))[:TEXT_LIMIT].strip()
    line = CALLED + call if call else f"{CALLED}{message.name or 'tool'}"
    status = "failed" if message.status == "error" else "result"
    return _plain(step_id, f"{line}\n[{status}] {text}", "tool", message.name or "tool", turn)


def _plain(step_id: int, text: str, author: Any, model: str, turn: int) -> Step:
    return Step(
        id=step_id,
        text=text,
        sep="\n\n",
        kind="tool" if author == "tool" else "reasoning",
        author=author,
        model=model,
        call=turn,
        tokens=0,
        conclusions=[],
        nats=None,
        entropy=None,
    )


def call_line(call: Mapping[str, Any]) -> str:
    """A tool call in one line: equal for equal calls, whatever the order of the arguments."""
    try:
        arguments = json.dumps(call["args"], ensure_ascii=False, sort_keys=True, default=str)
    except (TypeError, ValueError):  # of a caller's own making, not JSON: keys that have no order, or a circle
        arguments = repr(call["args"])
    line = clean(f"{call['name']}({arguments})")
    if len(line) <= LONGEST_CALL:
        return line
    return f"{line[:LONGEST_CALL]}…) #{hashlib.sha256(line.encode(errors='replace')).hexdigest()[:16]}"


def calls_of(step: Step) -> list[str]:
    """The calls of a reply's step, or the one a tool's step answers."""
    if step["author"] == "tool":
        lines = step["text"][:TEXT_LIMIT].split("\n", 1)[:1]
    else:
        lines = step["text"][-TEXT_LIMIT:].split("\n")  # they stand at its end
    return [line.removeprefix(CALLED) for line in lines if line.startswith(CALLED)]


def result_of(step: Step) -> str:
    """What came of a call, with its status; of a tool's step."""
    return step["text"][: 2 * TEXT_LIMIT].partition("\n")[2]


def failed(step: Step, words: Sequence[str]) -> bool:
    """Whether a tool's step tells of a failure: by its status, or by how its text begins."""
    result = result_of(step)
    if result.startswith("[failed]"):
        return True
    return result.removeprefix("[result] ").lower().startswith(tuple(words))


def marked(message: AIMessage, turn: int, author: Role, signal: Signal | None, *, without_logprobs: bool) -> AIMessage:
    """The reply as it enters the state: with who wrote it and why.

    Args:
        message: The reply.
        turn: Which turn of the run it is.
        author: Who wrote it.
        signal: Why the large model did; None for the small one.
        without_logprobs: Leave out the log-probabilities that were asked for to judge it: they are many times the
            size of the text, and every checkpoint would keep them.
    """
    mark: dict[str, Any] = {"author": author, "turn": turn}
    if signal is not None:
        mark |= {"trigger": signal["trigger"], "reason": signal["reason"]}
    metadata = {**message.response_metadata, MARK: mark}
    if without_logprobs:
        metadata.pop("logprobs", None)
    return message.model_copy(update={"response_metadata": metadata})


def mark_of(message: BaseMessage | None) -> Mapping[str, Any]:
    """Who wrote a reply, and in which turn; empty where nobody has marked it, or a caller has put something else."""
    mark = message.response_metadata.get(MARK) if isinstance(message, AIMessage) else None
    return mark if isinstance(mark, dict) and isinstance(mark.get("turn"), int) else {}


def named(message: BaseMessage) -> BaseMessage:
    """The message with an id, by which it can be taken back."""
    return message if message.id else message.model_copy(update={"id": uuid.uuid4().hex})


def without_reply(messages: Sequence[Any], ids: Sequence[str]) -> tuple[list[Any], list[Any]]:
    """The messages without a reply, and the reply with what its calls were answered: a person may refuse them first.

    Args:
        messages: In order.
        ids: Of the reply's messages.
    """
    rest: list[Any] = []
    reply: list[Any] = []
    calls: set[str | None] = set()
    for message in messages:
        if message.id in ids:
            calls |= {call["id"] for call in message.tool_calls} if isinstance(message, AIMessage) else set()
            reply.append(message)
        elif isinstance(message, ToolMessage) and message.tool_call_id in calls:
            reply.append(message)
        else:
            rest.append(message)
    return rest, reply


def never_came(message: AIMessage) -> bool:
    """Whether LangChain's ModelRetryMiddleware put this in place of a reply: a model's message has an id."""
    return message.id is None and str(message.text).startswith(FAILED_CALL)


def for_model(messages: Sequence[AnyMessage], role: Role) -> list[AnyMessage]:
    """The messages for one of the two models: what the other one wrote, without its provider's own blocks.

    Blocks of hidden reasoning, signatures and the like are refused by other providers' clients.
    """
    return [_portable(message) if _by_other(message, role) else message for message in messages]


def _by_other(message: BaseMessage, role: Role) -> bool:
    return bool(mark_of(message).get("author", role) != role)


def _portable(message: Any) -> Any:
    plain = isinstance(message.content, str) and not message.additional_kwargs
    return message if plain else message.model_copy(update={"content": str(message.text), "additional_kwargs": {}})
