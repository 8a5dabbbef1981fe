"""How each client is asked for what a call wants."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.dialects import Options, call_arguments
from trigreason_graph.models.known import card_of

ALL = Options(64, 0.5, ("x",))
ANY = SimpleNamespace()


def test_an_unknown_client_is_asked_for_nothing() -> None:
    assert call_arguments(ModelCard(), ALL, ANY) == {}


class TestOpenAI:
    def test_what_is_asked(self) -> None:
        assert call_arguments(ModelCard(dialect="openai"), ALL, ANY) == {
            "max_tokens": 64,
            "temperature": 0.5,
            "stop": ["x"],
        }
        assert call_arguments(ModelCard(dialect="openai"), Options(64), ANY) == {"max_tokens": 64}

    def test_log_probabilities(self) -> None:
        card = ModelCard(dialect="openai", logprobs=True, top_logprobs=5)
        assert call_arguments(card, Options(1), ANY) == {"max_tokens": 1, "logprobs": True, "top_logprobs": 5}
        assert "top_logprobs" not in call_arguments(ModelCard(dialect="openai", logprobs=True), Options(1), ANY)

    def test_hidden_reasoning_gets_room_and_no_options_it_refuses(self) -> None:
        assert call_arguments(ModelCard(dialect="openai", hidden_tokens=100), ALL, ANY) == {"max_tokens": 164}

    @pytest.mark.parametrize(
        ("url", "set_by_user", "expected"),
        [(None, None, None), ("http://localhost:1/v1", None, True), ("http://localhost:1/v1", False, None)],
    )
    def test_usage_is_asked_for_where_the_client_would_not(
        self, url: str | None, set_by_user: bool | None, expected: bool | None
    ) -> None:
        client = ChatOpenAI(model="x", base_url=url, api_key="x", stream_usage=set_by_user)
        card = card_of(client)
        assert call_arguments(card, ALL, client).get("stream_usage") is expected
        assert "stream_usage" not in call_arguments(card, ALL, client, streaming=False)


class TestOllama:
    def test_what_was_set_on_the_client_stays(self) -> None:
        client = ChatOllama(model="x", num_ctx=2048, top_k=3, temperature=0.9, stop=["y"], num_predict=7)
        arguments = call_arguments(card_of(client), ALL, client)
        assert arguments["options"] == {
            "num_ctx": 2048,
            "top_k": 3,
            "temperature": 0.5,
            "stop": ["y", "x"],
            "num_predict": 64,
        }

    def test_its_own_temperature_where_none_is_asked_for(self) -> None:
        client = ChatOllama(model="x", temperature=0.9)
        assert call_arguments(card_of(client), Options(1), client)["options"] == {"temperature": 0.9, "num_predict": 1}

    def test_every_option_of_the_client_is_known(self) -> None:
        """ChatOllama has no list of them: compare with what it sends when no options are given with a call."""
        given: dict[str, Any] = {
            "mirostat": 1,
            "mirostat_eta": 0.1,
            "mirostat_tau": 0.1,
            "num_ctx": 1,
            "num_gpu": 1,
            "num_thread": 1,
        }
        given |= {"repeat_last_n": 1, "repeat_penalty": 1.1, "temperature": 0.1, "seed": 1, "stop": ["x"], "tfs_z": 0.1}
        given |= {"top_k": 1, "top_p": 0.1, "num_predict": 1}
        client = ChatOllama(model="x", **given)
        assert client._chat_params([])["options"] == given
        assert call_arguments(card_of(client), Options(1), client)["options"] == given

    def test_thinking_is_turned_on_for_a_model_that_thinks(self) -> None:
        def asked(client: ChatOllama) -> object:
            return call_arguments(card_of(client), Options(1), client).get("reasoning")

        assert asked(ChatOllama(model="qwen3")) is True
        assert asked(ChatOllama(model="gpt-oss", reasoning="low")) is None  # as set on the client
        assert asked(ChatOllama(model="qwen3", reasoning=False)) is None
        assert asked(ChatOllama(model="llama3.2")) is None
