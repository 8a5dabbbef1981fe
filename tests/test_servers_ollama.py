"""The Ollama server, asked by Ollama's own client and by ChatOllama, unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import ollama
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_ollama import ChatOllama

from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph.testing import Asked, OllamaServer, Scripted, ServedModel

SEVEN = Scripted("It is 7.", thinking="3 + 4\nis 7", probability=0.5)
QUESTION = [{"role": "user", "content": "3 + 4?"}]


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    models = {"plain": "It is 7.", "qwen3:0.6b": ServedModel(SEVEN, thinking=True, window=40_960, family="qwen3")}
    with OllamaServer(models) as running:
        yield running


@pytest.fixture
def client(server: OllamaServer) -> Iterator[ollama.Client]:
    with ollama.Client(server.url) as opened:
        yield opened


class TestChat:
    def test_whole(self, server: OllamaServer, client: ollama.Client) -> None:
        reply = client.chat("plain", QUESTION)
        assert (reply.message.role, reply.message.content, reply.message.thinking) == ("assistant", "It is 7.", None)
        assert (reply.done, reply.done_reason) == (True, "stop")
        record = server.requests[0]
        assert (reply.prompt_eval_count, reply.eval_count) == (record.tokens_in, record.tokens_out) == (5, 3)
        assert reply.total_duration is not None
        assert reply.logprobs is None

    def test_streamed(self, server: OllamaServer, client: ollama.Client) -> None:
        parts = list(client.chat("plain", QUESTION, stream=True))
        assert [part.message.content for part in parts] == ["It", " is", " 7.", ""]
        assert [part.done for part in parts] == [False, False, False, True]
        assert (parts[-1].done_reason, parts[-1].eval_count) == ("stop", 3)
        assert server.requests[0].headers["content-type"] == "application/json"

    def test_it_streams_unless_told_not_to(self, server: OllamaServer) -> None:
        answer = httpx.post(f"{server.url}/api/chat", json={"model": "plain", "messages": QUESTION})
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert [json.loads(line)["done"] for line in answer.text.splitlines()] == [False, False, False, True]

    def test_options(self, server: OllamaServer, client: ollama.Client) -> None:
        options = {"num_predict": 2, "temperature": 0.0, "seed": 3, "num_ctx": 512}
        reply = client.chat("plain", QUESTION, options=options, keep_alive="1m")
        assert (reply.message.content, reply.done_reason, reply.eval_count) == ("It is", "length", 2)
        assert server.requests[0].body["options"] == options

    def test_stop(self, client: ollama.Client) -> None:
        reply = client.chat("plain", QUESTION, options={"stop": [" 7"]})
        assert (reply.message.content, reply.done_reason, reply.eval_count) == ("It is", "stop", 3)

    def test_log_probabilities(self, client: ollama.Client) -> None:
        reply = client.chat("plain", QUESTION, logprobs=True, top_logprobs=2)
        assert reply.logprobs is not None
        assert [one.token for one in reply.logprobs] == ["It", " is", " 7."]
        assert reply.logprobs[0].logprob == pytest.approx(-0.693, abs=1e-3)
        assert [len(one.top_logprobs or ()) for one in reply.logprobs] == [2, 2, 2]

    def test_log_probabilities_come_with_their_text(self, client: ollama.Client) -> None:
        for part in client.chat("plain", QUESTION, stream=True, logprobs=True):
            assert [one.token for one in part.logprobs or ()] == ([part.message.content] if not part.done else [])

    def test_too_many_log_probabilities(self, client: ollama.Client) -> None:
        with pytest.raises(ollama.ResponseError, match="top_logprobs must be between 0 and 20"):
            client.chat("plain", QUESTION, logprobs=True, top_logprobs=21)

    def test_a_model_that_is_not_pulled(self, server: OllamaServer, client: ollama.Client) -> None:
        with pytest.raises(ollama.ResponseError) as error:
            client.chat("llama3.2", QUESTION)
        assert (error.value.status_code, error.value.error) == (404, "model 'llama3.2' not found")
        assert server.requests[0].outcome == "refused"

    def test_without_messages_the_model_is_loaded(self, client: ollama.Client) -> None:
        assert client.chat("plain", []).done_reason == "load"
        assert client.chat("plain", [], keep_alive=0).done_reason == "unload"

    def test_old_turns_that_do_not_fit_are_dropped(self) -> None:
        seen: list[Asked] = []
        with OllamaServer({"m": lambda asked: seen.append(asked) or "ok"}) as server:  # type: ignore[func-returns-value]
            turns = [
                {"role": "system", "content": "Be brief."},
                *({"role": "user", "content": "a b c"} for _ in range(9)),
            ]
            with ollama.Client(server.url) as client:
                reply = client.chat("m", turns, options={"num_ctx": 16})
        assert [turn["role"] for turn in seen[0].messages] == ["system", "user", "user", "user"]
        assert reply.prompt_eval_count == 16

    async def test_asynchronously(self, server: OllamaServer) -> None:
        async with ollama.AsyncClient(server.url) as client:
            whole = await client.chat("plain", QUESTION)
            parts = [part.message.content async for part in await client.chat("plain", QUESTION, stream=True)]
        assert whole.message.content == "".join(map(str, parts)) == "It is 7."


class TestThinking:
    @pytest.mark.parametrize("think", [None, True])
    def test_it_thinks_unless_told_not_to(self, client: ollama.Client, think: bool | None) -> None:
        reply = client.chat("qwen3:0.6b", QUESTION, think=think)
        assert (reply.message.thinking, reply.message.content) == ("3 + 4\nis 7\n", "It is 7.")

    def test_it_does_not_think(self, client: ollama.Client) -> None:
        reply = client.chat("qwen3:0.6b", QUESTION, think=False)
        assert (reply.message.thinking, reply.message.content) == (None, "It is 7.")

    def test_streamed(self, client: ollama.Client) -> None:
        parts = list(client.chat("qwen3:0.6b", QUESTION, think=True, stream=True, logprobs=True))
        assert "".join(part.message.thinking or "" for part in parts) == "3 + 4\nis 7\n"
        assert "".join(part.message.content or "" for part in parts) == "It is 7."
        assert not [part for part in parts if part.message.thinking and part.message.content]

    def test_a_continued_thinking_comes_in_the_content(self, client: ollama.Client) -> None:
        """The server looks for an opening tag at the beginning of the reply, and there is none."""
        turns = [*QUESTION, {"role": "assistant", "content": "<think>\n3 + 4 is"}]
        reply = client.chat("qwen3:0.6b", turns, think=True)
        assert reply.message.thinking is None
        assert reply.message.content == "3 + 4\nis 7\n</think>\n\nIt is 7."

    def test_a_prefill_that_only_opens_the_thinking(self, client: ollama.Client) -> None:
        turns = [*QUESTION, {"role": "assistant", "content": "<think>\n"}]
        assert client.chat("qwen3:0.6b", turns).message.thinking == "3 + 4\nis 7\n"

    def test_a_prefill_past_the_thinking(self, client: ollama.Client) -> None:
        turns = [*QUESTION, {"role": "assistant", "thinking": "3 + 4 is 7", "content": ""}]
        reply = client.chat("qwen3:0.6b", turns)
        assert (reply.message.thinking, reply.message.content) == (None, "It is 7.")

    def test_a_template_that_opens_the_thinking_itself(self) -> None:
        model = ServedModel("so 7</think>7", thinking=True, opens=True)
        with OllamaServer({"deepseek-r1": model}) as server, ollama.Client(server.url) as client:
            message = client.chat("deepseek-r1:latest", QUESTION).message
        assert (message.thinking, message.content) == ("so 7", "7")

    def test_a_model_that_cannot(self, client: ollama.Client) -> None:
        with pytest.raises(ollama.ResponseError, match='"plain" does not support thinking'):
            client.chat("plain", QUESTION, think=True)

    def test_cut_in_the_thinking(self, client: ollama.Client) -> None:
        reply = client.chat("qwen3:0.6b", QUESTION, options={"num_predict": 4})
        assert (reply.message.thinking, reply.message.content, reply.done_reason) == ("3 +", "", "length")


class TestGenerate:
    def test_whole_and_streamed(self, client: ollama.Client) -> None:
        whole = client.generate("plain", "3 + 4?", system="Be brief.")
        assert (whole.response, whole.done_reason, whole.prompt_eval_count) == ("It is 7.", "stop", 8)
        parts = list(client.generate("plain", "3 + 4?", stream=True, logprobs=True))
        assert [part.response for part in parts] == ["It", " is", " 7.", ""]
        assert parts[0].logprobs is not None

    def test_thinking(self, client: ollama.Client) -> None:
        reply = client.generate("qwen3:0.6b", "3 + 4?")
        assert (reply.thinking, reply.response) == ("3 + 4\nis 7\n", "It is 7.")

    def test_raw(self) -> None:
        with OllamaServer({"m": lambda asked: asked.raw or "no"}) as server, ollama.Client(server.url) as client:
            reply = client.generate("m", "<|user|>3 + 4?", raw=True)
        assert (reply.response, reply.prompt_eval_count) == ("<|user|>3 + 4?", 3)

    def test_raw_takes_no_system_message(self, client: ollama.Client) -> None:
        with pytest.raises(ollama.ResponseError, match="raw mode does not support"):
            client.generate("plain", "3 + 4?", raw=True, system="Be brief.")

    def test_without_a_prompt_the_model_is_loaded(self, client: ollama.Client) -> None:
        assert client.generate("plain").done_reason == "load"

    @pytest.mark.parametrize("extra", [{"suffix": "}"}, {"context": [1, 2]}, {"template": "{{ .Prompt }}"}])
    def test_what_it_does_not_know_it_refuses(self, client: ollama.Client, extra: dict[str, Any]) -> None:
        with pytest.raises(ollama.ResponseError) as error:
            client.generate("plain", "3 + 4?", **extra)
        assert error.value.status_code == 400

    async def test_asynchronously(self, server: OllamaServer) -> None:
        async with ollama.AsyncClient(server.url) as client:
            assert (await client.generate("plain", "3 + 4?")).response == "It is 7."


class TestWhatItTells:
    def test_tags(self, client: ollama.Client) -> None:
        listed = client.list().models
        assert [model.model for model in listed] == ["plain:latest", "qwen3:0.6b"]
        assert len(listed[0].digest or "") == 64
        assert listed[0].digest != listed[1].digest

    def test_show(self, client: ollama.Client) -> None:
        shown = client.show("qwen3:0.6b")
        assert shown.capabilities == ["completion", "thinking"]
        assert shown.modelinfo is not None
        assert shown.modelinfo["qwen3.context_length"] == 40_960
        assert client.show("plain").capabilities == ["completion"]

    def test_show_a_model_that_is_not_pulled(self, client: ollama.Client) -> None:
        with pytest.raises(ollama.ResponseError, match="model 'other' not found") as error:
            client.show("other")
        assert error.value.status_code == 404

    def test_version(self, server: OllamaServer) -> None:
        assert httpx.get(f"{server.url}/api/version").json() == {"version": "0.13.5"}

    def test_it_is_there(self, server: OllamaServer) -> None:
        assert httpx.get(server.url).text == "Ollama is running"

    def test_an_unknown_path(self, server: OllamaServer) -> None:
        answer = httpx.get(f"{server.url}/api/nothing")
        assert (answer.status_code, answer.text) == (404, "404 page not found")
        assert server.requests[0].path == "/api/nothing"

    @pytest.mark.parametrize(("body", "said"), [(b"", "missing request body"), (b"{", "invalid JSON")])
    def test_a_body_that_is_none(self, server: OllamaServer, body: bytes, said: str) -> None:
        answer = httpx.post(f"{server.url}/api/chat", content=body)
        assert (answer.status_code, answer.json()) == (400, {"error": said})


class TestOldVersions:
    def test_too_old_for_log_probabilities(self) -> None:
        with OllamaServer({"m": "7"}, version="0.12.10") as server, ollama.Client(server.url) as client:
            assert httpx.get(f"{server.url}/api/version").json() == {"version": "0.12.10"}
            assert client.chat("m", QUESTION, logprobs=True).logprobs is None

    def test_too_old_for_thinking(self) -> None:
        models = {"m": ServedModel(SEVEN, thinking=True)}
        with OllamaServer(models, version="0.8.0") as server, ollama.Client(server.url) as client:
            message = client.chat("m", QUESTION, think=False).message
        assert (message.thinking, message.content) == (None, "<think>\n3 + 4\nis 7\n</think>\n\nIt is 7.")

    def test_too_old_for_capabilities(self) -> None:
        with OllamaServer({"m": "7"}, version="0.6.3") as server, ollama.Client(server.url) as client:
            assert client.show("m").capabilities is None


class TestChatOllama:
    def model(self, server: OllamaServer, name: str = "plain", **fields: Any) -> ChatOllama:
        return ChatOllama(model=name, base_url=server.url, **fields)

    def test_whole(self, server: OllamaServer) -> None:
        message = self.model(server, num_predict=2).invoke("3 + 4?")
        assert message.text == "It is"
        assert message.usage_metadata == {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
        assert message.response_metadata["done_reason"] == "length"
        assert server.requests[0].body["stream"] is True  # this client always streams

    async def test_streamed(self, server: OllamaServer) -> None:
        model = self.model(server, logprobs=True, top_logprobs=2)
        chunks = [chunk async for chunk in model.astream([HumanMessage("3 + 4?"), AIMessage("It")])]
        assert "".join(chunk.text for chunk in chunks) == "It is 7."
        assert [one["token"] for chunk in chunks for one in chunk.response_metadata.get("logprobs") or ()]
        assert server.requests[0].body["messages"][-1] == {"role": "assistant", "content": "It"}

    async def test_its_thinking(self, server: OllamaServer) -> None:
        message = await self.model(server, "qwen3:0.6b", reasoning=True).ainvoke("3 + 4?")
        assert (message.additional_kwargs["reasoning_content"], message.text) == ("3 + 4\nis 7\n", "It is 7.")
        assert server.requests[0].body["think"] is True

    async def test_thinking_that_nobody_asked_for_is_lost(self, server: OllamaServer) -> None:
        message = await self.model(server, "qwen3:0.6b").ainvoke("3 + 4?")
        assert (message.additional_kwargs, message.text) == ({}, "It is 7.")
        assert message.usage_metadata is not None
        assert message.usage_metadata["output_tokens"] == server.requests[0].tokens_out > 3
