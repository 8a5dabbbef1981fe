"""The graph as what an app already has a place for: a chat model, and a tool of an agent."""

from trigreason_graph.integrations.chat import ChatTrigReason
from trigreason_graph.integrations.strings import init_chat_model
from trigreason_graph.integrations.tool import as_tool

__all__ = ["ChatTrigReason", "as_tool", "init_chat_model"]
