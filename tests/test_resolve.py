"""From what a user writes to a model in its role; what cannot be used names the argument."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_ollama import ChatOllama
from langchain_openai import AzureChatOpenAI, ChatOpenAI

from tests.wrapped import Client
from trigreason_graph.models import ModelCard, Price, ReasoningModel, resolve_model
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.models.known import card_of
from trigreason_graph.models.names import is_local, thinks
from trigreason_graph.state import Role
from trigreason_graph.testing import ScriptedModel

KEY = "sk-0123456789abcdef"


def refusal(spec: Any, role: Role = "large") -> str:
    with pytest.raises(ValueError) as caught:
        resolve_model(spec, role)
    return str(caught.value)


class TestRefusals:
    @pytest.mark.parametrize("role", ["small", "large"])
    @pytest.mark.parametrize("spec", [None, "", "  "])
    def test_missing(self, spec: Any, role: Role) -> None:
        assert refusal(spec, role).startswith(f"{role}= is missing")

    @pytest.mark.parametrize("spec", ["gpt-4o", ":gpt-4o", "openai:", " : "])
    def test_malformed(self, spec: str) -> None:
        assert refusal(spec, "small").startswith(f'small={spec.strip()!r} is not a model: write "provider:model"')

    def test_unknown_provider(self) -> None:
        assert "large='acme:x': unknown provider 'acme'; known are embedded, ollama, openai" in refusal("acme:x")

    def test_missing_package(self) -> None:
        pytest.importorskip("langchain_openai")
        told = refusal("cohere:command-r")
        assert "large='cohere:command-r' needs a package that is not installed" in told
        assert "langchain-cohere" in told

    def test_missing_key(self) -> None:
        told = refusal("openai:gpt-4o", "small")
        assert told.startswith("small='openai:gpt-4o' cannot be set up")
        assert told.endswith("its key is not set: export OPENAI_API_KEY=...")

    def test_missing_key_that_pydantic_tells_of(self) -> None:
        pytest.importorskip("langchain_google_genai")
        assert refusal("google_genai:gemini-2.5-flash").endswith("its key is not set: export GOOGLE_API_KEY=...")

    def test_a_key_where_the_model_should_be(self) -> None:
        assert KEY not in refusal(KEY)
        assert KEY not in refusal(f"acme:{KEY}")

    def test_a_key_in_what_a_client_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def init(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError(f"bad key {KEY}")

        monkeypatch.setattr("langchain.chat_models.init_chat_model", init)
        told = refusal("openai:gpt-4o")
        assert KEY not in told
        assert "bad key [key]" in told

    def test_a_bound_model(self) -> None:
        told = refusal(ScriptedModel(script=[]).bind(stop=["x"]))
        assert told.startswith("large= must be")
        assert "not model.bind(...)" in told

    @pytest.mark.parametrize("spec", [3, object(), ["openai:gpt-4o"], ScriptedModel])
    def test_no_model_at_all(self, spec: Any) -> None:
        assert refusal(spec).startswith('large= must be a "provider:model" string or a BaseChatModel, not ')


class TestStrings:
    def test_ollama_names_have_colons(self) -> None:
        model = resolve_model("ollama:llama3.2:1b", "small")
        assert isinstance(model.inner, ChatOllama)
        assert model.inner.model == "llama3.2:1b"
        assert model.inner.reasoning is None
        assert model.card == ModelCard(
            provider="ollama",
            name="llama3.2:1b",
            style="prefill",
            dialect="ollama",
            logprobs=True,
            top_logprobs=5,
            local=True,
        )

    def test_ollama_models_that_think(self) -> None:
        model = resolve_model("ollama:qwen3:0.6b", "small")
        assert isinstance(model.inner, ChatOllama)
        assert model.inner.reasoning is True
        assert model.card.form == "field"

    def test_openai(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        model = resolve_model(" OpenAI: gpt-4o ", "large", temperature=0.5)
        assert isinstance(model.inner, ChatOpenAI)
        assert (model.inner.model_name, model.inner.temperature, model.inner.max_retries) == ("gpt-4o", 0.5, 0)
        assert model.role == "large"
        assert (model.card.full_name, model.card.style, model.card.local) == ("openai:gpt-4o", "turn", False)
        assert KEY not in repr(model)

    @pytest.mark.parametrize(
        ("spec", "key", "dialect"),
        [
            ("anthropic:claude-opus-4-8", "ANTHROPIC_API_KEY", "anthropic"),
            ("google_genai:gemini-2.5-flash", "GOOGLE_API_KEY", "google"),
        ],
    )
    def test_hosted(self, spec: str, key: str, dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(key, KEY)
        model = resolve_model(f"{spec}@https://gateway.example.com", "large")
        inner: Any = model.inner
        assert (model.card.full_name, model.card.dialect, model.card.efforts) == (spec, dialect, True)
        assert inner.max_retries == 0  # every try is to stand in the ledger
        assert "gateway.example.com" in str(getattr(inner, "anthropic_api_url", "") or inner.base_url)
        assert KEY not in repr(model)

    @pytest.mark.parametrize("name", ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"])
    def test_anthropic_without_a_key(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its client takes an empty one, and would fail at the first call."""
        told = refusal("anthropic:claude-opus-4-8")
        assert "its key is not set: export ANTHROPIC_API_KEY=" in told
        monkeypatch.setenv(name, "https://gateway.example.com")
        assert resolve_model("anthropic:claude-opus-4-8", "large").card.name == "claude-opus-4-8"

    @pytest.mark.parametrize("spec", ["vllm:@http://127.0.0.1:1/v1", "vllm:", "ollama: @http://127.0.0.1"])
    def test_an_address_is_no_model(self, spec: str) -> None:
        assert "is not a model" in refusal(spec)

    def test_a_password_in_an_address_is_not_shown(self) -> None:
        assert "pass" not in refusal("acme:m@http://me:pass@127.0.0.1/v1")

    def test_embedded(self) -> None:
        model = resolve_model("embedded:small", "small")
        assert (model.card.full_name, model.card.style, model.card.local) == ("embedded:small", "prefill", True)
        assert 'small="embedded:medium" is not there' in refusal("embedded:medium", "small")


