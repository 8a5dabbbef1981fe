"""Tools inside the reasoning, seen from outside: scripted models, real tools."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from typing import Annotated, Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import StructuredTool, ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.errors import ParentCommand
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, InjectedStore, ToolRuntime
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt

from tests.graphs import LOCAL_SMALL, STEPS, Marker, full_state, large, policy, small
from trigreason_graph import Budget, ModelCard, Settings, create_trigreason_graph
from trigreason_graph.state import Step
from trigreason_graph.testing import Scripted, ScriptedModel
from trigreason_graph.triggers import InterventionRequest

QUESTION = {"question": "What is 3 + 4?"}
CONFIG: Any = {"configurable": {"thread_id": "t"}}
END_STEP = "So the result is \\boxed{7}."


def call(name: str = "add", **args: Any) -> str:
    return f"<tool>{json.dumps({'name': name, 'args': args})}</tool>"


ADD = call(a=3, b=4)


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


def built(small_model: Any, *tools: Any, **fields: Any) -> Any:
    """A compiled graph with tools; `large`, `triggers`, `budget`, `checkpointer`, `store`, `settings` where given."""
    saver, store = fields.pop("checkpointer", None), fields.pop("store", None)
    builder = create_trigreason_graph(
        small=small_model,
        large=fields.pop("large", None) or large(),
        policy=policy(
            *fields.pop("triggers", ()),
            initiation=fields.pop("initiation", None),
            commit_every=fields.pop("commit_every", 10),
        ),
        budget=fields.pop("budget", Budget(usd=None)),
        tools=tools or (add,),
        **fields,
    )
    return builder.compile(checkpointer=saver, store=store)


def told(result: dict[str, Any]) -> list[str]:
    """What the tools said."""
    return [step["text"] for step in result["trace"] if step["author"] == "tool"]


def shape(trace: list[Step]) -> list[tuple[str, str]]:
    return [(step["author"], step["kind"]) for step in trace]


async def test_a_call_that_a_person_puts_behind_a_run_is_made() -> None:
    """At a fork behind a run of steps in which nothing fired."""
    saver = InMemorySaver()
    lines = [f"Thing number {number} is seen." for number in range(11)]
    await built(small("\n\n".join(lines), END_STEP), checkpointer=saver).ainvoke(QUESTION, CONFIG)
    compiled = built(small(END_STEP), checkpointer=saver)
    points = [point async for point in compiled.aget_state_history(CONFIG) if len(point.values["trace"]) == 10]
    step = points[-1].values["trace"][-1]
    asked = {**step, "text": ADD, "sep": "\n", "kind": "tool"}
    fork = await compiled.aupdate_state(points[-1].config, {"trace": {"keep": 9, "add": [asked]}})
    result = await compiled.ainvoke(None, fork)
    assert told(result) == ["> add: 7"]
    assert [step["text"] for step in result["trace"]][-1] == END_STEP


class TestACall:
    async def test_stands_between_two_steps_with_its_result(self) -> None:
        model = small(f"First I add.\n\n{ADD}\n> add: 99\n\nSo it is 99.", END_STEP)
        result = await built(model).ainvoke(QUESTION)
        assert [step["text"] for step in result["trace"]] == ["First I add.", ADD, "> add: 7", END_STEP]
        assert shape(result["trace"])[1:3] == [("small", "tool"), ("tool", "tool")]
        assert result["answer"] == "7"
        assert result["report"]["tool_calls"] == {"add": 1}
        assert result["report"]["tool_failures"] == 0
        assert result["report"]["steps"]["tool"] == 1
        assert model.closed == 1, "the stream was closed behind the call"

    async def test_is_sent_on_as_written_to_a_model_that_continues(self) -> None:
        model = small(f"First I add.\n\n{ADD}", END_STEP)
        await built(model).ainvoke(QUESTION)
        assert model.prompts[1][-1].content == f"First I add.\n\n{ADD}\n> add: 7\n\n"
        assert model.prompts[0][0].content == model.prompts[1][0].content, "the beginning stays in a server's cache"

    async def test_is_a_numbered_step_in_turns(self) -> None:
        card = ModelCard(provider="scripted", name="turns", style="turn", dialect="openai", local=True)
        model = ScriptedModel(script=[f"First I add.\n\n{ADD}", END_STEP], trigreason_card=card)
        await built(model).ainvoke(QUESTION)
        assert f"Step 2. {ADD}\n\nStep 3.\n> add: 7" in model.prompts[1][-1].content
        assert "- add(a: integer, b: integer): Adds two numbers." in model.prompts[1][0].content

    def test_works_for_sync_callers(self) -> None:
        result = built(small(ADD, END_STEP)).invoke(QUESTION)
        assert told(result) == ["> add: 7"]

    async def test_may_be_forgotten_to_be_closed(self) -> None:
        model = small(f"{ADD.removesuffix('</tool>')}\nThat is 99.", END_STEP)
        result = await built(model).ainvoke(QUESTION)
        assert [step["text"] for step in result["trace"]][:2] == [ADD, "> add: 7"]

    @pytest.mark.parametrize("close", ["", "</tool>"], ids=["forgotten", "closed"])
    async def test_is_committed_with_the_step_that_leads_into_it(self, close: str) -> None:
        """A run of steps that is full ends behind the call, not before it."""
        model = small(f"Let me compute it:\n{ADD.removesuffix('</tool>')}{close}", END_STEP)
        result = await built(model, commit_every=1).ainvoke(QUESTION)
        assert [step["text"] for step in result["trace"]][:3] == ["Let me compute it:", ADD, "> add: 7"]
        assert (result["answer"], model.calls) == ("7", 2)

    async def test_at_the_end_of_a_turn_ends_nothing(self) -> None:
        result = await built(small(f"It might be \\boxed{{9}}. {ADD}", END_STEP)).ainvoke(QUESTION)
        assert result["answer"] == "7"

    async def test_of_a_thinking_model_behind_its_thoughts(self) -> None:
        card = replace(LOCAL_SMALL, form="think_tags")
        model = ScriptedModel(
            script=[f"I add.</think>\n\n{ADD}", f"That is it.</think>{END_STEP}"], trigreason_card=card
        )
        result = await built(model).ainvoke(QUESTION)
        assert told(result) == ["> add: 7"]
        assert model.prompts[1][-1].content.startswith("<think>\nI add.")
        assert result["answer"] == "7"

    async def test_in_a_graph_without_tools_is_text(self) -> None:
        builder = create_trigreason_graph(
            small=small(f"{ADD}\n\n{END_STEP}"), large=large(), policy=policy(), budget=Budget(usd=None)
        )
        result = await builder.compile().ainvoke(QUESTION)
        assert shape(result["trace"]) == [("small", "reasoning"), ("small", "answer")]
        assert "tools" not in builder.nodes
        assert result["report"]["tool_calls"] == {}


class TestTheLargeModel:
    async def test_calls_and_goes_on(self) -> None:
        model = large(f"wrong: none\n\n{ADD}", "wrong: none\n\nThree and four are 7.")
        result = await built(small("BAD step.\n\nmore", END_STEP), large=model, triggers=[Marker("BAD")]).ainvoke(
            QUESTION
        )
        texts = [step["text"] for step in result["trace"]]
        assert texts == [ADD, "> add: 7", "Three and four are 7.", END_STEP]
        assert shape(result["trace"])[:3] == [("large", "tool"), ("tool", "tool"), ("large", "reasoning")]
        assert "> add: 7" in model.prompts[1][-1].content
        assert result["report"]["interventions"] == {"marker": 2}, "both calls were paid"

    async def test_hands_back_where_its_steps_are_written(self) -> None:
        model = large(f"wrong: none\n\nLet me add: {ADD}")
        result = await built(small("BAD step.\n\nmore", END_STEP), large=model, triggers=[Marker("BAD")]).ainvoke(
            QUESTION
        )
        assert [step["text"] for step in result["trace"]] == ["Let me add:", ADD, "> add: 7", END_STEP]
        assert model.calls == 1

    async def test_writes_to_the_end_with_tools(self) -> None:
        model = large(f"I add.\n\n{ADD}", f"wrong: none\n\n{END_STEP}")
        result = await built(small("BAD step."), large=model, triggers=[Marker("BAD", steps=None)]).ainvoke(QUESTION)
        assert [step["author"] for step in result["trace"]] == ["large", "large", "tool", "large"]
        assert result["answer"] == "7"

    async def test_corrects_a_step_and_calls(self) -> None:
        model = large(f"wrong: 1\n\n{ADD}", "wrong: none\n\nIt is 7.")
        first = small("One is off.\n\nBAD step.\n\nmore", END_STEP)
        result = await built(first, large=model, triggers=[Marker("BAD")]).ainvoke(QUESTION)
        assert [step["text"] for step in result["trace"]] == [ADD, "> add: 7", "It is 7.", END_STEP]

    async def test_that_is_not_to_be_paid_again_leaves_it_to_the_small_one(self) -> None:
        model = large(f"wrong: none\n\n{ADD}")
        graph = built(
            small("BAD step.\n\nmore", END_STEP),
            large=model,
            triggers=[Marker("BAD")],
            budget=Budget(usd=None, large_calls=1),
        )
        result = await graph.ainvoke(QUESTION)
        assert [step["text"] for step in result["trace"]] == [ADD, "> add: 7", END_STEP]


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class TestAFailure:
    """Whatever goes wrong is a result that tells the model what to do."""

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            (call("multiply", a=3), "> tool failed: there is no tool 'multiply'. There are: add. Use one of them"),
            (call(a="three", b=4), "> add failed: wrong arguments (a: Input should be a valid integer"),
            (call(a=3), "> add failed: wrong arguments (b: Field required"),
            ("<tool>add(3, 4)</tool>", "> tool failed: what stands between the tags is no JSON object"),
            ('<tool>{"name": "add", "args": {"a": 3', "> tool failed: what stands between the tags is no JSON"),
        ],
        ids=["unknown tool", "wrong type", "missing", "no JSON", "unfinished"],
    )
    async def test_of_the_model(self, written: str, said: str) -> None:
        result = await built(small(written, END_STEP)).ainvoke(QUESTION)
        assert told(result)[0].startswith(said)
        assert result["answer"] == "7"
        assert result["report"]["tool_failures"] == 1

    async def test_of_the_tool(self) -> None:
        @tool
        def fetch() -> str:
            """Fetches."""
            raise ConnectionError("no route; sent sk-abcdefghijklmnopqrstuvwxyz123456 to it\nAnswer: 9")

        result = await built(small(call("fetch"), END_STEP), fetch).ainvoke(QUESTION)
        (said,) = told(result)
        assert said.startswith("> fetch failed:\n> ConnectionError: no route; sent [key] to it\n> Answer: 9")
        assert "sk-abc" not in str(result)
        assert result["answer"] == "7"

    @pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            (asyncio.CancelledError(), "> fetch failed: CancelledError: the tool gave up its own work"),
            (Unspeakable(), "> fetch failed: Unspeakable: (its text cannot be read)"),
        ],
        ids=["a cancellation of its own", "no text"],
    )
    async def test_of_an_odd_kind(self, fault: BaseException, said: str, sync: bool) -> None:
        async def fetch() -> str:
            """Fetches."""
            raise fault

        compiled = built(small(call("fetch"), END_STEP), fetch)
        result = await asyncio.to_thread(compiled.invoke, QUESTION) if sync else await compiled.ainvoke(QUESTION)
        assert told(result) == [said]
        assert result["answer"] == "7"

    async def test_that_the_tool_handles_itself(self) -> None:
        @tool
        def fetch() -> str:
            """Fetches."""
            raise ToolException("the shop is closed")

        fetch.handle_tool_error = True
        result = await built(small(call("fetch"), END_STEP), fetch).ainvoke(QUESTION)
        assert told(result) == ["> fetch failed: the shop is closed"]

    @pytest.mark.parametrize("kind", ["async", "sync"])
    async def test_to_answer_in_time(self, kind: str) -> None:
        left = threading.Event()

        @tool
        async def slow() -> str:
            """Takes its time."""
            await asyncio.sleep(60)
            return "late"

        @tool("slow")
        def slow_sync() -> str:
            """Takes its time."""
            left.wait(20)
            return "late"

        graph = built(
            small(call("slow"), END_STEP),
            slow if kind == "async" else slow_sync,
            budget=Budget(usd=None, tool_seconds=0.05),
        )
        began = time.monotonic()
        result = await graph.ainvoke(QUESTION)
        left.set()
        assert time.monotonic() - began < 15
        assert told(result)[0].startswith("> slow failed: no result within 0.05 s.")

    async def test_of_time_in_the_tool_itself_is_the_tools(self) -> None:
        @tool
        async def slow() -> str:
            """Takes its time."""
            raise TimeoutError("the database")

        result = await built(small(call("slow"), END_STEP), slow).ainvoke(QUESTION)
        assert told(result) == ["> slow failed: TimeoutError: the database"]


class TestToolsThatHang:
    async def test_sync_ones_take_no_thread_of_the_loop(self) -> None:
        release = threading.Event()

        def hang(number: int) -> str:
            """Hangs."""
            release.wait(20)
            return "late"

        calls = [call("hang", number=number) for number in range(8)]
        budget = Budget(usd=None, tool_seconds=0.05)
        try:
            result = await built(small(*calls, END_STEP), hang, budget=budget).ainvoke(QUESTION)
            assert result["report"]["tool_failures"] == 8
            begun = time.monotonic()
            await asyncio.to_thread(lambda: None)
            assert time.monotonic() - begun < 1
            assert [thread for thread in threading.enumerate() if thread.name == "tool hang" and thread.daemon]
        finally:
            release.set()

    async def test_a_class_of_its_own_is_called_as_it_is(self) -> None:
        class Guarded(StructuredTool):
            def _run(self, *args: Any, **kwargs: Any) -> str:
                return "refused"

        guarded = Guarded.from_function(func=add, name="add", description="Adds.")
        result = await built(small(ADD, END_STEP), guarded).ainvoke(QUESTION)
        assert told(result) == ["> add: refused"]

    async def test_one_that_ends_the_process_has_failed(self) -> None:
        def leave() -> str:
            """Leaves."""
            raise SystemExit(2)

        result = await built(small(call("leave"), END_STEP), leave).ainvoke(QUESTION)
        assert told(result) == ["> leave failed: RuntimeError: SystemExit: 2"]
        assert result["answer"] == "7"

    async def test_an_async_one_that_does_not_let_itself_be_cancelled_is_left(self) -> None:
        release = asyncio.Event()

        async def stubborn() -> str:
            """Stays."""
            while not release.is_set():
                with suppress(asyncio.CancelledError):
                    await release.wait()
            return "late"

        budget = Budget(usd=None, tool_seconds=0.05)
        begun = time.monotonic()
        result = await built(small(call("stubborn"), END_STEP), stubborn, budget=budget).ainvoke(QUESTION)
        assert time.monotonic() - begun < 5
        assert told(result)[0].startswith("> stubborn failed: no result within 0.05 s")
        assert result["answer"] == "7"
        release.set()
        await asyncio.sleep(0.05)

    async def test_what_a_sync_one_is_called_in(self) -> None:
        """The context of the node: config, stream writer and the caller's variables."""
        seen: dict[str, Any] = {}
        variable: ContextVar[str] = ContextVar("variable")
        variable.set("the caller's")

        def look(config: RunnableConfig) -> str:
            """Looks."""
            daemon = threading.current_thread().daemon
            seen.update(thread=config["configurable"]["thread_id"], of=variable.get(), daemon=daemon)
            get_stream_writer()({"from": "the tool"})
            return "seen"

        compiled = built(small(call("look"), END_STEP), look, checkpointer=InMemorySaver())
        events = [event async for event in compiled.astream(QUESTION, CONFIG, stream_mode="custom")]
        assert seen == {"thread": "t", "of": "the caller's", "daemon": True}
        assert {"from": "the tool"} in events


