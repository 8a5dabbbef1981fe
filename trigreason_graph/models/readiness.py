"""Whether the models of a graph can be called: names, keys and servers, without a paid call."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from trigreason_graph.bridge import run_blocking
from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models.card_store import place_of
from trigreason_graph.models.faults import describe_fault, secrets_of
from trigreason_graph.models.resolve import ModelSpec, resolve_model
from trigreason_graph.models.wrapper import ReasoningModel

PATIENCE = 10.0
"""Seconds to wait for a list of models."""

State = Literal["ready", "unchecked", "not ready"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was found out about one model.

    Attributes:
        model: "provider:model".
        state: "unchecked" where its provider has nothing that could be asked free of charge.
        detail: In words; with the remedy where it is not ready.
    """

    model: str
    state: State
    detail: str

    def __bool__(self) -> bool:
        return self.state != "not ready"


def check_models(*models: ModelSpec) -> list[Readiness]:
    """Look whether `models` can be called. Nothing is paid: servers are asked for their lists of models.

    Args:
        models: As `create_trigreason_graph` takes them.

    Raises:
        ValueError: A model that cannot be set up: an unknown provider, a package or a key that is not there.
    """
    return run_blocking(lambda: acheck_models(*models))


async def acheck_models(*models: ModelSpec) -> list[Readiness]:
    """As :func:`check_models`, for async code."""
    return [await _checked(resolve_model(model, "large")) for model in models]


async def _checked(model: ReasoningModel) -> Readiness:
    name = model.card.full_name
    try:
        await model.aready()
    except ModelNotReady as fault:
        return Readiness(name, "not ready", str(fault))
    if hasattr(model.inner, "aready") or model.card.dialect == "ollama":
        return Readiness(name, "ready", "it is there")
    ask = _asking(model.inner)
    if ask is None:
        return Readiness(name, "unchecked", "its client offers no list of models that could be asked free of charge")
    try:
        listed = await ask()
    except Exception as fault:  # whatever its client raises: a key that is refused, a server that is down
        why = describe_fault(fault, model.card, secrets_of(model.inner), place_of(model.inner))
        return Readiness(name, "not ready", why)
    alone = len(listed) == 1 and model.card.local  # llama.cpp's server answers to any name
    if not listed or alone or model.card.name in listed:
        return Readiness(name, "ready", "its server answers, the key is accepted and the model is listed")
    near = difflib.get_close_matches(model.card.name, listed, n=3, cutoff=0.4) or listed[:3]
    return Readiness(name, "not ready", f"its server does not list {model.card.name!r}; it has: {', '.join(near)}")


def _asking(model: Any) -> Callable[[], Awaitable[list[str]]] | None:
    """How to get the names of a server's models; None where there is no way."""
    kinds = {cls.__name__ for cls in type(model).__mro__}
    if "BaseChatOpenAI" in kinds and getattr(model, "root_async_client", None) is not None:
        return lambda: _openai_names(model)
    if "ChatAnthropic" in kinds:
        return lambda: _anthropic_names(model)
    if "ChatGoogleGenerativeAI" in kinds:
        return lambda: _google_names(model)
    return None


async def _openai_names(model: Any) -> list[str]:
    client = model.root_async_client.with_options(max_retries=0, timeout=PATIENCE)
    return [entry.id async for entry in client.models.list()]


async def _anthropic_names(model: Any) -> list[str]:
    """Aliases such as claude-sonnet-4-5 are not in the list, so that the model itself is asked for."""
    client = model._async_client.with_options(max_retries=0, timeout=PATIENCE)
    await client.models.retrieve(model.model)
    return []


async def _google_names(model: Any) -> list[str]:
    await model.client.aio.models.get(model=model.model)
    return []
