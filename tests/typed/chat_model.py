"""A user's code around the chat model and the tool, as a strict type checker sees it. Never run."""

from __future__ import annotations

from typing import assert_type

from langchain.agents import create_agent
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from trigreason_graph import Budget, ChatTrigReason, Settings, as_tool, create_trigreason_graph
from trigreason_graph.integrations import init_chat_model

model = ChatTrigReason(small="ollama:qwen3:0.6b", large="openai:gpt-4.1", budget=Budget(large_calls=3))
configured = ChatTrigReason(model="small=ollama:qwen3:0.6b,large=openai:gpt-4.1", temperature=0.2, max_retries=1)
either: BaseChatModel = init_chat_model("trigreason:small=ollama:qwen3:0.6b,large=openai:gpt-4.1")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


bound: Runnable[LanguageModelInput, AIMessage] = model.bind_tools([add], tool_choice="any")
assert_type(model.invoke("What is 3 + 4?"), AIMessage)
assert_type(model.invoke("What is 3 + 4?").text.upper(), str)
for part in model.stream("What is 3 + 4?"):
    assert_type(part, AIMessageChunk)

graph = create_trigreason_graph(small=model, large="openai:gpt-4.1")
tool = as_tool(graph, name="solve", settings=Settings(large="ask"))
assert_type(tool, BaseTool)
assert_type(as_tool(graph.compile()), BaseTool)
agent = create_agent(model, [tool, add])


async def follow() -> str:
    """Async callers get the same types."""
    async for part in model.astream("What is 3 + 4?"):
        assert_type(part, AIMessageChunk)
    return (await model.ainvoke("What is 3 + 4?")).text
