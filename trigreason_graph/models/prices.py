"""What a call costs, in dollars: a user's table first, then genai-prices (extra "prices"), else unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.pieces import Usage


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens."""

    input: float
    output: float
    cached: float | None = None
    """Cached input; None: billed as input."""


PriceTable = Mapping[str, Price]
"""By "provider:model"."""


def cost(card: ModelCard, usage: Usage, table: PriceTable) -> float | None:
    """Dollars for `usage`: 0.0 for a local model, None when nobody knows the price."""
    if card.local:
        return 0.0
    price = table.get(card.full_name)
    if price is not None:
        cached = price.input if price.cached is None else price.cached
        fresh = usage.tokens_in - usage.tokens_cached
        return (fresh * price.input + usage.tokens_cached * cached + usage.tokens_out * price.output) / 1e6
    return _listed_cost(card, usage)


def price_known(card: ModelCard, table: PriceTable) -> bool:
    """Whether a dollar limit can be enforced for this model."""
    return cost(card, Usage(tokens_in=1, tokens_out=1), table) is not None


def _listed_cost(card: ModelCard, usage: Usage) -> float | None:
    try:
        from genai_prices import Usage as ListedUsage
        from genai_prices import calc_price
    except ImportError:
        return None
    listed = ListedUsage(
        input_tokens=usage.tokens_in, cache_read_tokens=usage.tokens_cached, output_tokens=usage.tokens_out
    )
    try:
        return float(
            calc_price(
                listed, model_ref=card.name, provider_id=_PROVIDERS.get(card.provider, card.provider)
            ).total_price
        )
    except LookupError:
        return None


_PROVIDERS = {"google_genai": "google", "azure_openai": "azure", "mistralai": "mistral", "xai": "x-ai"}
