"""Finding out what a model can do, from its card, its server and a few tokens; and saying what it does without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from pydantic import Field

from tests.loopback import Answer, Request, as_events, as_json, as_lines, serving
from tests.wrapped import used
from trigreason_graph import ModelCard, ModelNotReady, Price, ProbeReport, ReasoningModel, aprobe_model, probe_model
from trigreason_graph.models.card_store import read_record, save_record
from trigreason_graph.models.degradations import degradations
from trigreason_graph.models.known import card_of
from trigreason_graph.models.names import HIDDEN_TOKENS
from trigreason_graph.models.probe import card_report
from trigreason_graph.models.probe.questions import goes_on, logprob_space, repeats_newline, ways
from trigreason_graph.models.probe.replies import Reply
from trigreason_graph.models.resolve import resolve_model

KEY = "sk-planted0123456789abcdef"
LOCAL = ModelCard(provider="fake", name="model", dialect="openai", local=True)
LOGITS = {"one": 3.0, "One": 2.0, "1": 0.5, **{f"other {number}": -float(number) for number in range(40)}}


class Refused(Exception):
    status_code = 400


class Behaving(BaseChatModel):
    """A model that behaves as its fields say, and says so in nothing but its replies."""

    most_alternatives: int = 20
    tempered: bool = False
    counts: bool = True
    tells_cached: bool = True
    in_one_piece: bool = False
    thinking: Literal["no", "tags", "field", "unseen"] = "no"
    prefill: Literal["goes on", "repeats", "greets", "in a new turn", "refuses"] = "goes on"
    trims: bool = False
    down_after: int = 100
    asked: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "behaving"

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **asked: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        self.asked.append(asked)
        if len(self.asked) > self.down_after:
            raise ConnectionError("gone")
        if asked.get("top_logprobs", 0) > self.most_alternatives or (
            "logprobs" in asked and not self.most_alternatives
        ):
            raise Refused("top_logprobs is too high")
        for number, text in enumerate(self._texts(messages)):
            yield self._chunk(text, asked if not number else {})
        last = AIMessageChunk(content="")
        if self.counts:
            last.usage_metadata = used(30, 8, 0, 5 if self.thinking == "unseen" else 0)  # type: ignore[assignment]
            if not self.tells_cached:
                last.usage_metadata.pop("input_token_details")  # type: ignore[union-attr]
        yield ChatGenerationChunk(message=last, generation_info={"finish_reason": "stop"})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **asked: Any,
    ) -> ChatResult:
        raise NotImplementedError

    def _texts(self, messages: list[BaseMessage]) -> list[str]:
        last = messages[-1]
        if not isinstance(last, AIMessage):
            thought = ["<think>", "Numbers.", "</think>"] if self.thinking == "tags" else []
            texts = [*thought, "one, two, ", "three, four, ", "five, six"]
            return ["".join(texts)] if self.in_one_piece else texts
        if self.prefill == "refuses":
            raise Refused("the last message must be the user's")
        if self.prefill == "goes on":
            lines = str(last.text).endswith("\n")
            return ["\n4" if self.trims else "4", "\n5"] if lines else [", 5", ", 6"]
        texts = {"repeats": "1, 2, 3, 4, 5", "greets": "Sure! 5, 6", "in a new turn": " 5, 6, 7"}
        return [texts[self.prefill]]

    def _chunk(self, text: str, asked: dict[str, Any]) -> ChatGenerationChunk:
        fields = {"reasoning_content": text} if self.thinking == "field" else {}
        message = AIMessageChunk(content="" if fields else text, additional_kwargs=fields)
        if "logprobs" not in asked:
            return ChatGenerationChunk(message=message)
        scale = asked["temperature"] if self.tempered else 1.0
        top = [{"token": token, "logprob": logit / scale - 5} for token, logit in LOGITS.items()]
        told = {"token": text, "logprob": -0.1, "top_logprobs": top[: asked.get("top_logprobs", 0)]}
        return ChatGenerationChunk(message=message, generation_info={"logprobs": {"content": [told]}})


async def probed(card: ModelCard = LOCAL, **behaviour: Any) -> ProbeReport:
    return await aprobe_model(ReasoningModel(inner=Behaving(**behaviour), card=card))


def values(report: ProbeReport) -> dict[str, Any]:
    """What calls have shown."""
    return {found.name: found.value for found in report.findings if found.how == "probed"}


class TestCalls:
    async def test_a_model_that_can_do_everything(self) -> None:
        report = await probed()
        assert values(report) == {
            "streams": True,
            "logprobs": True,
            "top_logprobs": 20,
            "logprob_space": "raw",
            "style": "prefill",
            "continues": "assistant",
            "trims_newlines": False,
            "form": "content",
            "usage": True,
            "cached": True,
        }
        assert report.calls == 4
        assert report.tokens == 4 * 38
        assert report.cost == 0.0
        assert report.card == replace(LOCAL, style="prefill", logprobs=True, top_logprobs=5, cached=True)
        assert report.degradations == ()

    @pytest.mark.parametrize(("most", "told", "calls"), [(20, 20, 4), (12, 10, 5), (8, 5, 6), (0, 0, 7)])
    async def test_as_many_alternatives_as_the_server_gives(self, most: int, told: int, calls: int) -> None:
        report = await probed(most_alternatives=most)
        assert values(report)["top_logprobs"] == told
        assert report.card.logprobs is (told > 0)
        assert report.card.top_logprobs == min(told, 5)
        assert report.calls == calls

    async def test_log_probabilities_after_the_temperature(self) -> None:
        assert (await probed(tempered=True)).card.logprob_space == "tempered"

    @pytest.mark.parametrize("prefill", ["repeats", "greets", "in a new turn", "refuses"])
    async def test_a_model_that_does_not_go_on_is_asked_in_turns(self, prefill: str) -> None:
        report = await probed(prefill=prefill)
        assert values(report)["style"] == "turn"
        assert report.card.style == "turn"
        assert report.calls == 5
        assert report.notes == ("its card was given by hand, which goes first: nothing was stored",)

    async def test_newlines_that_are_trimmed(self) -> None:
        assert (await probed(trims=True)).card.trims_newlines is True

    async def test_a_server_that_sends_all_at_once(self) -> None:
        assert (await probed(in_one_piece=True)).card.streams is False

    async def test_a_server_that_counts_nothing(self) -> None:
        report = await probed(counts=False)
        assert (report.card.usage, report.card.cached) == (False, None)
        assert report.tokens > 0

    async def test_a_server_that_tells_no_cached_tokens(self) -> None:
        assert (await probed(tells_cached=False)).card.cached is False

    @pytest.mark.parametrize(("thinking", "form"), [("tags", "think_tags"), ("field", "field")])
    async def test_where_the_reasoning_lives(self, thinking: str, form: str) -> None:
        report = await probed(thinking=thinking)
        assert (report.card.form, report.card.hidden_tokens) == (form, 0)

    async def test_thinking_that_is_not_trace_needs_room(self) -> None:
        report = await probed(thinking="tags", prefill="refuses")
        assert (report.card.style, report.card.hidden_tokens) == ("turn", HIDDEN_TOKENS)

    async def test_reasoning_that_is_counted_and_not_seen(self) -> None:
        report = await probed(thinking="unseen", prefill="refuses")
        assert (report.card.form, report.card.hidden_tokens) == ("content", HIDDEN_TOKENS)

    async def test_hidden_reasoning_is_asked_neither_for_logprobs_nor_for_a_prefill(self) -> None:
        model = Behaving()
        card = replace(LOCAL, hidden_tokens=2_000)
        report = await aprobe_model(ReasoningModel(inner=model, card=card))
        assert report.calls == 2
        assert all("logprobs" not in asked for asked in model.asked)
        assert report.card.hidden_tokens == 2_000

    async def test_a_client_that_takes_no_options_is_sent_none(self) -> None:
        model = Behaving()
        report = await aprobe_model(ReasoningModel(inner=model, card=replace(LOCAL, dialect="plain")))
        assert model.asked == [{}] * report.calls
        assert report.card.logprobs is False

    async def test_a_model_that_is_down(self) -> None:
        with pytest.raises(ModelNotReady, match="fake:model cannot be reached"):
            await probed(down_after=0)

    async def test_a_model_that_goes_down(self) -> None:
        report = await probed(down_after=2)
        assert "style" not in values(report)
        assert "cannot be reached" in report.notes[0]

    def test_from_sync_code(self) -> None:
        assert probe_model(ReasoningModel(inner=Behaving(), card=LOCAL)).calls == 4


class TestPaid:
    CARD = replace(LOCAL, provider="acme.example", local=False)

    async def test_nothing_is_called_without_being_asked(self) -> None:
        model = Behaving()
        report = await aprobe_model(
            ReasoningModel(inner=model, card=self.CARD, prices={"acme.example:model": Price(input=1, output=10)})
        )
        assert model.asked == []
        assert (report.calls, report.tokens, report.cost) == (0, 0, 0.0)
        assert report.notes[0].startswith(
            "acme.example:model is not local and was not called. A probe with calls takes"
        )
        assert "at most 6 calls" in report.notes[0]
        assert "$0.0" in report.notes[0]

    async def test_the_estimate_is_not_exceeded(self) -> None:
        prices = {"acme.example:model": Price(input=1, output=10)}
        model = ReasoningModel(inner=Behaving(prefill="greets"), card=self.CARD, prices=prices)
        told = (await aprobe_model(model)).notes[0]
        report = await aprobe_model(model, paid=True)
        assert report.cost == pytest.approx(report.calls * (30 + 8 * 10) / 1e6)
        assert report.cost < float(told.partition("$")[2].partition(":")[0])

    async def test_a_price_that_nobody_knows(self) -> None:
        model = ReasoningModel(inner=Behaving(), card=self.CARD)
        assert "at a price nobody here knows" in (await aprobe_model(model)).notes[0]
        assert (await aprobe_model(model, paid=True)).cost is None

    async def test_openai_is_known_to_take_turns_only(self) -> None:
        model = ReasoningModel(inner=Behaving(), card=replace(self.CARD, provider="openai"))
        report = await aprobe_model(model, paid=True)
        assert report.calls == 2
        assert report.card.style == "turn"


def openai_server(listed: Any, props: Any = None) -> Callable[[Request], Answer]:
    """A server of OpenAI's API that goes on with a list, and says what `listed` and `props` hold of its model."""

    def answer(request: Request) -> Answer:
        if request.path == "/v1/models":
            return as_json({"object": "list", "data": listed})
        if request.path == "/props":
            return as_json(props) if props else as_json({"error": "not found"}, 404)
        assert request.path == "/v1/chat/completions"
        last = request.body["messages"][-1]
        words = [", 5", ", 6"] if last["role"] == "assistant" else ["one, ", "two"]
        if last["content"].endswith("\n"):
            words = ["4", "\n5"]
        head = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"}
        chunks = [{**head, "choices": [{"index": 0, "delta": {"content": word}}]} for word in words]
        end = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
        return as_events(*chunks, end, {**head, "choices": [], "usage": usage})

    return answer


