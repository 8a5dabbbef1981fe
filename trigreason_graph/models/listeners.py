"""Whether anybody is told each token of a call, as LangChain's callbacks are."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler, BaseCallbackManager
from langchain_core.runnables.config import ensure_config

_DEAF = (BaseCallbackHandler.on_llm_new_token, AsyncCallbackHandler.on_llm_new_token)
"""What a handler has that says nothing about tokens."""


def tokens_wanted(own: Sequence[BaseCallbackHandler] | BaseCallbackManager | None) -> bool:
    """Whether a handler of the surrounding run, or one of the model's own, takes tokens as they come.

    LangGraph's message stream, ``astream_events`` and tracers do. LangChain makes a message of each chunk and keeps all
    of them to the end of the call, which is most of what a call takes beside the model: for nobody, one is enough.

    Args:
        own: The model's callbacks.
    """
    return any(map(_listens, [*_handlers(ensure_config().get("callbacks")), *_handlers(own)]))


def _handlers(callbacks: Sequence[BaseCallbackHandler] | BaseCallbackManager | None) -> Sequence[BaseCallbackHandler]:
    return callbacks.handlers if isinstance(callbacks, BaseCallbackManager) else callbacks or ()


def _listens(handler: BaseCallbackHandler) -> bool:
    return type(handler).on_llm_new_token not in _DEAF
