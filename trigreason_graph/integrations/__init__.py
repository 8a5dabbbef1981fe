"""The graph as what an app already has a place for: a chat model, a tool of an agent; and an agent's middleware."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trigreason_graph.integrations.chat import ChatTrigReason
from trigreason_graph.integrations.strings import init_chat_model
from trigreason_graph.integrations.tool import as_tool

if TYPE_CHECKING:
    from trigreason_graph.integrations.middleware import AGENT, RepeatedCall, RepeatedError, TrigReasonMiddleware

__all__ = [
    "AGENT",
    "ChatTrigReason",
    "RepeatedCall",
    "RepeatedError",
    "TrigReasonMiddleware",
    "as_tool",
    "init_chat_model",
]


def __getattr__(name: str) -> Any:
    """The middleware's, imported when they are asked for: langchain.agents takes its time."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.middleware"), name)
