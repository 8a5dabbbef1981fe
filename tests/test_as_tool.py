"""The graph as a tool: of create_agent, of deepagents, and by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.agents import run
from tests.graphs import LOCAL_SMALL, STEPS, large, small
from trigreason_graph import ModelCard, ModelNotReady, Settings, as_tool, create_trigreason_graph
from trigreason_graph.errors import InputError
from trigreason_graph.models.wrapper import ModelFailed
from trigreason_graph.testing import Scripted, ScriptedModel

QUESTION = "What is 3 + 4?"
PLAN = "Goal: the sum\nKey steps: 1. add"
ASKED: Any = {"messages": [HumanMessage("Please solve it.")]}

BOTH = pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])


def builder(writer: ScriptedModel | None = None, expert: ScriptedModel | None = None, **fields: Any) -> Any:
    return create_trigreason_graph(small=writer or small(STEPS, loop=True), large=expert or large(PLAN), **fields)


def caller(*questions: str, last: str = "Done.") -> ScriptedModel:
    """An agent's model that asks `questions`, all in one turn."""
    calls = [{"name": "reason", "args": {"question": question}} for question in questions]
    return ScriptedModel(script=[Scripted(tool_calls=calls), Scripted(last)])


def tool_message(state: Any) -> ToolMessage:
    (message,) = (message for message in state["messages"] if isinstance(message, ToolMessage))
    return message


class TestByItself:
    def test_the_model_sees_one_argument(self) -> None:
        tool = as_tool(builder(), name="solve", description="Solves sums.")
        assert (tool.name, tool.description) == ("solve", "Solves sums.")
        assert list(tool.args) == ["question"]

    @BOTH
    async def test_content_and_artifact(self, sync: bool) -> None:
        call: Any = {"name": "reason", "args": {"question": QUESTION}, "id": "1", "type": "tool_call"}
        tool = as_tool(builder().compile())
        message = tool.invoke(call) if sync else await tool.ainvoke(call)
        assert (message.content, message.status) == ("7", "success")
        assert message.artifact["outcome"]["kind"] == "answered"
        assert json.loads(json.dumps(message.artifact)) == message.artifact

    @BOTH
    async def test_a_question_that_cannot_be_used_is_told_to_the_model(self, sync: bool) -> None:
        call: Any = {"name": "reason", "args": {"question": " "}, "id": "1", "type": "tool_call"}
        tool = as_tool(builder())
        message = tool.invoke(call) if sync else await tool.ainvoke(call)
        assert message.status == "error"
        assert "the question is empty" in message.content

    @BOTH
    async def test_models_that_do_not_answer_are_raised(self, sync: bool) -> None:
        down = Scripted(None, error=ValueError("down"))
        tool = as_tool(builder(small(down, loop=True), large(down, loop=True)))
        with pytest.raises(ModelFailed, match="down"):
            _ = tool.invoke({"question": QUESTION}) if sync else await tool.ainvoke({"question": QUESTION})

    async def test_a_model_that_is_not_ready_is_raised(self) -> None:
        tool = as_tool(create_trigreason_graph(small="ollama:none@http://127.0.0.1:9", large=large()))
        with pytest.raises(ModelNotReady):
            await tool.ainvoke({"question": QUESTION})

    def test_a_limit_that_leaves_no_answer_is_said(self) -> None:
        tool = as_tool(builder(small("Hm.", loop=True), large("Hm.", loop=True), settings=Settings(large="never")))
        answer = tool.invoke({"question": QUESTION})
        assert answer.startswith("No answer was found (unfinished): ")

    def test_a_question_too_long_for_a_window(self) -> None:
        card = ModelCard(provider="scripted", name="small", style="prefill", dialect="openai", local=True, window=300)
        tool = as_tool(builder(ScriptedModel(script=[STEPS], trigreason_card=card)))
        assert "too long" in tool.invoke({"question": "word " * 2_000})
        with pytest.raises(InputError):
            builder(ScriptedModel(script=[STEPS], trigreason_card=card)).compile().invoke({"question": "word " * 2_000})


