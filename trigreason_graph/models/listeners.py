"""Who is told of a call by LangChain, and whether anybody is told each token of it."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.callbacks import AsyncCallbackHandler, AsyncCallbackManager, BaseCallbackHandler
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.runnables.config import ensure_config

_DEAF = (BaseCallbackHandler.on_llm_new_token, AsyncCallbackHandler.on_llm_new_token)
"""What a handler has that says nothing about tokens."""


def listeners_of(model: BaseChatModel) -> Sequence[BaseCallbackHandler]:
    """The handlers that a call of `model` would be told to: of the surrounding run, its own, and those set globally.

    LangGraph's message stream, ``astream_events``, tracers and whatever a user has passed as a callback.
    """
    inherited = ensure_config().get("callbacks")
    return AsyncCallbackManager.configure(inherited, model.callbacks, model.verbose).handlers


def tokens_wanted(listeners: Sequence[BaseCallbackHandler]) -> bool:
    """Whether one of them takes tokens as they come.

    LangChain makes a message of each chunk and keeps all of them to the end of the call, which is most of what a call
    takes beside the model: for nobody, one is enough.
    """
    return any(type(handler).on_llm_new_token not in _DEAF for handler in listeners)
