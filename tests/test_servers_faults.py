"""Every fault, on every wire, as the official clients see it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import httpx
import ollama
import openai
import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph.testing import Fault, OllamaServer, OpenAIServer, Record, Scripted, at_random
from trigreason_graph.testing.servers.faults import FOREVER
from trigreason_graph.testing.servers.server import ModelServer

TEXT = "one two three four five"
TURNS: list[Any] = [{"role": "user", "content": "Count."}]
BROKEN = (httpx.TransportError, openai.APIConnectionError)
Ask = Callable[[ModelServer, bool], str]


def of_ollama(server: ModelServer, stream: bool) -> str:
    with ollama.Client(server.url, timeout=2) as client:
        if not stream:
            return client.chat("m", TURNS).message.content or ""
        return "".join(part.message.content or "" for part in client.chat("m", TURNS, stream=True))


def of_chat(server: ModelServer, stream: bool) -> str:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0, timeout=2) as client:
        if not stream:
            return client.chat.completions.create(model="m", messages=TURNS).choices[0].message.content or ""
        chunks = client.chat.completions.create(model="m", messages=TURNS, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def of_responses(server: ModelServer, stream: bool) -> str:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0, timeout=2) as client:
        if not stream:
            return client.responses.create(model="m", input="Count.").output_text
        events = client.responses.create(model="m", input="Count.", stream=True)
        return "".join(event.delta for event in events if event.type == "response.output_text.delta")


WIRES: Mapping[str, tuple[type[Any], Ask]] = {
    "ollama": (OllamaServer, of_ollama),
    "chat": (OpenAIServer, of_chat),
    "responses": (OpenAIServer, of_responses),
}
every_wire = pytest.mark.parametrize("wire", WIRES)
streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


@contextmanager
def failing(wire: str, fault: Fault, text: str = TEXT) -> Iterator[tuple[ModelServer, Callable[[bool], str]]]:
    """A server whose first call fails, and how to ask it."""
    kind, ask = WIRES[wire]
    with kind({"m": text}, faults={1: fault}) as server:
        yield server, lambda stream: ask(server, stream)


@every_wire
@streamed_or_not
class TestEachFault:
    def test_a_status(self, wire: str, stream: bool) -> None:
        with failing(wire, Fault(status=429, retry_after=2, headers={"x-request-id": "r1"})) as (server, ask):
            with pytest.raises((ollama.ResponseError, openai.RateLimitError)) as error:
                ask(stream)
            assert getattr(error.value, "status_code", None) == 429
            assert ask(stream) == TEXT
        assert (server.requests[0].outcome, server.requests[0].status) == ("refused", 429)

    def test_a_slow_start(self, wire: str, stream: bool) -> None:
        with failing(wire, Fault(delay=0.1)) as (server, ask):
            began = time.monotonic()
            assert ask(stream) == TEXT
            assert time.monotonic() - began >= 0.1
        assert server.requests[0].outcome == "finished"

    def test_a_cut_before_any_byte(self, wire: str, stream: bool) -> None:
        with failing(wire, Fault(then="cut")) as (server, ask):
            with pytest.raises(BROKEN):
                ask(stream)
            assert ask(stream) == TEXT
        assert (server.requests[0].outcome, server.requests[0].status) == ("cut", 0)

    def test_a_cut_in_the_middle(self, wire: str, stream: bool) -> None:
        with failing(wire, Fault(after=2, then="cut")) as (server, ask):
            with pytest.raises(BROKEN):
                ask(stream)
            assert server.wait_until_idle()
        assert server.requests[0].outcome == "cut"
        assert server.requests[0].content == ("one two" if stream else "")

    def test_a_stall_that_passes(self, wire: str, stream: bool) -> None:
        with failing(wire, Fault(after=2, then="stall", seconds=0.1)) as (_, ask):
            began = time.monotonic()
            assert ask(stream) == TEXT
            assert time.monotonic() - began >= 0.1

    def test_a_bad_gateways_page(self, wire: str, stream: bool) -> None:
        with failing(wire, Fault(status=502, body="<html>Bad gateway</html>")) as (_, ask):
            with pytest.raises((ollama.ResponseError, openai.InternalServerError)) as error:
                ask(stream)
            assert getattr(error.value, "status_code", None) == 502

    def test_an_empty_reply(self, wire: str, stream: bool) -> None:
        with failing(wire, Fault(empty=True)) as (server, ask):
            assert ask(stream) == ""
        record = server.requests[0]
        assert (record.outcome, record.finish, record.tokens_out, record.tokens_in) == ("finished", "stop", 0, 3)


@every_wire
class TestStreams:
    def test_a_garbage_chunk(self, wire: str) -> None:
        with failing(wire, Fault(after=2, then="garbage")) as (_, ask), pytest.raises(json.JSONDecodeError):
            ask(True)

    @pytest.mark.parametrize("after", [0, 2, 5, 99])
    def test_an_end_without_a_reason(self, wire: str, after: int) -> None:
        with failing(wire, Fault(after=after, then="end")) as (server, ask):
            assert ask(True) == " ".join(TEXT.split()[:after])
        assert (server.requests[0].outcome, server.requests[0].pieces) == ("cut", min(after, 5))

    def test_a_script_that_just_ends(self, wire: str) -> None:
        kind, ask = WIRES[wire]
        with kind({"m": Scripted(TEXT, finish="")}) as server:
            assert ask(server, True) == TEXT
        assert (server.requests[0].outcome, server.requests[0].finish) == ("cut", "")

    def test_a_cut_right_after_the_headers(self, wire: str) -> None:
        with failing(wire, Fault(after=0, then="cut")) as (server, ask):
            with pytest.raises(BROKEN):
                ask(True)
            assert server.wait_until_idle()
        assert (server.requests[0].status, server.requests[0].pieces) == (200, 0)

    def test_a_stall_that_outlasts_the_client(self, wire: str) -> None:
        kind, _ = WIRES[wire]
        paths = {"ollama": "/api/chat", "chat": "/v1/chat/completions", "responses": "/v1/responses"}
        body = {"model": "m", "messages" if wire != "responses" else "input": TURNS, "stream": True}
        with kind({"m": TEXT}, faults={1: Fault(after=2, then="stall")}) as server:
            with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=0.2) as client:
                client.post(server.url + paths[wire], json=body)
            assert server.wait_until_idle(1.0)
        record = server.requests[0]
        assert (record.outcome, record.content, record.finish) == ("closed", "one two", "")
        assert record.stopped_after is not None
        assert record.stopped_after < 1.0


class TestErrorsInsideOfAStream:
    FAULT = Fault(after=2, then="error", text="the runner has died")

    @pytest.mark.parametrize("wire", ["ollama", "chat"])
    def test_the_client_raises_it(self, wire: str) -> None:
        with failing(wire, self.FAULT) as (server, ask):
            with pytest.raises((ollama.ResponseError, openai.APIError), match="the runner has died") as error:
                ask(True)
            assert not isinstance(error.value, openai.APIStatusError)
        assert (server.requests[0].status, server.requests[0].outcome) == (200, "cut")

    def test_the_responses_api_hands_it_on(self) -> None:
        with (
            failing("responses", self.FAULT) as (server, _),
            openai.OpenAI(base_url=f"{server.url}/v1", api_key="any") as client,
        ):
            *_, last = client.responses.create(model="m", input="Count.", stream=True)
        assert last.type == "error"
        assert last.message == "the runner has died"


@every_wire
class TestWholeReplies:
    def test_garbage(self, wire: str) -> None:
        with (
            failing(wire, Fault(after=2, then="garbage")) as (_, ask),
            pytest.raises((json.JSONDecodeError, openai.APIError, AttributeError)),
        ):
            ask(False)

    def test_an_error(self, wire: str) -> None:
        with (
            failing(wire, Fault(after=2, then="error", text="the runner has died")) as (server, ask),
            pytest.raises((ollama.ResponseError, openai.InternalServerError), match="the runner has died"),
        ):
            ask(False)
        assert (server.requests[0].status, server.requests[0].outcome) == (500, "refused")

    def test_no_reason(self, wire: str) -> None:
        with failing(wire, Fault(after=2, then="end")) as (server, ask):
            assert ask(False) == "one two"
        assert (server.requests[0].outcome, server.requests[0].finish) == ("cut", "")


class TestChatModels:
    """What LangChain's clients make of it, in the way the wrapper reads them."""

    @pytest.fixture(params=["ollama", "chat"])
    async def failing_model(self, request: pytest.FixtureRequest) -> AsyncIterator[tuple[ModelServer, BaseChatModel]]:
        kind, _ = WIRES[request.param]
        async with kind({"m": TEXT}, faults={1: Fault(after=2, then="end"), 2: Fault(after=2, then="cut")}) as server:
            if request.param == "ollama":
                yield server, ChatOllama(model="m", base_url=server.url)
            else:
                yield server, ChatOpenAI(model="m", base_url=f"{server.url}/v1", api_key="any", max_retries=0)  # type: ignore[arg-type]

    async def test_a_silent_end_raises_nothing(self, failing_model: tuple[ModelServer, BaseChatModel]) -> None:
        server, model = failing_model
        chunks = [chunk async for chunk in model.astream("Count.")]
        said = {**chunks[-1].response_metadata, **chunks[-2].response_metadata}
        assert "".join(chunk.text for chunk in chunks) == "one two"
        assert not said.get("finish_reason")
        assert not said.get("done_reason")
        with pytest.raises(BROKEN):
            await model.ainvoke("Count.", stream=True)
        assert [record.outcome for record in server.calls] == ["cut", "cut"]


