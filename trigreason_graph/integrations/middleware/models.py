"""The two models of an agent: which one is ours to replace, and how each is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import SystemMessage
from langgraph.constants import TAG_NOSTREAM

from trigreason_graph.models.dialects import Options, call_arguments, ollama_options
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.settings import Effort
from trigreason_graph.state import Purpose, Role

REPLY_TOKENS = 4_096
"""Output tokens of a turn of the large model where neither its user nor the budget says fewer. Our choice: a long
tool call, such as a file that is written."""
NOT_PER_CALL = frozenset({"store", "stream_usage", "logprobs", "top_logprobs", "extra_body"})
"""Options of our own calls that an agent's model keeps as its user has set them. (`store` off would lose the reasoning
items that OpenAI's next turn refers to.)"""
ASKED_OF_SMALL = frozenset({"logprobs", "top_logprobs", "reasoning"})
"""Options that show how sure a model is and what it thinks, without changing what it writes."""


def same_client(one: BaseChatModel, other: BaseChatModel) -> bool:
    """Whether two chat models are one, or clients of the same kind for the same model, as two equal strings make."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    first, second = one._get_ls_params(), other._get_ls_params()
    return bool(first.get("ls_model_name")) and first == second


def labelled(
    model: BaseChatModel, role: Role, purpose: Purpose, *, trigger: str, turn: int, hidden: bool
) -> BaseChatModel:
    """The model with our tags and metadata, which is what traces and streams know its call by.

    Args:
        model: Shares its clients, callbacks and private attributes with what comes back.
        role: Whose part it plays.
        purpose: What it is asked for.
        trigger: Why it is asked; empty for the small one.
        turn: Of the run, from 0.
        hidden: Keep its tokens out of ``stream_mode="messages"``.
    """
    tags = [*(model.tags or []), f"trigreason:{role}", *([TAG_NOSTREAM] if hidden else [])]
    metadata = {
        **(model.metadata or {}),
        "trigreason_role": role,
        "trigreason_purpose": purpose,
        "trigreason_trigger": trigger,
        "trigreason_step": turn + 1,
    }
    getattr(model, "_serialized", None)  # LangChain works it out once per object: on the model, not on every twin
    twin = model.model_copy(update={"tags": tags, "metadata": metadata})
    object.__setattr__(twin, "__pydantic_private__", model.__pydantic_private__)  # a copy would count for itself
    return twin


def large_arguments(
    model: ReasoningModel, max_tokens: int, temperature: float | None, effort: Effort | None
) -> dict[str, Any]:
    """What a turn of the large model is asked with: no more than its limits leave."""
    options = Options(max_tokens, temperature, effort=effort)
    arguments = call_arguments(model.card, options, model.inner, streaming=False)
    return {name: value for name, value in arguments.items() if name not in NOT_PER_CALL}


def small_arguments(model: ReasoningModel, temperature: float | None) -> dict[str, Any]:
    """What a turn of the small model is asked with: log-probabilities where it has them. Its length is its own."""
    arguments = call_arguments(model.card, Options(1, temperature), model.inner, streaming=False)
    wanted = {name: value for name, value in arguments.items() if name in ASKED_OF_SMALL}
    if model.card.efforts:
        wanted.pop("reasoning", None)  # of hosted models: an effort, not a switch
    if temperature is not None and "temperature" in arguments:
        wanted["temperature"] = arguments["temperature"]
    if temperature is not None and "options" in arguments:
        set_on_it = getattr(model.inner, "num_predict", None)
        limit = {} if set_on_it is None else {"num_predict": set_on_it}
        wanted["options"] = {**ollama_options(model.inner), **limit, "temperature": temperature}
    return wanted


def reply_limit(model: ReasoningModel, otherwise: int) -> int:
    """Output tokens that the model's user has set on it, else `otherwise`."""
    own = getattr(model.inner, "max_tokens", None) or getattr(model.inner, "num_predict", None)
    return own if isinstance(own, int) and own > 0 else otherwise


def keeps_logprobs(model: BaseChatModel, model_settings: Mapping[str, Any]) -> bool:
    """Whether the user wants the log-probabilities in the messages."""
    return bool(model_settings.get("logprobs") or getattr(model, "logprobs", None))


def with_text(message: SystemMessage | None, text: str, form: str) -> SystemMessage | None:
    """The system message with a text behind it; unchanged for an empty one.

    Args:
        message: The agent's own; None where it has none.
        text: A plan, or a person's instruction.
        form: What introduces it, with one field in braces.
    """
    if not text:
        return message
    told = form.format(blueprint=text, instruction=text)
    if message is None:
        return SystemMessage(told)
    if isinstance(message.content, str):
        return message.model_copy(update={"content": f"{message.content}\n\n{told}"})
    return message.model_copy(update={"content": [*message.content, {"type": "text", "text": told}]})
