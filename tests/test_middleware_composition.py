"""TrigReasonMiddleware beside LangChain's own middleware, over checkpoints, and in deepagents."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    ModelCallLimitMiddleware,
    ModelFallbackMiddleware,
    ModelRetryMiddleware,
    SummarizationMiddleware,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command, interrupt

from tests.agents import ASKED, SURE, UNSURE, Shelf, agent, authors, call, last_reply, report, routed, run
from tests.graphs import LOCAL_SMALL, PAID_LARGE, STEPS, large, small
from trigreason_graph import ChatTrigReason, Settings
from trigreason_graph.integrations import RepeatedCall
from trigreason_graph.integrations.middleware.state import KEPT
from trigreason_graph.testing import Scripted, ScriptedModel

BOTH = pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
SYNC = pytest.mark.parametrize("sync", [True], ids=["sync"])
ASYNC = pytest.mark.parametrize("sync", [False], ids=["async"])
ORDERS = pytest.mark.parametrize("first", [True, False], ids=["outside", "inside"])
DOWN = Scripted(None, error=ValueError("down"))
BETTER = Scripted("There are 19.")
CONFIG: Any = {"configurable": {"thread_id": "1"}}


@BOTH
@ORDERS
class TestModelFallback:
    async def test_nothing_fails(self, sync: bool, first: bool) -> None:
        spare = ScriptedModel(script=[])
        made = agent(routed(small(UNSURE), large(BETTER)), None, ModelFallbackMiddleware(spare), first=first)
        _, state = await run(made, sync)
        assert (authors(state), spare.prompts) == (["large"], [])

    async def test_both_models_fail(self, sync: bool, first: bool) -> None:
        """Its own model is not overridden: that would call the large one again, and lose the fallback."""
        expert, spare = large(DOWN), ScriptedModel(script=[SURE])
        made = agent(routed(small(DOWN), expert), None, ModelFallbackMiddleware(spare), first=first)
        _, state = await run(made, sync)
        assert last_reply(state).text == SURE.text
        assert len(expert.prompts) == (0 if first else 1)
        assert len(spare.prompts) == 1

    async def test_the_large_model_fails(self, sync: bool, first: bool) -> None:
        spare = ScriptedModel(script=[BETTER])
        made = agent(routed(small(UNSURE), large(DOWN)), None, ModelFallbackMiddleware(spare), first=first)
        _, state = await run(made, sync)
        # Inside of it the fallback stands in for the large model; outside the small model's reply is no failure.
        assert last_reply(state).text == (BETTER.text if first else UNSURE.text)


@SYNC
@ORDERS
class TestModelRetry:
    retry = ModelRetryMiddleware(max_retries=1, initial_delay=0.0, jitter=False)

    async def test_a_model_that_comes_back(self, sync: bool, first: bool) -> None:
        made = agent(routed(small(UNSURE, UNSURE), large(DOWN, BETTER)), None, self.retry, first=first)
        _, state = await run(made, sync)
        assert authors(state) == (["large"] if first else ["small"])

    async def test_the_small_model_is_down(self, sync: bool, first: bool) -> None:
        """What the retry puts in place of a reply is no reply."""
        writer = small(DOWN, loop=True)
        _, state = await run(agent(routed(writer, large(BETTER)), None, self.retry, first=first), sync)
        assert (authors(state), len(writer.prompts)) == (["large"], 2 if first else 1)

    async def test_the_large_model_is_down(self, sync: bool, first: bool) -> None:
        made = agent(routed(small(UNSURE), large(DOWN, loop=True)), None, self.retry, first=first)
        _, state = await run(made, sync)
        assert (authors(state), last_reply(state).text) == (["small"], UNSURE.text)

    async def test_both_are_down(self, sync: bool, first: bool) -> None:
        made = agent(routed(small(DOWN, loop=True), large(DOWN, loop=True)), None, self.retry, first=first)
        _, state = await run(made, sync)
        assert last_reply(state).text.startswith("Model call failed after 2 attempts")


@ASYNC
@ORDERS
class TestModelCallLimit:
    async def test_a_turn_is_one_call_however_many_models_it_took(self, sync: bool, first: bool) -> None:
        unsure = [Scripted(UNSURE.text, 0.2, tool_calls=[{"name": "look", "args": {"at": at}}]) for at in "abc"]
        expert = large(*[call("look", at=at) for at in "def"])
        limit = ModelCallLimitMiddleware(run_limit=2)
        events, state = await run(agent(routed(small(*unsure), expert), None, limit, first=first), sync)
        assert authors(state) == ["large", "large", "?"]
        assert report(events)["steps"] == {"small": 0, "large": 2}
        assert report(events)["outcome"]["kind"] == "unfinished"


@SYNC
@ORDERS
class TestSummarization:
    async def test_signs_are_seen_and_limits_hold_when_messages_are_gone(self, sync: bool, first: bool) -> None:
        turns = [call("look", at=str(turn)) for turn in range(6)]
        writer = small(*turns, UNSURE)
        summarise = SummarizationMiddleware(
            ScriptedModel(script=["They looked."], loop=True), trigger=("messages", 6), keep=("messages", 4)
        )
        events, state = await run(agent(routed(writer, large(BETTER)), None, summarise, first=first), sync)
        assert last_reply(state).text == "There are 19."
        assert report(events)["steps"] == {"small": 6, "large": 1}
        assert any("They looked." in str(message.text) for message in state["messages"])


@BOTH
async def test_all_four_at_once(sync: bool) -> None:
    others = (
        ModelCallLimitMiddleware(run_limit=9),
        ModelFallbackMiddleware(ScriptedModel(script=[])),
        ModelRetryMiddleware(max_retries=1, initial_delay=0.0),
        SummarizationMiddleware(ScriptedModel(script=[]), trigger=("messages", 90)),
    )
    for first in (True, False):
        writer = small(call("look"), call("look"), call("look"), SURE)
        _, state = await run(agent(routed(writer, large(call("look", at="b"))), None, *others, first=first), sync)
        assert authors(state) == ["small", "small", "large", "small"]


@BOTH
async def test_langgraphs_control_flow_passes_through(sync: bool) -> None:
    """An interrupt inside of a model's call is no failure of the model."""

    class Gate(AgentMiddleware[Any, Any, Any]):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            interrupt("may it?")
            return handler(request)

        async def awrap_model_call(self, request: Any, handler: Any) -> Any:
            interrupt("may it?")
            return await handler(request)

    expert = large()
    made = agent(routed(small(SURE), expert), None, Gate(), checkpointer=InMemorySaver())
    _, paused = await run(made, sync, config=CONFIG)
    assert paused["__interrupt__"][0].value == "may it?"
    _, state = await run(made, sync, Command(resume=True), config=CONFIG)
    assert (authors(state), expert.prompts) == (["small"], [])