class TestTheLimit:
    async def test_is_told_and_the_run_goes_on(self) -> None:
        model = small(call(a=1, b=1), call(a=2, b=2), call(a=3, b=3), END_STEP)
        result = await built(model, budget=Budget(usd=None, tool_calls=2)).ainvoke(QUESTION)
        assert told(result) == [
            "> add: 2",
            "> add: 4",
            "> add failed: not used: the 2 tool calls of this run are used up. Go on without tools",
        ]
        assert result["answer"] == "7"

    async def test_cannot_be_used_to_go_round_in_circles(self) -> None:
        model = small(ADD, ADD, f"{ADD}\n\n{ADD}\n\n{END_STEP}")
        result = await built(model, budget=Budget(usd=None, tool_calls=1)).ainvoke(QUESTION)
        assert len(told(result)) == 2
        assert model.calls == 3
        assert result["answer"] == "7"

    async def test_of_zero_and_none(self) -> None:
        result = await built(small(ADD, END_STEP), budget=Budget(usd=None, tool_calls=0)).ainvoke(QUESTION)
        assert "used up" in told(result)[0]
        many = [call(a=n, b=n) for n in range(12)]
        budget = Budget(usd=None, tool_calls=None)
        result = await built(small(*many, END_STEP), budget=budget).ainvoke(QUESTION, {"recursion_limit": 100})
        assert result["report"]["tool_calls"] == {"add": 12}

    async def test_can_be_set_for_one_run(self) -> None:
        context = Settings(budget=Budget(usd=None, tool_calls=0))
        result = await built(small(ADD, END_STEP)).ainvoke(QUESTION, context=context)
        assert "used up" in told(result)[0]

    async def test_of_supersteps_ends_in_an_answer(self) -> None:
        model = small(*[call(a=n, b=n) for n in range(9)], END_STEP, loop=True)
        result = await built(model).ainvoke(QUESTION, {"recursion_limit": 14})
        assert result["report"]["outcome"]["kind"] == "unfinished"


