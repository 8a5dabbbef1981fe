"""The whole product over these servers: every kind of small model continues its trace, and the ledger is right."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_ollama import ChatOllama
from langgraph.checkpoint.memory import InMemorySaver

from tests.graphs import full_state
from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph import Policy, create_trigreason_graph
from trigreason_graph.models.servers import chat_on
from trigreason_graph.testing import Asked, Fault, OllamaServer, OpenAIServer, Scripted, ServedModel
from trigreason_graph.testing.servers.server import ModelServer

WHOLE = "First 3 + 4 = 7.\n\nThen 7 * 2 = 14.\n\nAnswer: 14"
PROVIDERS = {"vllm": "vllm", "sglang": "sglang", "llama_cpp": "llama.cpp", "deepseek": "deepseek"}


def goes_on(asked: Asked) -> str:
    """The rest of one solution, as a greedy model writes it."""
    begun = asked.prefill or ""
    assert WHOLE.startswith(begun), begun
    return WHOLE[len(begun) :]


def server_and_model(provider: str, writer: Any, **fields: Any) -> tuple[ModelServer, Any]:
    """A server, and what makes its client once it runs."""
    if provider == "ollama":
        return OllamaServer({"m": writer}, **fields), lambda url: ChatOllama(model="m", base_url=url)
    base = "/beta" if provider == "deepseek" else "/v1"
    server = OpenAIServer({"m": writer}, flavour=PROVIDERS[provider], **fields)  # type: ignore[arg-type]
    return server, lambda url: chat_on(provider, "m", f"{url}{base}", None)


async def solved(small: BaseChatModel, large: BaseChatModel, policy: Any) -> dict[str, Any]:
    compiled = create_trigreason_graph(small=small, large=large, policy=policy).compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "t"}}
    await compiled.ainvoke({"question": "What is (3 + 4) * 2?"}, config)
    return await full_state(compiled, config)


@pytest.mark.parametrize("provider", ["ollama", *PROVIDERS])
async def test_a_trace_goes_on_after_each_step(provider: str) -> None:
    server, client = server_and_model(provider, goes_on)
    async with server:
        model = client(server.url)
        state = await solved(model, model, Policy("alone", commit_every=1))
        assert await server.idle()
    assert state["answer"] == "14"
    assert "".join(step["text"] + step["sep"] for step in state["trace"]).strip() == WHOLE
    assert len(server.calls) >= 3
    rows = state["ledger"]
    assert len(rows) == len(server.calls)
    for row, record in zip(rows, server.calls, strict=True):
        assert record.outcome in ("finished", "closed")
        if not row["estimated"]:
            assert (row["tokens_in"], row["tokens_out"]) == (record.tokens_in, record.tokens_out)


@pytest.mark.parametrize("provider", ["ollama", *PROVIDERS])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(then="cut"),
        Fault(status=503, retry_after=0),
        Fault(after=4, then="cut"),
        Fault(after=4, then="end"),
        Fault(after=4, then="garbage"),
        Fault(after=4, then="error"),
    ],
    ids=["no byte", "503", "cut", "silent end", "garbage", "error inside"],
)
async def test_a_fault_of_the_small_model_changes_nothing(
    provider: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenacity.wait_random_exponential.__call__", lambda *_: 0.0)
    server, client = server_and_model(provider, goes_on, faults={1: fault})
    async with server:
        model = client(server.url)
        state = await solved(model, model, "small_only")
    assert (state["answer"], state["outcome"]["kind"]) == ("14", "answered")
    assert len(server.calls) >= 2


async def test_a_thinking_model_on_ollama_goes_on_thinking() -> None:
    """Its first thoughts come in the thinking field, those that go on with a trace in the content."""
    thoughts = "So 3 + 4 = 7.\n\nThen 7 * 2 = 14."

    def think(asked: Asked) -> Scripted:
        if asked.prefill is None:
            return Scripted("Answer: 14", thinking=thoughts)
        begun = asked.prefill.removeprefix("<think>\n")
        whole = f"{thoughts}\n</think>\n\nAnswer: 14"
        assert whole.startswith(begun), begun
        return Scripted(whole.removeprefix(begun))

    async with OllamaServer({"qwen3:0.6b": ServedModel(think, thinking=True)}) as server:
        client = ChatOllama(model="qwen3:0.6b", base_url=server.url, reasoning=True)
        state = await solved(client, client, Policy("alone", commit_every=1))
    assert state["answer"] == "14"
    assert [step["text"] for step in state["trace"]] == [*thoughts.split("\n\n"), "Answer: 14"]
    assert server.calls[0].thinking
    assert not server.calls[1].thinking
