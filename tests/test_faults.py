"""Which failures are tried again, how long is waited, and what people are told."""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import formatdate
from typing import Any

import httpx
import ollama
import openai
import pytest
from langgraph.errors import GraphInterrupt
from pydantic import BaseModel, SecretStr
from tenacity import Future, RetryCallState

from tests.wrapped import QUESTION, STOP, Client, asked, chunk, written
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.dialects import Options
from trigreason_graph.models.faults import (
    LONGEST_WAIT,
    describe_fault,
    is_transient,
    redact,
    retry_wait,
    secrets_of,
    status_of,
)
from trigreason_graph.models.wrapper import Exchange, ReasoningModel
from trigreason_graph.nodes.toolbox import in_words
from trigreason_graph.testing import Scripted, ScriptedModel

CARD = ModelCard(provider="openai", name="gpt-x")
REQUEST: Any = httpx.Request("POST", "http://localhost/v1/chat/completions")


def answered(status: int, body: Any = None, **headers: str) -> openai.APIStatusError:
    """openai's error for a status."""
    response: Any = httpx.Response(status, headers=headers, request=REQUEST)
    return openai.APIStatusError(f"Error code: {status}", response=response, body=body)


def in_band(body: Any) -> openai.APIError:
    """openai's error for an error inside of a stream."""
    return openai.APIError("overloaded", request=REQUEST, body=body)


class RequestsConnectionError(OSError):
    """As requests has one of its own."""


RequestsConnectionError.__name__ = "ConnectionError"

