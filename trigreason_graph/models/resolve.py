"""From what a user writes ("ollama:qwen3:0.6b", a chat model) to a ReasoningModel. Nothing is loaded or called."""

from __future__ import annotations

from langchain_core.language_models.chat_models import BaseChatModel

from trigreason_graph.models.card_store import best_card
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.models.strings import model_from_string
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.state import Role

ModelSpec = str | BaseChatModel
"""What every argument that takes a model accepts: "provider:model" (`strings`), or a chat model."""


def resolve_model(
    spec: ModelSpec | None,
    role: Role,
    *,
    prices: PriceTable | None = None,
    temperature: float | None = None,
    api_key: str | None = None,
) -> ReasoningModel:
    """Wrap a model for its role.

    Args:
        spec: A model string or a chat model; a ReasoningModel keeps the card it was given.
        role: "small" or "large"; also the argument's name in errors.
        prices: Dollars per million tokens, by "provider:model"; looked up before genai-prices.
        temperature: Sampling temperature for a model made from a string.
        api_key: Its provider's key; None: from the environment.

    Raises:
        ValueError: naming the argument, when `spec` is missing, malformed, of an unknown provider, or needs a package
            or a key that is not there.
    """
    if spec is None or (isinstance(spec, str) and not spec.strip()):
        raise ValueError(f'{role}= is missing: give a "provider:model" string or a LangChain chat model')
    model = model_from_string(spec.strip(), role, temperature, api_key) if isinstance(spec, str) else spec
    if not isinstance(model, BaseChatModel):
        hint = " (pass the model itself, not model.bind(...))" if hasattr(model, "bound") else ""
        kind = type(model).__name__
        raise ValueError(f'{role}= must be a "provider:model" string or a BaseChatModel, not {kind}{hint}')
    if isinstance(model, ReasoningModel):
        return model.model_copy(update={"role": role, "prices": {**model.prices, **(prices or {})}})
    card = best_card(model, named=isinstance(spec, str))
    return ReasoningModel(inner=model, card=card, role=role, prices=prices or {})
