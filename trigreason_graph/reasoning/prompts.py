"""The prompt of every purpose, in one place.

The problem comes with the caller's system message and earlier turns, to both models. Prompts for the LRM grow at the
end only (instructions, problem, blueprint, numbered steps, and last what is asked now), so that provider caches hit.
Replace a text by passing your own :class:`Prompts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from trigreason_graph.state import Author, Blueprint, Step, trace_text

PROMPTS_VERSION = 1


@dataclass(frozen=True)
class Prompts:
    """The texts. Fields in braces are filled in; every field of the default must stay.

    Attributes:
        solve: Follows the problem wherever a model continues the trace as its own text. The default is what Qwen's and
            DeepSeek's model cards recommend for mathematics.
        lead: What a model that continues a text is made to begin its conclusion with.
        plan: Introduces the blueprint after `solve`.
        hints: Introduces what was found wrong in discarded branches.
        instructions: The LRM's system message in turn style.
        initiate: Asks for the blueprint. {words}
        prime: Asks for the first steps. {steps}
        rewrite, intervene: Ask for the next steps after a signal. {reason} {steps} {review}
        review: The protocol for naming a wrong earlier step.
        conclude: Asks for the answer.
        no_trace: Stands where the steps would, before the first.
    """

    solve: str = "Please reason step by step, and put your final answer within \\boxed{}."
    plan: str = "Follow this plan:\n{blueprint}"
    hints: str = "Mistakes made in earlier attempts, not to be repeated:\n{hints}"
    instructions: str = (
        "You are the expert of two authors who solve a problem in one shared trace of short reasoning steps. The "
        "other author is a small model that makes mistakes. Write so that the text goes on as if one author had "
        "written it: no greeting, no restated problem, no headings, no step numbers."
    )
    initiate: str = (
        "Do not solve the problem. Write a plan for the small model, at most {words} words, in this form:\n"
        "Goal: what exactly is asked for\n"
        "Key steps: 1. ... 2. ... 3. ...\n"
        "Pitfalls: what is easily done wrong"
    )
    prime: str = "Begin the reasoning: write {steps}, separated by blank lines."
    rewrite: str = "The next step is hard for the small model. {review}Write {steps}, separated by blank lines."
    intervene: str = "The small model is stuck: {reason} {review}Write {steps}, separated by blank lines, and get on."
    review: str = (
        'First check the steps above. Write "wrong: none" on the first line, or "wrong: k" when step k is the earliest '
        "wrong one; your steps then replace step k and all after it. Then a blank line. "
    )
    finish: str = "Once the problem is solved, put the final answer within \\boxed{}."
    conclude: str = "The reasoning ends here. Write only the final answer, within \\boxed{}."
    lead: str = "The final answer is \\boxed{"
    no_trace: str = "(nothing yet)"


DEFAULT_PROMPTS = Prompts()


@dataclass(frozen=True)
class Handover:
    """What the taking model gets, whatever it is asked for."""

    conversation: Sequence[BaseMessage]
    """The caller's system message, earlier turns, and last the human message that holds the problem."""
    problem: str
    blueprint: Blueprint | None
    trace: Sequence[Step]
    hints: Sequence[str] = ()
    """One line for each mistake found so far."""


OPEN, CLOSE = "<think>\n", "\n</think>\n\n"


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
    if handover.blueprint and handover.blueprint["text"]:
        asked.append(texts.plan.format(blueprint=handover.blueprint["text"]))
    if handover.hints:
        asked.append(texts.hints.format(hints="\n".join(f"- {hint}" for hint in handover.hints)))
    messages = [*handover.conversation[:-1], with_suffix(handover.conversation[-1], "\n\n".join(asked))]
    prefill = _prefill(trace_text(handover.trace, author), lead, thinks)
    return [*messages, AIMessage(prefill)] if prefill else messages


def _prefill(trace: str, lead: str, thinks: bool) -> str:
    if lead and trace.strip():
        closed = CLOSE if thinks else "\n\n"
        trace = trace.rstrip() + closed + lead
    elif lead:
        return lead
    return OPEN + trace if thinks and trace else trace


def question_turn(handover: Handover, ask: str, texts: Prompts = DEFAULT_PROMPTS) -> list[BaseMessage]:
    """Turn style: the trace inside a user turn, what is asked now at its end."""
    parts = []
    if handover.blueprint and handover.blueprint["text"]:
        parts.append("Plan:\n" + handover.blueprint["text"])
    parts.append("Reasoning so far:\n\n" + (numbered(handover.trace) or texts.no_trace))
    if handover.hints:
        parts.append(texts.hints.format(hints="\n".join(f"- {hint}" for hint in handover.hints)))
    parts.append(ask)
    problem = with_prefix(with_suffix(handover.conversation[-1], "\n\n".join(parts)), "Problem:\n")
    earlier = [message for message in handover.conversation[:-1] if not isinstance(message, SystemMessage)]
    callers = [str(message.content) for message in handover.conversation[:-1] if isinstance(message, SystemMessage)]
    return [SystemMessage("\n\n".join([texts.instructions, *callers])), *earlier, problem]


def numbered(trace: Sequence[Step]) -> str:
    """The steps, numbered from 1, separated by blank lines."""
    return "\n\n".join(f"Step {number}. {step['text'].strip()}" for number, step in enumerate(trace, 1))


def ask_for(
    purpose: str, steps: int | None, reason: str, *, review: bool, tokens: int | None, texts: Prompts = DEFAULT_PROMPTS
) -> str:
    """The last block of a turn-style prompt.

    Args:
        purpose: initiate, prime, rewrite, intervene or conclude.
        steps: How many steps are wanted; None: all to the end.
        reason: The signal's sentence.
        review: Whether to ask for the earliest wrong step.
        tokens: The cap of a blueprint.
    """
    if purpose == "initiate":
        return texts.initiate.format(words=max((tokens or 120) * 2 // 3, 20))
    if purpose == "conclude":
        return texts.conclude
    wanted = "all remaining steps" if steps is None else "the next step" if steps == 1 else f"the next {steps} steps"
    template = {"prime": texts.prime, "rewrite": texts.rewrite, "intervene": texts.intervene}[purpose]
    asked = template.format(steps=wanted, reason=reason, review=texts.review if review else "")
    return f"{asked} {texts.finish}"


def with_suffix(message: BaseMessage, suffix: str) -> HumanMessage:
    """The human message with text after its own content, images and all."""
    if isinstance(message.content, str):
        return HumanMessage(f"{message.content}\n\n{suffix}")
    return HumanMessage([*message.content, {"type": "text", "text": suffix}])


def with_prefix(message: BaseMessage, prefix: str) -> HumanMessage:
    """The human message with text before its own content."""
    if isinstance(message.content, str):
        return HumanMessage(prefix + message.content)
    return HumanMessage([{"type": "text", "text": prefix}, *message.content])
