"""Bound tools and schemas: the reasoning first, then one call that gets them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_json_schema
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from tests.graphs import LOCAL_SMALL, PAID_LARGE, STEPS, large, small
from trigreason_graph import Budget, ChatTrigReason, Price, Settings
from trigreason_graph.integrations.conversation import described
from trigreason_graph.integrations.reply import Wanted
from trigreason_graph.testing import Scripted, ScriptedModel

QUESTION = "What is 3 + 4?"
CALL = Scripted(tool_calls=[{"name": "add", "args": {"a": 3, "b": 4}}])
TOOL_SMALL = replace(LOCAL_SMALL, tool_calling=True)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Sum(BaseModel):
    """The result."""

    result: int = Field(description="The sum.")


class SumDict(TypedDict):
    """The result."""

    result: Annotated[int, ..., "The sum."]


SUM = Scripted(tool_calls=[{"name": "Sum", "args": {"result": 7}}])
SUM_DICT = Scripted(tool_calls=[{"name": "SumDict", "args": {"result": 7}}])


def chat(writer: ScriptedModel, expert: ScriptedModel, **fields: Any) -> ChatTrigReason:
    return ChatTrigReason(small=writer, large=expert, **{"policy": "small_only", **fields})


def able(*script: str | Scripted) -> ScriptedModel:
    """A small model that calls tools."""
    return ScriptedModel(script=list(script), trigreason_card=TOOL_SMALL)


def test_tools_are_told_whatever_their_schema() -> None:
    schema = {
        "properties": {
            "any": True,
            "of": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "in": {"$ref": "#/$defs/C"},
        },
        "required": ["of"],
        "$defs": {"C": {"enum": ["EUR", "USD"]}},
    }
    told = described([{"type": "function", "function": {"name": "pay", "description": "Pays.", "parameters": schema}}])
    assert told.endswith('\n- pay(any?: any, of: integer | null, in?: "EUR" | "USD"): Pays.')
    assert described([{"name": "now"}]).endswith("\n- now()")


class TestWhoIsAsked:
    def test_the_large_model_where_the_small_one_is_not_known_to_call_tools(self) -> None:
        writer, expert = small(STEPS), large(CALL)
        message = chat(writer, expert).bind_tools([add]).invoke(QUESTION)
        assert message.tool_calls[0]["args"] == {"a": 3, "b": 4}
        assert (writer.calls, expert.calls) == (1, 1)
        assert [tool["function"]["name"] for tool in expert.asked[0]["tools"]] == ["add"]
        assert "tools" not in writer.asked[0]

    def test_the_small_model_where_its_card_says_so(self) -> None:
        writer, expert = able(STEPS, CALL), large()
        message = chat(writer, expert).bind_tools([add], tool_choice="any").invoke(QUESTION)
        assert message.tool_calls[0]["name"] == "add"
        assert message.response_metadata["finish_reason"] == "tool_calls"
        assert (writer.calls, expert.calls) == (2, 0)
        assert writer.asked[1]["tool_choice"] == "any"

    def test_the_reasoning_knows_of_the_tools_and_the_answer_call_of_the_reasoning(self) -> None:
        writer, expert = small(STEPS), large(CALL)
        chat(writer, expert).bind_tools([add]).invoke(QUESTION)
        assert "- add(a: integer, b: integer): Add two numbers." in str(writer.prompts[0][0].text)
        told = "\n".join(str(message.text) for message in expert.prompts[0])
        assert "Another thing is 4." in told
        assert "- add(" not in told

    def test_neither_takes_tools(self) -> None:
        model = ChatTrigReason(small="embedded:small", large="embedded:large")
        with pytest.raises(ValueError, match=r"embedded:large takes no tools: use a large model that does"):
            model.bind_tools([add])


class TestClients:
    @pytest.mark.parametrize(
        ("spec", "choice"),
        [
            ("openai:gpt-4.1", ("tool_choice", "required")),
            ("anthropic:claude-haiku-4-5", ("tool_choice", {"type": "any"})),
            ("google_genai:gemini-2.5-flash", ("tool_choice", "any")),
            ("ollama:qwen3:0.6b", ("tools", None)),
            ("deepseek:deepseek-chat", ("tool_choice", "required")),
        ],
    )
    def test_each_gets_the_tools_as_it_spells_them(self, spec: str, choice: tuple[str, Any]) -> None:
        model = ChatTrigReason(small="embedded:small", large=spec, api_key="sk-test", policy="small_only")
        bound: Any = model.bind_tools([add], tool_choice="any")
        arguments = Wanted(tuple(bound.kwargs["tools"]), bound.kwargs["tool_choice"]).for_client(model._kit.large)
        name, value = choice
        assert arguments["tools"]
        assert name in arguments
        assert value is None or arguments[name] == value

    def test_one_that_cannot_stream(self) -> None:
        class Whole(BaseChatModel):
            @property
            def _llm_type(self) -> str:
                return "whole"

            def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
                return self.bind(tools=tools)

            def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
                message = AIMessage("", tool_calls=[{"name": "add", "args": {"a": 3, "b": 4}, "id": "1"}])
                return ChatResult(generations=[ChatGeneration(message=message)])

        message = chat(small(STEPS), Whole()).bind_tools([add]).invoke(QUESTION)  # type: ignore[arg-type]
        assert message.tool_calls[0]["args"] == {"a": 3, "b": 4}


class TestOneCall:
    def test_it_stands_in_the_report_and_is_counted_once(self) -> None:
        expert = large(CALL)
        model = chat(small(STEPS), expert, prices={"scripted:large": Price(input=10, output=20)})
        with get_usage_metadata_callback() as counter:
            message = model.bind_tools([add]).invoke(QUESTION)
        totals = message.response_metadata["report"]["totals"]
        assert (totals["small"]["calls"], totals["large"]["calls"]) == (1, 1)
        assert totals["large"]["cost"] > 0
        assert message.usage_metadata is not None
        assert (
            sum(each["total_tokens"] for each in counter.usage_metadata.values())
            == (message.usage_metadata["total_tokens"])
        )

    def test_no_further_call_concludes_the_reasoning(self) -> None:
        writer, expert = small("One is 3.\n\nTwo is 4."), large(Scripted("It is seven."))
        message = chat(writer, expert).bind_tools([add]).invoke(QUESTION)
        assert message.text == "It is seven."
        assert (writer.calls, expert.calls) == (1, 1)

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            ({"settings": Settings(large="never")}, "large=never"),
            ({"settings": Settings(large="ask")}, "large=ask needs a checkpointer"),
            ({"budget": Budget(large_calls=0, usd=None)}, "budget of 0 large-model calls"),
        ],
    )
    def test_one_that_is_refused_leaves_what_the_reasoning_stated(self, fields: Any, why: str) -> None:
        expert = large()
        message = chat(small(STEPS), expert, **fields).bind_tools([add]).invoke(QUESTION)
        assert (message.text, message.tool_calls, expert.calls) == ("7", [], 0)
        assert any(why in note for note in message.response_metadata["report"]["notes"])

    def test_one_that_fails_leaves_what_the_reasoning_stated(self) -> None:
        expert = large(Scripted(None, error=ValueError("no")), loop=True)
        message = chat(small(STEPS), expert, max_retries=0).bind_tools([add]).invoke(QUESTION)
        assert message.text == "7"
        assert message.response_metadata["report"]["totals"]["large"]["calls"] == expert.calls == 1

    def test_the_fallback_makes_it_where_the_large_model_is_down(self) -> None:
        expert = large(Scripted(None, error=ValueError("no")), loop=True)
        spare = large(CALL)
        model = chat(small(STEPS), expert, fallback=spare, max_retries=0).bind_tools([add])
        message = model.invoke(QUESTION)
        assert message.tool_calls[0]["name"] == "add"
        assert (expert.calls, spare.calls) == (1, 1)
        assert any("stood in" in note for note in message.response_metadata["report"]["notes"])

    def test_max_tokens_and_stop_are_the_replys(self) -> None:
        writer, expert = small(STEPS), large(Scripted("Seven it is, END of it"))
        model = chat(writer, expert, max_tokens=50, stop=["END"]).bind_tools([add])
        assert model.invoke(QUESTION).text == "Seven it is,"
        assert expert.asked[0]["max_tokens"] == 50
        assert writer.asked[0]["max_tokens"] > 50

    async def test_its_text_streams(self) -> None:
        expert = large(Scripted("It is seven apples in all.", delay=0.001))
        chunks = [chunk async for chunk in chat(small(STEPS), expert).bind_tools([add]).astream(QUESTION)]
        texts = [chunk.text for chunk in chunks if chunk.text]
        assert len(texts) > 3
        assert "".join(texts) == "It is seven apples in all."
        kinds = [block["type"] for chunk in chunks for block in chunk.content_blocks]
        assert kinds == sorted(kinds)  # reasoning, then text

    def test_a_call_that_cannot_be_read_is_kept_as_such(self) -> None:
        class Broken(ScriptedModel):
            async def _astream(self, *args: Any, **kwargs: Any) -> Any:
                async for chunk in super()._astream(*args, **kwargs):
                    for part in getattr(chunk.message, "tool_call_chunks", ()):
                        chunk.message = AIMessageChunk("", tool_call_chunks=[{**part, "args": "not JSON"}])
                    yield chunk

        expert = Broken(script=[CALL], trigreason_card=PAID_LARGE)
        model = chat(small(STEPS, loop=True), expert).bind_tools([add])
        message = model.invoke(QUESTION)
        assert not message.tool_calls
        assert message.invalid_tool_calls[0]["args"] == "not JSON"


class Options(BaseCallbackHandler):
    """What callbacks are told of the outermost model run."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, *, options: Any = None, **kwargs: Any) -> None:
        if (kwargs.get("metadata") or {}).get("ls_provider") == "trigreason":
            self.seen.append(options)