WORTH_ANOTHER_TRY = [
    *(answered(status) for status in (408, 409, 429, 500, 502, 503, 504, 529)),
    answered(429, **{"retry-after": "2"}),
    in_band({"code": 500, "message": "x"}),
    in_band(None),
    openai.APIConnectionError(request=REQUEST),
    openai.APITimeoutError(request=REQUEST),
    ollama.ResponseError("model is loading", 503),
    ollama.ResponseError("llama runner process has terminated"),
    httpx.ReadError("x"),
    httpx.ConnectTimeout("x"),
    httpx.RemoteProtocolError("peer closed connection"),
    ConnectionResetError(),
    RequestsConnectionError(),
    TimeoutError(),
    json.JSONDecodeError("x", "{", 1),
]
HOPELESS = [
    *(answered(status) for status in (400, 401, 403, 404, 413, 422)),
    answered(429, {"code": "insufficient_quota"}),
    answered(429, **{"retry-after": "3600"}),
    in_band({"code": "context_length_exceeded"}),
    ollama.ResponseError("model not found", 404),
    openai.OpenAIError("no key"),
    ValueError("x"),
    TypeError("unexpected keyword"),
    GraphInterrupt(),
    asyncio.CancelledError(),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("fault", WORTH_ANOTHER_TRY, ids=repr)
def test_worth_another_try(fault: BaseException) -> None:
    assert is_transient(fault)


@pytest.mark.parametrize("fault", HOPELESS, ids=repr)
def test_hopeless(fault: BaseException) -> None:
    assert not is_transient(fault)


def waited(fault: BaseException) -> float:
    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    state.outcome = Future(1)
    state.outcome.set_exception(fault)
    return retry_wait(state)


class TestWaiting:
    def test_as_long_as_the_server_asks(self) -> None:
        assert waited(answered(429, **{"retry-after": "2.5"})) == 2.5

    def test_until_the_date_the_server_names(self) -> None:
        assert 5 < waited(answered(503, **{"retry-after": formatdate(time.time() + 10, usegmt=True)})) <= 10

    def test_never_longer_than_the_limit(self) -> None:
        assert waited(answered(429, **{"retry-after": "3600"})) == LONGEST_WAIT

    def test_a_date_in_the_past_is_now(self) -> None:
        assert waited(answered(429, **{"retry-after": formatdate(0, usegmt=True)})) == 0.0

    @pytest.mark.parametrize("value", ["soon", "nan", "inf", ""])
    def test_nonsense_is_nothing(self, value: str) -> None:
        assert waited(answered(429, **{"retry-after": value})) <= 0.5

    def test_a_little_where_nobody_asks(self) -> None:
        assert 0 <= waited(ConnectionError()) <= 0.5


class TestWords:
    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (answered(401), "openai:gpt-x refused the API key: Error code: 401"),
            (answered(404), "openai:gpt-x does not know this model: Error code: 404"),
            (answered(418), "openai:gpt-x answered 418: Error code: 418"),
            (TimeoutError("nothing came for 60 s"), "openai:gpt-x did not answer in time: nothing came for 60 s"),
            (httpx.ConnectError(""), "openai:gpt-x cannot be reached or broke off (ConnectError)"),
            (json.JSONDecodeError("x", "{", 1), "openai:gpt-x sent a broken chunk: x: line 1 column 2 (char 1)"),
            (ValueError("a\n  b"), "openai:gpt-x failed (ValueError): a b"),
        ],
    )
    def test_one_line_that_names_the_model(self, fault: BaseException, expected: str) -> None:
        assert describe_fault(fault, CARD) == expected

    def test_of_an_error_that_cannot_tell_its_text(self) -> None:
        class UnspeakableError(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no text")

        expected = "openai:gpt-x failed (UnspeakableError): (its text cannot be read)"
        assert describe_fault(UnspeakableError(), CARD) == expected

    @pytest.mark.parametrize(
        ("provider", "command"),
        [
            ("vllm", "Start a server with: vllm serve org/m"),
            ("sglang", "Start a server with: python -m sglang.launch_server --model-path org/m"),
            ("llama_cpp", "Start a server with: llama-server -m MODEL.gguf"),
            ("lmstudio", "Start a server with: lms server start"),
        ],
    )
    def test_a_local_server_that_is_down(self, provider: str, command: str) -> None:
        card = ModelCard(provider=provider, name="org/m", local=True)
        assert describe_fault(httpx.ConnectError("x"), card).endswith(command)
        assert "Start" not in describe_fault(answered(503), card)
        assert "Start" not in describe_fault(httpx.ConnectError("x"), ModelCard(provider="deepseek", name="m"))

    def test_long_words_are_cut(self) -> None:
        assert len(describe_fault(ValueError("x" * 10_000), CARD)) < 300

    def test_a_secret_at_the_cut_is_gone_all_the_same(self) -> None:
        told = describe_fault(ValueError("x" * 190 + " sk-0123456789abcdef"), CARD)
        assert "sk-0" not in told


class TestSecrets:
    @pytest.mark.parametrize(
        "key",
        [
            "sk-proj-0123456789abcdef",
            "SK-0123456789",
            "sk-ant-api03-0123456789",
            "xai-0123456789",
            "gsk_0123456789abcdef",
            "hf_0123456789abcdef",
            "lsv2_pt_0123456789",
            "AIzaSyA0123456789abcdefghijk",
            "r8_0123456789abcdef",
            "github_pat_0123456789abcdef",
            "gho_0123456789abcdef",
            "glpat-0123456789abcdef",
            "xoxb-0123456789-abcdef",
            "AKIA0123456789ABCDEF",
            "tvly-0123456789abcdef",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        ],
    )
    @pytest.mark.parametrize("around", ["{}", "key: {}.", "('{}')", 'Authorization="Bearer {}"', "?key={}&x=1"])
    def test_keys_by_their_shape(self, key: str, around: str) -> None:
        told = redact(around.format(key))
        assert key not in told
        assert "[key]" in told

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("GET http://me:pass@host:1/v1", "GET http://[key]@host:1/v1"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer [key]"),
            ("Basic dXNlcjpwYXNz", "Basic [key]"),
            ("https://h/v1?api_key=abc&x=1", "https://h/v1?api_key=[key]&x=1"),
            ("https://h/blob?sig=abc%2F&x=1", "https://h/blob?sig=[key]&x=1"),
            ('{"api_key": "abc", "x": 1}', '{"api_key": "[key]", "x": 1}'),
            ("api_key='abc'", "api_key='[key]'"),
            ("X-Api-Key: 0123456789abcdef", "X-Api-Key: [key]"),
            ("Authorization: Token abc", "Authorization: Token [key]"),
            ("Bearer  abc.def", "Bearer  [key]"),
            ("aws_secret_access_key=abc/def", "aws_secret_access_key=[key]"),
            ("password=hunter2 for me", "password=[key] for me"),
        ],
    )
    def test_keys_by_their_place(self, text: str, expected: str) -> None:
        assert redact(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "risk-free breakdown of task_management",
            "a monkey_business",
            "no key",
            "sk-1",
            "eyJ",
            "the token: Field required",
            "password: Input should be a valid string",
            "wrong arguments (api_key: Field required)",
            '{"secret":false,"n":5}',
            '{"token":null,"logprob":-0.12}',
            '{"eos_token":["</s>"],"vocab":32000}',
            '{"token": "add"}',
            "Basic research, and a bearer of news",
            "Unexpected token: 12345678",
            "KeyError: 'token_embedding_table'",
            "input token=512",
            "export OPENROUTER_API_KEY=...",
        ],
    )
    def test_ordinary_words_stay(self, text: str) -> None:
        assert redact(text) == text

    @pytest.mark.parametrize("part", ["token:", "access_key:aaaa", '{"secret":false},', "basic ", "key-a", "a@", "://"])
    def test_time_is_linear(self, part: str) -> None:
        """A tool's error of any length is told within the time of a look."""
        begun = time.process_time()
        describe_fault(ValueError(part * 30_000), CARD)
        in_words(ValueError(part * 30_000))
        redact((part * 30_000)[:50_000])
        assert time.process_time() - begun < 0.5

    def test_what_was_set_on_the_client_whatever_it_looks_like(self) -> None:
        class Client(BaseModel):
            api_key: SecretStr = SecretStr("correct horse")
            short: SecretStr = SecretStr("EMPTY")
            default_headers: dict[str, str]
            client_kwargs: dict[str, Any]
            model: str = "a-public-name"

        client = Client(default_headers={"X-Auth": "battery staple"}, client_kwargs={"headers": {"a": "zyxwvut"}})
        secrets = secrets_of(client)
        assert secrets == {"correct horse", "battery staple", "zyxwvut"}
        assert redact("correct horse, battery staple, EMPTY", secrets) == "[key], [key], EMPTY"

    def test_the_password_and_the_query_of_an_address(self) -> None:
        class Client(BaseModel):
            base_url: str = "https://me:hunter%2F2@host/v1"
            default_query: dict[str, str] = {"code": "correct horse"}

        assert secrets_of(Client()) == {"hunter%2F2", "hunter/2", "correct horse"}

    def test_a_secret_inside_of_another(self) -> None:
        assert redact("abcdefghi", ["abcdef", "abcdefghi"]) == "[key]"


