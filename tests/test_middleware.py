"""TrigReasonMiddleware in create_agent: who writes which turn, what is thrown away, counted, kept and told."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import BaseModel

from tests.agents import ASKED, SURE, UNSURE, Shelf, agent, authors, call, last_reply, report, routed, run
from tests.graphs import LOCAL_SMALL, PAID_LARGE, Marker, large, small
from trigreason_graph import Budget, Policy, Price, ReasoningModel, Settings, StrategicInitiation, TrigReasonMiddleware
from trigreason_graph.integrations import AGENT, RepeatedCall
from trigreason_graph.testing import Scripted, ScriptedModel
from trigreason_graph.triggers import CognitiveOffload, Limit, RandomChoice, StepScore

BOTH = pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
DOWN = Scripted(None, error=ValueError("down"))
BETTER = Scripted("There are 19.")
PRICES = {"scripted:large": Price(input=10, output=20)}


def signs(events: list[Any]) -> list[tuple[str, Any]]:
    """The signals and their fates."""
    return [(event["trigger"], event["served"]) for event in events if event["type"] == "signal"]


@BOTH
class TestWhoWrites:
    async def test_the_small_model_where_nothing_shows(self, sync: bool) -> None:
        writer, expert = small(call("look"), SURE), large()
        events, state = await run(agent(routed(writer, expert)), sync)
        assert (authors(state), len(writer.prompts), len(expert.prompts)) == (["small", "small"], 2, 0)
        assert [event["type"] for event in events] == [
            *("run", "call", "call", "step", "call", "call", "step", "outcome")
        ]
        assert report(events)["outcome"] == {"kind": "answered", "detail": ""}

    async def test_a_repeated_call_is_not_made_again(self, sync: bool) -> None:
        shelf = Shelf()
        writer = small(call("look"), call("look"), call("look"), SURE)
        expert = large(call("look", at="oven"))
        events, state = await run(agent(routed(writer, expert), shelf), sync)
        assert authors(state) == ["small", "small", "large", "small"]
        assert [each["args"] for message in state["messages"] for each in getattr(message, "tool_calls", [])] == [
            *({}, {}, {"at": "oven"})
        ]
        assert shelf.calls == 3
        assert signs(events) == [("repeated_call", None), ("repeated_call", True)]
        (gone,) = (event for event in events if event["type"] == "discard")
        assert (gone["at"], gone["by"], gone["step_ids"]) == (2, "repeated_call", [])
        assert report(events)["interventions"] == {"repeated_call": 1}
        assert report(events)["steps"] == {"small": 3, "large": 1}

    async def test_after_errors_the_small_model_is_not_even_asked(self, sync: bool) -> None:
        writer = small(call("look", at="a"), call("look", at="b"), SURE)
        expert = large(call("look", at="c"))
        shelf = Shelf("Error: no such shelf", "Error: no such shelf", "19 rolls")
        events, state = await run(agent(routed(writer, expert), shelf), sync)
        assert authors(state) == ["small", "small", "large", "small"]
        assert len(writer.prompts) == 3
        assert report(events)["discarded_steps"] == 0

    async def test_low_confidence(self, sync: bool) -> None:
        events, state = await run(agent(routed(small(UNSURE), large(BETTER))), sync)
        assert last_reply(state).text == "There are 19."
        assert signs(events)[-1] == ("cognitive_offload", True)
        mark = last_reply(state).response_metadata["trigreason"]
        assert (mark["author"], mark["trigger"]) == ("large", "cognitive_offload")
        assert "unsure throughout" in mark["reason"]

    async def test_hesitation(self, sync: bool) -> None:
        hesitant = Scripted("Wait, maybe it is 19.\n\nHmm, I'm not sure, perhaps it is 20.", probability=0.9)
        events, _ = await run(agent(routed(small(hesitant), large(BETTER))), sync)
        assert signs(events)[-1] == ("intervention_request", True)

    async def test_a_conclusion_repeated_over_turns(self, sync: bool) -> None:
        turns = [call("look", f"Looking at shelf {at}. So x = 19.", at=str(at)) for at in "abcd"]
        events, state = await run(agent(routed(small(*turns, SURE), large(call("look", at="e")))), sync)
        assert authors(state) == ["small", "small", "small", "large", "small"]
        (signal,) = (event for event in events if event["type"] == "signal" and event["served"])
        assert signal["evidence"]["conclusion"] == "x=19"

    @pytest.mark.parametrize(
        ("turns", "wrote"),
        [(1, ["large", "small"]), (2, ["large", "large"]), (None, ["large", "large"])],
    )
    async def test_how_long_the_large_model_stays(self, sync: bool, turns: Any, wrote: list[str]) -> None:
        writer, expert = small(UNSURE, SURE), large(call("look"), BETTER)
        events, state = await run(agent(routed(writer, expert, turns=turns)), sync)
        assert authors(state) == wrote
        purposes = [event["purpose"] for event in events if event["type"] == "call" and event["status"] == "end"]
        assert purposes == ["continue", "rewrite", "continue" if turns == 1 else "intervene"]

    async def test_how_long_it_may_think_by_purpose(self, sync: bool) -> None:
        expert = large(call("look"), BETTER)
        expert.trigreason_card = replace(expert.trigreason_card, efforts=True)
        settings = Settings(effort={"intervene": "high"})
        await run(agent(routed(small(UNSURE), expert, turns=2, settings=settings)), sync)
        assert [asked["reasoning_effort"] for asked in expert.asked] == ["low", "high"]

    async def test_a_trigger_may_say_more(self, sync: bool) -> None:
        policy = [Marker("There", steps=None)]
        _, state = await run(agent(routed(small(SURE), large(call("look"), BETTER), policy=policy)), sync)
        assert authors(state) == ["large", "large"]

    async def test_a_retry_is_free_and_the_second_sign_is_not(self, sync: bool) -> None:
        writer, expert = small("It is bad.", "It is bad."), large(BETTER)
        events, state = await run(agent(routed(writer, expert, policy=[Marker("bad", route="retry")])), sync)
        assert (len(writer.prompts), len(expert.prompts), authors(state)) == (2, 1, ["large"])
        assert report(events)["interventions"] == {"marker": 1}
        assert report(events)["discarded_steps"] == 2

    async def test_a_rollback_rewrites_the_turn(self, sync: bool) -> None:
        policy = [Marker("There", route="rollback", wrong=1)]
        _, state = await run(agent(routed(small(SURE), large(BETTER), policy=policy)), sync)
        assert authors(state) == ["large"]

    async def test_structured_output(self, sync: bool) -> None:
        class Rolls(BaseModel):
            """The result."""

            left: int

        unsure = Scripted("It may be that all in all some 20 are left.", 0.2, tool_calls=[reply_of(20)])
        events, state = await run(
            agent(routed(small(unsure), large(Scripted(tool_calls=[reply_of(19)]))), response_format=Rolls), sync
        )
        assert state["structured_response"] == Rolls(left=19)
        assert authors(state) == ["large"]
        assert report(events)["outcome"]["kind"] == "answered"

    async def test_two_questions_on_one_thread_are_two_runs(self, sync: bool) -> None:
        made = agent(routed(small(UNSURE, SURE), large(BETTER)), checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "1"}}
        first, _ = await run(made, sync, config=config)
        second, state = await run(made, sync, {"messages": [("user", "And now?")]}, config=config)
        assert authors(state) == ["large", "small"]
        assert report(second)["steps"] == {"small": 1, "large": 0}
        assert first[0]["run_id"] != second[0]["run_id"]


def reply_of(left: int) -> dict[str, Any]:
    return {"name": "Rolls", "args": {"left": left}}


@BOTH
class TestShown:
    async def streamed(self, made: Any, sync: bool) -> tuple[str, list[AIMessageChunk]]:
        if sync:
            items = list(made.stream(ASKED, stream_mode="messages"))
        else:
            items = [item async for item in made.astream(ASKED, stream_mode="messages")]
        written = [message for message, _ in items if isinstance(message, AIMessage)]
        return "".join(message.text for message in written), [m for m in written if isinstance(m, AIMessageChunk)]

    async def test_a_thrown_away_reply_is_never_shown(self, sync: bool) -> None:
        text, chunks = await self.streamed(agent(routed(small(UNSURE), large(BETTER))), sync)
        assert text == "There are 19."
        assert sync or len(chunks) > 1  # the large model's, token by token; a scripted one streams async only

    async def test_an_accepted_one_comes_whole(self, sync: bool) -> None:
        text, chunks = await self.streamed(agent(routed(small(SURE))), sync)
        assert (text, chunks) == (SURE.text, [])

    @pytest.mark.parametrize("fields", [{"discard": False}, {"settings": Settings(large="never")}])
    async def test_or_token_by_token_where_nothing_can_be_thrown_away(self, sync: bool, fields: Any) -> None:
        text, chunks = await self.streamed(agent(routed(small(SURE), **fields)), sync)
        assert text == SURE.text
        assert sync or len(chunks) > 1

    async def test_without_discarding_the_next_turn_is_the_large_models(self, sync: bool) -> None:
        unsure = Scripted(UNSURE.text, 0.2, tool_calls=[{"name": "look", "args": {}}])
        events, state = await run(agent(routed(small(unsure), large(BETTER), discard=False)), sync)
        assert authors(state) == ["small", "large"]
        assert signs(events)[-1] == ("cognitive_offload", True)
        assert not [event for event in events if event["type"] == "discard"]

    async def test_without_discarding_a_last_reply_stays(self, sync: bool) -> None:
        events, state = await run(agent(routed(small(UNSURE), discard=False)), sync)
        assert authors(state) == ["small"]
        (signal,) = (event for event in events if event["type"] == "signal")
        assert signal["unserved_reason"] == "the reply had been shown"


class Counter(BaseCallbackHandler):
    """Sums what chat models report when they have ended."""

    def __init__(self) -> None:
        self.tokens = 0

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.tokens += response.generations[0][0].message.usage_metadata["total_tokens"]


@pytest.mark.parametrize("sync", [True], ids=["sync"])
class TestLimits:
    async def test_a_budget_of_calls(self, sync: bool) -> None:
        writer = small(*[Scripted(UNSURE.text, 0.2, tool_calls=[{"name": "look", "args": {"at": at}}]) for at in "ab"])
        writer.script = [*writer.script, SURE]
        expert = large(call("look", at="c"))
        events, state = await run(agent(routed(writer, expert, budget=Budget(large_calls=1))), sync)
        assert authors(state) == ["large", "small", "small"]
        assert report(events)["unserved"] == {"cognitive_offload": 1}
        assert [event["unserved_reason"] for event in events if event["type"] == "signal"][-1] == (
            "the budget of 1 large-model calls is used up"
        )

    async def test_what_the_budget_leaves_bounds_the_reply(self, sync: bool) -> None:
        expert = large(BETTER)
        await run(agent(routed(small(UNSURE), expert, budget=Budget(large_tokens=100))), sync)
        assert expert.asked[0]["max_tokens"] == 100

    async def test_dollars(self, sync: bool) -> None:
        expert = large(BETTER)
        made = agent(routed(small(UNSURE), expert, budget=Budget(usd=0.0001), prices=PRICES))
        events, state = await run(made, sync)
        assert (authors(state), len(expert.prompts)) == (["small"], 0)
        assert "does not fit what is left of the budget" in str([event.get("unserved_reason") for event in events])

    async def test_a_trigger_of_its_own(self, sync: bool) -> None:
        policy = Policy("mine", (Marker("x"),), limits=(Limit("marker", most=1),))
        writer, expert = small(call("look", "x"), "x"), large(call("look"))
        events, state = await run(agent(routed(writer, expert, policy=policy)), sync)
        assert authors(state) == ["large", "small"]
        assert report(events)["unserved"] == {"marker": 1}

    async def test_each_token_is_counted_once(self, sync: bool) -> None:
        made = agent(routed(small(UNSURE), large(BETTER), prices=PRICES))
        counter = Counter()
        events, state = await run(made, sync, config={"callbacks": [counter]})
        totals = report(events)["totals"]
        seen = sum(total["tokens_in"] + total["tokens_out"] for total in totals.values())
        assert (totals["small"]["calls"], totals["large"]["calls"]) == (1, 1)
        assert counter.tokens == seen > 0
        usage = last_reply(state).usage_metadata
        assert usage is not None
        assert usage["total_tokens"] == totals["large"]["tokens_in"] + totals["large"]["tokens_out"]
        assert report(events)["cost"] == pytest.approx(totals["large"]["cost"])
        assert totals["large"]["cost"] > 0


@pytest.mark.parametrize("sync", [False], ids=["async"])
class TestSettings:
    @pytest.mark.parametrize(
        ("context", "wrote"),
        [
            (None, "large"),
            ({"large": "never"}, "large"),  # not ours
            ({"trigreason": {"large": "never"}}, "small"),
            ({"trigreason": Settings(large="never")}, "small"),
            ({"trigreason": {"triggers": {"cognitive_offload": {"ceiling": 3.0}}}}, "small"),
            ({"trigreason": {"policy": "small_only"}}, "small"),
            ({"trigreason": {"budget": {"large_calls": 0}}}, "small"),
        ],
    )
    async def test_nothing_of_a_foreign_context_but_our_key(self, sync: bool, context: Any, wrote: str) -> None:
        made = agent(routed(small(UNSURE), large(BETTER)), context_schema=dict)
        _, state = await run(made, sync, context=context)
        assert authors(state) == [wrote]

    async def test_a_bad_setting_is_said_before_any_call(self, sync: bool) -> None:
        writer = small(SURE)
        made = agent(routed(writer), context_schema=dict)
        with pytest.raises(ValueError, match="has no trigger 'nonsense'"):
            await run(made, sync, context={"trigreason": {"triggers": {"nonsense": {}}}})
        assert not writer.prompts

    async def test_shadow_says_what_would_have_been_paid(self, sync: bool) -> None:
        expert = large()
        made = agent(routed(small(UNSURE), expert, settings=Settings(large="shadow"), prices=PRICES))
        events, state = await run(made, sync)
        assert (authors(state), len(expert.prompts)) == (["small"], 0)
        assert report(events)["unserved"] == {"cognitive_offload": 1}
        shadow = report(events)["shadow"]
        assert (shadow["calls"], shadow["max_tokens"]) == (1, 4_096)
        assert shadow["max_cost"] > 0
        assert [(call["at"], call["trigger"]) for call in shadow["where"]] == [(0, "cognitive_offload")]

    async def test_the_temperature_of_both(self, sync: bool) -> None:
        writer, expert = small(UNSURE), large(BETTER)
        await run(agent(routed(writer, expert, settings=Settings(temperature=0.5))), sync)
        assert (writer.asked[0]["temperature"], expert.asked[0]["temperature"]) == (0.5, 0.5)


@BOTH
class TestAsking:
    config: ClassVar[Any] = {"configurable": {"thread_id": "1"}}

    async def paused(self, made: Any, sync: bool) -> Any:
        _, state = await run(made, sync, config=self.config)
        (interrupt,) = state["__interrupt__"]
        return interrupt.value

    def asking(self, writer: Any, expert: Any, *others: Any, **fields: Any) -> Any:
        middleware = routed(writer, expert, settings=Settings(large="ask"), prices=PRICES, **fields)
        return agent(middleware, None, *others, checkpointer=InMemorySaver())

    async def test_approved_no_call_is_made_twice(self, sync: bool) -> None:
        writer, expert = small(UNSURE), large(BETTER)
        made = self.asking(writer, expert)
        asked = await self.paused(made, sync)
        assert (asked["kind"], asked["model"], asked["trigger"]) == (
            *("large_model_call", "scripted:large", "cognitive_offload"),
        )
        assert asked["max_tokens"] == 4_096
        assert asked["max_cost_usd"] > 0
        assert (len(writer.prompts), len(expert.prompts)) == (1, 0)
        events, state = await run(made, sync, Command(resume="approve"), config=self.config)
        assert [message.text for message in state["messages"]] == ["How many rolls are left?", "There are 19."]
        assert (len(writer.prompts), len(expert.prompts)) == (1, 1)
        assert report(events)["steps"] == {"small": 0, "large": 1}
        assert report(events)["discarded_steps"] == 1

    async def test_a_person_may_tell_the_large_model_something(self, sync: bool) -> None:
        expert = large(BETTER)
        made = self.asking(small(UNSURE), expert)
        await self.paused(made, sync)
        edit = {"decision": "edit", "instruction": "Count the trays."}
        events, state = await run(made, sync, Command(resume=edit), config=self.config)
        assert authors(state) == ["large"]
        assert str(expert.prompts[0][0].text).endswith("Count the trays.")
        (given,) = report(events)["instructions"]
        assert (given["call"], given["purpose"], given["instruction"]) == (1, "rewrite", "Count the trays.")

    async def test_and_when_it_plans(self, sync: bool) -> None:
        expert = large("Goal: count\nKey steps: 1. trays\nPitfalls: none", BETTER)
        made = self.asking(small(SURE), expert, policy=[StrategicInitiation(), CognitiveOffload(ceiling=1.0)])
        await self.paused(made, sync)
        edit = {"decision": "edit", "instruction": "Count the trays."}
        events, _ = await run(made, sync, Command(resume=edit), config=self.config)
        (given,) = report(events)["instructions"]
        assert (given["call"], given["purpose"], given["instruction"]) == (0, "initiate", "Count the trays.")

    async def test_denied_the_reply_stands(self, sync: bool) -> None:
        writer, expert = small(UNSURE), large(BETTER)
        made = self.asking(writer, expert)
        await self.paused(made, sync)
        events, state = await run(made, sync, Command(resume="deny"), config=self.config)
        assert (authors(state), len(writer.prompts), len(expert.prompts)) == (["small"], 1, 0)
        assert report(events)["unserved"] == {"cognitive_offload": 1}
        assert report(events)["steps"] == {"small": 1, "large": 0}

    async def test_approved_but_the_large_model_fails(self, sync: bool) -> None:
        made = self.asking(small(UNSURE), large(DOWN))
        await self.paused(made, sync)
        events, state = await run(made, sync, Command(resume="approve"), config=self.config)
        assert [message.text for message in state["messages"]][1:] == [UNSURE.text]
        assert report(events)["steps"] == {"small": 1, "large": 0}
        assert "down" in str(report(events)["notes"])

    async def test_a_call_that_waits_is_not_made_until_then(self, sync: bool) -> None:
        shelf_call = Scripted(UNSURE.text, 0.2, tool_calls=[{"name": "look", "args": {}}])
        writer, expert = small(shelf_call, SURE), large(call("look", at="oven"))
        made = self.asking(writer, expert)
        await self.paused(made, sync)
        _, state = await run(made, sync, Command(resume="approve"), config=self.config)
        assert authors(state) == ["large", "small"]
        assert [message.type for message in state["messages"]] == ["human", "ai", "tool", "ai"]

    async def test_at_the_beginning_of_a_turn(self, sync: bool) -> None:
        writer, expert = small(call("look", at="a"), call("look", at="b"), SURE), large(BETTER)
        middleware = routed(writer, expert, settings=Settings(large="ask"))
        made = agent(middleware, Shelf("Error: no"), checkpointer=InMemorySaver())
        assert (await self.paused(made, sync))["trigger"] == "repeated_error"
        _, state = await run(made, sync, Command(resume="approve"), config=self.config)
        assert authors(state) == ["small", "small", "large"]
        assert len(writer.prompts) == 2

    async def test_without_a_checkpointer_it_means_no(self, sync: bool) -> None:
        expert = large()
        events, state = await run(agent(routed(small(UNSURE), expert, settings=Settings(large="ask"))), sync)
        assert (authors(state), len(expert.prompts)) == (["small"], 0)
        assert "needs a checkpointer" in str(report(events)["notes"])


@BOTH
class TestWhenAModelFails:
    async def test_the_large_one_the_small_reply_stands(self, sync: bool) -> None:
        expert = large(DOWN)
        unsure = Scripted(UNSURE.text, 0.2, tool_calls=[{"name": "look", "args": {}}])
        events, state = await run(agent(routed(small(unsure, UNSURE), expert)), sync)
        assert authors(state) == ["small", "small"]
        assert len(expert.prompts) == 1  # not tried again in this run
        assert report(events)["unserved"] == {"cognitive_offload": 2}
        assert any("scripted:large failed (ValueError): down" in note for note in report(events)["notes"])

    async def test_the_large_one_at_the_beginning_of_a_turn(self, sync: bool) -> None:
        writer = small(call("look", at="a"), call("look", at="b"), SURE)
        _, state = await run(agent(routed(writer, large(DOWN)), Shelf("Error: no")), sync)
        assert authors(state) == ["small"] * 3

    async def test_the_small_one_the_large_one_writes(self, sync: bool) -> None:
        events, state = await run(agent(routed(small(DOWN), large(BETTER))), sync)
        assert authors(state) == ["large"]
        assert report(events)["interventions"] == {"small_model_failed": 1}

    @pytest.mark.parametrize(("fields", "calls"), [({}, 1), ({"settings": Settings(large="never")}, 0)])
    async def test_both_or_the_large_one_may_not(self, sync: bool, fields: Any, calls: int) -> None:
        expert = large(DOWN)
        with pytest.raises(ValueError, match="down") as raised:
            await run(agent(routed(small(DOWN), expert, **fields)), sync)
        assert len(expert.prompts) == calls
        assert "could not ask the large model instead" in str(raised.value.__notes__)

    async def test_a_key_in_an_error_is_not_told(self, sync: bool) -> None:
        leaky = Scripted(None, error=ValueError("bad key sk-abcdefghijklmnop"))
        events, state = await run(agent(routed(small(UNSURE), large(leaky))), sync)
        assert "sk-abc" not in json.dumps(events) + str(state["messages"])


@BOTH
class TestThePlan:
    async def test_before_the_first_turn(self, sync: bool) -> None:
        policy = Policy("planned", AGENT.triggers, StrategicInitiation())
        writer, expert = small(call("look"), SURE), large("Goal: the rolls\nKey steps: 1. look 2. subtract")
        events, state = await run(agent(routed(writer, expert, policy=policy), system_prompt="Be brief."), sync)
        assert authors(state) == ["small", "small"]
        assert "How many rolls are left?" in str(expert.prompts[0][-1].text)
        for prompt in writer.prompts:
            assert str(prompt[0].text).startswith("Be brief.\n\nFollow this plan:\nGoal: the rolls")
        assert report(events)["interventions"] == {"strategic_initiation": 1}
        assert report(events)["totals"]["large"]["calls"] == 1

    async def test_priming_has_the_large_model_write_the_first_turn(self, sync: bool) -> None:
        policy = [StrategicInitiation(form="prime", steps=1)]
        _, state = await run(agent(routed(small(SURE), large(call("look")), policy=policy)), sync)
        assert authors(state) == ["large", "small"]

    async def test_a_plan_that_cannot_be_had(self, sync: bool) -> None:
        policy = [StrategicInitiation()]
        events, state = await run(agent(routed(small(SURE), large(DOWN), policy=policy)), sync)
        assert authors(state) == ["small"]
        assert report(events)["unserved"] == {"strategic_initiation": 1}

    async def test_it_is_approved_first(self, sync: bool) -> None:
        writer, expert = small(SURE), large("Goal: x\nKey steps: 1. look")
        middleware = routed(writer, expert, policy=[StrategicInitiation()], settings=Settings(large="ask"))
        made = agent(middleware, checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "1"}}
        _, paused = await run(made, sync, config=config)
        assert paused["__interrupt__"][0].value["purpose"] == "initiate"
        assert (len(writer.prompts), len(expert.prompts)) == (0, 0)
        await run(made, sync, Command(resume="approve"), config=config)
        assert (len(writer.prompts), len(expert.prompts)) == (1, 1)


@BOTH
class TestForeignModels:
    async def test_a_model_that_another_middleware_chose_is_left_alone(
        self, sync: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        middleware, other = routed(small(), large()), ScriptedModel(script=[UNSURE])
        made = create_agent(other, middleware=[middleware])
        with caplog.at_level(logging.WARNING):
            events, state = await run(made, sync)
        assert last_reply(state).text == UNSURE.text
        assert authors(state) == ["?"]
        assert "create_agent(routed.small, ..., middleware=[routed])" in caplog.text
        assert report(events)["outcome"]["kind"] == "unfinished"

    async def test_the_wrapped_small_model(self, sync: bool) -> None:
        wrapped = ReasoningModel(inner=small(UNSURE))
        middleware = TrigReasonMiddleware(wrapped, large(BETTER))
        _, state = await run(create_agent(wrapped, middleware=[middleware]), sync)
        assert authors(state) == ["large"]


def test_equal_strings_are_one_model() -> None:
    from langchain_openai import ChatOpenAI

    from trigreason_graph.integrations.middleware.models import same_client

    one, other, third = (ChatOpenAI(model=name, api_key="sk-x") for name in ("a", "a", "b"))  # type: ignore[arg-type]
    assert same_client(one, other)
    assert not same_client(one, third)
    assert not same_client(small(), small())


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ({"small": None}, "small= is missing"),
            ({"large": "nonsense:x"}, "large="),
            ({"turns": 0}, "turns= must be a whole number from 1"),
            ({"turns": True}, "turns= must be a whole number from 1"),
            ({"discard": "yes"}, "discard= must be True or False"),
            ({"policy": "nonsense"}, "policy=: there is no policy 'nonsense'"),
            ({"policy": [StepScore()]}, "policy=: 'step_score' calls a model for every step"),
            ({"budget": Budget(usd=1.0)}, r"budget=: usd=1 cannot be held"),
        ],
    )
    def test_bad_ones_are_refused_when_it_is_built(self, arguments: Any, told: str) -> None:
        with pytest.raises(ValueError, match=told):
            TrigReasonMiddleware(**{"small": small(), "large": large(), **arguments})

    def test_strings_and_shipped_policies(self) -> None:
        made = TrigReasonMiddleware("ollama:qwen3:0.6b", "embedded:large", "paper")
        assert type(made.small).__name__ == "ChatOllama"

    def test_a_policy_of_ones_own(self) -> None:
        policy = [RandomChoice(0.0), RepeatedCall(times=2)]
        state = agent(routed(small(call("look"), call("look")), large(BETTER), policy=policy)).invoke(ASKED)
        assert authors(state) == ["small", "large"]


class TestWhatIsKept:
    def test_only_messages_come_out(self) -> None:
        assert list(agent(routed(small(SURE))).invoke(ASKED)) == ["messages"]

    def test_the_report_stands_in_the_last_message(self) -> None:
        state = agent(routed(small(SURE))).invoke(ASKED)
        told = last_reply(state).response_metadata["trigreason"]["report"]
        assert told["outcome"]["kind"] == "answered"
        assert json.loads(json.dumps(told)) == told

    def test_log_probabilities_are_asked_for_and_not_kept(self) -> None:
        writer = small(SURE)
        state = agent(routed(writer)).invoke(ASKED)
        assert writer.asked[0]["logprobs"] is True
        assert "logprobs" not in last_reply(state).response_metadata

    def test_a_model_without_any(self) -> None:
        writer = ScriptedModel(script=[Scripted("It is 7.", probability=None)], trigreason_card=PAID_LARGE)
        state = agent(routed(writer)).invoke(ASKED)
        assert "logprobs" not in writer.asked[0]
        notes = last_reply(state).response_metadata["trigreason"]["report"]["notes"]
        assert "no log-probabilities from scripted:large: how sure it is cannot be seen" in notes

    def test_traces_know_who_was_asked_and_why(self) -> None:
        seen: list[tuple[list[str], dict[str, Any]]] = []

        class Look(BaseCallbackHandler):
            def on_chat_model_start(self, *_: Any, tags: Any = None, metadata: Any = None, **__: Any) -> None:
                seen.append((tags, metadata))

        agent(routed(small(UNSURE), large(BETTER))).invoke(ASKED, config={"callbacks": [Look()]})
        assert ["trigreason:small" in seen[0][0], "trigreason:large" in seen[1][0]] == [True, True]
        assert [metadata["trigreason_trigger"] for _, metadata in seen] == ["", "cognitive_offload"]
        assert [metadata["trigreason_purpose"] for _, metadata in seen] == ["continue", "rewrite"]

    def test_the_messages_of_both_models_reach_the_other(self) -> None:
        writer, expert = small(call("look"), UNSURE), large(BETTER)
        agent(routed(writer, expert)).invoke(ASKED)
        assert [message.type for message in expert.prompts[0]] == ["human", "ai", "tool"]

    def test_a_conversation_given_as_messages(self) -> None:
        given = {"messages": [HumanMessage("Hi"), AIMessage("Hello."), HumanMessage("How many?")]}
        state = agent(routed(ScriptedModel(script=[SURE], trigreason_card=LOCAL_SMALL))).invoke(given)
        assert authors(state) == ["?", "small"]