class TestModels:
    def test_a_model_keeps_its_own_card(self) -> None:
        model = ScriptedModel(script=[])
        assert resolve_model(model, "large").card is model.trigreason_card

    def test_prices_reach_it(self) -> None:
        prices = {"a:b": Price(1, 2)}
        assert resolve_model(ScriptedModel(script=[]), "large", prices=prices).prices == prices

    def test_a_wrapped_model_is_not_wrapped_again(self) -> None:
        card = ModelCard(provider="x", name="y", style="prefill")
        own = ReasoningModel(inner=ScriptedModel(script=[]), card=card, retries=7, prices={"x:y": Price(1, 2)})
        model = resolve_model(own, "large", prices={"a:b": Price(3, 4)})
        assert (model.card, model.retries, model.role, own.role) == (card, 7, "large", "small")
        assert set(model.prices) == {"x:y", "a:b"}
        assert isinstance(model.inner, ScriptedModel)


class TestCards:
    def test_an_unknown_client_gets_the_cautious_default(self) -> None:
        card = card_of(GenericFakeChatModel(messages=iter([AIMessage("x")])))
        assert (card.style, card.form, card.dialect, card.logprobs, card.local) == (
            "turn",
            "content",
            "plain",
            False,
            False,
        )
        assert card_of(Client(calls=[])).full_name == "client:Client"

    def test_what_its_user_says_about_thinking_goes_before_its_name(self) -> None:
        assert card_of(ChatOllama(model="qwen3", reasoning=False)).form == "content"
        assert card_of(ChatOllama(model="brooder", reasoning=True)).form == "field"
        assert card_of(ChatOllama(model="gpt-oss", reasoning="low")).form == "field"

    def test_ollama_in_the_cloud_is_not_local(self) -> None:
        assert not card_of(ChatOllama(model="gpt-oss:120b-cloud")).local
        assert not card_of(ChatOllama(model="gpt-oss:120b", base_url="https://ollama.com")).local
        assert card_of(ChatOllama(model="cloudy")).local

    def test_the_window_of_ollama_is_what_was_asked_for(self) -> None:
        assert card_of(ChatOllama(model="x", num_ctx=2048)).window == 2048

    def test_openais_hidden_reasoning(self) -> None:
        for name in ("gpt-5", "gpt-5-mini", "o3", "o4-mini", "gpt-5.9-never-heard-of"):
            assert card_of(ChatOpenAI(model=name, api_key=KEY)).hidden_tokens > 0
        for name in ("gpt-4o", "gpt-5-chat-latest", "never-heard-of"):
            assert card_of(ChatOpenAI(model=name, api_key=KEY)).hidden_tokens == 0

    def test_a_local_openai_compatible_server(self) -> None:
        card = card_of(ChatOpenAI(model="gpt-4o", base_url="http://127.0.0.1:8080/v1", api_key="x"))
        assert (card.full_name, card.local, card.logprobs, card.window) == ("local:gpt-4o", True, True, None)

    def test_thinking_that_its_user_has_turned_off(self) -> None:
        def form(**fields: Any) -> str:
            return card_of(ChatOpenAI(model="Qwen3-8B", base_url="http://127.0.0.1:1/v1", api_key="x", **fields)).form

        assert form() == "think_tags"
        assert form(extra_body={"chat_template_kwargs": {"enable_thinking": False}}) == "content"

    def test_a_local_server_named_by_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8080/v1")
        assert card_of(ChatOpenAI(model="gpt-4o", api_key="x")).local

    def test_another_provider_by_its_host(self) -> None:
        """Its gpt-4o is not billed as OpenAI's."""
        model = ChatOpenAI(model="deepseek-r1", base_url="https://api.acme.test/v1", api_key="x")
        card = card_of(model)
        assert (card.full_name, card.form, card.local) == ("api.acme.test:deepseek-r1", "think_tags", False)

    def test_an_embedded_model_that_thinks(self) -> None:
        """llama.cpp refuses to continue where the template can think; the tags are in its content."""
        card = card_of(EmbeddedChat(source="/models/Qwen3-0.6B-Q8_0.gguf"))
        assert (card.style, card.form, card.local) == ("turn", "think_tags", True)
        assert card.hidden_tokens > 0
        assert card_of(EmbeddedChat(source="/models/Qwen3-4B-Instruct-2507.gguf")).style == "prefill"

    @pytest.mark.parametrize(("name", "efforts"), [("gpt-5", True), ("o3", True), ("gpt-4o", False)])
    def test_openais_efforts(self, name: str, efforts: bool) -> None:
        card = card_of(ChatOpenAI(model=name, api_key=KEY))
        assert (card.efforts, card.cached, card.form) == (efforts, True, "content")

    def test_azure(self) -> None:
        model = AzureChatOpenAI(
            azure_deployment="mine",
            azure_endpoint="https://x.openai.azure.com",
            api_version="2025-01-01",
            api_key="x",
        )
        assert card_of(model).full_name == "azure:mine"

    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost:1/v1",
            "http://127.0.0.1",
            "http://[::1]:80",
            "http://0.0.0.0:8000",
            "http://192.168.1.5:1234/v1",
            "http://10.0.0.2",
            "http://host.docker.internal:1",
            "http://box.local",
            "localhost:11434",
            "http://vllm:8000/v1",
            "http://gpu-box:8000",
            "http://100.101.102.103:11434",
        ],
    )
    def test_local(self, url: str) -> None:
        assert is_local(url)

    @pytest.mark.parametrize(
        "spec", ["ollama:qwen3:0.6b@127.0.0.1:11434", "vllm:a/b@box:8000/v1", "openai:m@localhost", "ollama:m@[::1]:80"]
    )
    def test_an_address_without_a_scheme_is_no_part_of_the_name(self, spec: str) -> None:
        with pytest.raises(ValueError, match="write the address with its scheme") as caught:
            resolve_model(spec, "small")
        assert f'"@http://{spec.partition("@")[2]}"' in str(caught.value)

    @pytest.mark.parametrize("url", ["", "https://api.openai.com/v1", "https://8.8.8.8", "https://localhost.evil.com"])
    def test_not_local(self, url: str) -> None:
        assert not is_local(url)

    @pytest.mark.parametrize(
        "name",
        [
            "deepseek-r1:1.5b",
            "qwen3:0.6b",
            "qwq",
            "gpt-oss:20b",
            "magistral",
            "phi4-reasoning",
            "qwen3:4b-thinking-2507",
            "Qwen/Qwen3-8B",
        ],
    )
    def test_names_that_think(self, name: str) -> None:
        assert thinks(name)

    @pytest.mark.parametrize(
        "name", ["llama3.2", "qwen2.5:0.5b", "qwen3-coder:30b", "qwen3:4b-instruct", "deepseek-v3", "gemma3"]
    )
    def test_names_that_do_not(self, name: str) -> None:
        assert not thinks(name)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"])
def test_the_path_of_the_api_need_not_be_given(address: str) -> None:
    assert str(resolve_model(f"vllm:m@{address}", "small").inner.openai_api_base) == "http://127.0.0.1:8000/v1"  # type: ignore[attr-defined]
