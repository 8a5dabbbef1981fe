"""The prompt of a call: a model's style and form, and no more of the trace than its window holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from langchain_core.messages import BaseMessage

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.exchange import estimate_tokens, tokens_in_text
from trigreason_graph.reasoning.compaction import VERBATIM_SHARE, established, first_shown
from trigreason_graph.reasoning.handover import Handover, continuation, question_turn
from trigreason_graph.reasoning.prompts import Prompts
from trigreason_graph.state import Role

STEP_FRAME = 8
"""Tokens that a step's number and the blank line around it take at most."""
LONGEST_RESERVE = 2_048
SHORTEST_RESERVE = 128
"""Tokens of a window that are kept for what the model writes, of a large and a small one."""


@dataclass(frozen=True)
class Prompt:
    """What is sent, and how many of the first steps are left out of it."""

    messages: list[BaseMessage]
    left_out: int = 0


def trace_prompt(card: ModelCard, given: Handover, role: Role, texts: Prompts, *, lead: str = "") -> Prompt:
    """Prefill style: the model goes on with the trace as its own text."""
    thinks = card.form != "content"
    return fitted(card, given, lambda shown: continuation(shown, role, texts, lead=lead, thinks=thinks))


def turn_prompt(card: ModelCard, given: Handover, ask: str, texts: Prompts) -> Prompt:
    """Turn style: the trace stands in a user turn, with `ask` at its end."""
    blocks = card.dialect == "anthropic"  # it caches by block
    return fitted(card, given, lambda shown: question_turn(shown, ask, texts, blocks=blocks))


def fitted(card: ModelCard, given: Handover, build: Callable[[Handover], list[BaseMessage]]) -> Prompt:
    """The prompt with the whole trace where the window holds it, else with its older steps' conclusions only.

    `given.start` is what the last prompt of this model began with.
    """
    if card.window is None:
        return Prompt(build(replace(given, start=0)))
    room = _in_eighths(
        card.window - reserve_of(card) - estimate_tokens(build(replace(given, start=len(given.trace)))), card.window
    )
    known = given.start if given.start < len(given.trace) else 0  # before that nothing is asked about
    costs = [0.0] * known + [_cost(step["text"], step["sep"]) for step in given.trace[known:]]
    start = first_shown(costs, max(room, 0), given.start)
    if not start:
        return Prompt(build(replace(given, start=0)))
    kept = established(given.trace[:start], room * (1 - VERBATIM_SHARE), tokens_in_text)
    return Prompt(build(replace(given, start=start, established=kept)), start)


@lru_cache(maxsize=8_192)  # a long trace: at every request, all of its steps are asked about again
def _cost(text: str, sep: str) -> float:
    return tokens_in_text(text + sep) + STEP_FRAME


def _in_eighths(room: int, window: int) -> int:
    """Room that stays the same while what is asked varies: else the first step shown, and with it the whole prompt,
    would change from call to call."""
    return room // (window // 8) * (window // 8)


def reserve_of(card: ModelCard) -> int:
    """Tokens of a window that the trace leaves to the reply, hidden reasoning included."""
    if card.window is None:
        return 0
    return min(max(card.window // 4, SHORTEST_RESERVE), LONGEST_RESERVE) + card.hidden_at("low")
