"""The exact bytes of every purpose's prompt, in every form. Run this file to write them anew after a wanted change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.nodes.prompting import trace_prompt, turn_prompt
from trigreason_graph.reasoning.handover import Handover
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS, ask_for
from trigreason_graph.state import Blueprint, Purpose, Step
from trigreason_graph.testing import make_step

FOLDER = Path(__file__).parent / "golden" / "prompts"

FORMS = {
    "prefill-content": ModelCard(style="prefill", form="content"),
    "prefill-think_tags": ModelCard(style="prefill", form="think_tags"),
    "prefill-field": ModelCard(style="prefill", form="field", dialect="ollama"),
    "turn": ModelCard(style="turn"),
    "turn-blocks": ModelCard(style="turn", dialect="anthropic"),
}
PURPOSES: tuple[Purpose, ...] = ("initiate", "prime", "continue", "rewrite", "intervene", "conclude")


def step(text: str, author: Any, conclusions: Sequence[str] = (), sep: str = "\n\n") -> Step:
    return make_step(text, author, sep=sep, conclusions=list(conclusions))


HANDOVER = Handover(
    conversation=[
        SystemMessage("Answer in English."),
        HumanMessage("Hello"),
        AIMessage("Hello!"),
        HumanMessage("Ann has 3 apples and buys 4 bags of 5; 6 rot. How many does she have?"),
    ],
    problem="Ann has 3 apples and buys 4 bags of 5; 6 rot. How many does she have?",
    blueprint=Blueprint(
        text="Goal: all her apples\nKey steps: 1. multiply the 4 bags by 5 2. take away the 6 that rot",
        goal="all her apples",
        key_steps=["multiply the 4 bags by 5", "take away the 6 that rot"],
        pitfalls=[],
    ),
    trace=[
        step("Ann begins with 3 apples.", "small"),
        step("To multiply the 4 bags by 5: 4 * 5 = 20 apples.", "large", ["4 * 5 = 20"]),
        step("Now the apples she had come on top.", "small"),
    ],
    hints=["4 * 5 is not 25 (it read: 4 * 5 = 25)"],
)


def prompt(form: str, purpose: Purpose) -> list[BaseMessage]:
    """What a model of `form` is sent. In prefill style only the conclusion differs from going on with the trace."""
    card = FORMS[form]
    if card.style == "prefill" and purpose != "initiate":
        lead = DEFAULT_PROMPTS.lead if purpose == "conclude" else ""
        role: Any = "small" if purpose in ("continue", "conclude") else "large"
        return trace_prompt(card, HANDOVER, role, DEFAULT_PROMPTS, lead=lead).messages
    reason = "The same result was reached three times."
    review = purpose in ("rewrite", "intervene")
    ask = ask_for(purpose, 1, reason, review=review, tokens=120)
    return turn_prompt(card, HANDOVER, ask, DEFAULT_PROMPTS).messages


def written(messages: Sequence[BaseMessage]) -> str:
    """The messages as text: a line for each message and block, then its bytes."""
    parts = []
    for message in messages:
        content: Any = message.content
        for number, block in enumerate([{"text": content}] if isinstance(content, str) else content):
            parts.append(f"=== {message.type}{f' block {number}' if number else ''}\n{block['text']}⏎\n")
    return "".join(parts)


CASES = [(form, purpose) for form in FORMS for purpose in PURPOSES]


def path_of(form: str, purpose: Purpose) -> Path:
    return FOLDER / form / f"{purpose}.txt"


if __name__ == "__main__":
    for form, purpose in CASES:
        path_of(form, purpose).parent.mkdir(parents=True, exist_ok=True)
        path_of(form, purpose).write_text(written(prompt(form, purpose)), encoding="utf-8")