class GoogleError(Exception):
    """As langchain-google-genai raises it: without the status of the error it was made from."""


def made_from(cause: Exception) -> GoogleError:
    error = GoogleError("Error calling model")
    error.__cause__ = cause
    return error


def told_by_anthropic(kind: str) -> Exception:
    """anthropic's error for an error inside of a stream that was answered with 200."""
    anthropic = pytest.importorskip("anthropic")
    body = {"type": "error", "error": {"type": kind, "message": "x"}}
    response: Any = httpx.Response(200, request=REQUEST)
    error: Exception = anthropic.APIStatusError("x", response=response, body=body)
    return error


class TestOtherClients:
    def test_the_status_of_what_an_error_was_made_from(self) -> None:
        slow = made_from(answered(429, **{"retry-after": "2"}))
        assert (status_of(slow), is_transient(slow), waited(slow)) == (429, True, 2.0)
        assert not is_transient(made_from(answered(400)))
        assert describe_fault(made_from(answered(404)), CARD).startswith("openai:gpt-x does not know this model")

    @pytest.mark.parametrize(
        ("kind", "worth_it"), [("overloaded_error", True), ("api_error", True), ("invalid_request_error", False)]
    )
    def test_anthropics_errors_inside_of_a_stream(self, kind: str, worth_it: bool) -> None:
        error = told_by_anthropic(kind)
        assert (status_of(error), is_transient(error)) == (None, worth_it)

    @pytest.mark.parametrize(
        ("text", "status", "worth_it"),
        [
            ("OpenRouter API returned an error during streaming: busy (code: 502)", 502, True),
            ("OpenRouter API returned an error during streaming: no (code: 400)", 400, False),
            ("server_error: The server had an error", None, True),
            ("invalid_prompt: no", None, False),
            ("a bug that mentions server_error", None, False),
        ],
    )
    def test_errors_that_langchain_puts_into_words(self, text: str, status: int | None, worth_it: bool) -> None:
        error = ValueError(text)
        assert (status_of(error), is_transient(error)) == (status, worth_it)

    def test_headers_on_the_error_itself(self) -> None:
        """As OpenRouter's has them."""

        class OpenRouterError(Exception):
            status_code = 429
            headers = httpx.Headers({"Retry-After": "2"})

        assert waited(OpenRouterError()) == 2.0