def openai(url: str, **fields: Any) -> ChatOpenAI:
    return ChatOpenAI(model="m", base_url=f"{url}/v1", api_key=KEY, max_retries=0, **fields)


class TestOpenAIServer:
    @pytest.mark.parametrize(
        ("listed", "props", "window"),
        [
            ([{"id": "m", "max_model_len": 8192}], None, 8192),
            ([{"id": "n", "max_model_len": 1}, {"id": "m", "context_length": 131_072}], None, 131_072),
            ([{"id": "file.gguf", "meta": {"n_ctx_train": 32_768}}], None, 32_768),
            (
                [{"id": "file.gguf", "meta": {"n_ctx_train": 32_768}}],
                {"default_generation_settings": {"n_ctx": 2048}},
                2048,
            ),
            ([{"id": "n"}, {"id": "o"}], None, None),
            ([], None, None),
            (["?"], None, None),
            (None, None, None),
        ],
    )
    async def test_the_window(self, listed: Any, props: Any, window: int | None) -> None:
        async with serving(openai_server(listed, props)) as server:
            report = await aprobe_model(openai(server.url))
        assert report.card.window == window
        assert report.card.style == "prefill"
        assert report.card.usage
        assert report.card.cached is False
        assert not report.card.logprobs

    async def test_its_card_is_used_from_then_on(self) -> None:
        async with serving(openai_server([{"id": "m", "max_model_len": 8192}])) as server:
            report = await aprobe_model(openai(server.url))
            asked = len(server.requests)
            assert resolve_model(openai(server.url), "small").card == report.card
            assert len(server.requests) == asked
        assert report.stored is not None
        assert report.stored.is_file()
        assert KEY not in report.stored.read_text()
        assert resolve_model(openai("http://127.0.0.1:9"), "small").card.style == "turn"

    async def test_nothing_is_kept_where_nobody_wants_it(self) -> None:
        async with serving(openai_server([])) as server:
            assert (await aprobe_model(openai(server.url), keep=False)).stored is None
            assert read_record(openai(server.url)) is None

    async def test_a_directory_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("TRIGREASON_CARDS", str(tmp_path / "file" / "cards"))
        async with serving(openai_server([])) as server:
            report = await aprobe_model(openai(server.url))
        assert report.stored is None
        assert "could not be stored" in report.notes[0]

    async def test_a_server_that_is_down(self) -> None:
        async with serving(openai_server([])) as server:
            pass
        with pytest.raises(ModelNotReady, match="local:m cannot be reached") as caught:
            await aprobe_model(openai(server.url))
        assert KEY not in str(caught.value)


