"""The OpenAI server's chat completions, asked by OpenAI's own client and by ChatOpenAI, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI

from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph.testing import Asked, OpenAIServer, Scripted, ServedModel

KEY = "sk-planted0123456789abcdef"
SEVEN = Scripted("It is 7.", thinking="3 + 4\nis 7", probability=0.5)
QUESTION: list[Any] = [{"role": "user", "content": "3 + 4?"}]
BEGUN: list[Any] = [*QUESTION, {"role": "assistant", "content": "It is"}]
CONTINUE = {"add_generation_prompt": False, "continue_final_message": True}
MODELS = {"plain": "It is 7.", "thinker": ServedModel(SEVEN, thinking=True)}


@contextmanager
def asked_through(server: OpenAIServer, base: str = "/v1") -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}{base}", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(MODELS) as running:
        yield running


@pytest.fixture
def client(server: OpenAIServer) -> Iterator[openai.OpenAI]:
    with asked_through(server) as opened:
        yield opened


@contextmanager
def flavoured(flavour: Any, models: Any = None, base: str = "/v1", **fields: Any) -> Iterator[openai.OpenAI]:
    with OpenAIServer(models or MODELS, flavour=flavour, **fields) as server, asked_through(server, base) as client:
        yield client


def prefill_or_none(asked: Asked) -> str:
    return repr(asked.prefill)


class TestChat:
    def test_whole(self, server: OpenAIServer, client: openai.OpenAI) -> None:
        reply = client.chat.completions.create(model="plain", messages=QUESTION)
        choice = reply.choices[0]
        assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "It is 7.", "stop")
        assert (reply.object, reply.model, choice.logprobs) == ("chat.completion", "plain", None)
        record = server.requests[0]
        assert reply.usage is not None
        assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (record.tokens_in, record.tokens_out)
        assert record.headers["authorization"] == f"Bearer {KEY}"

    def test_streamed(self, client: openai.OpenAI) -> None:
        chunks = list(client.chat.completions.create(model="plain", messages=QUESTION, stream=True))
        assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "It", " is", " 7.", None]
        assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 4 + ["stop"]
        assert chunks[0].choices[0].delta.role == "assistant"
        assert {chunk.usage for chunk in chunks} == {None}
        assert len({chunk.id for chunk in chunks}) == 1

    def test_usage_on_a_stream_only_when_asked_for(self, client: openai.OpenAI) -> None:
        asked = client.chat.completions.create(
            model="plain", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        *chunks, last = list(asked)
        assert (last.choices, chunks[-1].choices[0].finish_reason) == ([], "stop")
        assert last.usage is not None
        assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (5, 3, 8)

    @pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
    def test_cut_by_a_limit(self, client: openai.OpenAI, limit: str) -> None:
        limits: dict[str, Any] = {limit: 2}
        choice = client.chat.completions.create(model="plain", messages=QUESTION, **limits).choices[0]
        assert (choice.message.content, choice.finish_reason) == ("It is", "length")

    def test_not_both_limits(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.BadRequestError, match="at the same time is not supported"):
            client.chat.completions.create(model="plain", messages=QUESTION, max_tokens=2, max_completion_tokens=2)

    @pytest.mark.parametrize("stop", [" 7", ["nowhere", " 7", "."]])
    def test_stop(self, client: openai.OpenAI, stop: Any) -> None:
        choice = client.chat.completions.create(model="plain", messages=QUESTION, stop=stop).choices[0]
        assert (choice.message.content, choice.finish_reason) == ("It is", "stop")

    def test_log_probabilities(self, client: openai.OpenAI) -> None:
        reply = client.chat.completions.create(model="plain", messages=QUESTION, logprobs=True, top_logprobs=2)
        assert reply.choices[0].logprobs is not None
        content = reply.choices[0].logprobs.content or []
        assert [one.token for one in content] == ["It", " is", " 7."]
        assert bytes(content[1].bytes or []) == b" is"
        assert [len(one.top_logprobs) for one in content] == [2, 2, 2]

    def test_log_probabilities_come_with_their_text(self, client: openai.OpenAI) -> None:
        stream = client.chat.completions.create(model="plain", messages=QUESTION, logprobs=True, stream=True)
        for chunk in stream:
            choice = chunk.choices[0]
            told = [one.token for one in (choice.logprobs.content or [])] if choice.logprobs else []
            assert told == ([choice.delta.content] if choice.delta.content else [])

    @pytest.mark.parametrize("options", [{"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 21}, {"n": 2}])
    def test_what_is_refused(self, client: openai.OpenAI, options: dict[str, Any]) -> None:
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model="plain", messages=QUESTION, **options)

    def test_content_in_parts_and_a_developer_message(self) -> None:
        seen: list[Asked] = []

        def answer(asked: Asked) -> str:
            seen.append(asked)
            return "ok"

        turns: list[Any] = [{"role": "developer", "content": "Be brief."}]
        turns += [{"role": "user", "content": [{"type": "text", "text": "3 + "}, {"type": "text", "text": "4?"}]}]
        with flavoured("openai", {"m": answer}) as client:
            client.chat.completions.create(model="m", messages=turns, seed=7, temperature=0.5)
        assert seen[0].messages == ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "3 + 4?"})
        assert (seen[0].seed, seen[0].temperature) == (7, 0.5)

    async def test_asynchronously(self, server: OpenAIServer) -> None:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as client:
            whole = await client.chat.completions.create(model="plain", messages=QUESTION)
            stream = await client.chat.completions.create(model="plain", messages=QUESTION, stream=True)
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert whole.choices[0].message.content == text == "It is 7."


class TestCachedTokens:
    def test_a_repeated_beginning(self) -> None:
        with flavoured("llama.cpp") as client:
            first = client.chat.completions.create(model="plain", messages=QUESTION)
            second = client.chat.completions.create(model="plain", messages=QUESTION)
        told = [reply.usage.prompt_tokens_details.cached_tokens for reply in (first, second)]  # type: ignore[union-attr]
        assert told == [0, 4]  # the last token of a prompt is read in any case

    @pytest.mark.parametrize(("words", "cached"), [(1_000, 0), (1_200, 1_152)])
    def test_openai_counts_from_1024_in_blocks_of_128(self, words: int, cached: int) -> None:
        turns: list[Any] = [{"role": "user", "content": "word " * words}]
        with flavoured("openai") as client:
            client.chat.completions.create(model="plain", messages=turns)
            usage = client.chat.completions.create(model="plain", messages=turns).usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        assert usage.prompt_tokens_details.cached_tokens == cached

    def test_short_prompts_when_told_so(self) -> None:
        with flavoured("openai", cache_minimum=0, cache_block=2) as client:
            client.chat.completions.create(model="plain", messages=QUESTION)
            usage = client.chat.completions.create(model="plain", messages=QUESTION).usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        assert usage.prompt_tokens_details.cached_tokens == 4

    def test_deepseek_tells_it_twice(self) -> None:
        turns: list[Any] = [{"role": "user", "content": "word " * 100}]
        with flavoured("deepseek") as client:
            client.chat.completions.create(model="plain", messages=turns)
            usage = client.chat.completions.create(model="plain", messages=turns).usage
        told = usage.model_dump() if usage else {}
        assert (told["prompt_cache_hit_tokens"], told["prompt_cache_miss_tokens"]) == (64, told["prompt_tokens"] - 64)


class TestThinking:
    def test_openai_hides_and_counts_it(self, server: OpenAIServer, client: openai.OpenAI) -> None:
        reply = client.chat.completions.create(model="thinker", messages=QUESTION, reasoning_effort="low")
        assert reply.choices[0].message.content == "It is 7."
        assert "3 + 4" not in reply.model_dump_json()
        assert reply.usage is not None
        assert reply.usage.completion_tokens_details is not None
        hidden = reply.usage.completion_tokens_details.reasoning_tokens
        assert hidden == server.requests[0].tokens_reasoning == 11
        assert reply.usage.completion_tokens == hidden + 3

    def test_openai_streams_nothing_of_it(self, client: openai.OpenAI) -> None:
        stream = client.chat.completions.create(
            model="thinker", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        assert [chunk.choices[0].delta.content for chunk in chunks[:-1]] == ["", "It", " is", " 7.", None]

    def test_a_limit_that_ends_in_the_hidden_part(self, client: openai.OpenAI) -> None:
        reply = client.chat.completions.create(model="thinker", messages=QUESTION, max_completion_tokens=5)
        assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("", "length")
        assert reply.usage is not None
        assert reply.usage.completion_tokens == 5

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"max_tokens": 5}, "Use 'max_completion_tokens' instead"),
            ({"temperature": 0.5}, "does not support 0.5 with this model"),
            ({"stop": ["\n"]}, "'stop' is not supported with this model"),
            ({"logprobs": True}, "'logprobs' is not supported with this model"),
        ],
    )
    def test_openai_refuses_sampling_options(self, client: openai.OpenAI, options: dict[str, Any], said: str) -> None:
        with pytest.raises(openai.BadRequestError, match=said) as error:
            client.chat.completions.create(model="thinker", messages=QUESTION, **options)
        assert error.value.code in ("unsupported_parameter", "unsupported_value")

    def test_openai_refuses_an_effort_to_a_plain_model(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.BadRequestError, match="reasoning_effort"):
            client.chat.completions.create(model="plain", messages=QUESTION, reasoning_effort="low")

    @pytest.mark.parametrize("flavour", ["vllm", "sglang", "llama.cpp", "deepseek"])
    @pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
    def test_the_others_show_it_in_a_field(self, flavour: Any, field: Any) -> None:
        with flavoured(flavour, reasoning_field=field) as client:
            whole = client.chat.completions.create(model="thinker", messages=QUESTION).choices[0].message.model_dump()
            stream = client.chat.completions.create(model="thinker", messages=QUESTION, stream=True)
            deltas = [chunk.choices[0].delta.model_dump() for chunk in stream]
        assert (whole[field].strip(), whole["content"].strip()) == ("3 + 4\nis 7", "It is 7.")
        assert "".join(delta.get(field) or "" for delta in deltas).strip() == "3 + 4\nis 7"
        assert "".join(delta.get("content") or "" for delta in deltas).strip() == "It is 7."

    @pytest.mark.parametrize(("opens", "opening"), [(False, "<think>\n"), (True, "")])
    def test_without_a_reasoning_parser_it_stays_in_the_content(self, opens: bool, opening: str) -> None:
        models = {"m": ServedModel(SEVEN, thinking=True, opens=opens)}
        with flavoured("vllm", models, reasoning_field=None) as client:
            whole = client.chat.completions.create(model="m", messages=QUESTION).choices[0].message
            stream = client.chat.completions.create(model="m", messages=QUESTION, stream=True)
            text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert whole.content == text == f"{opening}3 + 4\nis 7\n</think>\n\nIt is 7."

    def test_vllm_leaves_the_white_space(self) -> None:
        with flavoured("vllm") as client:
            message = client.chat.completions.create(model="thinker", messages=QUESTION).choices[0].message.model_dump()
        assert (message["reasoning_content"], message["content"]) == ("\n3 + 4\nis 7\n", "\n\nIt is 7.")

    @pytest.mark.parametrize(
        ("flavour", "switch"),
        [
            ("vllm", {"chat_template_kwargs": {"enable_thinking": False}}),
            ("llama.cpp", {"chat_template_kwargs": {"enable_thinking": False}}),
            ("deepseek", {"thinking": {"type": "disabled"}}),
        ],
    )
    def test_turned_off(self, flavour: Any, switch: dict[str, Any]) -> None:
        with flavoured(flavour) as client:
            reply = client.chat.completions.create(model="thinker", messages=QUESTION, extra_body=switch)
        message = reply.choices[0].message.model_dump()
        assert (message.get("reasoning_content"), message["content"]) == (None, "It is 7.")

    @pytest.mark.parametrize(("flavour", "tells"), [("vllm", False), ("llama.cpp", False), ("deepseek", True)])
    def test_who_counts_it(self, flavour: Any, tells: bool) -> None:
        with flavoured(flavour) as client:
            usage = client.chat.completions.create(model="thinker", messages=QUESTION).usage
        assert usage is not None
        assert (usage.completion_tokens_details is not None) == tells


class TestContinuing:
    def test_openai_answers_by_a_new_turn(self) -> None:
        with flavoured("openai", {"m": prefill_or_none}) as client:
            assert client.chat.completions.create(model="m", messages=BEGUN).choices[0].message.content == "None"

    def test_openai_knows_no_parameter_for_it(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.BadRequestError, match="Unrecognized request argument supplied"):
            client.chat.completions.create(model="plain", messages=BEGUN, extra_body=CONTINUE)

    def test_vllm(self) -> None:
        with flavoured("vllm", {"m": prefill_or_none}) as client:
            told = client.chat.completions.create(model="m", messages=BEGUN, extra_body=CONTINUE)
            untold = client.chat.completions.create(model="m", messages=BEGUN)
        assert (told.choices[0].message.content, untold.choices[0].message.content) == ("'It is'", "None")

    @pytest.mark.parametrize("flags", [{"continue_final_message": True}, {**CONTINUE, "add_generation_prompt": True}])
    def test_vllm_refuses_both_at_once(self, flags: dict[str, Any]) -> None:
        with flavoured("vllm") as client, pytest.raises(openai.BadRequestError, match="add_generation_prompt"):
            client.chat.completions.create(model="plain", messages=BEGUN, extra_body=flags)

    @pytest.mark.parametrize("flags", [CONTINUE, {"continue_final_message": True}])
    def test_sglang(self, flags: dict[str, Any]) -> None:
        with flavoured("sglang", {"m": prefill_or_none}) as client:
            told = client.chat.completions.create(model="m", messages=BEGUN, extra_body=flags)
            untold = client.chat.completions.create(model="m", messages=BEGUN)
        assert (told.choices[0].message.content, untold.choices[0].message.content) == ("'It is'", "None")

    def test_vllm_in_the_middle_of_thinking(self) -> None:
        begun = [*QUESTION, {"role": "assistant", "content": "<think>\n3 +"}]
        with flavoured("vllm") as client:
            reply = client.chat.completions.create(model="thinker", messages=begun, extra_body=CONTINUE)
        message = reply.choices[0].message.model_dump()
        assert (message["reasoning_content"], message["content"]) == ("3 + 4\nis 7\n", "\n\nIt is 7.")

    def test_vllm_past_the_thinking(self) -> None:
        begun = [*QUESTION, {"role": "assistant", "content": "<think>\n3 + 4 is 7\n</think>\n\nIt"}]
        with flavoured("vllm") as client:
            reply = client.chat.completions.create(model="thinker", messages=begun, extra_body=CONTINUE)
        assert reply.choices[0].message.content == "It is 7."

    def test_llama_cpp_repeats_the_prefill_but_not_on_a_stream(self) -> None:
        with flavoured("llama.cpp", {"m": " 7."}) as client:
            whole = client.chat.completions.create(model="m", messages=BEGUN)
            stream = client.chat.completions.create(model="m", messages=BEGUN, stream=True)
            text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert (whole.choices[0].message.content, text) == ("It is 7.", " 7.")

    @pytest.mark.parametrize(
        ("model", "turns", "said"),
        [
            ("plain", [*BEGUN, BEGUN[-1]], "Cannot have 2 or more assistant messages"),
            ("thinker", BEGUN, "prefill is incompatible with enable_thinking"),
        ],
    )
    def test_what_llama_cpp_refuses(self, model: str, turns: list[Any], said: str) -> None:
        with flavoured("llama.cpp") as client, pytest.raises(openai.BadRequestError, match=said):
            client.chat.completions.create(model=model, messages=turns)

    def test_deepseek(self) -> None:
        prefixed = [*QUESTION, {**BEGUN[-1], "prefix": True}]
        with OpenAIServer({"m": prefill_or_none}, flavour="deepseek") as server:
            with asked_through(server, "/beta") as client:
                told = client.chat.completions.create(model="m", messages=prefixed)
                untold = client.chat.completions.create(model="m", messages=BEGUN)
            with asked_through(server, "") as client, pytest.raises(openai.BadRequestError, match="only available"):
                client.chat.completions.create(model="m", messages=prefixed)
        assert (told.choices[0].message.content, untold.choices[0].message.content) == ("'It is'", "None")

    def test_deepseek_in_the_middle_of_thinking(self) -> None:
        begun = [*QUESTION, {"role": "assistant", "content": "", "reasoning_content": "3 +", "prefix": True}]
        with flavoured("deepseek", base="/beta") as client:
            message = client.chat.completions.create(model="thinker", messages=begun).choices[0].message.model_dump()
        assert (message["reasoning_content"], message["content"]) == ("3 + 4\nis 7\n", "It is 7.")

    def test_deepseek_refuses_a_thinking_model_an_assistant_message_at_the_end(self) -> None:
        with flavoured("deepseek") as client, pytest.raises(openai.BadRequestError, match="prefix mode on"):
            client.chat.completions.create(model="thinker", messages=BEGUN)


class TestErrors:
    @pytest.mark.parametrize(
        ("flavour", "said"),
        [
            ("openai", "Incorrect API key provided: sk-plant"),
            ("vllm", "Error code: 401"),
            ("sglang", "Error code: 401"),
            ("llama.cpp", "Invalid API Key"),
            ("deepseek", "Authentication Fails"),
        ],
    )
    def test_a_wrong_key(self, flavour: Any, said: str) -> None:
        with flavoured(flavour, key="sk-another") as client:
            with pytest.raises(openai.AuthenticationError, match=said) as error:
                client.chat.completions.create(model="plain", messages=QUESTION)
            assert KEY not in str(error.value)
            assert client.with_options(api_key="sk-another").models.list().data

    def test_openais_words_for_a_wrong_key(self) -> None:
        with flavoured("openai", key="sk-another") as client, pytest.raises(openai.AuthenticationError) as error:
            client.models.list()
        assert (error.value.code, error.value.type) == ("invalid_api_key", "invalid_request_error")

    @pytest.mark.parametrize(
        ("flavour", "status", "said"),
        [
            ("openai", 404, "The model `other` does not exist or you do not have access to it."),
            ("vllm", 404, "The model `other` does not exist."),
            ("sglang", 404, "The model `other` does not exist."),
            ("deepseek", 400, "Model Not Exist"),
        ],
    )
    def test_an_unknown_model(self, flavour: Any, status: int, said: str) -> None:
        with flavoured(flavour) as client, pytest.raises(openai.APIStatusError, match=said) as error:
            client.chat.completions.create(model="other", messages=QUESTION)
        assert error.value.status_code == status

    def test_llama_cpp_does_not_look_at_the_name(self) -> None:
        with flavoured("llama.cpp") as client:
            assert client.chat.completions.create(model="other", messages=QUESTION).choices

    @pytest.mark.parametrize(
        ("flavour", "said"),
        [
            ("openai", {"code": "context_length_exceeded", "type": "invalid_request_error"}),
            ("vllm", {"code": 400, "type": "BadRequestError"}),
            ("sglang", {"code": 400, "type": "BadRequestError"}),
            ("llama.cpp", {"type": "exceed_context_size_error", "n_prompt_tokens": 23, "n_ctx": 8}),
            ("deepseek", {"type": "invalid_request_error"}),
        ],
    )
    def test_a_prompt_beyond_the_window(self, flavour: Any, said: dict[str, Any]) -> None:
        turns: list[Any] = [{"role": "user", "content": "word " * 20}]
        with (
            flavoured(flavour, {"m": ServedModel("7", window=8)}) as client,
            pytest.raises(openai.BadRequestError, match=r"\b8 tokens") as error,
        ):
            client.chat.completions.create(model="m", messages=turns)
        assert isinstance(error.value.body, dict)
        assert said.items() <= error.value.body.items()

    @pytest.mark.parametrize("body", [b"{", b"[]", b"", b'{"model": "plain"}', b'{"messages": [{"role": "user"}]}'])
    def test_a_body_that_is_none(self, server: OpenAIServer, body: bytes) -> None:
        answer = httpx.post(f"{server.url}/v1/chat/completions", content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"

    def test_a_body_of_no_known_shape(self, server: OpenAIServer) -> None:
        answer = httpx.post(f"{server.url}/v1/chat/completions", json={"model": "plain", "messages": ["hi"]})
        assert answer.status_code == 400
        answer = httpx.post(f"{server.url}/v1/responses", json={"model": "plain", "input": [7]})
        assert answer.status_code == 500
        assert {record.outcome for record in server.requests} == {"refused"}

    def test_a_script_that_is_over(self) -> None:
        with flavoured("openai", {"m": ["once"]}) as client:
            client.chat.completions.create(model="m", messages=QUESTION)
            with pytest.raises(openai.InternalServerError, match="the script has 1 replies"):
                client.chat.completions.create(model="m", messages=QUESTION)


class TestWhatItTells:
    @pytest.mark.parametrize("flavour", ["openai", "vllm", "sglang", "llama.cpp", "deepseek"])
    def test_models(self, flavour: Any) -> None:
        with flavoured(flavour) as client:
            assert [model.id for model in client.models.list().data] == ["plain", "thinker"]
            assert client.models.retrieve("plain").id == "plain"

    def test_windows(self) -> None:
        models = {"m": ServedModel("7", window=2_048)}
        with flavoured("vllm", models) as client:
            assert client.models.list().data[0].model_dump()["max_model_len"] == 2_048
        with OpenAIServer(models, flavour="llama.cpp") as server:
            assert httpx.get(f"{server.url}/props").json()["default_generation_settings"]["n_ctx"] == 2_048
            assert httpx.get(f"{server.url}/health").json() == {"status": "ok"}

    def test_vllms_version(self) -> None:
        with OpenAIServer(MODELS, flavour="vllm") as server:
            assert httpx.get(f"{server.url}/health").status_code == 200
            assert "version" in httpx.get(f"{server.url}/version").json()


class TestChatOpenAI:
    def model(self, server: OpenAIServer, name: str = "plain", **fields: Any) -> ChatOpenAI:
        return ChatOpenAI(model=name, base_url=f"{server.url}/v1", api_key=KEY, max_retries=0, **fields)  # type: ignore[arg-type]

    def test_whole(self, server: OpenAIServer) -> None:
        message = self.model(server, temperature=0.5).invoke("3 + 4?", max_tokens=2)
        assert (message.text, message.response_metadata["finish_reason"]) == ("It is", "length")
        assert message.usage_metadata is not None
        assert (message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"]) == (5, 2)
        assert server.requests[0].body["max_completion_tokens"] == 2

    async def test_streamed(self, server: OpenAIServer) -> None:
        model = self.model(server, stream_usage=True)
        stream = model.astream([HumanMessage("3 + 4?"), AIMessage("It")], logprobs=True, top_logprobs=2)
        chunks = [chunk async for chunk in stream]
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole += chunk
        assert whole.text == "It is 7."
        assert [one["token"] for one in whole.response_metadata["logprobs"]["content"]] == ["It", " is", " 7."]
        assert whole.usage_metadata is not None
        assert whole.usage_metadata["output_tokens"] == server.requests[0].tokens_out

    def test_no_usage_unless_asked_for(self, server: OpenAIServer) -> None:
        assert not [chunk for chunk in self.model(server).stream("3 + 4?") if chunk.usage_metadata]

    async def test_hidden_reasoning(self, server: OpenAIServer) -> None:
        message = await self.model(server, "thinker", reasoning_effort="low").ainvoke("3 + 4?")
        assert message.usage_metadata is not None
        assert message.usage_metadata["output_token_details"]["reasoning"] == server.requests[0].tokens_reasoning > 0
