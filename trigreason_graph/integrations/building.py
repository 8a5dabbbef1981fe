"""From the arguments of the chat model to the models, the policy and the limits of its graph."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from trigreason_graph.graph import make_kit
from trigreason_graph.integrations.strings import PARTS, parse_pair
from trigreason_graph.models.faults import redact
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.models.resolve import resolve_model
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.reasoning.prompts import Prompts
from trigreason_graph.settings import Budget, Settings
from trigreason_graph.state import Role


def chosen(given: Mapping[str, Any]) -> dict[str, Any]:
    """small, large, fallback and policy: as given, else out of the pair string, else from the environment.

    The environment is that of the command line: TRIGREASON_SMALL, TRIGREASON_LARGE, TRIGREASON_FALLBACK and
    TRIGREASON_POLICY. It is asked only where no model is named at all.
    """
    pair: Mapping[str, Any] = parse_pair(given["pair"]) if given.get("pair") else {}
    if not pair and given.get("small") is None and given.get("large") is None:
        pair = {part: os.environ.get(f"TRIGREASON_{part.upper()}") or None for part in PARTS}
    return {part: given[part] if given.get(part) is not None else pair.get(part) for part in PARTS}


def kit_of(
    parts: Mapping[str, Any],
    budget: Budget | None,
    settings: Settings,
    prices: PriceTable | None,
    prompts: Prompts,
    *,
    timeout: float | None,
    max_retries: int | None,
    api_key: str | None,
) -> Kit:
    """The kit of the graph.

    Args:
        parts: As `chosen`.
        budget, settings, prices, prompts: As ``create_trigreason_graph`` takes them.
        timeout: Seconds that all calls of one reply may take together.
        max_retries: Further tries of a call that has brought no text.
        api_key: For the large model and its fallback, where they are strings.

    Raises:
        ValueError: naming the argument.
    """

    def model(part: str, role: Role, key: str | None) -> ReasoningModel:
        found = resolve_model(parts[part], role, prices=prices, api_key=key)
        return found if max_retries is None else found.model_copy(update={"retries": max_retries + 1})

    fallback = None if parts["fallback"] is None else model("fallback", "large", api_key)
    limits = budget
    if timeout is not None:
        limits = budget or Budget()
        seconds = timeout if limits.seconds is None else min(timeout, limits.seconds)
        limits = limits.model_copy(update={"seconds": seconds})
    small, large = model("small", "small", None), model("large", "large", api_key)
    return make_kit(small, large, fallback, parts["policy"], limits, settings, prices, prompts)


def pair_name(parts: Mapping[str, Any], kit: Kit) -> str:
    """The pair as it can be typed: ``small=ollama:qwen3:0.6b,large=openai:gpt-4.1``."""
    names = {"small": kit.small, "large": kit.large, "fallback": kit.fallback}
    written: dict[str, str] = {
        part: redact(parts[part]).strip() if isinstance(parts[part], str) else model.card.full_name
        for part, model in names.items()
        if model is not None
    }
    if isinstance(parts["policy"], str):
        written["policy"] = parts["policy"]
    return ",".join(f"{part}={name}" for part, name in written.items())
