"""How each client is asked for what a call wants."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.dialects import FIXED_SAMPLING, Options, call_arguments, spelled
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

    def test_effort_sets_the_room_for_hidden_reasoning(self) -> None:
        card = ModelCard(dialect="openai", hidden_tokens=1000, efforts=True)
        asked = {effort: call_arguments(card, Options(64, effort=effort), ANY) for effort in ("low", "medium", "high")}
        assert {effort: arguments["max_tokens"] for effort, arguments in asked.items()} == {
            "low": 314,
            "medium": 564,
            "high": 1064,
        }
        assert asked["low"]["reasoning_effort"] == "low"
        assert call_arguments(card, Options(64), ANY) == {"max_tokens": 1064}
        no_efforts = ModelCard(dialect="openai", hidden_tokens=1000)
        assert call_arguments(no_efforts, Options(64, effort="low"), ANY) == {"max_tokens": 1064}

    def test_thinking_that_can_be_read_takes_a_temperature_but_no_stop(self) -> None:
        card = ModelCard(dialect="openai", hidden_tokens=100, form="think_tags")
        assert call_arguments(card, ALL, ANY) == {"max_tokens": 164, "temperature": 0.5}

    def test_flags_only_where_a_message_is_continued(self) -> None:
        card = ModelCard(dialect="openai", style="prefill", continues="flags")
        client = SimpleNamespace(extra_body={"top_k": 3})
        assert "extra_body" not in call_arguments(card, ALL, client)
        assert call_arguments(card, ALL, client, continuing=True)["extra_body"] == {
            "top_k": 3,
            "add_generation_prompt": False,
            "continue_final_message": True,
        }
        turn = ModelCard(dialect="openai", style="turn", continues="flags")
        assert "extra_body" not in call_arguments(turn, ALL, client, continuing=True)

    def test_nothing_is_stored_at_openai(self) -> None:
        card = ModelCard(provider="openai", dialect="openai")
        assert call_arguments(card, ALL, ANY)["store"] is False
        assert "store" not in call_arguments(card, ALL, SimpleNamespace(store=True))
        assert "store" not in call_arguments(ModelCard(provider="local", dialect="openai"), ALL, ANY)

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

    def test_thinking_that_is_not_trace_gets_room(self) -> None:
        card = ModelCard(dialect="ollama", form="field", hidden_tokens=100)
        assert call_arguments(card, Options(1), ANY)["options"] == {"num_predict": 101}


class TestAnthropicAndGoogle:
    def test_what_claude_is_asked(self) -> None:
        assert call_arguments(ModelCard(dialect="anthropic"), ALL, ANY) == {
            "max_tokens": 64,
            "temperature": 0.5,
            "stop": ["x"],
        }
        thinking = ModelCard(dialect="anthropic", hidden_tokens=100, efforts=True)
        assert call_arguments(thinking, Options(64, 0.5, effort="high"), ANY) == {
            "max_tokens": 164,
            "reasoning_effort": "high",
        }

    def test_what_gemini_is_asked(self) -> None:
        assert call_arguments(ModelCard(dialect="google", name="gemini-2.0-flash"), ALL, ANY) == {
            "max_output_tokens": 64,
            "temperature": 0.5,
            "stop": ["x"],
        }
        older = ModelCard(dialect="google", name="gemini-2.5-pro", hidden_tokens=1000, efforts=True)
        assert call_arguments(older, Options(64, effort="low"), ANY) == {
            "max_output_tokens": 314,
            "thinking_budget": 250,
        }

    def test_some_take_no_temperature(self) -> None:
        fixed = ModelCard(dialect="google", name="gemini-3.6-flash")
        assert "temperature" not in call_arguments(fixed, ALL, ANY)

    def test_the_models_that_take_none_are_the_clients(self) -> None:
        google = pytest.importorskip("langchain_google_genai.chat_models")
        assert set(FIXED_SAMPLING) == google._FIXED_SAMPLING_AND_NO_PREFILL_MODELS


@pytest.mark.parametrize(
    ("effort", "levels", "expected"),
    [
        ("medium", [], "medium"),
        ("medium", ["low", "medium", "high"], "medium"),
        ("medium", ["low", "high"], "low"),
        ("low", ["none", "high"], "none"),
        ("low", ["high", "xhigh"], "high"),
        ("high", ["minimal", "low"], "low"),
        ("low", ["none", "minimal", "high"], "minimal"),
        ("low", ["turbo"], "low"),
    ],
)
def test_an_effort_is_one_of_the_models_levels(effort: Any, levels: list[str], expected: str) -> None:
    assert spelled(effort, levels) == expected


class TestSeedAndTopP:
    """They are sent beside a temperature that is not 0, and only to those who take them."""

    DRAWN = Options(64, 0.6, top_p=0.95, seed=7)

    @pytest.mark.parametrize(
        ("dialect", "sent"),
        [
            ("openai", {"temperature": 0.6, "top_p": 0.95, "seed": 7}),
            ("google", {"temperature": 0.6, "top_p": 0.95, "seed": 7}),
            ("anthropic", {"temperature": 0.6}),
            ("plain", {}),
        ],
    )
    def test_by_dialect(self, dialect: Any, sent: dict[str, Any]) -> None:
        arguments = call_arguments(ModelCard(dialect=dialect), self.DRAWN, ANY)
        assert {name: arguments[name] for name in ("temperature", "top_p", "seed") if name in arguments} == sent

    def test_ollama_has_them_among_its_options(self) -> None:
        options = call_arguments(ModelCard(dialect="ollama"), self.DRAWN, ANY)["options"]
        assert (options["temperature"], options["top_p"], options["seed"]) == (0.6, 0.95, 7)

    @pytest.mark.parametrize("dialect", ["openai", "google"])
    @pytest.mark.parametrize("temperature", [0.0, None])
    def test_not_where_nothing_is_drawn(self, dialect: Any, temperature: float | None) -> None:
        options = Options(64, temperature, top_p=0.95, seed=7)
        assert not {"top_p", "seed"} & call_arguments(ModelCard(dialect=dialect), options, ANY).keys()
