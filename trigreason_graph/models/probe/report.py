"""What a probe has found, and how each of it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from trigreason_graph.models.cards import ModelCard

How = Literal["static", "server", "probed", "unknown"]
"""static: from the client's class and settings, and the model's name. server: its server says so. probed: a call has
shown it. unknown: nobody knows, and the value is the cautious assumption."""

Value = bool | int | str | None

CAPABILITIES = (
    *("streams", "logprobs", "top_logprobs", "logprob_space", "style", "continues", "trims_newlines", "form"),
    *("hidden_tokens", "efforts", "usage", "cached", "window", "digest"),
)
"""Fields of ModelCard that a report tells, in its order."""

ASSUMED = (
    "streams",
    "logprobs",
    "top_logprobs",
    "logprob_space",
    "style",
    "continues",
    "trims_newlines",
    "form",
    "usage",
)
"""Fields that an unknown server's or client's card only assumes."""


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that a model can or cannot do.

    Attributes:
        name: The field of ModelCard.
        value: As in the card, but for ``top_logprobs``: how many alternatives the server gives. The card asks for no
            more than 5 of them, since entropies over more are not comparable with the thresholds.
        how: How that is known.
    """

    name: str
    value: Value
    how: How


@dataclass(frozen=True)
class ProbeReport:
    """What a model can do.

    Attributes:
        card: The card that the findings make.
        findings: One a capability.
        degradations: What the model does without, each in a sentence.
        notes: What was left out or went wrong, each in a sentence.
        calls: Calls that were made.
        tokens: Tokens they took, prompt and reply.
        cost: Dollars; 0.0 for a local model, None when nobody knows the price.
        stored: The file that keeps the card for later; None where nothing was kept.
    """

    card: ModelCard
    findings: tuple[Capability, ...]
    degradations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0
    stored: Path | None = None


def known_statically(card: ModelCard) -> dict[str, Capability]:
    """What a card says before anybody was asked, by capability."""
    return {
        name: Capability(name, value, "unknown" if _is_silent(card, name, value) else "static")
        for name in CAPABILITIES
        for value in [getattr(card, name)]
    }


def _is_silent(card: ModelCard, name: str, value: Value) -> bool:
    if value is None or value == "":
        return True
    if name in ("logprobs", "top_logprobs") and not value:  # not asked for as a rule; refused by hidden reasoning only
        return not card.hidden_tokens
    known_by_address_only = card.provider == "local" or "." in card.provider
    return name in ASSUMED and (known_by_address_only or card.dialect == "plain")


def with_findings(card: ModelCard, findings: Sequence[Capability], alternatives: int) -> ModelCard:
    """The card that the findings make.

    Args:
        card: What was known before.
        findings: By field.
        alternatives: Most alternatives per token that the card may ask for.
    """
    names = {field.name for field in fields(ModelCard)}
    values: dict[str, Any] = {found.name: found.value for found in findings if found.name in names}
    if values.get("top_logprobs"):
        values["top_logprobs"] = min(values["top_logprobs"], alternatives)
    return replace(card, **values)