@pytest.mark.parametrize("answer", ["deny", "approve"])
def test_a_person_decides_about_the_model_and_then_about_its_calls(answer: str) -> None:
    unsure = Scripted(UNSURE.text, 0.2, tool_calls=[{"name": "look", "args": {"at": "shelf"}}])
    middleware = routed(small(unsure, SURE), large(call("look", at="oven")), settings=Settings(large="ask"))
    person = HumanInTheLoopMiddleware({"look": True})
    made = agent(middleware, None, person, first=False, checkpointer=InMemorySaver())
    paused = made.invoke(ASKED, CONFIG)
    assert paused["__interrupt__"][0].value["kind"] == "large_model_call"
    paused = made.invoke(Command(resume=answer), CONFIG)
    (request,) = paused["__interrupt__"][0].value["action_requests"]
    assert request["args"] == {"at": "oven" if answer == "approve" else "shelf"}
    state = made.invoke(Command(resume={"decisions": [{"type": "approve"}]}), CONFIG)
    assert authors(state) == ["large" if answer == "approve" else "small", "small"]


def test_a_refused_call_goes_with_the_reply_that_made_it() -> None:
    unsure = Scripted(UNSURE.text, 0.2, tool_calls=[{"name": "look", "args": {"at": "shelf"}}])
    expert = large(BETTER)
    middleware = routed(small(unsure), expert, settings=Settings(large="ask"))
    made = agent(middleware, None, HumanInTheLoopMiddleware({"look": True}), checkpointer=InMemorySaver())
    made.invoke(ASKED, CONFIG)
    paused = made.invoke(Command(resume={"decisions": [{"type": "reject", "message": "no"}]}), CONFIG)
    assert paused["__interrupt__"][0].value["kind"] == "large_model_call"
    state = made.invoke(Command(resume="approve"), CONFIG)
    assert [message.type for message in state["messages"]] == ["human", "ai"], "no result without its call"
    assert [message.type for message in expert.prompts[0]] == ["human"]


class Echo(ScriptedModel):
    """Repeats the number it was asked for, surely where it is even."""

    script: Any = ("",)
    loop: bool = True

    def _take(self, messages: Any, arguments: Any) -> Scripted:
        number = int(str(messages[0].text).split("#")[1])
        said = f"The number that was asked about here is {number}."
        return Scripted(said, probability=0.9 if number % 2 == 0 else 0.2)


def test_50_threads_do_not_mix() -> None:
    made = agent(routed(Echo(trigreason_card=LOCAL_SMALL), Echo(trigreason_card=PAID_LARGE)))
    found: dict[int, tuple[Any, Any]] = {}

    def ask(number: int) -> None:
        given: Any = {"messages": [("user", f"Number #{number}")]}
        items = list(made.stream(given, stream_mode=["custom", "values"]))
        found[number] = ([data for mode, data in items if mode == "custom"], items[-1][1])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({events[0]["run_id"] for events, _ in found.values()}) == 50
    for number, (events, state) in found.items():
        assert last_reply(state).text.endswith(f" {number}.")
        assert authors(state) == ["small" if number % 2 == 0 else "large"]
        assert {event["run_id"] for event in events} == {events[0]["run_id"]}
        assert report(events)["totals"]["small"]["calls"] == 1


