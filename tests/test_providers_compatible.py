"""Other servers of OpenAI's API by their names: what each card says, and what goes over the wire.

The servers' behaviour is written from their documentation and source; none of them has run here.
"""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_deepseek import ChatDeepSeek
from langchain_openai import AzureChatOpenAI, ChatOpenAI
from langchain_openrouter import ChatOpenRouter
from pydantic import PrivateAttr

from tests.loopback import Answer, Server, as_events, as_json, in_turn, serving
from tests.providers import CHAT_USAGE, CHUNK, chat_stream
from tests.wrapped import QUESTION, Reader, written
from trigreason_graph.models import ModelCard, ReasoningModel, resolve_model
from trigreason_graph.models.compatible import ChatCompatible, as_compatible
from trigreason_graph.models.known import card_of
from trigreason_graph.models.names import HIDDEN_TOKENS
from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.servers import SERVERS

KEY = "sk-planted0123456789abcdef"
COUNTED = Usage(tokens_in=100, tokens_cached=60, tokens_out=20, tokens_reasoning=12)
TRACE = [*QUESTION, AIMessage("3 + 4\n\n")]
THINKING_TRACE = [*QUESTION, AIMessage("<think>\n3 + 4\n\n")]
CONCLUDING = [*QUESTION, AIMessage("<think>\n3 + 4\n</think>\n\nThe answer is ")]
FLAGS = {"add_generation_prompt": False, "continue_final_message": True}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for server in SERVERS.values():
        monkeypatch.delenv(server.key, raising=False)


def card(spec: str) -> ModelCard:
    return resolve_model(spec, "small").card