class TestTriggers:
    async def test_see_neither_call_nor_result(self) -> None:
        noisy = tool("add", description="Adds.")(lambda a, b: "BAD 3 + 4 = 8. Wait, hmm, maybe. Answer: 9")
        seen: list[str] = []

        class Watching:
            name, when = "watching", "partial"

            def check(self, view: Any) -> None:
                seen.append(view.draft["text"] if view.draft else "")

        triggers = [Marker("BAD"), Marker("<tool>", name="second"), Watching()]
        result = await built(small(f"I add.\n\n{ADD}", END_STEP), noisy, triggers=triggers).ainvoke(QUESTION)
        assert result["report"]["interventions"] == {}
        assert result["report"]["unserved"] == {}
        assert not any("<tool>" in text for text in seen)
        assert result["answer"] == "7"

    async def test_that_fire_before_a_call_come_first(self) -> None:
        model = large("wrong: none\n\nA good step.")
        result = await built(small(f"A BAD step.\n\n{ADD}", END_STEP), large=model, triggers=[Marker("BAD")]).ainvoke(
            QUESTION
        )
        assert [step["text"] for step in result["trace"]] == ["A good step.", END_STEP]

    async def test_of_hesitation_count_across_calls(self) -> None:
        waiting = InterventionRequest(k=2, min_step=0)
        model = large("wrong: none\n\nIt is 7.")
        first = small(f"Wait, maybe not.\n\n{ADD}", "Hmm, wait, perhaps.\n\nmore", END_STEP)
        result = await built(first, large=model, triggers=[waiting]).ainvoke(QUESTION)
        assert result["report"]["interventions"] == {"intervention_request": 1}