class TestPlainKeys:
    def test_by_the_name_of_their_attribute(self) -> None:
        class Exotic(BaseModel):
            yuan_api_key: str = "plain api key"
            access_token: str = "plain token"
            client_secret: str = "plain secret"
            password: str = "plain password"
            client_kwargs: dict[str, Any] = {"auth": ("me-myself", "plain auth"), "api_key": "nested key"}
            max_tokens: str = "not a secret"
            keyboard: str = "not a secret either"
            tokenizer: str = "a tokenizer"

        assert secrets_of(Exotic()) == {
            "plain api key",
            "plain token",
            "plain secret",
            "plain password",
            "me-myself",
            "plain auth",
            "nested key",
        }


class TestCancelled:
    async def test_while_it_writes(self) -> None:
        client = ScriptedModel(script=[Scripted("word " * 1000, delay=0.001)])
        writing = asyncio.Event()
        exchange = asked(lambda _: bool(writing.set()))
        model = ReasoningModel(inner=client)
        task = asyncio.create_task(model.write(QUESTION, exchange, name="small:test"))
        await writing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (attempt,) = exchange.attempts
        assert (attempt.status, attempt.finish, attempt.estimated) == ("cut", "cancelled", True)
        assert attempt.usage.tokens_out > 0
        assert attempt.usage.tokens_in > 0

    async def test_while_it_waits_for_the_first_token(self) -> None:
        exchange = asked()
        model = ReasoningModel(inner=ScriptedModel(script=[Scripted("x", delay=60)]))
        task = asyncio.create_task(model.write(QUESTION, exchange, name="small:test"))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [attempt.finish for attempt in exchange.attempts] == ["cancelled"]

    async def test_by_a_bug_in_the_reader(self) -> None:
        def reader(_: Any) -> bool:
            raise ZeroDivisionError

        exchange = asked(reader)
        with pytest.raises(ZeroDivisionError):
            await ReasoningModel(inner=ScriptedModel(script=["is 7"])).write(QUESTION, exchange, name="small:test")
        assert [attempt.finish for attempt in exchange.attempts] == ["cancelled"]


class TestPatience:
    async def test_hidden_reasoning_may_be_silent_for_as_long_as_a_first_token(self) -> None:
        class Thinking(Client):
            async def _astream(self, *args: Any, **kwargs: Any) -> Any:
                yield chunk("", reasoning_content="hm")
                await asyncio.sleep(0.1)
                yield chunk("is 7")
                yield STOP

        hidden = ModelCard(dialect="openai", hidden_tokens=100, form="field")
        for card, finish in ((hidden, "stop"), (ModelCard(dialect="openai", form="field"), "broken")):
            model = ReasoningModel(inner=Thinking(calls=[]), card=card, token_gap_seconds=0.02)
            assert (await written(model)).last.finish == finish

    async def test_a_call_has_its_own_limit(self) -> None:
        model = ReasoningModel(inner=ScriptedModel(script=[Scripted("word " * 100, delay=0.01)]))
        exchange = Exchange("turn", Options(1000), lambda _: False, seconds=0.05)
        last = await model.write(QUESTION, exchange, name="small:test")
        assert (last.status, last.finish) == ("cut", "seconds")
