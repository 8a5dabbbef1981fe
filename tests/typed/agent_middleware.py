"""A user's agent with the middleware, as a strict type checker sees it. Never run."""

from __future__ import annotations

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelFallbackMiddleware, ModelRetryMiddleware
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import HumanMessage

from trigreason_graph import Budget, InterventionRequest, Policy, Settings, StrategicInitiation, TrigReasonMiddleware
from trigreason_graph.integrations import AGENT, RepeatedCall, RepeatedError


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


routed = TrigReasonMiddleware(
    small="ollama:qwen3:0.6b",
    large="openai:gpt-4.1",
    policy=[StrategicInitiation(), RepeatedCall(times=4, ignore=("poll",)), RepeatedError(), InterventionRequest(k=2)],
    budget=Budget(large_calls=5),
    settings=Settings(large="ask"),
    turns=2,
    discard=False,
)
model: BaseChatModel = routed.small
policy: Policy = AGENT
one: AgentMiddleware = TrigReasonMiddleware("embedded:small", model, policy)
agent = create_agent(routed.small, [add], middleware=[routed])
among_others = create_agent(
    routed.small,
    [add],
    middleware=[ModelFallbackMiddleware("openai:gpt-4.1-mini"), routed, ModelRetryMiddleware(max_retries=1)],
    context_schema=Settings,
)
result = agent.invoke({"messages": [HumanMessage("What is 3 + 4?")]})


async def follow() -> None:
    """Async callers."""
    async for event in among_others.astream({"messages": [HumanMessage("What is 3 + 4?")]}, stream_mode="custom"):
        assert event