@BOTH
class TestInAnAgent:
    async def test_progress_reaches_the_agents_stream(self, sync: bool) -> None:
        events, state = await run(create_agent(caller(QUESTION), [as_tool(builder())]), sync, ASKED)
        assert tool_message(state).content == "7"
        kinds = [event["type"] for event in events if event["type"] in ("run", "step", "outcome")]
        assert kinds == ["run", "step", "step", "step", "outcome"]
        assert state["messages"][-1].text == "Done."

    async def test_two_calls_in_one_turn(self, sync: bool) -> None:
        events, state = await run(create_agent(caller("Sum one?", "Sum two?"), [as_tool(builder())]), sync, ASKED)
        assert [message.content for message in state["messages"] if message.type == "tool"] == ["7", "7"]
        assert sorted(event["question"] for event in events if event["type"] == "run") == ["Sum one?", "Sum two?"]
        assert len({event["run_id"] for event in events}) == 2

    @pytest.mark.parametrize(("context", "calls"), [(None, 1), ({"trigreason": {"large": "never"}}, 0)])
    async def test_settings_come_from_the_agents_context(self, sync: bool, context: Any, calls: int) -> None:
        expert = large(PLAN)
        agent = create_agent(caller(QUESTION), [as_tool(builder(expert=expert))], context_schema=dict)
        await run(agent, sync, ASKED, context=context)
        assert expert.calls == calls

    async def test_nothing_internal_is_in_the_messages_stream(self, sync: bool) -> None:
        agent = create_agent(caller(QUESTION), [as_tool(builder())])
        if sync:
            items = list(agent.stream(ASKED, stream_mode="messages"))
        else:
            items = [item async for item in agent.astream(ASKED, stream_mode="messages")]
        told = {message.text for message, _ in items if isinstance(message, ToolMessage)}
        written = "".join(message.text for message, _ in items if not isinstance(message, ToolMessage))
        assert (told, written) == ({"7"}, "Done.")

    async def test_an_approval_is_asked_for_through_the_agent(self, sync: bool) -> None:
        writer, expert = small(STEPS), large(PLAN)
        tool = as_tool(builder(writer, expert), settings=Settings(large="ask"))
        agent = create_agent(caller(QUESTION), [tool], checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "1"}}
        _, paused = await run(agent, sync, ASKED, config=config)
        assert paused["__interrupt__"][0].value["kind"] == "large_model_call"
        assert (writer.calls, expert.calls) == (0, 0)
        _, state = await run(agent, sync, Command(resume="approve"), config=config)
        assert tool_message(state).content == "7"
        assert (writer.calls, expert.calls) == (1, 1)


class TestInDeepAgents:
    @BOTH
    async def test_as_a_tool(self, sync: bool) -> None:
        deepagents = pytest.importorskip("deepagents")
        agent = deepagents.create_deep_agent(model=caller(QUESTION), tools=[as_tool(builder())])
        events, state = await run(agent, sync, ASKED)
        assert tool_message(state).content == "7"
        assert [event["type"] for event in events].count("step") == 3

    @BOTH
    async def test_as_a_subagent(self, sync: bool) -> None:
        deepagents = pytest.importorskip("deepagents")
        reasoner = deepagents.CompiledSubAgent(
            name="reasoner", description="Solves problems.", runnable=builder().compile()
        )
        arguments = {"description": QUESTION, "subagent_type": "reasoner"}
        boss = ScriptedModel(
            script=[Scripted(tool_calls=[{"name": "task", "args": arguments}]), Scripted("Done.")],
            trigreason_card=LOCAL_SMALL,
        )
        agent = deepagents.create_deep_agent(model=boss, subagents=[reasoner])
        _, state = await run(agent, sync, ASKED)
        assert tool_message(state).content == "7"
