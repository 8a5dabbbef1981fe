"""Both models in one string, and the environment."""

from __future__ import annotations

from typing import Any

import pytest

from trigreason_graph import ChatTrigReason
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


class TestInitChatModel:
    def test_a_pair(self) -> None:
        model = init_chat_model(f"trigreason:{EMBEDDED}", temperature=0.0)
        assert isinstance(model, ChatTrigReason)
        assert model.temperature == 0.0

    def test_whatever_langchain_takes(self) -> None:
        from langchain_openai import ChatOpenAI

        assert isinstance(init_chat_model("openai:gpt-4.1", api_key="sk-x"), ChatOpenAI)