def ollama_server(
    *, capabilities: list[str] | None = None, parameters: str = "", loaded: int | None = None
) -> Callable[[Request], Answer]:
    """Ollama's API around a model that goes on with a list."""

    def answer(request: Request) -> Answer:
        entry = {"name": "m:latest", "model": "m:latest", "digest": "sha-of-m"}
        match request.path:
            case "/api/version":
                return as_json({"version": "0.12.0"})
            case "/api/tags":
                return as_json({"models": [{"name": "n", "digest": "another"}, entry]})
            case "/api/ps":
                return as_json({"models": [] if loaded is None else [{**entry, "context_length": loaded}]})
            case "/api/show":
                shown = {"parameters": parameters, "model_info": {"qwen3.context_length": 40_960}}
                return as_json(shown if capabilities is None else {**shown, "capabilities": capabilities})
        message = request.body["messages"][-1]
        text = "one, two, three" if message["role"] == "user" else "4" if message["content"].endswith("\n") else ", 5"
        head = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
        field = "thinking" if capabilities and "thinking" in capabilities and message["role"] == "user" else "content"
        rows = [{**head, "message": {"role": "assistant", "content": "", field: part}} for part in (text[:2], text[2:])]
        over = {"done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 3}
        return as_lines(*rows, {**head, "message": {"role": "assistant", "content": ""}, **over})

    return answer


class TestOllama:
    @pytest.mark.parametrize(
        ("parameters", "loaded", "window"),
        [
            ("", None, 4096),
            ("num_ctx   16384\nstop x", None, 16_384),
            ("num_ctx 99999", None, 40_960),
            ("", 8192, 8192),
        ],
    )
    async def test_the_window_is_what_the_server_gives(self, parameters: str, loaded: int | None, window: int) -> None:
        async with serving(ollama_server(parameters=parameters, loaded=loaded)) as server:
            report = await aprobe_model(ChatOllama(model="m", base_url=server.url))
        assert report.card.window == window
        assert report.card.digest == "sha-of-m"

    async def test_a_window_that_was_set_stays(self) -> None:
        async with serving(ollama_server(loaded=8192)) as server:
            report = await aprobe_model(ChatOllama(model="m", base_url=server.url, num_ctx=2048))
        assert report.card.window == 2048

    async def test_a_server_too_old_for_log_probabilities_is_used_without_them(self) -> None:
        async with serving(ollama_server(capabilities=["completion"])) as server:
            report = await aprobe_model(ChatOllama(model="m", base_url=server.url))
            assert report.card.logprobs is False
            assert report.card.style == "prefill"
            model = resolve_model(ChatOllama(model="m", base_url=server.url), "small")
            await model.aready()
        assert model.card == report.card
        assert "no log-probabilities from ollama:m" in report.degradations[0]

    async def test_thinking_that_its_name_does_not_tell(self) -> None:
        async with serving(ollama_server(capabilities=["completion", "thinking"])) as server:
            report = await aprobe_model(ChatOllama(model="m", base_url=server.url))
            thinking = [request.body["think"] for request in server.requests if request.path == "/api/chat"]
        assert {found.name: found.how for found in report.findings}["form"] == "server"
        assert report.card.form == "field"
        assert set(thinking) == {True}

    async def test_a_model_that_was_changed_since(self, caplog: pytest.LogCaptureFixture) -> None:
        digest = "sha-of-m"

        def answer(request: Request) -> Answer:
            if request.path == "/api/tags":
                return as_json({"models": [{"name": "m", "digest": digest}]})
            if request.path == "/api/version":
                return as_json({"version": "0.13.0"})
            return ollama_server()(request)

        async with serving(answer) as server:
            client = ChatOllama(model="m", base_url=server.url)
            report = await aprobe_model(client)
            digest = "another"
            model = resolve_model(client, "small")
            assert model.card == report.card
            await model.aready()
        assert model.card.digest == ""
        assert model.card.logprobs is True
        assert "ollama:m was changed since it was probed" in caplog.text
        assert "trigreason doctor --probe" in caplog.text

    async def test_a_server_that_is_down(self) -> None:
        async with serving(ollama_server()) as server:
            pass
        with pytest.raises(ModelNotReady, match="ollama serve"):
            await aprobe_model(ChatOllama(model="m", base_url=server.url))


class TestReplies:
    @pytest.mark.parametrize(
        ("text", "told"), [(", 5", True), (" 5", False), ("5, 6", False), ("1, 2", False), ("", False)]
    )
    def test_going_on(self, text: str, told: bool) -> None:
        assert goes_on(text) is told

    @pytest.mark.parametrize(("text", "told"), [("4\n5", False), ("\n4", True), ("Sure", None), ("", None)])
    def test_repeating_a_newline(self, text: str, told: bool | None) -> None:
        assert repeats_newline(text) is told

    @pytest.mark.parametrize(
        ("warm", "cool", "space"),
        [
            ({"a": -0.5, "b": -1.5, "c": -3.0}, {"a": -0.5, "b": -1.5, "c": -3.0}, "raw"),
            ({"a": -0.5, "b": -1.5, "c": -3.0}, {"a": -0.1, "b": -2.1, "c": -5.1}, "tempered"),
            ({"a": -0.5, "b": -1.5}, {"a": -0.5, "b": -1.9}, None),
            ({"a": -0.6, "b": -0.7}, {"a": -0.6, "b": -0.8}, None),
            ({"a": 0.0, "b": -9999.0}, {"a": 0.0, "b": -9999.0}, None),
            ({"a": -0.5}, {"b": -0.5}, None),
            ({}, {}, None),
        ],
    )
    def test_raw_or_tempered(self, warm: dict[str, float], cool: dict[str, float], space: str | None) -> None:
        assert logprob_space(Reply(alternatives=[warm]), Reply(alternatives=[cool])) == space

    def test_the_ways_to_continue(self) -> None:
        assert ways(replace(LOCAL, continues="prefix")) == ("prefix", "flags", "assistant")
        assert ways(replace(LOCAL, dialect="ollama")) == ("assistant",)


class TestDegradations:
    FULL = replace(LOCAL, style="prefill", logprobs=True, top_logprobs=5)

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"logprobs": False}, "no log-probabilities from fake:model: cognitive offload uses text signs only"),
            ({"logprob_space": "tempered"}, "only at the temperature they were set for"),
            ({"style": "turn"}, "fake:model cannot go on with a prefilled reply"),
            ({"streams": False}, "does not stream"),
            ({"usage": False}, "not counted by its server: they are estimated"),
            ({"window": 2048}, "a window of 2,048 tokens: long traces are compacted"),
            ({"hidden_tokens": 4096}, "up to 4,096 further tokens"),
        ],
    )
    def test_each_is_said_once(self, change: dict[str, Any], told: str) -> None:
        said = degradations(replace(self.FULL, **change), "small")
        assert len(said) == 1
        assert told in said[0]

    def test_a_large_model_is_asked_in_turns_as_a_rule(self) -> None:
        assert degradations(LOCAL, "large") == []

    def test_nothing_to_say(self) -> None:
        assert degradations(self.FULL, "small") == []