class TestRollback:
    async def test_goes_over_calls_and_does_not_run_them_again(self) -> None:
        ran: list[int] = []

        def count(n: int) -> int:
            """Counts."""
            ran.append(n)
            return n + len(ran)

        counted = call("count", n=1)
        first = small(f"I count.\n\n{counted}", "A BAD step.\n\nmore", f"I count anew.\n\n{counted}", END_STEP)
        graph = built(first, count, triggers=[Marker("BAD", "rollback", wrong=1)], checkpointer=InMemorySaver())
        result = await graph.ainvoke(QUESTION, CONFIG)
        texts = [step["text"] for step in result["trace"]]
        assert texts == ["I count anew.", counted, "> count: 2", END_STEP]
        assert ran == [1]
        state = await full_state(graph, CONFIG)
        ids = [step["id"] for step in [*state["trace"], *state["discarded"][0]["steps"]]]
        assert len(set(ids)) == len(ids)
        assert result["report"]["rollbacks"] == 1
        assert result["report"]["branches"][0]["cost"] == 0

    async def test_to_a_result_takes_its_call_along(self) -> None:
        first = small(f"I add.\n\n{ADD}", "A BAD step.\n\nmore", END_STEP)
        result = await built(first, triggers=[Marker("BAD", "rollback", wrong=3)]).ainvoke(QUESTION)
        assert [step["text"] for step in result["trace"]] == ["I add.", END_STEP]

    async def test_asks_a_failed_tool_again(self) -> None:
        ran: list[int] = []

        def flaky() -> str:
            """Fails once."""
            ran.append(1)
            if len(ran) == 1:
                raise OSError("gone")
            return "here"

        first = small(call("flaky"), "A BAD step.\n\nmore", call("flaky"), END_STEP)
        result = await built(first, flaky, triggers=[Marker("BAD", "rollback", wrong=1)]).ainvoke(QUESTION)
        assert told(result) == ["> flaky: here"]
        assert result["report"]["tool_calls"] == {"flaky": 2}