class TestChoosing:
    def test_by_number_counts_model_calls_alone(self) -> None:
        with (
            OllamaServer({"m": "7"}, faults={2: Fault(status=503)}) as server,
            ollama.Client(server.url) as client,
        ):
            client.list()
            client.chat("m", TURNS)
            client.show("m")
            with pytest.raises(ollama.ResponseError):
                client.chat("m", TURNS)
        assert [record.number for record in server.requests] == [0, 1, 0, 2]
        assert [record.number for record in server.calls] == [1, 2]

    def test_by_a_function_other_paths_fail_too(self) -> None:
        def choose(record: Record) -> Fault | None:
            return Fault(status=500) if record.path == "/api/show" else None

        with OllamaServer({"m": "7"}, faults=choose) as server, ollama.Client(server.url) as client:
            assert client.chat("m", TURNS).message.content == "7"
            with pytest.raises(ollama.ResponseError, match="a fault of the test"):
                client.show("m")

    @pytest.mark.parametrize("fault", [Fault(then="cut"), Fault(after=0, then="garbage")])
    def test_a_broken_version(self, fault: Fault) -> None:
        with (
            OllamaServer({"m": "7"}, faults=lambda record: fault) as server,
            pytest.raises((httpx.TransportError, json.JSONDecodeError)),
        ):
            httpx.get(f"{server.url}/api/version").json()

    def test_at_random_is_the_same_each_time(self) -> None:
        chosen = at_random(Fault(status=500), probability=0.3, seed=1)
        records = [Record("POST", "/api/chat", {}, number=number) for number in range(1, 1_001)]
        first, second = ([chosen(record) is not None for record in records] for _ in range(2))
        assert first == second
        assert 250 < sum(first) < 350
        assert chosen(Record("GET", "/api/tags", {})) is None

    def test_a_refused_call_takes_no_reply_of_the_script(self) -> None:
        with (
            OllamaServer({"m": ["first", "second"]}, faults={1: Fault(status=500)}) as server,
            ollama.Client(server.url) as client,
        ):
            with pytest.raises(ollama.ResponseError):
                client.chat("m", TURNS)
            assert client.chat("m", TURNS).message.content == "first"

    @pytest.mark.parametrize("fields", [{"after": 3}, {"then": "stall"}, {"then": "end"}])
    def test_a_fault_that_says_too_little(self, fields: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="needs"):
            Fault(**fields)

    def test_a_stall_has_no_end_by_itself(self) -> None:
        assert Fault(after=1, then="stall").seconds == FOREVER


def test_an_answer_that_is_read_to_its_end_is_not_a_closed_one() -> None:
    with OllamaServer({"m": TEXT}, keep_alive=True) as server, closing(httpx.Client()) as client:
        for _ in range(3):
            client.post(f"{server.url}/api/chat", json={"model": "m", "messages": TURNS})
        assert [record.outcome for record in server.calls] == ["finished"] * 3
