"""Both models in one string, and the environment."""

from __future__ import annotations

from typing import Any

import pytest

from trigreason_graph import ChatTrigReason, as_tool, create_trigreason_graph
from trigreason_graph.integrations import init_chat_model
from trigreason_graph.integrations.strings import parse_pair

EMBEDDED = "small=embedded:small,large=embedded:large"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (EMBEDDED, {"small": "embedded:small", "large": "embedded:large"}),
        ("trigreason:small=ollama:qwen3:0.6b", {"small": "ollama:qwen3:0.6b"}),
        (
            " large = openai:gpt-4.1 , small=vllm:a/b@http://host:8000/v1,policy=paper",
            {"large": "openai:gpt-4.1", "small": "vllm:a/b@http://host:8000/v1", "policy": "paper"},
        ),
        ("small=ollama:a,b=c,large=d:e", {"small": "ollama:a,b=c", "large": "d:e"}),
    ],
)
def test_a_pair(text: str, parts: dict[str, str]) -> None:
    assert parse_pair(text) == parts


@pytest.mark.parametrize("text", ["", "openai:gpt-4.1", "small=", "small=a:b,small=c:d", "x,small=a:b", "trigreason:"])
def test_what_is_no_pair(text: str) -> None:
    with pytest.raises(ValueError, match="write trigreason:small=PROVIDER:MODEL,large=PROVIDER:MODEL"):
        parse_pair(text)


def test_the_name_is_the_string_that_makes_the_same_pair() -> None:
    model = ChatTrigReason(small="embedded:small", large="embedded:large", policy="paper")
    assert model.pair == f"{EMBEDDED},policy=paper"
    assert ChatTrigReason(model=model.pair).pair == model.pair


def test_arguments_go_before_the_string() -> None:
    model = ChatTrigReason(model=EMBEDDED, policy="small_only", large="ollama:qwen3:32b")
    assert model.pair == "small=embedded:small,large=ollama:qwen3:32b,policy=small_only"


def test_the_environment_is_asked_where_no_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIGREASON_SMALL", "embedded:small")
    monkeypatch.setenv("TRIGREASON_LARGE", "embedded:large")
    assert ChatTrigReason().pair == EMBEDDED
    with pytest.raises(ValueError, match="large= is missing"):
        ChatTrigReason(small="embedded:small")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "small= is missing"),
        ({"small": "nobody:x", "large": "embedded:large"}, "small='nobody:x': unknown provider"),
        ({"small": "embedded:small", "large": 3}, "large= must be"),
        ({"small": "embedded:small", "large": "embedded:large", "policy": "wrong"}, "wrong"),
    ],
)
def test_errors_name_the_argument(arguments: Any, said: str) -> None:
    key = "sk-planted0123456789abcdef"
    with pytest.raises(ValueError, match=said) as caught:
        ChatTrigReason(**arguments, api_key=key)
    assert key not in str(caught.value)


def test_a_bad_value_shows_no_key() -> None:
    with pytest.raises(ValueError, match="temperature") as caught:
        ChatTrigReason(model=EMBEDDED, temperature=9, api_key="sk-planted0123456789abcdef")
    assert "planted" not in str(caught.value)


def test_a_password_in_an_address_is_not_shown() -> None:
    text = "small=vllm:a@http://user:hunter2@127.0.0.1:8000/v1,large=embedded:large"
    assert "hunter2" not in f"{ChatTrigReason(model=text)!r}"


SPELLED = [
    ("embedded:small", "embedded", "small"),
    ("ollama:qwen3:0.6b", "ollama", "qwen3:0.6b"),
    ("openai:gpt-4.1", "openai", "gpt-4.1"),
    ("anthropic:claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
    ("google_genai:gemini-2.5-flash", "google_genai", "gemini-2.5-flash"),
    ("deepseek:deepseek-chat", "deepseek", "deepseek-chat"),
    ("vllm:a/b@http://127.0.0.1:8000/v1", "vllm", "a/b"),
]
"""As an app's configuration has them; each can have each role."""


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in ("OPENAI", "ANTHROPIC", "GOOGLE", "DEEPSEEK"):
        monkeypatch.setenv(f"{provider}_API_KEY", "sk-none")


PACKAGES = {"anthropic": "langchain_anthropic", "google_genai": "langchain_google_genai"}
"""What a provider needs besides this package's own dependencies; the environment of the floors has neither."""


@pytest.fixture
def package(provider: str) -> None:
    if provider in PACKAGES:
        pytest.importorskip(PACKAGES[provider])


@pytest.mark.usefixtures("keys", "package")
@pytest.mark.parametrize("role", ["small", "large", "fallback"])
@pytest.mark.parametrize(("text", "provider", "name"), SPELLED, ids=lambda value: str(value))
class TestEachRole:
    """What can be a string there can be a string here."""

    def pair(self, role: str, text: str) -> dict[str, Any]:
        return {"small": "embedded:small", "large": "embedded:large", "policy": "paper", role: text}

    def test_of_a_chat_model(self, text: str, provider: str, name: str, role: str) -> None:
        model = ChatTrigReason(**self.pair(role, text))
        card = getattr(model._kit, role).card
        assert (card.provider, name in card.name) == (provider, True)
        again = ChatTrigReason(model=model.pair)
        assert getattr(again._kit, role).card == card
        assert isinstance(init_chat_model(f"trigreason:{model.pair}"), ChatTrigReason)

    def test_of_a_graph_and_its_tool(self, text: str, provider: str, name: str, role: str) -> None:
        graph = create_trigreason_graph(**self.pair(role, text))
        assert as_tool(graph).name == as_tool(graph.compile()).name == "reason"


class TestInitChatModel:
    def test_a_pair(self) -> None:
        model = init_chat_model(f"trigreason:{EMBEDDED}", temperature=0.0)
        assert isinstance(model, ChatTrigReason)
        assert model.temperature == 0.0

    def test_whatever_langchain_takes(self) -> None:
        from langchain_openai import ChatOpenAI

        assert isinstance(init_chat_model("openai:gpt-4.1", api_key="sk-x"), ChatOpenAI)
