"""Static knowledge: the card of a chat model, from its class and its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.hosted import anthropic_card, google_card, openai_card, openrouter_card, profile_window
from trigreason_graph.models.names import HIDDEN_TOKENS, thinks

OLLAMA_CLOUD = re.compile(r"[-:]cloud$")


def card_of(model: BaseChatModel) -> ModelCard:
    """The card of a chat model: its own ``trigreason_card``, else by its class, else the cautious default."""
    own = getattr(model, "trigreason_card", None)
    if isinstance(own, ModelCard):
        return own
    kinds = {cls.__name__ for cls in type(model).__mro__}
    for kind, card in CARDS.items():
        if kind in kinds:
            return card(model)
    params = model._get_ls_params()
    return ModelCard(
        provider=str(params.get("ls_provider") or model._llm_type),
        name=str(params.get("ls_model_name") or type(model).__name__),
        window=profile_window(model),
    )


def embedded_card(model: Any) -> ModelCard:
    """The card of an EmbeddedChat."""
    from trigreason_graph.models.embedded.catalog import MODELS

    source = str(model.source)
    name = Path(source).stem if source.endswith(".gguf") else source
    thinking = thinks(name)
    return ModelCard(
        provider="embedded",
        name=name,
        # llama.cpp refuses to continue a message where the template can think.
        style="turn" if thinking else "prefill",
        form="think_tags" if thinking else "content",
        dialect="openai",
        logprobs=True,
        top_logprobs=5,
        window=model.context,
        local=True,
        hidden_tokens=HIDDEN_TOKENS if thinking else 0,
        digest=MODELS[source].sha256 if source in MODELS else "",  # a file of the user's own takes long to hash
    )


def ollama_card(model: Any) -> ModelCard:
    """The card of a ChatOllama. Its window is what was asked for; the server's own default is not known from here."""
    asked = model.reasoning  # None: left to the server, which then lets a thinking model think
    return ModelCard(
        provider="ollama",
        name=model.model,
        style="prefill",
        form="field" if (thinks(model.model) if asked is None else asked) else "content",
        dialect="ollama",
        logprobs=True,
        top_logprobs=5,
        window=model.num_ctx,
        local=not OLLAMA_CLOUD.search(model.model) and "ollama.com" not in (model.base_url or ""),
    )


CARDS: dict[str, Callable[[Any], ModelCard]] = {
    "EmbeddedChat": embedded_card,
    "ChatOllama": ollama_card,
    "BaseChatOpenAI": openai_card,
    "ChatAnthropic": anthropic_card,
    "ChatGoogleGenerativeAI": google_card,
    "ChatOpenRouter": openrouter_card,
}
"""By the name of a class or of one it inherits from, so that no client is imported."""
