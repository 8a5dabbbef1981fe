"""The cards of clients whose model runs behind an API: turn style, reasoning hidden or private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.names import (
    HIDDEN_REASONING,
    HIDDEN_TOKENS,
    is_local,
    is_openai,
    thinks,
    thinks_when_hosted,
)

CACHE_REPORTING = frozenset({"openai", "azure", "deepseek"})
"""Providers that an OpenAI client talks to and that report cached tokens."""


def profile_of(model: Any) -> Mapping[str, Any]:
    """What LangChain's static data say about a model; empty where they are silent."""
    return getattr(model, "profile", None) or {}


def profile_window(model: Any) -> int | None:
    """The context window by profile."""
    window = profile_of(model).get("max_input_tokens")
    return int(window) if window else None


def effort_levels(model: Any) -> tuple[str, ...]:
    """The efforts a model takes, by profile, as its provider spells them."""
    return tuple(profile_of(model).get("reasoning_effort_levels") or ())


def openai_url(model: Any) -> str:
    """The address a client of the OpenAI API talks to; empty for the default."""
    client = getattr(model, "root_async_client", None)
    return str(getattr(client, "base_url", None) or getattr(model, "openai_api_base", None) or "")


def openai_card(model: Any) -> ModelCard:
    """A client of the OpenAI API, whatever server it talks to."""
    name = str(model.model_name or getattr(model, "deployment_name", None) or "model")
    provider = str(model._get_ls_params().get("ls_provider") or "openai")
    url = openai_url(model)
    if provider == "openai" and not is_openai(url):
        return _foreign_card(name, url, thinks(name) and not _thinking_off(model))
    if provider in ("openai", "azure", "azure_openai"):
        hidden = bool(profile_of(model).get("reasoning_output", HIDDEN_REASONING.match(name)))
        form, efforts = "content", hidden
    else:  # ChatDeepSeek, ChatXAI and their like put the thinking into a field of its own
        hidden = bool(profile_of(model).get("reasoning_output", thinks_when_hosted(name)))
        form, efforts = ("field" if hidden else "content"), False
    local = is_local(url)
    return ModelCard(
        provider=provider,
        name=name,
        form=form,  # type: ignore[arg-type]
        dialect="openai",
        logprobs=local,
        top_logprobs=5 if local else 0,
        window=profile_window(model),
        local=local,
        hidden_tokens=HIDDEN_TOKENS if hidden else 0,
        efforts=efforts,
        cached=True if provider in CACHE_REPORTING else None,
    )


def _thinking_off(model: Any) -> bool:
    """Whether the template is told not to let the model think, as vLLM, SGLang and llama.cpp take it."""
    told = (getattr(model, "extra_body", None) or {}).get("chat_template_kwargs") or {}
    return told.get("enable_thinking") is False


def _foreign_card(name: str, url: str, thinking: bool) -> ModelCard:
    """Another server's model is not OpenAI's of the same name: its price is looked up by its host."""
    local = is_local(url)
    return ModelCard(
        provider="local" if local else urlsplit(url).hostname or "unknown",
        name=name,
        form="think_tags" if thinking else "content",
        dialect="openai",
        logprobs=local,
        top_logprobs=5 if local else 0,
        local=local,
        hidden_tokens=HIDDEN_TOKENS if thinking else 0,
    )


def anthropic_card(model: Any) -> ModelCard:
    """A ChatAnthropic, or a class derived from it."""
    levels = effort_levels(model)
    fixed = (model.thinking or {}).get("type") == "enabled"  # its token budget is set, so that no effort changes it
    return ModelCard(
        provider=str(model._get_ls_params().get("ls_provider") or "anthropic"),
        name=model.model,
        dialect="anthropic",
        window=profile_window(model),
        local=is_local(str(model.anthropic_api_url or "")),
        hidden_tokens=_claude_hidden(model, levels),
        efforts=bool(levels) and not fixed,
        cached=True,
    )


def _claude_hidden(model: Any, levels: tuple[str, ...]) -> int:
    """Hidden tokens of a Claude: as set on the client, else on where the model thinks by default.

    Those that take no temperature think by default; those that know "xhigh" begin to when they are sent an effort.
    """
    thinking = model.thinking or {}
    if thinking.get("type") == "disabled":
        return 0
    if thinking.get("type") == "enabled":
        return int(thinking.get("budget_tokens") or HIDDEN_TOKENS)
    by_default = "xhigh" in levels or profile_of(model).get("temperature") is False
    return HIDDEN_TOKENS if thinking or by_default else 0


def google_card(model: Any) -> ModelCard:
    """A ChatGoogleGenerativeAI."""
    name = model.model.removeprefix("models/")
    budget = model.thinking_budget
    thinking = bool(profile_of(model).get("reasoning_output", thinks_when_hosted(name))) and budget != 0
    chosen = budget is not None or model.thinking_config is not None or model.reasoning_effort is not None
    takes_effort = bool(effort_levels(model)) or takes_thinking_budget(name)
    return ModelCard(
        provider="google_genai",
        name=name,
        dialect="google",
        window=profile_window(model),
        local=is_local(str(model.base_url or "")),
        hidden_tokens=(budget if budget and budget > 0 else HIDDEN_TOKENS) if thinking else 0,
        efforts=thinking and takes_effort and not chosen,
        cached=True,
    )


def takes_thinking_budget(name: str) -> bool:
    """Whether a Gemini is told in tokens how long to think, and not by a level."""
    return bool(re.search(r"gemini-2\.5", name))


def openrouter_card(model: Any) -> ModelCard:
    """A ChatOpenRouter."""
    thinking = bool(profile_of(model).get("reasoning_output", thinks_when_hosted(model.model_name)))
    chosen = model.reasoning is not None
    return ModelCard(
        provider="openrouter",
        name=model.model_name,
        form="field" if thinking else "content",
        dialect="openai",
        window=profile_window(model),
        local=is_local(str(model.openrouter_api_base or "")),
        hidden_tokens=HIDDEN_TOKENS if thinking else 0,
        efforts=thinking and not chosen,
        cached=True,
    )
