"""ChatTrigReason as any other chat model: messages, streams, usage, traces, errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from tests.graphs import STEPS, Marker, large, policy, small
from trigreason_graph import Budget, ChatTrigReason, InputError, Settings
from trigreason_graph.models.wrapper import ModelFailed
from trigreason_graph.testing import Scripted, ScriptedModel

QUESTION = "What is 3 + 4?"
REASONING = "One thing is 3.\n\nAnother thing is 4.\n\nSo the result is \\boxed{7}."
PLAN = "Goal: the sum\nKey steps: 1. add"


def chat(
    small_model: ScriptedModel | None = None, large_model: ScriptedModel | None = None, **fields: Any
) -> ChatTrigReason:
    return ChatTrigReason(
        small=small_model or small(STEPS, loop=True), large=large_model or large(PLAN, loop=True), **fields
    )


def whole(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    first, *rest = chunks
    return sum(rest, first)


async def by_invoke(model: ChatTrigReason, given: Any, config: Any) -> AIMessage:
    return model.invoke(given, config)


async def by_ainvoke(model: ChatTrigReason, given: Any, config: Any) -> AIMessage:
    return await model.ainvoke(given, config)


async def by_stream(model: ChatTrigReason, given: Any, config: Any) -> AIMessage:
    return whole(list(model.stream(given, config)))


async def by_astream(model: ChatTrigReason, given: Any, config: Any) -> AIMessage:
    return whole([chunk async for chunk in model.astream(given, config)])


async def by_batch(model: ChatTrigReason, given: Any, config: Any) -> AIMessage:
    return model.batch([given], config)[0]


async def by_generate(model: ChatTrigReason, given: Any, config: Any) -> AIMessage:
    result = model.generate([[HumanMessage(given)]], callbacks=(config or {}).get("callbacks"))
    message: AIMessage = result.generations[0][0].message  # type: ignore[union-attr, assignment]
    return message


Ask = Callable[[ChatTrigReason, Any, Any], Any]
WAYS = pytest.mark.parametrize("ask", [by_invoke, by_ainvoke, by_stream, by_astream, by_batch, by_generate])


@WAYS
class TestEveryWay:
    async def test_the_reasoning_comes_first_and_then_the_answer(self, ask: Ask) -> None:
        message = await ask(chat(), QUESTION, None)
        assert [block["type"] for block in message.content_blocks] == ["reasoning", "text"]
        assert message.content_blocks[0]["reasoning"] == REASONING
        assert message.text == "7"

    async def test_the_metadata_are_json_and_say_who_wrote_what(self, ask: Ask) -> None:
        metadata = (await ask(chat(), QUESTION, None)).response_metadata
        assert json.loads(json.dumps(metadata)) == metadata
        assert metadata["model_name"] == "small=scripted:small,large=scripted:large"
        assert metadata["finish_reason"] == "stop"
        assert metadata["outcome"] == {"kind": "answered", "detail": ""}
        assert metadata["report"]["steps"] == {"small": 3, "large": 0}

    async def test_each_token_is_counted_once(self, ask: Ask) -> None:
        with get_usage_metadata_callback() as counter:
            message = await ask(chat(), QUESTION, None)
        totals = message.response_metadata["report"]["totals"]
        assert message.usage_metadata["input_tokens"] == sum(each["tokens_in"] for each in totals.values()) > 0
        assert message.usage_metadata["output_tokens"] == sum(each["tokens_out"] for each in totals.values()) > 0
        assert set(counter.usage_metadata) == {"small", "large"}
        for name in ("input_tokens", "output_tokens", "total_tokens"):
            assert sum(usage[name] for usage in counter.usage_metadata.values()) == message.usage_metadata[name]

    async def test_the_calls_nest_in_traces(self, ask: Ask) -> None:
        collector = RunCollectorCallbackHandler()
        await ask(chat(), QUESTION, {"callbacks": [collector], "tags": ["mine"], "metadata": {"who": "me"}})
        (root,) = collector.traced_runs
        assert (root.name, root.run_type, root.error) == ("ChatTrigReason", "llm", None)
        (graph,) = root.child_runs
        assert graph.name == "trigreason"
        calls = list(_calls(graph))
        assert [run.name for run in calls] == ["large:strategist", "small:step_generator"]
        for run in calls:
            assert run.error is None
            assert run.trace_id == root.id
            assert _usage(run)["output_tokens"] > 0
        assert not _usage(root)


def _calls(run: Any) -> Any:
    for child in run.child_runs:
        if child.run_type == "llm":
            yield child
        yield from _calls(child)


def _usage(run: Any) -> Any:
    return run.outputs["generations"][0][0]["message"]["kwargs"].get("usage_metadata") or {}


class TestStreaming:
    async def test_it_comes_while_the_model_still_writes(self) -> None:
        writer = small(STEPS)
        stream = chat(writer, policy="small_only").astream(QUESTION)
        first = await anext(stream)
        assert first.content_blocks[0]["reasoning"] == "One thing is 3."
        assert not writer.served or writer.calls == 1
        rest = [chunk async for chunk in stream]
        assert rest[-1].chunk_position == "last"
        assert [bool(chunk.usage_metadata) for chunk in rest] == [False] * (len(rest) - 1) + [True]

    async def test_a_step_that_is_taken_back_is_said_to_be(self) -> None:
        writer = small("Three is 3.\n\nWRONG turn.\n\nMore.", "So it is \\boxed{7}.")
        trigger = Marker("More", route="rollback", wrong=2)
        model = chat(writer, policy=policy(trigger))
        chunks = [chunk async for chunk in model.astream(QUESTION)]
        reasoning = whole(chunks).content_blocks[0]["reasoning"]
        assert "taken back" in reasoning
        assert "taken back" not in chunks[-1].text

    async def test_a_whole_message_holds_the_final_trace_alone(self) -> None:
        writer = small("Three is 3.\n\nWRONG turn.\n\nMore.", "So it is \\boxed{7}.")
        model = chat(writer, policy=policy(Marker("More", route="rollback", wrong=2)))
        message = await model.ainvoke(QUESTION)
        assert message.content_blocks[0]["reasoning"] == "Three is 3.\n\nSo it is \\boxed{7}."

    @pytest.mark.parametrize("sync", [True, False])
    async def test_a_stream_left_early_closes_the_models_stream(self, sync: bool) -> None:
        writer = small("\n\n".join(f"Thing {n} is {n}." for n in range(400)), loop=True)
        model = chat(writer, policy="small_only")
        if sync:
            stream = model.stream(QUESTION)
            next(stream)
            stream.close()  # type: ignore[attr-defined]
        else:
            astream = model.astream(QUESTION)
            await anext(astream)
            await astream.aclose()  # type: ignore[attr-defined]
        before = writer.calls
        await asyncio.sleep(0.05)
        assert writer.calls == before
        assert len(writer.served) + writer.closed == writer.calls

    async def test_events_of_version_2_and_3(self) -> None:
        events = [event async for event in chat().astream_events(QUESTION, version="v2")]
        names = [event["name"] for event in events if event["event"] == "on_chat_model_end"]
        assert names == ["large:strategist", "small:step_generator", "ChatTrigReason"]


class TestConversation:
    def test_all_of_it_reaches_both_models(self) -> None:
        writer, expert = small(STEPS), large(PLAN)
        chat(writer, expert).invoke(
            [
                SystemMessage("Be brief."),
                HumanMessage("Hello, I am Ann."),
                AIMessage([{"type": "reasoning", "reasoning": "PRIVATE"}, {"type": "text", "text": "Hello Ann."}]),
                HumanMessage("What is in the file?"),
                AIMessage("", tool_calls=[{"name": "read", "args": {"path": "a"}, "id": "1"}]),
                ToolMessage("3 and 4", name="read", tool_call_id="1"),
            ]
        )
        for prompt in (writer.prompts[0], expert.prompts[0]):
            text = "\n".join(str(message.text) for message in prompt)
            for part in (
                "Be brief.",
                "I am Ann.",
                "Hello Ann.",
                "What is in the file?",
                '[called read({"path": "a"})]',
            ):
                assert part in text
            assert "[read: 3 and 4]" in text
            assert "PRIVATE" not in text

    def test_images_stay_with_the_question(self) -> None:
        writer = small(STEPS)
        picture = {"type": "image", "url": "https://example.org/a.png"}
        chat(writer, policy="small_only").invoke([HumanMessage([{"type": "text", "text": QUESTION}, picture])])
        assert any(block["type"] == "image" for block in writer.prompts[0][0].content)

    def test_without_a_question(self) -> None:
        with pytest.raises(InputError, match="no human message"):
            chat().invoke([SystemMessage("Be brief.")])

    def test_equal_message_ids_lose_nothing(self) -> None:
        writer = small(STEPS)
        chat(writer, policy="small_only").invoke([HumanMessage("I am Ann.", id="1"), HumanMessage(QUESTION, id="1")])
        assert "I am Ann." in str(writer.prompts[0][0].text)


class TestOptions:
    def test_temperature_of_the_model_of_the_call_and_none(self) -> None:
        writer = small(STEPS, loop=True)
        model = chat(writer, policy="small_only", temperature=0.5)
        model.invoke(QUESTION)
        model.invoke(QUESTION, temperature=0.0)
        model.bind(temperature=1.0).invoke(QUESTION)
        assert [asked["temperature"] for asked in writer.asked] == [0.5, 0.0, 1.0]

    def test_stop_ends_the_reply_and_not_the_reasoning(self) -> None:
        writer = small("So it is done.\n\nAnswer: seven apples", loop=True)
        model = chat(writer, policy="small_only", stop=["apples"])
        assert model.invoke(QUESTION).text == "seven"
        assert model.invoke(QUESTION, stop=["ven"]).text == "se"

    def test_max_retries(self) -> None:
        writer = small(*[Scripted(None, error=ConnectionError("down"))] * 9)
        with pytest.raises(ModelFailed):
            chat(writer, large(Scripted(None, error=ConnectionError("down")), loop=True), max_retries=0).invoke(
                QUESTION
            )
        assert writer.calls == 1

    def test_timeout_is_a_limit_of_the_reply(self) -> None:
        model = chat(timeout=5, budget=Budget(seconds=60, usd=None))
        assert model._kit.budget.seconds == 5
        assert chat(timeout=5)._kit.budget.usd is None  # as without: nobody knows the price of a scripted model

    def test_what_no_call_takes_is_refused(self) -> None:
        with pytest.raises(TypeError, match="takes no reasoning_effort with a call"):
            chat().invoke(QUESTION, reasoning_effort="low")

    def test_settings_and_budget(self) -> None:
        expert = large(PLAN)
        report = chat(None, expert, settings=Settings(large="never")).invoke(QUESTION).response_metadata["report"]
        assert expert.calls == 0
        assert report["unserved"] == {"strategic_initiation": 1}

    def test_a_key_is_not_shown(self) -> None:
        model = ChatTrigReason(small="embedded:small", large="openai:gpt-4.1", api_key="sk-planted0123456789abcdef")
        assert model._kit.large.inner.openai_api_key.get_secret_value().startswith("sk-planted")  # type: ignore[attr-defined]
        shown = f"{model!r} {model.asdict()} {model._get_ls_params()}"
        assert "planted" not in shown

    def test_the_profile_says_what_it_can(self) -> None:
        assert chat().profile == {"tool_calling": True, "reasoning_output": True}
        model = ChatTrigReason(small="embedded:small", large="embedded:large")
        assert model.profile is not None
        assert model.profile["max_input_tokens"] == model._kit.small.card.window


class TestEndings:
    def test_no_model_answers(self) -> None:
        down = Scripted(None, error=ValueError("down"))
        model = chat(small(down, loop=True), large(down, loop=True))
        with pytest.raises(ModelFailed):
            model.invoke(QUESTION)
        spare = model.with_fallbacks([chat()])
        assert spare.invoke(QUESTION).text == "7"

    @pytest.mark.parametrize(
        ("things", "kind", "finish"),
        [(90, "budget", "length"), (1, "unfinished", "stop")],
    )
    def test_a_limit_that_leaves_no_answer(self, things: int, kind: str, finish: str) -> None:
        text = "\n\n".join(f"Thing {n} is {n}." for n in range(things))
        writer = small(text, Scripted("nothing"), loop=True)
        message = chat(writer, policy="small_only", budget=Budget(total_tokens=320, usd=None)).invoke(QUESTION)
        assert message.text == ""
        assert message.response_metadata["outcome"]["kind"] == kind
        assert message.response_metadata["finish_reason"] == finish

    def test_a_conclusion_that_nobody_can_approve_is_not_asked_for(self) -> None:
        expert = large()
        model = chat(small("Hm."), expert, policy=policy(answer_by="large"), settings=Settings(large="ask"))
        outcome = model.invoke(QUESTION).response_metadata["outcome"]
        assert "needs a checkpointer" in outcome["detail"]
        assert expert.calls == 0

    def test_a_cached_reply_is_not_that_of_another_pair_of_limits(self) -> None:
        cache, made = InMemoryCache(), []
        for fields in ({}, {"settings": Settings(large="never")}, {"budget": Budget(large_calls=0, usd=None)}):
            writer, expert = small("BAD.\n\nx", STEPS), large("Good.")
            chat(writer, expert, policy=[Marker("BAD")], cache=cache, **fields).invoke(QUESTION)
            made.append((writer.calls, expert.calls))
        assert made == [(2, 1), (2, 0), (2, 0)]

    @pytest.mark.parametrize("field", ["buget", "usd", "max_token"])
    def test_a_field_that_there_is_not_is_refused(self, field: str) -> None:
        with pytest.raises(ValueError, match=field):
            chat(small(STEPS), large(), **{field: 0})

    def test_a_cached_reply_costs_no_call(self) -> None:
        writer = small(STEPS)
        model = chat(writer, policy="small_only", cache=InMemoryCache())
        first, second = model.invoke(QUESTION), model.invoke(QUESTION)
        assert first.content == second.content
        assert writer.calls == 1