class TestCardReport:
    def test_nobody_is_asked(self) -> None:
        report = card_report(ChatOllama(model="qwen3:0.6b", base_url="http://127.0.0.1:9"))
        how = {found.name: found.how for found in report.findings}
        assert (how["style"], how["window"], how["cached"]) == ("static", "unknown", "unknown")
        assert report.calls == 0

    async def test_what_a_probe_has_kept(self) -> None:
        async with serving(openai_server([{"id": "m", "max_model_len": 8192}])) as server:
            before = card_report(openai(server.url))
            report = await aprobe_model(openai(server.url))
            after = card_report(openai(server.url))
        assert {found.name: found.how for found in before.findings}["style"] == "unknown"
        assert after.card == report.card
        assert after.findings == report.findings
        assert after.notes[0].startswith("probed on 20")

    async def test_a_kept_probe_is_not_replaced_by_less(self) -> None:
        client = ChatOpenAI(model="gpt-4o", api_key=KEY)
        assert (await aprobe_model(client)).stored is not None  # what is known without a call, for want of more
        save_record(client, replace(card_of(client), cached=True), complete=True)
        assert (await aprobe_model(client)).stored is None
        assert resolve_model(client, "large").card.cached is True


@pytest.mark.real_model
async def test_the_embedded_models_can_do_everything(tiny_model: Path, embedded_pair: tuple[Path, Path]) -> None:
    for spec in ("embedded:tiny", "embedded:small"):
        report = await aprobe_model(spec)
        shown = values(report)
        if "streams" not in shown:  # sampled at temperature 1, one reply in a hundred is too short to tell
            report = await aprobe_model(spec)
            shown = values(report)
        assert report.calls == 4
        assert report.tokens < 400
        assert (shown["streams"], shown["usage"], shown["cached"]) == (True, True, True)
        assert (shown["style"], shown["continues"], shown["trims_newlines"]) == ("prefill", "assistant", False)
        assert (shown["top_logprobs"], shown["logprob_space"], report.card.top_logprobs) == (20, "raw", 5)
        assert report.degradations == ()
        assert resolve_model(spec, "small").card == report.card