def half_way(saver: Any) -> Any:
    """An agent that has made two equal calls and waits; each time another one, with models of its own."""
    writer = small(call("look"), call("look"), loop=True)
    return agent(routed(writer, large(call("look", at="b"), BETTER)), Shelf(), checkpointer=saver)


class TestCheckpoints:
    def goes_on(self, before: Any, saver: Any) -> None:
        before.invoke(ASKED, CONFIG, interrupt_before=["tools"])
        before.invoke(None, CONFIG, interrupt_before=["tools"])
        begun = before.get_state(CONFIG).values["trigreason"]
        after = agent(routed(small(call("look"), SURE), large(call("look", at="b"))), Shelf(), checkpointer=saver)
        state = after.invoke(None, CONFIG)
        assert authors(state) == ["small", "small", "large", "small"]
        kept = after.get_state(CONFIG).values
        assert kept["trigreason"]["run_id"] == begun["run_id"]
        assert [(signal["trigger"], signal["at"], signal["served"]) for signal in kept["escalations"]] == [
            ("repeated_call", 2, True)
        ]
        told = last_reply(state).response_metadata["trigreason"]["report"]
        assert told["totals"]["small"]["calls"] == 4

    def test_another_agent_goes_on_from_memory(self) -> None:
        saver = InMemorySaver()
        self.goes_on(half_way(saver), saver)

    def test_another_agent_goes_on_from_a_database(self, tmp_path: Path) -> None:
        with SqliteSaver.from_conn_string(str(tmp_path / "threads.sqlite")) as saver:
            self.goes_on(half_way(saver), saver)

    async def test_async_and_with_a_person_in_between(self, tmp_path: Path) -> None:
        """What the first context set holds after the resume, which brings none."""
        path = str(tmp_path / "threads.sqlite")
        ask: Any = {"trigreason": {"large": "ask"}}
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            made = agent(routed(small(UNSURE), large()), checkpointer=saver, context_schema=dict)
            paused = await made.ainvoke(ASKED, CONFIG, context=ask)
            assert paused["__interrupt__"][0].value["trigger"] == "cognitive_offload"
        expert = large(BETTER)
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            made = agent(routed(small(), expert), checkpointer=saver, context_schema=dict)
            state = await made.ainvoke(Command(resume="approve"), CONFIG)
        assert (authors(state), len(expert.prompts)) == (["large"], 1)

    def test_the_state_is_bounded(self) -> None:
        unsure = Scripted(UNSURE.text, 0.2, tool_calls=[{"name": "look", "args": {}}])
        writer = small(*[unsure] * (KEPT + 10), SURE)
        made = agent(routed(writer, settings=Settings(large="never")), checkpointer=InMemorySaver())
        state = made.invoke(ASKED, {**CONFIG, "recursion_limit": 1_000})
        kept = made.get_state(CONFIG).values
        assert len(kept["escalations"]) == KEPT
        told = last_reply(state).response_metadata["trigreason"]["report"]
        assert sum(told["unserved"].values()) > KEPT
        assert len(str(kept["trigreason"])) < 3_000


async def test_our_chat_model_as_the_small_model() -> None:
    """It hands over in the middle of a reply; the middleware, between replies, to a model of its own."""
    pair = ChatTrigReason(
        small=small(STEPS, loop=True), large=large(*[call("look")] * 3, "It is 7."), policy="small_only"
    )
    middleware = routed(pair, large(call("look", at="b")), policy=[RepeatedCall()])
    events, state = await run(agent(middleware), sync=False)
    assert authors(state) == ["small", "small", "large", "small"]
    ours = [event for event in events if event["type"] == "outcome" and event["run_id"] == events[0]["run_id"]]
    assert ours[0]["report"]["totals"]["small"]["calls"] == 4


class TestDeepAgents:
    @BOTH
    async def test_as_a_middleware(self, sync: bool) -> None:
        deepagents = pytest.importorskip("deepagents")
        listed = Scripted(tool_calls=[{"name": "ls", "args": {"path": "/"}}], probability=0.9)
        middleware = routed(small(listed, listed, listed, SURE), large(call("write_file", file_path="/a", content="b")))
        made = deepagents.create_deep_agent(model=middleware.small, middleware=[middleware])
        events, state = await run(made, sync)
        assert authors(state) == ["small", "small", "large", "small"]
        assert report(events)["interventions"] == {"repeated_call": 1}

    async def test_a_subagent_runs_beside_it(self) -> None:
        deepagents = pytest.importorskip("deepagents")
        task = {"description": "How many rolls?", "subagent_type": "general-purpose"}
        middleware = routed(small(call("task", **task), SURE, SURE), large())
        made = deepagents.create_deep_agent(model=middleware.small, middleware=[middleware])
        events, state = await run(made, sync=False)
        assert last_reply(state).text == SURE.text
        assert report(events)["steps"]["large"] == 0