class TestStructuredOutput:
    @pytest.mark.parametrize(
        ("schema", "reply", "expected"),
        [
            (Sum, SUM, Sum(result=7)),
            (SumDict, SUM_DICT, {"result": 7}),
            (Sum.model_json_schema(), SUM, {"result": 7}),
        ],
        ids=["pydantic", "typeddict", "json_schema"],
    )
    async def test_a_schema(self, schema: Any, reply: Scripted, expected: Any) -> None:
        model = chat(small(STEPS, loop=True), large(reply, loop=True)).with_structured_output(schema)
        options = Options()
        config: Any = {"callbacks": [options]}
        results = [
            model.invoke(QUESTION, config),
            await model.ainvoke(QUESTION, config),
            list(model.stream(QUESTION, config))[-1],
            [part async for part in model.astream(QUESTION, config)][-1],
        ]
        assert results == [expected] * 4
        assert len(options.seen) == 4
        for seen in options.seen:
            assert seen["ls_structured_output_format"]["schema"] == convert_to_json_schema(schema)

    def test_the_raw_message_has_the_reasoning(self) -> None:
        model = chat(small(STEPS), large(SUM)).with_structured_output(Sum, include_raw=True)
        result: Any = model.invoke(QUESTION)
        assert result["parsed"] == Sum(result=7)
        assert isinstance(result["raw"], AIMessage)
        assert result["raw"].content_blocks[0]["type"] == "reasoning"