class TestStrings:
    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            ("vllm:m", ("prefill", "flags", "content", "kept", "raw", True, True, 0)),
            ("vllm:Qwen/Qwen3-8B", ("turn", "assistant", "think_tags", "kept", "raw", True, True, HIDDEN_TOKENS)),
            ("vllm:Qwen/Qwen3-4B-Instruct-2507", ("prefill", "flags", "content", "kept", "raw", True, True, 0)),
            (
                "vllm:deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",
                ("prefill", "flags", "think_tags", "dropped", "raw", True, True, 0),
            ),
            ("sglang:m", ("prefill", "flags", "content", "kept", "tempered", True, True, 0)),
            ("sglang:Qwen/Qwen3-8B", ("prefill", "flags", "think_tags", "kept", "tempered", True, True, 0)),
            (
                "sglang:Qwen/Qwen3-4B-Thinking-2507",
                ("prefill", "flags", "think_tags", "opened", "tempered", True, True, 0),
            ),
            (
                "sglang:openai/gpt-oss-20b",
                ("turn", "assistant", "think_tags", "kept", "tempered", True, True, HIDDEN_TOKENS),
            ),
            ("llama_cpp:m", ("prefill", "assistant", "content", "kept", "raw", True, True, 0)),
            ("llama-cpp:qwen3-8b", ("turn", "assistant", "think_tags", "kept", "raw", True, True, HIDDEN_TOKENS)),
            ("lmstudio:m", ("turn", "assistant", "content", "kept", "raw", False, True, 0)),
            ("lmstudio:qwen3-8b", ("turn", "assistant", "think_tags", "kept", "raw", False, True, HIDDEN_TOKENS)),
        ],
    )
    def test_local_servers_need_no_key(self, spec: str, expected: tuple[Any, ...]) -> None:
        known = card(spec)
        told = (known.style, known.continues, known.form, known.thoughts, known.logprob_space)
        assert (*told, known.logprobs, known.local, known.hidden_tokens) == expected
        assert known.dialect == "openai"
        assert known.full_name == spec.replace("-cpp", "_cpp")

    @pytest.mark.parametrize(
        ("spec", "style", "form", "logprobs", "efforts"),
        [
            ("deepseek:deepseek-chat", "prefill", "content", True, False),
            ("deepseek:deepseek-reasoner", "turn", "field", False, False),
            ("deepseek:deepseek-v4-flash", "turn", "field", False, False),
            ("openrouter:meta-llama/llama-3.3-70b-instruct", "turn", "content", False, False),
            ("openrouter:deepseek/deepseek-r1", "turn", "field", False, True),
            ("openrouter:openai/gpt-5", "turn", "field", False, True),
        ],
    )
    def test_hosted_servers(
        self, spec: str, style: str, form: str, logprobs: bool, efforts: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider = spec.partition(":")[0]
        monkeypatch.setenv(SERVERS[provider].key, KEY)
        model = resolve_model(spec, "large")
        known = model.card
        assert (known.full_name, known.style, known.form) == (spec, style, form)
        assert (known.logprobs, known.efforts, known.local, known.cached) == (logprobs, efforts, False, True)
        assert KEY not in repr(model)

    @pytest.mark.parametrize("provider", ["deepseek", "openrouter"])
    def test_their_key_is_asked_for(self, provider: str) -> None:
        with pytest.raises(ValueError, match=f"large='{provider}:x' cannot be set up.*{SERVERS[provider].key}"):
            resolve_model(f"{provider}:x", "large")

    @pytest.mark.parametrize("provider", SERVERS)
    async def test_an_address_of_ones_own(self, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SERVERS[provider].key, KEY)
        async with serving(in_turn(chat_stream({"content": "is 7"}))) as server:
            model = resolve_model(f"{provider}:a/b:c@{server.url}/v1", "small", temperature=0.5)
            exchange = await written(model)
            asked = server.requests[0]
        assert asked.path == "/v1/chat/completions"
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert (asked.body["model"], asked.body["temperature"]) == ("a/b:c", 0.5)
        assert asked.body["stream_options"] == {"include_usage": True}
        assert asked.body.get("max_tokens", asked.body.get("max_completion_tokens")) == 64
        assert "store" not in asked.body
        assert (exchange.last.usage, exchange.last.cost) == (COUNTED, 0.0)

    @pytest.mark.parametrize(
        ("spec", "url"),
        [
            ("vllm:m", "http://127.0.0.1:8000/v1/"),
            ("sglang:m", "http://127.0.0.1:30000/v1/"),
            ("llama_cpp:m", "http://127.0.0.1:8080/v1/"),
            ("lmstudio:m", "http://127.0.0.1:1234/v1/"),
            ("vllm:m@https://gpu.example.com/v1", "https://gpu.example.com/v1/"),
        ],
    )
    def test_addresses(self, spec: str, url: str) -> None:
        client: Any = resolve_model(spec, "small").inner
        assert (str(client.root_async_client.base_url), client.max_retries) == (url, 0)

    @pytest.mark.parametrize(
        ("spec", "trims"),
        [
            ("vllm:meta-llama/Llama-3.2-1B-Instruct", True),
            ("vllm:google/gemma-3-1b-it", True),
            ("vllm:Qwen/Qwen2.5-0.5B-Instruct", False),
            ("sglang:meta-llama/Llama-3.2-1B-Instruct", False),
        ],
    )
    def test_templates_that_trim(self, spec: str, trims: bool) -> None:
        assert card(spec).trims_newlines is trims

    def test_a_server_elsewhere_is_not_free(self) -> None:
        assert not card("vllm:m@https://gpu.example.com/v1").local

    def test_other_providers_take_an_address_too(self) -> None:
        ollama: Any = resolve_model("ollama:llama3.2:1b@http://box.lan:11434", "small").inner
        assert (ollama.model, ollama.base_url) == ("llama3.2:1b", "http://box.lan:11434")
        local = resolve_model("openai:m@http://127.0.0.1:9/v1", "small")
        assert (local.card.full_name, type(local.inner)) == ("local:m", ChatCompatible)


class TestContinuing:
    async def wire(self, spec: str, messages: list[Any], answer: Answer | None = None) -> tuple[Any, Reader]:
        reader = Reader()
        async with serving(in_turn(answer or chat_stream({"content": "is 7"}))) as server:
            model = resolve_model(f"{spec}@{server.url}/v1", "small")
            await written(model, reader, messages, style=model.card.style)
            return server.requests[0].body, reader

    @pytest.mark.parametrize("provider", ["vllm", "sglang"])
    async def test_by_flags(self, provider: str) -> None:
        body, _ = await self.wire(f"{provider}:m", TRACE)
        assert body["messages"][-1] == {"role": "assistant", "content": "3 + 4\n\n"}
        assert {name: body[name] for name in FLAGS} == FLAGS
        assert (body["logprobs"], body["top_logprobs"]) == (True, 5)

    async def test_no_flags_where_there_is_nothing_to_continue(self) -> None:
        body, _ = await self.wire("vllm:m", QUESTION)
        assert not FLAGS.keys() & body.keys()

    async def test_by_its_standing_there(self) -> None:
        body, _ = await self.wire("llama_cpp:m", TRACE)
        assert body["messages"][-1] == {"role": "assistant", "content": "3 + 4\n\n"}
        assert not FLAGS.keys() & body.keys()

    async def test_by_a_prefix(self) -> None:
        body, _ = await self.wire("deepseek:deepseek-chat", TRACE)
        assert body["messages"][-1] == {"role": "assistant", "content": "3 + 4\n\n", "prefix": True}
        assert body["max_tokens"] == 64

    async def test_thinking_as_a_prefix_has_its_field(self) -> None:
        async with serving(in_turn(chat_stream({"content": "7"}))) as server:
            client = ChatCompatible(model="m", base_url=server.url, api_key=KEY)
            thinker = ModelCard(style="prefill", form="field", continues="prefix", dialect="openai")
            await written(ReasoningModel(inner=client, card=thinker), messages=CONCLUDING, style="prefill")
            sent = server.requests[0].body["messages"][-1]
        assert sent == {
            "role": "assistant",
            "content": "The answer is ",
            "reasoning_content": "3 + 4\n",
            "prefix": True,
        }

    async def test_the_users_own_extra_body_stays(self) -> None:
        async with serving(in_turn(chat_stream({"content": "7"}))) as server:
            client = ChatOpenAI(model="m", base_url=server.url, api_key=KEY, extra_body={"top_k": 3})
            flags = ModelCard(style="prefill", continues="flags", dialect="openai")
            await written(ReasoningModel(inner=client, card=flags), messages=TRACE, style="prefill")
            body = server.requests[0].body
        assert (body["top_k"], body["continue_final_message"]) == (3, True)

    @pytest.mark.parametrize(
        ("spec", "open_", "closed"),
        [
            (
                "sglang:Qwen/Qwen3-8B",
                "<think>\n3 + 4\n\n",
                "<think>\n3 + 4\n</think>\n\nThe answer is ",
            ),
            ("sglang:Qwen/QwQ-32B", "3 + 4\n\n", "3 + 4\n</think>\n\nThe answer is "),
            ("vllm:DeepSeek-R1-Distill-Qwen-7B", "<think>\n3 + 4\n\n", "<think>\n3 + 4\n\nThe answer is "),
        ],
    )
    async def test_thoughts_as_the_template_takes_them(self, spec: str, open_: str, closed: str) -> None:
        body, _ = await self.wire(spec, THINKING_TRACE)
        assert body["messages"][-1]["content"] == open_
        body, _ = await self.wire(spec, CONCLUDING)
        assert body["messages"][-1]["content"] == closed

    async def test_a_template_that_opened_the_tag(self) -> None:
        """And a server without a reasoning parser: only the closing tag is in the stream, here in two chunks."""
        answer = chat_stream({"content": "so 7</thi"}, {"content": "nk>\n\n7"})
        _, reader = await self.wire("sglang:Qwen/QwQ-32B", THINKING_TRACE, answer)
        assert (reader.text(), reader.text("answer").strip()) == ("so 7", "7")

    @pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
    async def test_a_server_with_a_reasoning_parser(self, field: str) -> None:
        answer = chat_stream({field: "so "}, {field: "7"}, {"content": "7"})
        _, reader = await self.wire("sglang:Qwen/QwQ-32B", THINKING_TRACE, answer)
        assert (reader.text(), reader.text("answer")) == ("so 7", "7")


class TestPrivateThinking:
    @pytest.mark.parametrize(
        "deltas",
        [
            [{"reasoning": "hm"}, {"content": "is 7"}],
            [{"reasoning_content": "hm", "reasoning": "hm"}, {"content": "is 7"}],
            [{"content": "<think>hm</th"}, {"content": "ink>is 7"}],
            [{"content": "hm</think>is 7"}],
        ],
        ids=["field", "both fields", "tags", "tag opened by the template"],
    )
    async def test_in_turn_style_only_what_is_said_afterwards_is_trace(self, deltas: list[dict[str, Any]]) -> None:
        reader = Reader()
        async with serving(in_turn(chat_stream(*deltas))) as server:
            model = resolve_model(f"vllm:Qwen/Qwen3-8B@{server.url}/v1", "small")
            exchange = await written(model, reader, temperature=0.5, stop=("x",))
            body = server.requests[0].body
        assert (reader.text(), reader.text("answer")) == ("is 7", "")
        assert (body["max_tokens"], body["temperature"]) == (64 + HIDDEN_TOKENS, 0.5)
        assert "stop" not in body  # it would end the thinking
        assert exchange.last.usage == COUNTED

    async def test_openrouter_takes_an_effort(self) -> None:
        async with serving(in_turn(chat_stream({"reasoning": "hm"}, {"content": "is 7"}))) as server:
            model = resolve_model(f"openrouter:deepseek/deepseek-r1@{server.url}/v1", "large")
            await written(model, effort="low")
            body = server.requests[0].body
        assert body["reasoning"] == {"effort": "low"}
        assert body["max_completion_tokens"] == 64 + HIDDEN_TOKENS // 4


class TestPlainChatOpenAI:
    def client(self, server: Server, **fields: Any) -> ChatOpenAI:
        return ChatOpenAI(model="qwen3", base_url=f"{server.url}/v1", api_key=KEY, max_retries=0, **fields)

    async def test_its_reasoning_is_read(self) -> None:
        reader = Reader()
        async with serving(in_turn(chat_stream({"reasoning_content": "hm"}, {"content": "is 7"}))) as server:
            model = ReasoningModel(inner=self.client(server))
            await written(model, reader)
        assert (model.card.full_name, model.card.form, reader.text()) == ("local:qwen3", "think_tags", "is 7")

    async def test_without_streaming(self) -> None:
        message = {"role": "assistant", "content": "is 7", "reasoning": "hm"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {**CHAT_USAGE, "prompt_tokens_details": None, "prompt_cache_hit_tokens": 60}
        whole = {**CHUNK, "object": "chat.completion", "choices": [choice], "usage": usage}
        async with serving(in_turn(as_json(whole))) as server:
            model = ReasoningModel(inner=self.client(server))
            told = (await model.inner._agenerate([*QUESTION])).generations[0].message
        assert told.additional_kwargs["reasoning_content"] == "hm"
        assert told.usage_metadata["input_token_details"]["cache_read"] == 60  # type: ignore[attr-defined]

    def test_clients_callbacks_and_private_attributes_are_the_same(self) -> None:
        class Mine(ChatOpenAI):
            team: str = "a"
            _calls: list[int] = PrivateAttr(default_factory=list)

        client = Mine(model="m", base_url="http://127.0.0.1:1/v1", api_key=KEY, tags=["x"], team="b")
        client._calls.append(1)
        same: Any = as_compatible(client)
        assert isinstance(same, Mine)
        assert (same.async_client, same.root_client) == (client.async_client, client.root_client)
        assert (same.tags, same.team, same._calls, same.model_name) == (["x"], "b", [1], "m")
        assert same.model_fields_set == client.model_fields_set
        assert type(as_compatible(Mine(model="m", base_url="http://127.0.0.1:2/v1", api_key=KEY))) is type(same)
        assert same.model_copy(update={"team": "c"}).team == "c"

    def test_others_stay_what_they_are(self) -> None:
        own = ChatOpenAI(model="gpt-4o", api_key=KEY)
        azure = AzureChatOpenAI(
            azure_deployment="d", azure_endpoint="https://x.openai.azure.com", api_version="2025-01-01", api_key=KEY
        )
        deepseek = ChatDeepSeek(model="deepseek-chat", api_key=KEY)
        for model in (own, azure, deepseek):
            assert as_compatible(model) is model


class TestOtherClients:
    async def test_chat_deepseek(self) -> None:
        usage = {**CHAT_USAGE, "prompt_tokens_details": None, "prompt_cache_hit_tokens": 60}
        reader = Reader()
        async with serving(
            in_turn(chat_stream({"reasoning_content": "hm"}, {"content": "is 7"}, usage=usage))
        ) as server:
            client = ChatDeepSeek(model="deepseek-v4-pro", base_url=server.url, api_key=KEY, max_retries=0)
            exchange = await written(ReasoningModel(inner=client), reader, temperature=0.5)
            body = server.requests[0].body
        known = card_of(client)
        assert (known.full_name, known.style, known.form) == ("deepseek:deepseek-v4-pro", "turn", "field")
        assert (known.window, known.cached, known.hidden_tokens) == (1_000_000, True, HIDDEN_TOKENS)
        assert (body["max_tokens"], body["temperature"]) == (64 + HIDDEN_TOKENS, 0.5)
        assert (reader.text(), exchange.last.usage, exchange.last.finish) == ("is 7", COUNTED, "stop")

    async def test_chat_openrouter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tenacity.wait_random_exponential.__call__", lambda *_: 0.0)
        chunk = {**CHUNK, "model": "deepseek/deepseek-r1", "provider": "x"}
        thought = {"role": "assistant", "content": "", "reasoning": "hm"}
        events = [
            {**chunk, "choices": [{"index": 0, "delta": thought, "finish_reason": None}]},
            {**chunk, "choices": [{"index": 0, "delta": {"content": "is 7"}, "finish_reason": None}]},
            {**chunk, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}]},
            {
                **chunk,
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": None}],
                "usage": CHAT_USAGE,
            },
        ]
        slow = as_json({"error": {"code": 429, "message": "slow"}}, 429, **{"retry-after": "0.05"})
        reader = Reader()
        async with serving(in_turn(slow, as_events(*events))) as server:
            client = ChatOpenRouter(model="deepseek/deepseek-r1", base_url=server.url, api_key=KEY, max_retries=0)
            exchange = await written(ReasoningModel(inner=client), reader, effort="low", temperature=0.5)
            body = server.requests[-1].body
        known = card_of(client)
        assert (known.full_name, known.style, known.form) == ("openrouter:deepseek/deepseek-r1", "turn", "field")
        assert [attempt.status for attempt in exchange.attempts] == ["error", "ok"]
        assert (reader.text(), exchange.last.usage, exchange.last.finish) == ("is 7", COUNTED, "stop")
        assert (body["reasoning"], body["max_tokens"]) == ({"effort": "low"}, 64 + HIDDEN_TOKENS // 4)
