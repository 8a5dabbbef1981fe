"""What a call costs, in dollars: a user's table first, then genai-prices (extra "prices"), else unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.pieces import Usage


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens.

    Raises:
        ValueError: A price that is negative or no number.
    """

    input: float
    output: float
    cached: float | None = None
    """Cached input; None: billed as input."""
    written: float | None = None
    """Input that is written into the cache, where that costs more; None: billed as input."""

    def __post_init__(self) -> None:
        given = (self.input, self.output, self.cached or 0.0, self.written or 0.0)
        if not all(math.isfinite(price) and price >= 0 for price in given):
            raise ValueError(f"a price is dollars per million tokens, 0 or more: {self}")


PriceTable = Mapping[str, Price]
"""By "provider:model"."""


def cost(card: ModelCard, usage: Usage, table: PriceTable) -> float | None:
    """Dollars for `usage`: 0.0 for a local model that is not in the table, None when nobody knows the price."""
    price = table.get(card.full_name)
    if price is None and card.local:
        return 0.0
    cached = min(usage.tokens_cached, usage.tokens_in)
    written = min(usage.tokens_written, usage.tokens_in - cached)
    if price is None:
        return _listed_cost(card, usage, cached, written)
    per_cached = price.input if price.cached is None else price.cached
    per_written = price.input if price.written is None else price.written
    plain = usage.tokens_in - cached - written
    dollars = plain * price.input + cached * per_cached + written * per_written + usage.tokens_out * price.output
    return dollars / 1e6


def total(costs: Iterable[float | None]) -> float | None:
    """The sum of dollars; None where one of them is unknown."""
    listed = list(costs)
    return None if None in listed else sum(one for one in listed if one is not None)


def price_known(card: ModelCard, table: PriceTable) -> bool:
    """Whether a dollar limit can be enforced for this model."""
    return cost(card, Usage(tokens_in=1, tokens_out=1), table) is not None


def _listed_cost(card: ModelCard, used: Usage, cached: int, written: int) -> float | None:
    """By genai-prices' own list, which comes with the package: nothing is fetched."""
    try:
        from genai_prices import Usage as ListedUsage
        from genai_prices import calc_price
    except ImportError:
        return None
    usage = ListedUsage(
        input_tokens=used.tokens_in,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        output_tokens=used.tokens_out,
    )
    try:
        if "." in card.provider:  # a server known by its host only
            listed = calc_price(usage, model_ref=card.name, provider_api_url=f"https://{card.provider}")
        else:
            listed = calc_price(usage, model_ref=card.name, provider_id=_PROVIDERS.get(card.provider, card.provider))
    except (LookupError, ValueError):
        return None
    return float(listed.total_price)


_PROVIDERS = {"azure_openai": "azure", "google_genai": "google"}
"""The list's name, where it does not find LangChain's by itself."""
