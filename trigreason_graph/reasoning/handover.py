"""From the shared state to the messages that the taking model gets.

The problem comes with the caller's system message and earlier turns, to both models; then the blueprint, once and
unchanged; then the trace; and last where things stand. Prompts in turn style grow at the end only, so that providers'
caches hit; what changes from call to call is their last block. A model that continues the trace as its own text can be
told nothing behind it, so it is told at the end of its user turn, and only what stood when it took over: the prompt of
an uninterrupted author stays the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from trigreason_graph.reasoning.blueprint import covered
from trigreason_graph.reasoning.joined import joined
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS, Prompts
from trigreason_graph.state import Author, Blueprint, Step

OPEN, CLOSE = "<think>\n", "\n</think>\n\n"
FOUND_SHOWN = 8
"""Latest conclusions that are told at a hand-over; earlier ones can be read in the trace. Ours."""
SEPARATOR = "; "


@dataclass(frozen=True)
class Handover:
    """What the taking model gets, whatever it is asked for.

    Attributes:
        conversation: The caller's system message, earlier turns, and last the human message that holds the problem.
        problem: That message's text.
        blueprint: The plan, if there is one.
        trace: All accepted steps.
        hints: One line for each mistake found so far.
        start: Steps before this position are left out: the trace has outgrown the model's window.
        established: Their conclusions.
    """

    conversation: Sequence[BaseMessage]
    problem: str
    blueprint: Blueprint | None
    trace: Sequence[Step]
    hints: Sequence[str] = ()
    start: int = 0
    established: Sequence[str] = ()

    @property
    def plan(self) -> str:
        """The blueprint as written; empty without one."""
        return self.blueprint["text"] if self.blueprint else ""


def continuation(
    handover: Handover, author: Author, texts: Prompts = DEFAULT_PROMPTS, *, lead: str = "", thinks: bool = False
) -> list[BaseMessage]:
    """Prefill style: the trace as a trailing assistant message that the model goes on with.

    Args:
        handover: Problem and trace.
        author: Who goes on.
        texts: The prompt texts.
        lead: Text the model is made to begin with, such as "The final answer is".
        thinks: Whether the model reasons in think tags: the trace stands inside them, a lead behind them.
    """
    asked = [texts.solve]
    if handover.plan:
        asked.append(texts.plan.format(blueprint=handover.plan))
    before, shown = joined(handover.trace[: handover.start]), joined(handover.trace[handover.start :])
    by_others = shown.taken_over(author)
    taken_over = handover.start + by_others if by_others else before.taken_over(author)
    asked += _told(handover, handover.trace[:taken_over], texts)
    messages = [*handover.conversation[:-1], with_suffix(handover.conversation[-1], "\n\n".join(asked))]
    prefill = _prefill(_left_out(handover, texts) + shown.text(author), lead, thinks)
    return [*messages, AIMessage(prefill)] if prefill else messages


def question_turn(
    handover: Handover, ask: str, texts: Prompts = DEFAULT_PROMPTS, *, blocks: bool = False
) -> list[BaseMessage]:
    """Turn style: the trace inside a user turn, what is asked now at its end.

    Args:
        handover: Problem and trace.
        ask: The request.
        texts: The prompt texts.
        blocks: Whether every part is a content block of its own, for a provider that caches by block.
    """
    parts = [f"Plan:\n{handover.plan}"] if handover.plan else []
    parts.append("Reasoning so far:")
    if left_out := _left_out(handover, texts).strip():
        parts.append(left_out)
    parts += numbered(handover.trace[handover.start :], handover.start + 1) or [texts.no_trace]
    parts.append("\n\n".join([*_told(handover, handover.trace, texts), ask]))
    problem = with_prefix(handover.conversation[-1], "Problem:\n")
    asked = with_blocks(problem, parts) if blocks else with_suffix(problem, "\n\n".join(parts))
    earlier = [message for message in handover.conversation[:-1] if not isinstance(message, SystemMessage)]
    callers = [str(message.content) for message in handover.conversation[:-1] if isinstance(message, SystemMessage)]
    return [SystemMessage("\n\n".join([texts.instructions, *callers])), *earlier, asked]


def numbered(trace: Sequence[Step], first: int = 1) -> list[str]:
    """The steps, each with its number; what a tool said begins on a line of its own, so that it stays a quotation."""
    before = {"tool": "\n"}
    return [
        f"Step {number}.{before.get(step['author'], ' ')}{step['text'].strip()}"
        for number, step in enumerate(trace, first)
    ]


def standing(handover: Handover, trace: Sequence[Step], texts: Prompts = DEFAULT_PROMPTS) -> list[str]:
    """What of the blueprint is done after `trace`, and the latest conclusions; each in one line, nothing when none."""
    lines = []
    if handover.blueprint and handover.blueprint["key_steps"]:
        lines += _progress(handover.blueprint["key_steps"], covered(handover.blueprint, trace), texts)
    found: dict[str, None] = {}
    for step in reversed(trace):
        for conclusion in reversed(step["conclusions"]):
            if len(found) < FOUND_SHOWN:
                found.setdefault(conclusion)
        if len(found) >= FOUND_SHOWN:
            break
    if found:
        lines.append(texts.found.format(conclusions=SEPARATOR.join(reversed(found))))
    return lines


def _progress(key_steps: Sequence[str], done: Sequence[bool], texts: Prompts) -> list[str]:
    if not any(done):
        return []
    if all(done):
        return [texts.planned]
    numbers = ", ".join(str(number) for number, is_done in enumerate(done, 1) if is_done)
    following = done.index(False)
    return [texts.progress.format(done=numbers, next=f"{following + 1}. {key_steps[following]}")]


def _told(handover: Handover, trace: Sequence[Step], texts: Prompts) -> list[str]:
    hints = [texts.hints.format(hints="\n".join(f"- {hint}" for hint in handover.hints))] if handover.hints else []
    return [*hints, *standing(handover, trace, texts)]


def _left_out(handover: Handover, texts: Prompts) -> str:
    if not handover.start:
        return ""
    conclusions = SEPARATOR.join(handover.established) or "nothing that could be put in one line"
    return texts.left_out.format(first=1, last=handover.start, conclusions=conclusions) + "\n\n"


def _prefill(trace: str, lead: str, thinks: bool) -> str:
    if lead and trace.strip():
        closed = CLOSE if thinks else "\n\n"
        trace = trace.rstrip() + closed + lead
    elif lead:
        return lead
    return OPEN + trace if thinks and trace else trace


def with_suffix(message: BaseMessage, suffix: str) -> HumanMessage:
    """The human message with text after its own content, images and all."""
    if isinstance(message.content, str):
        return HumanMessage(f"{message.content}\n\n{suffix}")
    return with_blocks(message, [suffix])


def with_blocks(message: BaseMessage, texts: Sequence[str]) -> HumanMessage:
    """The human message with further text blocks after its own content."""
    own = [{"type": "text", "text": message.content}] if isinstance(message.content, str) else message.content
    return HumanMessage([*own, *({"type": "text", "text": text} for text in texts)])


def with_instruction(messages: Sequence[BaseMessage], instruction: str, texts: Prompts) -> list[BaseMessage]:
    """The prompt with a person's instruction at the very end of its user turn; unchanged for an empty one.

    All before it stays byte for byte, so that caches hit. It becomes no block of its own: the last block is what is
    asked now, and never marked for a cache.
    """
    told = list(messages)
    if not instruction:
        return told
    place = _user_turn(told)
    added = "\n\n" + texts.person.format(instruction=instruction)
    content = told[place].content
    if isinstance(content, str):
        told[place] = HumanMessage(content + added)
    else:
        last = content[-1]
        if isinstance(last, dict) and last.get("type") == "text":
            told[place] = HumanMessage([*content[:-1], {**last, "text": last["text"] + added}])
        else:
            told[place] = HumanMessage([*content, {"type": "text", "text": added.strip()}])
    return told


def request_in(messages: Sequence[BaseMessage]) -> str:
    """What a prompt asks for: the last paragraph of its user turn."""
    content = messages[_user_turn(messages)].content
    last = content if isinstance(content, str) else content[-1]
    text = last if isinstance(last, str) else str(last.get("text", ""))
    return text.strip().rpartition("\n\n")[2]


def _user_turn(messages: Sequence[BaseMessage]) -> int:
    return max(index for index, message in enumerate(messages) if isinstance(message, HumanMessage))


def with_prefix(message: BaseMessage, prefix: str) -> HumanMessage:
    """The human message with text before its own content."""
    if isinstance(message.content, str):
        return HumanMessage(prefix + message.content)
    return HumanMessage([{"type": "text", "text": prefix}, *message.content])
