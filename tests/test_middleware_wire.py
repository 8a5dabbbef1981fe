"""TrigReasonMiddleware over real clients and servers that speak as Ollama and OpenAI's do."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from tests.agents import ASKED, UNSURE, Shelf, agent, authors, last_reply, report, run
from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph import TrigReasonMiddleware
from trigreason_graph.testing import Fault, OllamaServer, OpenAIServer, Scripted, ServedModel

THOUGHT = "Wait, hmm, maybe it is 20. I'm not sure."


def pair(small: Any, large: Any, thinks: bool | None = None) -> TrigReasonMiddleware:
    writer = ChatOllama(model="m", base_url=small.url, reasoning=thinks)
    expert = ChatOpenAI(model="m", base_url=f"{large.url}/v1", api_key="sk-test", max_retries=0)  # type: ignore[arg-type]
    return TrigReasonMiddleware(writer, expert)


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
async def test_an_unsure_reply_of_ollama_is_replaced_by_one_of_openai(sync: bool) -> None:
    with OllamaServer({"m": UNSURE}) as small, OpenAIServer({"m": "There are 19."}, key="sk-test") as large:
        events, state = await run(agent(pair(small, large), Shelf()), sync)
        assert (authors(state), last_reply(state).text) == (["large"], "There are 19.")
        (asked,), (paid,) = small.calls, large.calls
        totals = report(events)["totals"]
        for role, record in (("small", asked), ("large", paid)):
            assert (totals[role]["tokens_in"], totals[role]["tokens_out"]) == (record.tokens_in, record.tokens_out)
            assert totals[role]["estimated"] is False


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
async def test_tokens_that_are_held_back_are_not_streamed(sync: bool) -> None:
    with OllamaServer({"m": UNSURE}) as small, OpenAIServer({"m": "There are 19."}, key="sk-test") as large:
        made = agent(pair(small, large))
        if sync:
            items = list(made.stream(ASKED, stream_mode="messages"))
        else:
            items = [item async for item in made.astream(ASKED, stream_mode="messages")]
    texts = [message.text for message, _ in items]
    assert "".join(texts) == "There are 19."
    assert len(texts) > 2


async def test_the_thinking_of_a_small_model_is_not_judged() -> None:
    thinker = ServedModel([Scripted("There are 19.", thinking=THOUGHT, probability=0.9)], thinking=True)
    with OllamaServer({"m": thinker}) as small, OpenAIServer({"m": "-"}, key="sk-test") as large:
        _, state = await run(agent(pair(small, large, True)), sync=False)
        assert (authors(state), large.calls) == (["small"], [])
    assert last_reply(state).additional_kwargs["reasoning_content"].strip() == THOUGHT


async def test_a_large_model_that_refuses_the_key() -> None:
    with OllamaServer({"m": UNSURE}) as small, OpenAIServer({"m": "-"}, faults={1: Fault(status=401)}) as large:
        events, state = await run(agent(pair(small, large)), sync=False)
    assert authors(state) == ["small"]
    assert any("refused the API key" in note for note in report(events)["notes"])
