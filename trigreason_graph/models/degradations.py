"""What a model does without, in words: each once, said where a graph is built and by the doctor."""

from __future__ import annotations

from collections.abc import Iterator

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.state import Role

SHORT_WINDOW = 4_096
"""Tokens; the window of the embedded pair, which holds the longest trace of the default budget there."""


def degradations(card: ModelCard, role: Role) -> list[str]:
    """What a model of this card does without, as far as its role would use it; a sentence each.

    Args:
        card: Of the model.
        role: "small": leads the reasoning, so that its log-probabilities and the cutting of its stream matter.
            "large": is asked in turns as a rule; what is counted and what is hidden matters.
    """
    return list(_small(card) if role == "small" else ()) + list(_either(card))


def _small(card: ModelCard) -> Iterator[str]:
    name = card.full_name
    if not card.logprobs:
        yield f"no log-probabilities from {name}: cognitive offload uses text signs only"
    elif card.logprob_space == "tempered":
        yield (
            f"{name} reports log-probabilities after the temperature was applied: thresholds on them hold only at the "
            "temperature they were set for"
        )
    if card.style == "turn":
        yield f"{name} cannot go on with a prefilled reply: each request sends the whole trace anew"
    if not card.streams:
        yield f"{name} does not stream: a trigger acts only when a whole reply is there, and all of it is counted"


def _either(card: ModelCard) -> Iterator[str]:
    name = card.full_name
    if card.hidden_tokens:
        hidden = card.hidden_at("high")
        yield f"the reasoning of {name} is hidden: each of its calls may take up to {hidden:,} further tokens"
    if not card.usage:
        yield f"the tokens of {name} are not counted by its server: they are estimated"
    if card.window is not None and card.window < SHORT_WINDOW:
        yield f"{name} has a window of {card.window:,} tokens: long traces are compacted"