class TestInsideLangGraph:
    async def test_an_interrupt_of_a_tool_waits_and_resumes(self) -> None:
        ran: list[str] = []

        def ask(what: str) -> str:
            """Asks a person."""
            said = interrupt({"what": what})
            ran.append(said)
            return f"They said {said}."

        model = small(call("ask", what="seven?"), END_STEP)
        graph = built(model, ask, checkpointer=InMemorySaver())
        waiting = await graph.ainvoke(QUESTION, CONFIG)
        assert waiting["__interrupt__"][0].value == {"what": "seven?"}
        assert ran == []
        result = await graph.ainvoke(Command(resume="yes"), CONFIG)
        assert told(result) == ["> ask: They said yes."]
        assert model.calls == 2, "the small model was not asked again"

    def test_an_interrupt_for_sync_callers(self) -> None:
        def ask() -> str:
            """Asks a person."""
            return str(interrupt("now?"))

        graph = built(small(call("ask"), END_STEP), ask, checkpointer=InMemorySaver())
        assert graph.invoke(QUESTION, CONFIG)["__interrupt__"]
        assert told(graph.invoke(Command(resume="yes"), CONFIG)) == ["> ask: yes"]

    async def test_a_command_for_the_parent_passes(self) -> None:
        def hand_over() -> Command[Any]:
            """Hands over to a person."""
            return Command(graph=Command.PARENT, goto="person", update={"messages": [("ai", "over to you")]})

        parent = StateGraph(MessagesState)
        parent.add_node("solve", built(small(call("hand_over"), END_STEP), hand_over))
        parent.add_node("person", lambda state: {"messages": [("ai", "a person")]})
        parent.add_edge(START, "solve")
        parent.add_edge("person", END)
        result = await parent.compile().ainvoke({"messages": [("human", "3 + 4?")]})
        assert [message.content for message in result["messages"]][-2:] == ["over to you", "a person"]

    async def test_a_raised_command_passes(self) -> None:
        def hand_over() -> str:
            """Hands over."""
            raise ParentCommand(Command(graph=Command.PARENT, goto="x"))

        with pytest.raises(ParentCommand):
            await built(small(call("hand_over"), END_STEP), hand_over).ainvoke(QUESTION)

    async def test_a_command_for_our_own_graph_is_no_result(self) -> None:
        def change() -> Command[Any]:
            """Changes the state."""
            return Command(update={"answer": "9"})

        result = await built(small(call("change"), END_STEP), change).ainvoke(QUESTION)
        assert told(result)[0].startswith("> change failed:")
        assert result["answer"] == "7"

    async def test_runtime_state_store_and_writer_are_injected(self) -> None:
        @tool
        async def look(
            key: str,
            runtime: ToolRuntime,
            state: Annotated[dict[str, Any], InjectedState],
            store: Annotated[BaseStore, InjectedStore()],
        ) -> str:
            """Looks something up."""
            get_stream_writer()({"mine": key})
            runtime.stream_writer({"also": runtime.tool_call_id[-2:]})
            found = store.get(("notes",), key)
            assert found is not None
            return f"{found.value['text']}; {state['messages'][-1].text}; {len(runtime.state['trace'])}"

        store = InMemoryStore()
        store.put(("notes",), "k", {"text": "kept"})
        model = small(call("look", key="k"), END_STEP)
        graph = built(model, look, store=store)
        events: list[Any] = []
        result: dict[str, Any] = {}
        async for mode, data in graph.astream(QUESTION, stream_mode=["custom", "values"]):
            if mode == "custom":
                events.append(data)
            else:
                result = data
        assert told(result) == ["> look: kept; What is 3 + 4?; 1"]
        assert {"mine": "k"} in events
        assert {"also": "-0"} in events
        assert "look(key: string): Looks" in model.prompts[0][0].content, "what is injected is not told"

    async def test_the_state_has_the_keys_that_were_never_written(self) -> None:
        @tool
        async def look(
            problem: Annotated[str, InjectedState("problem")],
            blueprint: Annotated[Any, InjectedState("blueprint")],
            runtime: ToolRuntime,
        ) -> str:
            """Looks."""
            return f"{problem} {blueprint} {runtime.state['notes']} {'remaining' in runtime.state}"

        result = await built(small(call("look"), END_STEP), look).ainvoke(QUESTION)
        assert told(result) == ["> look: What is 3 + 4? None [] False"]

    async def test_a_store_that_is_missing_is_the_callers_error(self) -> None:
        @tool
        def look(store: Annotated[BaseStore, InjectedStore()]) -> str:
            """Looks something up."""
            return "x"

        with pytest.raises(ValueError, match="compile your graph with a store"):
            await built(small(call("look"), END_STEP), look).ainvoke(QUESTION)

    async def test_its_run_nests_in_the_trace(self) -> None:
        class Nesting(BaseCallbackHandler):
            def __init__(self) -> None:
                self.names: dict[Any, str] = {}
                self.parents: dict[str, str] = {}

            def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
                self.names[kwargs["run_id"]] = kwargs.get("name") or ""

            def on_tool_start(self, serialized: Any, text: str, **kwargs: Any) -> None:
                self.parents[serialized["name"]] = self.names[kwargs["parent_run_id"]]

        handler = Nesting()
        await built(small(ADD, END_STEP)).ainvoke(QUESTION, {"callbacks": [handler]})
        assert handler.parents == {"add": "tools"}

    async def test_a_sync_tool_does_not_hold_up_the_loop(self) -> None:
        threads: list[bool] = []

        def where() -> str:
            """Says where it runs."""
            threads.append(threading.current_thread() is threading.main_thread())
            return "here"

        await built(small(call("where"), END_STEP), where).ainvoke(QUESTION)
        assert threads == [False]

    async def test_events_tell_of_start_and_end(self) -> None:
        def fail() -> str:
            """Fails."""
            raise OSError("gone")

        graph = built(small(ADD, call("fail"), END_STEP), add, fail)
        events = [event async for event in graph.astream(QUESTION, stream_mode="custom")]
        tools = [event for event in events if event["type"] == "tool"]
        assert [(event["name"], event["status"]) for event in tools] == [
            ("add", "start"),
            ("add", "end"),
            ("fail", "start"),
            ("fail", "error"),
        ]
        assert tools[1]["text"] == "> add: 7"
        assert tools[1]["seconds"] >= 0
        assert tools[0]["call"] == tools[1]["call"] == 0
        steps = [event for event in events if event["type"] == "step"]
        assert [event["index"] for event in steps] == list(range(5))

    async def test_two_graphs_at_once_keep_their_calls_apart(self) -> None:
        graphs = [built(small(call(a=n, b=0), END_STEP)) for n in range(20)]
        results = await asyncio.gather(*(graph.ainvoke(QUESTION) for graph in graphs))
        assert [told(result) for result in results] == [[f"> add: {n}"] for n in range(20)]


async def test_the_conclusion_and_a_retry_know_the_tools_too() -> None:
    model = small(f"I add.\n\n{ADD}", "That was it.", Scripted("7}."))
    result = await built(model).ainvoke(QUESTION)
    assert result["answer"] == "7"
    assert model.prompts[-1][0].content == model.prompts[0][0].content


async def test_steps_without_a_call_are_the_same_with_tools() -> None:
    result = await built(small(STEPS)).ainvoke(QUESTION)
    assert [step["text"] for step in result["trace"]] == STEPS.split("\n\n")
    assert result["report"]["tool_calls"] == {}
