"""The graph at its public face, driven by scripted models."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.graphs import LOCAL_SMALL, STEPS, Marker, full_state, graph, large, small
from trigreason_graph import (
    Budget,
    InputError,
    Price,
    Settings,
    Signal,
    StrategicInitiation,
    View,
    create_trigreason_graph,
)
from trigreason_graph.nodes.migration import problem_of
from trigreason_graph.testing import Scripted, ScriptedModel

QUESTION = {"question": "What is 3 + 4?"}


def config(thread: str = "t") -> dict[str, Any]:
    return {"configurable": {"thread_id": thread}}


def texts(result: dict[str, Any]) -> list[str]:
    return [step["text"] for step in result["trace"]]


class TestWaysIn:
    def test_invoke(self) -> None:
        result = graph(small(STEPS)).invoke(QUESTION)
        assert result["answer"] == "7"
        assert result["report"]["outcome"]["kind"] == "answered"
        assert result["messages"][-1].content == "7"

    async def test_ainvoke(self) -> None:
        result = await graph(small(STEPS)).ainvoke(QUESTION)
        assert texts(result) == ["One thing is 3.", "Another thing is 4.", "So the result is \\boxed{7}."]
        assert result["trace"][-1]["kind"] == "answer"

    async def test_invoke_inside_a_running_loop(self) -> None:
        assert graph(small(STEPS)).invoke(QUESTION)["answer"] == "7"

    def test_stream(self) -> None:
        events = list(graph(small(STEPS)).stream(QUESTION, stream_mode="custom"))
        assert [event["text"] for event in events if event["type"] == "step"] == [
            "One thing is 3.",
            "Another thing is 4.",
            "So the result is \\boxed{7}.",
        ]
        assert "".join(event["text"] for event in events if event["type"] == "token") == STEPS

    async def test_astream_with_a_checkpointer(self) -> None:
        compiled = graph(small(STEPS), checkpointer=InMemorySaver())
        events = [event async for event in compiled.astream(QUESTION, config(), stream_mode="custom")]
        assert events[0]["type"] == "run"
        assert events[-1]["type"] == "outcome"
        assert {event["v"] for event in events} == {1}

    def test_sync_with_a_checkpointer(self) -> None:
        assert graph(small(STEPS), checkpointer=InMemorySaver()).invoke(QUESTION, config())["answer"] == "7"

    async def test_every_token_comes_under_its_own_step(self) -> None:
        """Also where a look-ahead had to be read before it was sure that the step was over."""
        items = "\n\n".join(f"{number}. Thing number {number} is here." for number in range(1, 6))
        events = [
            event async for event in graph(small(f"{items}\n\n\\boxed{{7}}")).astream(QUESTION, stream_mode="custom")
        ]
        for shown in (event for event in events if event["type"] == "step"):
            tokens = [event for event in events if event["type"] == "token" and event["step_id"] == shown["step_id"]]
            assert "".join(token["text"] for token in tokens).strip() == shown["text"]

    async def test_the_answer_of_a_thinking_model_is_sent_once(self) -> None:
        card = replace(LOCAL_SMALL, form="field")
        thinks = ScriptedModel(script=[Scripted("Answer: 7", thinking="3 + 4 = 7.\n")], trigreason_card=card)
        events = [event async for event in graph(thinks).astream(QUESTION, stream_mode="custom")]
        assert "".join(event["text"] for event in events if event["type"] == "token").count("Answer: 7") == 1

    async def test_token_events_can_be_turned_off(self) -> None:
        compiled = graph(small(STEPS), settings=Settings(token_events=False))
        assert not [
            event async for event in compiled.astream(QUESTION, stream_mode="custom") if event["type"] == "token"
        ]

    async def test_a_conversation_is_the_problems_context(self) -> None:
        model = small(STEPS)
        messages = [("system", "Be exact."), ("user", "I have 3."), ("ai", "Good."), ("user", "And 4 more. Sum?")]
        result = await graph(model).ainvoke({"messages": messages})
        assert [message.content for message in model.prompts[0]][:3] == ["Be exact.", "I have 3.", "Good."]
        assert str(model.prompts[0][3].content).startswith("And 4 more. Sum?")
        assert [type(message) for message in result["messages"][-2:]] == [HumanMessage, AIMessage]

    async def test_a_second_question_on_the_same_thread_starts_clean(self) -> None:
        model = small(STEPS, "That is \\boxed{9}.")
        compiled = graph(model, checkpointer=InMemorySaver())
        await compiled.ainvoke(QUESTION, config())
        result = await compiled.ainvoke({"messages": [("user", "And 4 + 5?")]}, config())
        assert result["answer"] == "9"
        assert texts(result) == ["That is \\boxed{9}."]
        state = await full_state(compiled, config())
        assert len(state["ledger"]) == 1
        assert problem_of(state) == "And 4 + 5?"
        assert [str(message.content) for message in model.prompts[1]][:2] == ["What is 3 + 4?", "7"]

    async def test_the_drawing_shows_the_picture_of_the_design(self) -> None:
        drawn = graph(small()).get_graph()
        assert set(drawn.nodes) - {"__start__", "__end__"} == {
            "prepare",
            "strategist",
            "step_generator",
            "trigger_router",
            "large_offload",
            "checkpoint_rollback",
            "answer",
        }
        edges = {(edge.source, edge.target, edge.data) for edge in drawn.edges}
        assert ("step_generator", "step_generator", "accept") in edges
        assert ("step_generator", "trigger_router", "judge") in edges
        assert ("trigger_router", "large_offload", "escalate") in edges
        assert ("trigger_router", "answer", "finish") in edges


LINES = [f"Thing number {number} is seen." for number in range(7)]
CALLS = ["\n\n".join(lines) for lines in (LINES[:4], LINES[3:7], [LINES[6], "So \\boxed{7}."])]
"""What a model writes that is closed after three steps: the beginning of the fourth tells that the third is over."""


class TestRunsOfSteps:
    """What a run of `commit_every` steps costs in supersteps, and what of it is stored."""

    async def nodes_of(self, *triggers: Any) -> list[tuple[str, list[str]]]:
        """The nodes that ran from the first step on, each with the steps that it committed."""
        compiled = graph(small(*CALLS), large("Thing number 4 is seen well."), *triggers, commit_every=3)
        updates = [update async for update in compiled.astream(QUESTION, stream_mode="updates")]
        ran = [(node, update or {}) for one in updates for node, update in one.items()]
        return [(node, [step["text"] for step in update.get("trace", ())]) for node, update in ran[1:-1]]

    async def test_one_superstep_where_nothing_fires(self) -> None:
        assert await self.nodes_of() == [
            ("step_generator", LINES[:3]),
            ("step_generator", LINES[3:6]),
            ("step_generator", []),
            ("trigger_router", [LINES[6], "So \\boxed{7}."]),
        ]

    async def test_what_fires_goes_to_the_router(self) -> None:
        assert (await self.nodes_of(Marker("number 4")))[:4] == [
            ("step_generator", LINES[:3]),
            ("step_generator", []),
            ("trigger_router", LINES[3:4]),
            ("large_offload", ["Thing number 4 is seen well."]),
        ]

    async def test_what_fires_and_is_not_served_is_logged_all_the_same(self) -> None:
        compiled = graph(
            small(*CALLS),
            None,
            Marker("number 1"),
            commit_every=3,
            settings=Settings(large="never"),
            checkpointer=InMemorySaver(),
        )
        events = [event async for event in compiled.astream(QUESTION, config(), stream_mode="custom")]
        signals = (await full_state(compiled, config()))["signals"]
        assert [(signal["at"], signal["served"]) for signal in signals] == [(1, False)]
        assert [event["at"] for event in events if event["type"] == "signal"] == [1]

    async def test_a_persons_signal_behind_a_run_is_served(self) -> None:
        compiled = graph(
            small(*CALLS[:1], "So \\boxed{7}."), large("Let me see."), commit_every=3, checkpointer=InMemorySaver()
        )
        [pause] = [
            point
            async for point in await self.history(compiled)
            if point.next == ("step_generator",) and len(point.values["trace"]) == 3
        ]
        asked = {"trigger": "person", "reason": "Have a look.", "evidence": {}, "route": "intervene", "steps": 1}
        fork = await compiled.aupdate_state(pause.config, {"signal": asked})
        assert (await compiled.aget_state(fork)).next == ("trigger_router",)
        compiled = graph(
            small("So \\boxed{8}."), large("Let me see."), commit_every=3, checkpointer=compiled.checkpointer
        )
        result = await compiled.ainvoke(None, fork)
        assert texts(result) == [*LINES[:3], "Let me see.", "So \\boxed{8}."]
        assert result["report"]["interventions"] == {"person": 1}

    async def history(self, compiled: Any) -> Any:
        """The checkpoints of one whole run."""
        await compiled.ainvoke(QUESTION, config())
        return compiled.aget_state_history(config())

    @pytest.mark.parametrize("commit_every", [1, 2, 3, 10])
    async def test_two_equal_steps_end_the_reasoning_wherever_in_a_run(self, commit_every: int) -> None:
        writer = small("One.\n\nTwo is two.\n\nTwo is two.\n\nMore.", *["Two is two.\n\nMore."] * 2, "7")
        result = await graph(writer, commit_every=commit_every, stop_on_repeat=True).ainvoke(QUESTION)
        assert texts(result)[:3] == ["One.", "Two is two.", "Two is two."]
        assert "More." not in texts(result)

    async def test_a_recursion_limit_that_is_near_ends_in_an_answer(self) -> None:
        for limit in range(6, 12):
            writer = small(*["\n\n".join(LINES[:4])] * 8)
            compiled = graph(writer, commit_every=1)
            result = await compiled.ainvoke(QUESTION, {"recursion_limit": limit})
            assert result["report"]["outcome"]["kind"] == "unfinished", limit
            assert result["trace"], limit


class TestInitiation:
    async def test_a_blueprint_reaches_the_small_model(self) -> None:
        writer, planner = small(STEPS), large("Goal: the sum\nKey steps: 1. read 2. add\nPitfalls: none")
        compiled = graph(writer, planner, initiation=StrategicInitiation(), checkpointer=InMemorySaver())
        result = await compiled.ainvoke(QUESTION, config())
        assert "Key steps: 1. read 2. add" in str(writer.prompts[0][-1].content)
        assert result["report"]["interventions"] == {"strategic_initiation": 1}
        assert (await full_state(compiled, config()))["blueprint"]["key_steps"] == ["read", "add"]

    async def test_priming_writes_the_first_steps(self) -> None:
        writer, planner = small("So \\boxed{7}."), large("First, 3.\n\nThen, 4.\n\nNever read.")
        result = await graph(
            writer, planner, initiation=StrategicInitiation(form="prime", tokens=None, steps=2)
        ).ainvoke(QUESTION)
        assert texts(result) == ["First, 3.", "Then, 4.", "So \\boxed{7}."]
        assert [step["author"] for step in result["trace"]] == ["large", "large", "small"]
        assert str(writer.prompts[0][-1].content) == "First, 3.\n\nThen, 4.\n\n"

    async def test_priming_to_the_end_is_the_large_model_alone(self) -> None:
        writer, planner = small(), large(STEPS)
        result = await graph(
            writer, planner, initiation=StrategicInitiation(form="prime", tokens=None, steps=None)
        ).ainvoke(QUESTION)
        assert result["answer"] == "7"
        assert writer.calls == 0

    async def test_without_the_large_model_the_run_goes_on(self) -> None:
        planner = large(Scripted(None, error=ConnectionError("refused")), loop=True)
        result = await graph(small(STEPS), planner, initiation=StrategicInitiation()).ainvoke(QUESTION)
        assert result["answer"] == "7"
        assert result["report"]["unserved"] == {"strategic_initiation": 1}


class TestOffload:
    async def test_the_flagged_step_is_rewritten_and_kept_as_discarded(self) -> None:
        writer = small("One thing is 3.\n\nBAD thing is 5.\n\nnever read", "So \\boxed{7}.")
        expert = large("wrong: none\n\nAnother thing is 4.")
        compiled = graph(writer, expert, Marker("BAD"), checkpointer=InMemorySaver())
        result = await compiled.ainvoke(QUESTION, config())
        assert texts(result) == ["One thing is 3.", "Another thing is 4.", "So \\boxed{7}."]
        state = await full_state(compiled, config())
        assert [step["text"] for step in state["discarded"][0]["steps"]] == ["BAD thing is 5."]
        assert "BAD" not in str(expert.prompts[0][-1].content)
        assert "Step 1. One thing is 3." in str(expert.prompts[0][-1].content)
        assert str(writer.prompts[1][-1].content) == "One thing is 3.\n\nAnother thing is 4.\n\n"
        assert result["report"]["discarded_steps"] == 1

    async def test_an_intervention_keeps_the_flagged_step(self) -> None:
        writer = small("Hmm, WAIT.\n\nnever read", "So \\boxed{7}.")
        result = await graph(writer, large("Get on: 3 and 4."), Marker("WAIT", "intervene")).ainvoke(QUESTION)
        assert texts(result) == ["Hmm, WAIT.", "Get on: 3 and 4.", "So \\boxed{7}."]

    async def test_a_dropped_step_of_an_intervention_is_gone(self) -> None:
        writer = small("LOOP again.\n\nnever read", "So \\boxed{7}.")
        result = await graph(writer, large("3 and 4."), Marker("LOOP", "intervene", drop=True)).ainvoke(QUESTION)
        assert texts(result) == ["3 and 4.", "So \\boxed{7}."]

    async def test_a_hand_off_writes_to_the_end(self) -> None:
        writer = small("BAD.\n\nnever read")
        result = await graph(writer, large("3.\n\n4.\n\nSo \\boxed{7}."), Marker("BAD", steps=None)).ainvoke(QUESTION)
        assert texts(result) == ["3.", "4.", "So \\boxed{7}."]
        assert writer.calls == 1

    async def test_the_reply_is_closed_after_the_wanted_steps(self) -> None:
        expert = large("wrong: none\n\nStep 2: Another is 4.\n\nnot wanted\n\nnot wanted either")
        result = await graph(small("BAD.\n\nx", "So \\boxed{7}."), expert, Marker("BAD")).ainvoke(QUESTION)
        assert texts(result) == ["Another is 4.", "So \\boxed{7}."]
        assert expert.served == []

    async def test_an_answer_by_the_large_model_ends_the_run(self) -> None:
        writer = small("BAD.\n\nx")
        result = await graph(writer, large("So \\boxed{7}."), Marker("BAD")).ainvoke(QUESTION)
        assert (result["answer"], writer.calls) == ("7", 1)


class TestRetry:
    async def test_the_small_model_redrafts_once_for_free(self) -> None:
        writer = small("3 + 4 = 8 BAD.\n\nx", "So \\boxed{7}.")
        expert = large()
        result = await graph(writer, expert, Marker("BAD", "retry")).ainvoke(QUESTION)
        assert texts(result) == ["So \\boxed{7}."]
        assert expert.calls == 0
        assert "3 + 4 = 8 BAD." in str(writer.prompts[1][-1].content), "the redraft is told what was wrong"

    async def test_the_second_time_goes_to_the_large_model(self) -> None:
        writer = small("BAD one.\n\nx", "BAD two.\n\nx", "So \\boxed{7}.")
        result = await graph(writer, large("wrong: none\n\nGood."), Marker("BAD", "retry")).ainvoke(QUESTION)
        assert texts(result) == ["Good.", "So \\boxed{7}."]
        assert result["report"]["interventions"] == {"marker": 1}
        assert result["report"]["discarded_steps"] == 2


class TestRollback:
    async def test_steps_already_paid_for_replace_the_wrong_ones(self) -> None:
        writer = small("Fine.\n\nWrong one.\n\nBAD.\n\nx", "So \\boxed{7}.")
        expert = large("wrong: 2\n\nRight one.")
        compiled = graph(writer, expert, Marker("BAD"), checkpointer=InMemorySaver())
        result = await compiled.ainvoke(QUESTION, config())
        assert texts(result) == ["Fine.", "Right one.", "So \\boxed{7}."]
        assert expert.calls == 1
        state = await full_state(compiled, config())
        assert [[step["text"] for step in branch["steps"]] for branch in state["discarded"]] == [
            ["BAD."],
            ["Wrong one."],
        ]
        assert result["report"]["rollbacks"] == 1
        assert "Wrong one." in str(writer.prompts[1][0].content), "the next author is told what was wrong"

    async def test_an_error_found_for_free_truncates(self) -> None:
        writer = small("Fine.\n\nOdd.\n\nCONTRADICTION.\n\nx", "So \\boxed{7}.")
        expert = large()
        result = await graph(writer, expert, Marker("CONTRADICTION", "rollback", wrong=2)).ainvoke(QUESTION)
        assert texts(result) == ["Fine.", "So \\boxed{7}."]
        assert expert.calls == 0

    async def test_the_same_place_for_a_second_time_goes_to_the_large_model(self) -> None:
        looping = "Odd.\n\nCONTRADICTION.\n\nx"
        writer = small(f"Fine.\n\n{looping}", looping, "So \\boxed{7}.")
        expert = large("wrong: none\n\nRight.")
        result = await graph(writer, expert, Marker("CONTRADICTION", "rollback", wrong=2)).ainvoke(QUESTION)
        assert texts(result) == ["Fine.", "Right.", "So \\boxed{7}."]

    async def test_rollbacks_are_capped(self) -> None:
        writer = small(*["Odd.\n\nCONTRADICTION.\n\n\\boxed{7}"] * 2)
        compiled = graph(
            writer,
            large(),
            Marker("CONTRADICTION", "rollback", wrong=1),
            settings=Settings(max_rollbacks=1, large="never"),
        )
        result = await compiled.ainvoke(QUESTION)
        assert texts(result) == ["Odd.", "CONTRADICTION.", "\\boxed{7}"]

    async def test_a_step_that_is_not_there_cannot_be_wrong(self) -> None:
        result = await graph(
            small("Fine.\n\nBAD.\n\nx", "So \\boxed{7}."), large("wrong: 17\n\nGood."), Marker("BAD")
        ).ainvoke(QUESTION)
        assert texts(result) == ["Fine.", "Good.", "So \\boxed{7}."]


UNSERVED = {
    "down": (large(Scripted(None, error=ConnectionError("refused")), loop=True), {}, "refused"),
    "never": (large(), {"settings": Settings(large="never")}, "never"),
    "shadow": (large(), {"settings": Settings(large="shadow")}, "shadow"),
    "no calls left": (large(), {"budget": Budget(large_calls=0, usd=None)}, "0 large-model calls"),
    "no tokens left": (large(), {"budget": Budget(large_tokens=10, usd=None)}, "10 large-model tokens"),
    "empty reply": (large("", loop=True), {}, "no finished step"),
    "white space": (large("\n \n\n", loop=True), {}, "no finished step"),
    "only a header": (large("wrong: none", loop=True), {}, "no finished step"),
    "broken stream": (large(Scripted("wrong: none\n\nNot fin", error=ConnectionError("gone")), loop=True), {}, "gone"),
    "nobody to ask": (large(), {"settings": Settings(large="ask")}, "checkpointer"),
}


@pytest.mark.parametrize("route", ["rewrite", "intervene"])
@pytest.mark.parametrize("case", UNSERVED)
async def test_an_escalation_that_is_not_served_accepts_the_draft_and_ends(case: str, route: Any) -> None:
    """No livelock: whatever refuses or fails, each flagged draft is accepted and the run goes on."""
    expert, fields, _ = UNSERVED[case]
    answer = "BAD 3. So \\boxed{7}."
    interrupted = ["BAD 1.\n\nx", "BAD 2.\n\nx", answer]
    if case == "down":  # found out at the first signal; then the stream is not even interrupted
        interrupted = ["BAD 1.\n\nx", f"BAD 2.\n\n{answer}"]
    elif fields:  # known to be out of the question from the start
        interrupted = [f"BAD 1.\n\nBAD 2.\n\n{answer}"]
    writer = small(*interrupted)
    result = await graph(writer, expert.model_copy(deep=True), Marker("BAD", route), **fields).ainvoke(QUESTION)
    assert texts(result) == ["BAD 1.", "BAD 2.", answer]
    assert result["answer"] == "7"
    assert writer.calls == len(interrupted)
    assert result["report"]["unserved"] == {"marker": 3}
    assert result["report"]["interventions"] == {}


async def test_the_reason_of_an_unserved_signal_is_in_the_log() -> None:
    for case, (expert, fields, reason) in UNSERVED.items():
        writer = small("BAD.\n\nx", "So \\boxed{7}.", "x", loop=True)
        compiled = graph(writer, expert.model_copy(deep=True), Marker("BAD"), checkpointer=InMemorySaver(), **fields)
        if case == "nobody to ask":
            continue
        await compiled.ainvoke(QUESTION, config())
        signal = (await full_state(compiled, config()))["signals"][0]
        assert signal["served"] is False
        assert reason in signal["unserved_reason"], case


class TestApproval:
    async def test_ask_interrupts_before_the_call_and_repeats_nothing(self) -> None:
        writer, expert = small("BAD.\n\nx", "So \\boxed{7}."), large("Good.")
        compiled = graph(writer, expert, Marker("BAD"), settings=Settings(large="ask"), checkpointer=InMemorySaver())
        paused = await compiled.ainvoke(QUESTION, config())
        asked = paused["__interrupt__"][0].value
        assert (asked["trigger"], expert.calls) == ("marker", 0)
        result = await compiled.ainvoke(Command(resume="approve"), config())
        assert texts(result) == ["Good.", "So \\boxed{7}."]
        assert writer.calls == 2

    async def test_a_denied_call_leaves_the_small_model_alone(self) -> None:
        writer, expert = small("BAD.\n\nx", "So \\boxed{7}."), large()
        compiled = graph(writer, expert, Marker("BAD"), settings=Settings(large="ask"), checkpointer=InMemorySaver())
        await compiled.ainvoke(QUESTION, config())
        result = await compiled.ainvoke(Command(resume="deny"), config())
        assert texts(result) == ["BAD.", "So \\boxed{7}."]


class TestBudget:
    async def test_spent_paid_budget_leaves_the_small_model_alone(self) -> None:
        writer = small("BAD.\n\nx", "BAD again.\n\nSo \\boxed{7}.")
        result = await graph(writer, large("Good."), Marker("BAD"), budget=Budget(large_calls=1, usd=None)).ainvoke(
            QUESTION
        )
        assert texts(result) == ["Good.", "BAD again.", "So \\boxed{7}."]
        assert result["report"]["outcome"]["kind"] == "answered"

    async def test_all_spent_ends_with_the_best_answer_so_far(self) -> None:
        rambling = "\n\n".join(f"Thing number {number} is of no use at all." for number in range(200))
        writer = small(rambling, "7}.")
        result = await graph(writer, budget=Budget(total_tokens=400, usd=None), commit_every=999).ainvoke(QUESTION)
        assert result["report"]["outcome"]["kind"] == "budget"
        assert result["answer"] == "7"
        assert result["report"]["totals"]["small"]["tokens_out"] <= 400

    async def test_dollars_are_checked_against_the_worst_case(self) -> None:
        from trigreason_graph import Price

        builder = create_trigreason_graph(
            small=small("BAD.\n\nx So \\boxed{7}.", "So \\boxed{7}."),
            large=(expert := large("Good.")),
            policy=[Marker("BAD")],
            budget=Budget(usd=0.001),
            prices={"scripted:large": Price(input=1000.0, output=1000.0)},
        )
        compiled = builder.compile(checkpointer=InMemorySaver())
        result = await compiled.ainvoke(QUESTION, config())
        assert expert.calls == 0
        assert result["report"]["unserved"] == {"marker": 1}
        (signal,) = (await full_state(compiled, config()))["signals"]
        assert signal["unserved_reason"] == "a call of 512 tokens does not fit what is left of the budget in dollars"

    @pytest.mark.parametrize("dollars", [0.0, 0.001])
    async def test_an_input_that_costs_and_an_output_that_does_not(self, dollars: float) -> None:
        builder = create_trigreason_graph(
            small=small("BAD.\n\nx So \\boxed{7}.", "So \\boxed{7}."),
            large=(expert := large("Good.")),
            policy=[Marker("BAD")],
            budget=Budget(usd=dollars),
            prices={"scripted:large": Price(input=1000.0, output=0.0)},
        )
        await builder.compile().ainvoke(QUESTION)
        assert expert.calls == 0

    async def test_a_price_that_was_given_goes_before_that_of_a_local_model(self) -> None:
        expert = large("Good.")
        expert.trigreason_card = replace(expert.trigreason_card, local=True)
        prices = {"scripted:large": Price(input=1000.0, output=1000.0)}
        models: Any = {"small": small("BAD.\n\nx", "So \\boxed{7}."), "large": expert, "policy": [Marker("BAD")]}
        result = await create_trigreason_graph(**models, prices=prices).compile().ainvoke(QUESTION)
        assert result["report"]["unserved"] == {"marker": 1}
        with pytest.warns(UserWarning, match=r"prices= has openai:gpt-4.1, and the models here are scripted:small"):
            create_trigreason_graph(**models, prices={"openai:gpt-4.1": Price(2, 8)})

    def test_a_dollar_limit_that_cannot_be_held_is_refused(self) -> None:
        with pytest.raises(ValueError, match="usd=1 cannot be held"):
            create_trigreason_graph(small=small(), large=large(), budget=Budget(usd=1.0))
        with pytest.raises(ValueError, match=r"^settings=: budget: usd=1 cannot be held"):
            create_trigreason_graph(small=small(), large=large(), settings=Settings(budget=Budget(usd=1.0)))

    async def test_nor_is_one_of_a_runs_settings(self) -> None:
        writer = small(STEPS)
        compiled = graph(writer, large())
        with pytest.raises(ValueError, match=r"^the run's settings: budget: usd=0.1 cannot be held.*scripted:large"):
            await compiled.ainvoke(QUESTION, context={"budget": {"usd": 0.1}})
        assert not writer.calls
        assert (await compiled.ainvoke(QUESTION, context={"budget": {"large_calls": 1}}))["answer"] == "7"

    async def test_an_inherited_recursion_limit_ends_in_an_answer(self) -> None:
        writer = small(*["A step.\n\nBAD.\n\nx"] * 9, "7}.")
        result = await graph(writer, large("Good.", loop=True), Marker("BAD")).ainvoke(QUESTION, {"recursion_limit": 9})
        assert result["report"]["outcome"]["kind"] == "unfinished"


class TestFailures:
    async def test_a_dead_small_model_hands_over(self) -> None:
        writer = small(Scripted(None, error=ConnectionError("refused")), loop=True)
        result = await graph(writer, large("3.\n\nSo \\boxed{7}.")).ainvoke(QUESTION)
        assert result["answer"] == "7"
        assert result["report"]["interventions"] == {"small_model_failed": 1}

    async def test_two_dead_models_end_honestly(self) -> None:
        dead = Scripted(None, error=ConnectionError("refused"))
        result = await graph(small(dead, loop=True), large(dead, loop=True)).ainvoke(QUESTION)
        assert result["answer"] == ""
        assert result["report"]["outcome"]["kind"] == "model_error"
        assert "refused" in result["report"]["outcome"]["detail"]
        assert not [message for message in result["messages"] if message.type == "ai"]

    async def test_a_broken_stream_keeps_its_finished_steps(self) -> None:
        writer = small(Scripted("One is 3.\n\nTwo is", error=ConnectionError("gone")), "Two is 4.\n\nSo \\boxed{7}.")
        result = await graph(writer).ainvoke(QUESTION)
        assert texts(result) == ["One is 3.", "Two is 4.", "So \\boxed{7}."]

    async def test_a_users_trigger_that_raises_is_not_hidden(self) -> None:
        class Broken:
            name, when = "broken", "step"

            def check(self, view: Any) -> None:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError) as raised:
            await graph(small(STEPS), large(), Broken()).ainvoke(QUESTION)
        assert "raised by the trigger 'broken'" in raised.value.__notes__

    async def test_no_answer_is_asked_for_in_one_short_call(self) -> None:
        writer = small("One is 3.\n\nTwo is 4, done.", "7}.\nrambling on")
        result = await graph(writer).ainvoke(QUESTION)
        assert result["answer"] == "7"
        assert result["trace"][-1]["kind"] == "answer"
        assert writer.calls == 2

    async def test_no_answer_is_made_up(self) -> None:
        result = await graph(small("I think 42 or 7.", "", loop=True), large("", loop=True)).ainvoke(QUESTION)
        assert result["answer"] == ""
        assert result["report"]["outcome"]["kind"] == "unfinished"


class TestLedger:
    async def test_sums_equal_what_the_servers_counted(self) -> None:
        writer = small(STEPS)
        planner = large("Goal: sum. Key steps: 1. add")
        compiled = graph(writer, planner, initiation=StrategicInitiation(), checkpointer=InMemorySaver())
        result = await compiled.ainvoke(QUESTION, config())
        totals = result["report"]["totals"]
        assert totals["small"]["tokens_out"] == sum(writer.served)
        assert totals["large"]["tokens_out"] == sum(planner.served)
        state = await full_state(compiled, config())
        assert state["spent"]["total_tokens"] == sum(row["tokens_out"] for row in state["ledger"])

    async def test_a_closed_stream_counts_what_arrived(self) -> None:
        compiled = graph(
            small("BAD one.\n\nx y z", "So \\boxed{7}."), large("Good."), Marker("BAD"), checkpointer=InMemorySaver()
        )
        await compiled.ainvoke(QUESTION, config())
        row = (await full_state(compiled, config()))["ledger"][0]
        assert (row["status"], row["estimated"], row["tokens_out"]) == ("cut", True, 4)

    async def test_every_step_names_its_call(self) -> None:
        compiled = graph(
            small("BAD.\n\nx", "So \\boxed{7}."), large("Good."), Marker("BAD"), checkpointer=InMemorySaver()
        )
        await compiled.ainvoke(QUESTION, config())
        state = await full_state(compiled, config())
        assert [state["ledger"][step["call"]]["role"] for step in state["trace"]] == ["large", "small"]
        assert [row["id"] for row in state["ledger"]] == list(range(len(state["ledger"])))


class TestBadInput:
    @pytest.mark.parametrize("given", [{"question": ""}, {"question": "  \n"}, {"messages": []}, {}])
    async def test_no_question(self, given: dict[str, Any]) -> None:
        model = small(STEPS)
        with pytest.raises(InputError, match="question"):
            await graph(model).ainvoke(given or {"messages": []})
        assert model.calls == 0

    async def test_too_long_a_question(self) -> None:
        model = small(STEPS)
        model.trigreason_card = replace(model.trigreason_card, window=512)
        with pytest.raises(InputError, match=r"too long for scripted:small.*512"):
            await graph(model).ainvoke({"question": "word " * 2000})
        assert model.calls == 0

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            ({"small": None}, "small="),
            ({"large": ""}, "large="),
            ({"small": "gpt"}, "small="),
            ({"large": "nobody:model"}, "large=.*unknown provider"),
            ({"small": 3}, "small="),
            ({"policy": "nonsense"}, "policy"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments: dict[str, Any], named: str) -> None:
        good: dict[str, Any] = {"small": small(), "large": large()}
        with pytest.raises(ValueError, match=named):
            create_trigreason_graph(**{**good, **arguments})


class TestJudge:
    async def test_a_judge_asks_the_large_model_about_every_step(self) -> None:
        class Scorer:
            name = "scorer"

            async def judge(self, view: Any, call: Any) -> Any:
                score = await call(f"Score this step: {view.draft['text']}", 4)
                if score.strip() == "9":
                    return None
                return {"trigger": self.name, "reason": f"scored {score}", "evidence": {}, "route": "rewrite"}

        writer = small("Fine.\n\nx", "BAD.\n\nx", "So \\boxed{7}.")
        expert = large("9", "2", "Good.", "9")
        compiled = graph(writer, expert, Scorer(), checkpointer=InMemorySaver())
        result = await compiled.ainvoke(QUESTION, config())
        assert texts(result) == ["Fine.", "Good.", "So \\boxed{7}."]
        purposes = [
            row["purpose"] for row in (await full_state(compiled, config()))["ledger"] if row["role"] == "large"
        ]
        assert purposes == ["review", "review", "rewrite", "review"]

    async def test_a_judge_that_cannot_ask_is_passed_over(self) -> None:
        class Scorer:
            name = "scorer"

            async def judge(self, view: Any, call: Any) -> Any:
                await call("Score", 4)

        result = await graph(
            small("Fine.\n\nx", "So \\boxed{7}."), large(), Scorer(), settings=Settings(large="never")
        ).ainvoke(QUESTION)
        assert result["answer"] == "7"
        assert "scorer was passed over" in result["report"]["notes"][-1]


class TestGrowingDrafts:
    async def test_a_growing_draft_is_cut_and_written_by_the_large_model(self) -> None:
        writer = small("LOOP " * 200, "So \\boxed{7}.")
        result = await graph(writer, large("3 and 4."), Marker("LOOP LOOP", when="partial")).ainvoke(QUESTION)
        assert texts(result) == ["3 and 4.", "So \\boxed{7}."]
        assert result["report"]["totals"]["small"]["tokens_out"] < 100

    async def test_unserved_it_goes_on_without_looking_again(self) -> None:
        writer = small("LOOP LOOP " * 20, "LOOP LOOP LOOP. \\boxed{7}")
        result = await graph(writer, large("", loop=True), Marker("LOOP LOOP", when="partial")).ainvoke(QUESTION)
        assert result["answer"] == "7"


async def test_a_large_model_that_is_down_stands_in_the_notes() -> None:
    expert = large(Scripted(None, error=ValueError("no such server")), loop=True)
    result = await graph(small("BAD.\n\nx", STEPS), expert, Marker("BAD")).ainvoke(QUESTION)
    assert result["report"]["outcome"]["kind"] == "answered"
    (note,) = [note for note in result["report"]["notes"] if "no such server" in note]
    assert note.startswith("scripted:large failed")


class TestAnOwnTrigger:
    @dataclass(frozen=True)
    class Odd:
        gives: Any
        name: str = "odd"
        when: Any = "step"

        def check(self, view: View) -> Any:
            return self.gives if view.draft and "BAD" in view.draft["text"] else None

    async def test_may_return_a_sentence(self) -> None:
        result = await graph(small("BAD.\n\nx", STEPS), large("Good."), self.Odd("It is bad.")).ainvoke(QUESTION)
        assert result["report"]["interventions"] == {"odd": 1}

    async def test_that_returns_something_else_is_named(self) -> None:
        with pytest.raises(TypeError, match=r"check\(\) must return a Signal, a sentence or None, not True") as caught:
            await graph(small("BAD.\n\nx", STEPS), large("Good."), self.Odd(True)).ainvoke(QUESTION)
        assert "raised by the trigger 'odd'" in caught.value.__notes__

    def test_that_is_asked_at_no_moment_is_refused(self) -> None:
        with pytest.raises(ValueError, match="odd: when must be one of start, first_token, partial, step, not 'steps'"):
            graph(small(STEPS), large(), self.Odd(None, when="steps"))


async def test_an_image_alone_asks_nothing() -> None:
    picture = HumanMessage([{"type": "image", "url": "https://host/x.png"}])
    with pytest.raises(InputError, match="the question has no text: an image or file needs a text block beside it"):
        await graph(small(STEPS)).ainvoke({"messages": [picture]})


async def test_an_update_of_the_trace_with_a_slip_of_the_pen_is_refused() -> None:
    compiled = graph(small(STEPS), checkpointer=InMemorySaver())
    await compiled.ainvoke(QUESTION, config())
    with pytest.raises(ValueError, match="an update of a growing list is a list or"):
        await compiled.aupdate_state(config(), {"trace": {"keap": 1}})


async def test_a_trigger_of_the_first_token_is_asked_once_a_draft() -> None:
    looks: list[tuple[str, bool]] = []

    @dataclass(frozen=True)
    class Watching(Marker):
        def check(self, view: View) -> Signal | None:
            looks.append((view.draft["text"] if view.draft else "", view.complete))
            return super().check(view)

    steps = f"{'A rather long step without an end. ' * 6}\n\nShort.\n\nSo \\boxed{{7}}."
    result = await graph(small(steps), large(), Watching("never", when="first_token")).ainvoke(QUESTION)
    assert result["answer"] == "7"
    assert len(looks) == 3
    assert not any(complete for _, complete in looks)
    assert all(len(text) < 20 for text, _ in looks)


async def test_what_a_trigger_of_the_first_token_says_holds_behind_a_crash_too() -> None:
    saver = InMemorySaver()
    compiled = graph(
        small("BAD from the start.\n\nMore.", "So \\boxed{7}."),
        large("Good."),
        Marker("BAD", when="first_token"),
        checkpointer=saver,
    )
    result = await compiled.ainvoke(QUESTION, config())
    assert texts(result) == ["Good.", "So \\boxed{7}."]
    async for saved in compiled.aget_state_history(config()):
        if saved.next == ("trigger_router",):
            again = graph(
                small("So \\boxed{7}."), large("Good."), Marker("BAD", when="first_token"), checkpointer=saver
            )
            assert texts(await again.ainvoke(None, saved.config)) == ["Good.", "So \\boxed{7}."]
            break
    else:
        pytest.fail("the router was never waited for")


@pytest.mark.parametrize("reply", ["42", "42.", "Answer: 42"])
async def test_an_answer_may_stand_in_the_problem(reply: str) -> None:
    expert = large(reply)
    compiled = graph(small("Fine.\n\nBAD.\n\nx", "So \\boxed{42}."), expert, Marker("BAD"))
    result = await compiled.ainvoke({"question": "Is the number 41 or 42.5? Write Answer: 41 or Answer: 42."})
    assert [step["author"] for step in result["trace"]][:2] == ["small", "large"]
    assert result["report"]["interventions"] == {"marker": 1}


async def test_a_reply_that_only_restates_is_not_a_step() -> None:
    expert = large("What is 3 + 4?", loop=True)
    result = await graph(small("Fine.\n\nBAD.\n\nx", "So \\boxed{7}."), expert, Marker("BAD")).ainvoke(QUESTION)
    assert texts(result) == ["Fine.", "BAD.", "So \\boxed{7}."]
    assert result["report"]["unserved"] == {"marker": 1}


class TestGate:
    async def test_hidden_reasoning_is_part_of_the_worst_case(self) -> None:
        expert = large("Good.")
        expert.trigreason_card = replace(expert.trigreason_card, hidden_tokens=4096)
        tight = Budget(large_tokens=4_000, usd=None)
        result = await graph(small("BAD.\n\nx", "So \\boxed{7}."), expert, Marker("BAD"), budget=tight).ainvoke(
            QUESTION
        )
        assert expert.calls == 0
        assert result["report"]["unserved"] == {"marker": 1}

    @pytest.mark.parametrize("mode", ["never", "shadow"])
    async def test_a_large_model_that_is_not_called_need_not_be_there(self, mode: Any) -> None:
        compiled = create_trigreason_graph(
            small=small(STEPS), large="embedded:/nowhere/absent.gguf", settings=Settings(large=mode)
        ).compile()
        assert (await compiled.ainvoke(QUESTION))["answer"] == "7"

    async def test_a_filtered_reply_is_no_end(self) -> None:
        writer = small(Scripted("One is 3.\n\nTwo is", finish="content_filter"), "Two is 4. \\boxed{7}")
        assert texts(await graph(writer).ainvoke(QUESTION)) == ["One is 3.", "Two is 4. \\boxed{7}"]

    def test_two_judges_are_refused(self) -> None:
        class Judging:
            def __init__(self, name: str) -> None:
                self.name = name

            async def judge(self, view: Any, call: Any) -> None:
                return None

        with pytest.raises(ValueError, match="more than one judge"):
            create_trigreason_graph(small=small(), large=large(), policy=[Judging("a"), Judging("b")])


class TestFoundByAttack:
    """Each of these broke once."""

    async def test_a_blueprint_needs_no_labels(self) -> None:
        compiled = graph(
            small(STEPS), large("First add the two."), initiation=StrategicInitiation(), checkpointer=InMemorySaver()
        )
        await compiled.ainvoke(QUESTION, config())
        assert (await full_state(compiled, config()))["blueprint"]["key_steps"] == ["First add the two."]

    async def test_a_denial_holds_when_the_resume_brings_no_context(self) -> None:
        expert = large("Good.")
        compiled = graph(small("BAD.\n\nx", "\\boxed{7}"), expert, Marker("BAD"), checkpointer=InMemorySaver())
        await compiled.ainvoke(QUESTION, config(), context=Settings(large="ask"))
        await compiled.ainvoke(Command(resume="deny"), config())
        assert expert.calls == 0

    async def test_what_both_conclusions_cost_is_counted_once(self) -> None:
        compiled = graph(small("dunno", loop=True), large("also dunno", loop=True), checkpointer=InMemorySaver())
        await compiled.ainvoke(QUESTION, config())
        state = await full_state(compiled, config())
        assert state["spent"]["total_tokens"] == sum(row["tokens_out"] for row in state["ledger"])
        assert state["spent"]["large_calls"] == 1

    async def test_a_fork_goes_on_where_it_was_forked(self) -> None:
        writer = small("One.\n\nBAD.\n\nx", "Two \\boxed{7}.", "Two \\boxed{8}.")
        compiled = graph(writer, large("Good."), Marker("BAD"), checkpointer=InMemorySaver())
        await compiled.ainvoke(QUESTION, config())
        history = [point async for point in compiled.aget_state_history(config(), limit=20)]
        before = next(
            point for point in history if point.next == ("step_generator",) and len(point.values["trace"]) == 2
        )
        fork = await compiled.aupdate_state(before.config, {"trace": {"keep": 1}})
        assert (await compiled.aget_state(fork)).next == ("step_generator",)
        assert texts(await compiled.ainvoke(None, fork)) == ["One.", "Two \\boxed{8}."]

    async def test_tries_of_one_call_are_one_call(self) -> None:
        down = large(Scripted(None, error=ConnectionError("refused")), loop=True)
        compiled = graph(
            small("BAD.\n\nx", "\\boxed{7}"),
            down,
            Marker("BAD"),
            budget=Budget(large_calls=1, usd=None),
            checkpointer=InMemorySaver(),
        )
        await compiled.ainvoke(QUESTION, config())
        state = await full_state(compiled, config())
        assert state["spent"]["large_calls"] == 1
        assert sum(row["role"] == "large" for row in state["ledger"]) == 3

    async def test_a_client_that_knows_no_limit_is_closed_at_ours(self) -> None:
        writer = small("word " * 5_000)
        writer.trigreason_card = replace(writer.trigreason_card, dialect="plain")
        result = await graph(writer, budget=Budget(total_tokens=500, usd=None)).ainvoke(QUESTION)
        assert result["report"]["totals"]["small"]["tokens_out"] <= 510
        assert result["report"]["outcome"]["kind"] == "budget"

    async def test_the_time_budget_stops_a_running_call(self) -> None:
        writer = small(Scripted("A word. " * 400, delay=0.02), "7}.")
        result = await graph(writer, budget=Budget(seconds=0.3, usd=None)).ainvoke(QUESTION)
        assert result["report"]["totals"]["small"]["seconds"] < 1.5
        assert result["report"]["outcome"]["kind"] == "budget"

    async def test_every_thrown_away_step_has_its_event(self) -> None:
        expert = large("wrong: 1\n\nA is 2.")
        compiled = graph(small("A is 1.\n\nBAD.\n\nx", "So \\boxed{7}."), expert, Marker("BAD"))
        events = [event async for event in compiled.astream(QUESTION, stream_mode="custom")]
        assert [event["step_ids"] for event in events if event["type"] == "discard"] == [[1], [0]]

    async def test_a_refused_initiation_is_shown(self) -> None:
        compiled = graph(small(STEPS), initiation=StrategicInitiation(), settings=Settings(large="shadow"))
        events = [event async for event in compiled.astream(QUESTION, stream_mode="custom")]
        assert [event["served"] for event in events if event["type"] == "signal"] == [False]

    async def test_an_answered_question_is_not_answered_again(self) -> None:
        compiled = graph(small(STEPS, STEPS), checkpointer=InMemorySaver())
        await compiled.ainvoke(QUESTION, config())
        for stale in ({"question": "  "}, {"messages": [("ai", "hm")]}):
            with pytest.raises(InputError, match="question"):
                await compiled.ainvoke(stale, config())

    async def test_a_context_under_our_key_and_a_misspelt_one(self) -> None:
        expert = large("Good.")
        compiled = graph(small("BAD \\boxed{7}.", loop=True), expert, Marker("BAD"))
        await compiled.ainvoke(QUESTION, context={"trigreason": {"large": "never"}})
        assert expert.calls == 0
        await compiled.ainvoke(QUESTION, context={"trigreason": None})
        assert expert.calls > 0, "nothing is set, as without a context"
        with pytest.raises(ValueError, match="lagre"):
            await compiled.ainvoke(QUESTION, context={"lagre": "never"})

    @pytest.mark.parametrize(
        ("reply", "step"),
        [
            ("wrong: none So \\boxed{7}.", "So \\boxed{7}."),
            ("**wrong:** none.\n\nSo \\boxed{7}.", "So \\boxed{7}."),
            ("Wrong. No, it is \\boxed{7}.", "Wrong. No, it is \\boxed{7}."),
            ("Wrong: 3 apples is 6, so \\boxed{7}.", "Wrong: 3 apples is 6, so \\boxed{7}."),
        ],
    )
    async def test_a_header_takes_no_content_with_it(self, reply: str, step: str) -> None:
        result = await graph(small("Fine.\n\nBAD.\n\nx"), large(reply), Marker("BAD")).ainvoke(QUESTION)
        assert texts(result) == ["Fine.", step]

    async def test_a_signal_that_makes_no_sense_names_its_trigger(self) -> None:
        with pytest.raises(ValueError, match="marker gave route 'foo'"):
            await graph(small("BAD.\n\nx"), large(), Marker("BAD", "foo")).ainvoke(QUESTION)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="marker gave steps=-3"):
            await graph(small("BAD.\n\nx"), large(), Marker("BAD", steps=-3)).ainvoke(QUESTION)

    async def test_a_denied_conclusion_is_an_outcome_of_its_own(self) -> None:
        compiled = graph(
            small("no idea"), large(), settings=Settings(large="ask"), checkpointer=InMemorySaver(), answer_by="large"
        )
        await compiled.ainvoke(QUESTION, config())
        result = await compiled.ainvoke(Command(resume="deny"), config())
        assert result["report"]["outcome"]["kind"] == "denied"

    async def test_fault_texts_are_clean(self) -> None:
        writer = small(Scripted("One.\n\n", error=ValueError("\x1b[31m\x00 \ud800")), "So \\boxed{7}.")
        result = await graph(writer).ainvoke(QUESTION)
        json.dumps(result["report"], ensure_ascii=False).encode()
