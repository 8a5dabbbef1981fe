"""Asking an Ollama server, before anything is paid, whether it can serve a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from langchain_ollama import ChatOllama

from tests.loopback import Answer, Request, as_json, serving
from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models import ReasoningModel, resolve_model
from trigreason_graph.models.ollama import reports_logprobs, server_url, without_password


@pytest.fixture(autouse=True)
def nothing_asked_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trigreason_graph.models.ollama._ready", set())


def ollama(
    version: Any = "0.13.5", *, pulled: bool = True, capabilities: list[str] | None = None
) -> Callable[[Request], Answer]:
    """What a server says about any model, in the shapes of Ollama's API documentation."""

    def answer(request: Request) -> Answer:
        if (request.method, request.path) == ("GET", "/api/version"):
            return as_json({"version": version})
        assert (request.method, request.path) == ("POST", "/api/show")
        if not pulled:
            return as_json({"error": f"model '{request.body['model']}' not found"}, 404)
        shown = {"details": {"family": "qwen2"}}
        return as_json(shown if capabilities is None else {**shown, "capabilities": capabilities})

    return answer


def model(url: str, name: str = "llama3.2", **fields: Any) -> ReasoningModel:
    return resolve_model(ChatOllama(model=name, base_url=url, **fields), "small")


async def test_a_model_that_is_there_is_asked_for_once() -> None:
    async with serving(ollama(capabilities=["completion"])) as server:
        for _ in range(2):
            await model(server.url).aready()
        assert [request.path for request in server.requests] == ["/api/version", "/api/show"]
        assert server.requests[1].body == {"model": "llama3.2"}


async def test_another_model_is_asked_for_again() -> None:
    async with serving(ollama()) as server:
        await model(server.url).aready()
        await model(server.url, "phi4").aready()
        assert len(server.requests) == 4


async def test_no_server() -> None:
    async with serving(ollama()) as server:
        url = server.url
    with pytest.raises(ModelNotReady, match=r"no Ollama server answers at http://127.*ollama serve.*OLLAMA_HOST"):
        await model(url).aready()


async def test_a_model_that_is_not_pulled() -> None:
    async with serving(ollama(pulled=False)) as server:
        with pytest.raises(ModelNotReady, match=r"has no model 'qwen3:0.6b'. Fetch it with: ollama pull qwen3:0.6b"):
            await model(server.url, "qwen3:0.6b").aready()


async def test_a_failure_is_not_remembered() -> None:
    pulled = False
    async with serving(lambda request: ollama(pulled=pulled)(request)) as server:
        with pytest.raises(ModelNotReady):
            await model(server.url).aready()
        pulled = True
        await model(server.url).aready()


@pytest.mark.parametrize("version", ["0.12.10", "0.9.6", "0.5.13-rc1"])
async def test_a_server_too_old_for_log_probabilities(version: str) -> None:
    async with serving(ollama(version)) as server:
        with pytest.raises(
            ModelNotReady, match=rf"is {version}, and log-probabilities come from 0.12.11 on. Update it"
        ):
            await model(server.url).aready()


async def test_an_old_server_does_for_a_model_without_log_probabilities() -> None:
    async with serving(ollama("0.9.6")) as server:
        wrapped = model(server.url)
        await wrapped.model_copy(update={"card": replace(wrapped.card, logprobs=False)}).aready()


@pytest.mark.parametrize("version", ["0.12.11", "0.13.0-rc2", "1.0.0", "0.0.0", "v0.12.12", "unknown"])
async def test_new_enough(version: str) -> None:
    async with serving(ollama(version)) as server:
        await model(server.url).aready()


class TestThinking:
    async def test_a_name_that_promises_more_than_the_model_has(self) -> None:
        async with serving(ollama(capabilities=["completion"])) as server:
            with pytest.raises(ModelNotReady, match="reasoning=False"):
                await model(server.url, "my-qwen3-finetune").aready()
            await model(server.url, "my-qwen3-finetune", reasoning=False).aready()

    async def test_a_thinking_model_of_an_unknown_name(self) -> None:
        async with serving(ollama(capabilities=["completion", "thinking"])) as server:
            with pytest.raises(ModelNotReady, match=r"its thinking would be lost.*--probe --small ollama:brooder"):
                await model(server.url, "brooder").aready()
            await model(server.url, "brooder", reasoning=True).aready()
            await model(server.url, "brooder", reasoning=False).aready()

    async def test_a_server_that_says_nothing_about_it(self) -> None:
        async with serving(ollama()) as server:
            await model(server.url, "qwen3:0.6b").aready()


@pytest.mark.parametrize("answer", [as_json({}), as_json([]), Answer([b"<html>"]), Answer([b"no"], 500)])
async def test_some_other_server(answer: Answer) -> None:
    async with serving(lambda _: answer) as server:
        with pytest.raises(ModelNotReady, match=server.url):
            await model(server.url).aready()


async def test_the_clients_headers_are_sent_and_no_password_is_shown() -> None:
    async with serving(ollama(pulled=False)) as server:
        url = server.url.replace("://", "://me:secret@")
        with pytest.raises(ModelNotReady) as error:
            await model(url, client_kwargs={"headers": {"x-team": "a"}}).aready()
        assert "secret" not in str(error.value)
        assert server.requests[0].headers["x-team"] == "a"
        assert server.requests[0].headers["authorization"].startswith("Basic ")


async def test_the_hosted_service_is_not_asked() -> None:
    await model("https://ollama.com").aready()  # the network guard would refuse


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        ("box:80", "http://box:80"),
        (":80", "http://127.0.0.1:80"),
        ("[::1]:80", "http://[::1]:80"),
        ("[::1]", "http://[::1]:11434"),
        ("https://box/", "https://box"),
        ("https://box:1/ollama", "https://box:1/ollama"),
        ("box/ollama/", "http://box:11434/ollama"),
        ("box:1/ollama", "http://box:1/ollama"),
    ],
)
def test_where_the_server_is(given: str | None, expected: str) -> None:
    assert server_url(given) == expected


@pytest.mark.parametrize(
    ("version", "reports"),
    [
        *[("0.12.11", True), ("0.12.9", False), ("0.9", False), ("1.0", True)],
        *[("0.12.11-rc1", True), ("0.0.0", True), ("dev", True)],
    ],
)
def test_which_versions_report_log_probabilities(version: str, reports: bool) -> None:
    assert reports_logprobs(version) is reports


def test_the_environment_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "box:80")
    assert server_url(None) == "http://box:80"
    assert server_url("http://other:1") == "http://other:1"


def test_addresses_as_they_may_be_shown() -> None:
    assert without_password("http://me:pass@box:80/v1") == "http://box:80/v1"
    assert without_password("http://box:80/a@b") == "http://box:80/a@b"
