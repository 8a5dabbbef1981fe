"""Asking a person before a paid call, not paying at all, and time travel: on a saver in memory and on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command
from pydantic import TypeAdapter, ValidationError

from tests.graphs import LOCAL_SMALL, PAID_LARGE, STEPS, Marker, full_state, graph, large, policy, small
from trigreason_graph import Budget, Price, Settings, Signal, StrategicInitiation, View, create_trigreason_graph
from trigreason_graph.nodes.approval import INSTRUCTION_CHARACTERS, Approval
from trigreason_graph.reasoning.handover import request_in, with_instruction
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS
from trigreason_graph.testing import Scripted, ScriptedModel

QUESTION = {"question": "What is 3 + 4?"}
CONFIG: Any = {"configurable": {"thread_id": "1"}}
ASK = Settings(large="ask")
EDIT = {"decision": "edit", "instruction": "Use the other number."}
TOLD = "\n\nFollow this instruction of a person as well: Use the other number."


@pytest.fixture(params=["memory", "sqlite"])
async def saver(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield InMemorySaver()
        return
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "runs.sqlite")) as opened:
        yield opened


def asking(writer: ScriptedModel, expert: ScriptedModel, saver: Any, *triggers: Any, **fields: Any) -> Any:
    return graph(writer, expert, *(triggers or (Marker("BAD"),)), settings=ASK, checkpointer=saver, **fields)


def wrong_then_right() -> tuple[ScriptedModel, ScriptedModel]:
    """The SRM goes wrong in its second step; the LRM rewrites it; the SRM answers."""
    return small("One is 3.\n\nBAD.\n\nx", "So \\boxed{7}."), large("The other is 4.")


def texts(result: Any) -> list[str]:
    return [step["text"] for step in result["trace"]]


def last_turn(model: ScriptedModel, call: int = -1) -> str:
    human = [message for message in model.prompts[call] if isinstance(message, HumanMessage)][-1]
    return human.text


class TestTheQuestion:
    async def test_it_says_what_the_call_is_for_and_what_it_costs_at_most(self, saver: Any) -> None:
        writer, expert = wrong_then_right()
        paused = await asking(writer, expert, saver).ainvoke(QUESTION, CONFIG)
        (waiting,) = paused["__interrupt__"]
        asked = waiting.value
        assert asked == {
            "kind": "large_model_call",
            "summary": "scripted:large is to rewrite step 2: at most 512 tokens, price unknown",
            "purpose": "rewrite",
            "model": "scripted:large",
            "step": 2,
            "trigger": "marker",
            "reason": "The step says 'BAD'.",
            "prompt_tokens": asked["prompt_tokens"],
            "max_tokens": 512,
            "max_cost_usd": None,
            "instruction": asked["instruction"],
            "answers": ["approve", "deny", "edit"],
        }
        assert asked["prompt_tokens"] > 100
        assert asked["instruction"].startswith("The next step is hard for the small model.")
        assert set(waiting.response_schema["properties"]) == {"decision", "instruction"}
        assert all(field["title"] and field["description"] for field in waiting.response_schema["properties"].values())

    async def test_a_known_price_is_told(self, saver: Any) -> None:
        writer, expert = wrong_then_right()
        builder = create_trigreason_graph(
            small=writer,
            large=expert,
            policy=policy(Marker("BAD")),
            settings=ASK,
            prices={"scripted:large": Price(input=0, output=100)},
        )
        paused = await builder.compile(checkpointer=saver).ainvoke(QUESTION, CONFIG)
        asked = paused["__interrupt__"][0].value
        assert asked["max_cost_usd"] == pytest.approx(512 * 100 / 1e6)
        assert asked["summary"].endswith("at most 512 tokens, $0.0512")

    async def test_a_local_model_costs_nothing(self, saver: Any) -> None:
        writer, _ = wrong_then_right()
        near = ScriptedModel(script=["The other is 4."], trigreason_card=replace(PAID_LARGE, local=True))
        paused = await asking(writer, near, saver).ainvoke(QUESTION, CONFIG)
        assert paused["__interrupt__"][0].value["max_cost_usd"] == 0

    async def test_a_long_request_is_shown_by_its_end(self, saver: Any) -> None:
        class Asks:
            name = "asks"

            async def judge(self, view: View, call: Any) -> Signal | None:
                await call("x" * 5_000 + "!", 64)
                return None

        writer, expert = small(STEPS, loop=True), large("fine", loop=True)
        paused = await asking(writer, expert, saver, Asks()).ainvoke(QUESTION, CONFIG)
        asked = paused["__interrupt__"][0].value
        assert (asked["purpose"], asked["step"], asked["trigger"]) == ("review", 1, "")
        assert len(asked["instruction"]) == 600
        assert asked["instruction"].endswith("x!")


APPROVALS = ["approve", "Approve ", True, '"approve"', "true", {"decision": "approve"}, '{"decision": "approve"}']
DENIALS = ["deny", False, "false", {"decision": "deny", "instruction": " "}]


class TestTheAnswer:
    @pytest.mark.parametrize("answer", APPROVALS)
    def test_forms_of_yes(self, answer: Any) -> None:
        assert Approval.model_validate(answer).decision == "approve"

    @pytest.mark.parametrize("answer", DENIALS)
    def test_forms_of_no(self, answer: Any) -> None:
        assert Approval.model_validate(answer).decision == "deny"

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ("maybe", 'answer with "approve", "deny", or'),
            (None, "answer with"),
            (1, "answer with"),
            ([], "answer with"),
            ("[" * 100_000, "answer with"),
            ("edit", "answer with"),
            ({"decision": "edit"}, "an edit needs an instruction"),
            ({"decision": "edit", "instruction": "\x1b[2J\x00 "}, "an edit needs an instruction"),
            ({"decision": "approve", "instruction": "x"}, 'goes with "edit", not with "approve"'),
            ({"decision": "yes"}, "'approve', 'deny' or 'edit'"),
            ({"decision": "edit", "instruction": 3}, "valid string"),
            ({"decision": "edit", "instruction": "x" * (INSTRUCTION_CHARACTERS + 1)}, "at most 2000 characters"),
            ({"decision": "deny", "why": "dear"}, "why"),
        ],
    )
    def test_what_is_no_answer_is_told_how_to_answer(self, answer: Any, message: str) -> None:
        with pytest.raises(ValidationError) as refused:
            Approval.model_validate(answer)
        assert message in str(refused.value)

    def test_hostile_text_is_cleaned(self) -> None:
        hostile = "\x1b]0;owned\x07Use \x1b[31mmod 7\x1b[0m\r\nand \ud800 {braces}\x00"
        answer = Approval.model_validate({"decision": "edit", "instruction": hostile})
        assert answer.instruction == "Use mod 7\nand \ufffd {braces}"

    def test_its_schema_is_for_forms(self) -> None:
        schema = TypeAdapter(Approval).json_schema()
        assert schema["properties"]["decision"]["enum"] == ["approve", "deny", "edit"]
        assert schema["properties"]["instruction"]["maxLength"] == INSTRUCTION_CHARACTERS

    async def test_approve_repeats_nothing(self, saver: Any) -> None:
        writer, expert = wrong_then_right()
        compiled = asking(writer, expert, saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        assert (writer.calls, expert.calls) == (1, 0)
        result = await compiled.ainvoke(Command(resume="approve"), CONFIG)
        assert texts(result) == ["One is 3.", "The other is 4.", "So \\boxed{7}."]
        assert (writer.calls, expert.calls) == (2, 1)
        assert "instructions" not in result["report"]

    async def test_deny_leaves_the_small_model_alone(self, saver: Any) -> None:
        writer, expert = wrong_then_right()
        compiled = asking(writer, expert, saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        result = await compiled.ainvoke(Command(resume=False), CONFIG)
        assert texts(result) == ["One is 3.", "BAD.", "So \\boxed{7}."]
        assert (writer.calls, expert.calls) == (2, 0)
        assert result["report"]["unserved"] == {"marker": 1}

    async def test_denied_to_answer_it_leaves_that_to_the_small_model(self, saver: Any) -> None:
        writer, expert = small("One is 3.\n\nThe other is 4.", "7}."), large("\\boxed{7}")
        compiled = asking(writer, expert, saver, answer_by="large")
        paused = await compiled.ainvoke(QUESTION, CONFIG)
        assert paused["__interrupt__"][0].value["purpose"] == "conclude"
        result = await compiled.ainvoke(Command(resume="deny"), CONFIG)
        assert (result["answer"], result["report"]["outcome"]["kind"]) == ("7", "answered")
        assert (writer.calls, expert.calls) == (2, 0)

    async def test_an_answer_that_is_none_can_be_given_again(self, saver: Any) -> None:
        writer, expert = wrong_then_right()
        compiled = asking(writer, expert, saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        for bad in ("perhaps", {"decision": "edit"}):
            with pytest.raises(ValidationError, match="answer with"):
                await compiled.ainvoke(Command(resume=bad), CONFIG)
        assert (await compiled.aget_state(CONFIG)).interrupts
        result = await compiled.ainvoke(Command(resume=EDIT), CONFIG)
        assert result["answer"] == "7"
        assert (writer.calls, expert.calls) == (2, 1)


class TestEdit:
    async def test_the_instruction_reaches_this_call_and_no_other(self, saver: Any) -> None:
        writer = small("One is 3.\n\nBAD.\n\nx", "BAD too.\n\nx", "So \\boxed{7}.")
        expert = large("The other is 4.", "Both are 7.")
        compiled = asking(writer, expert, saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        await compiled.ainvoke(Command(resume=EDIT), CONFIG)
        result = await compiled.ainvoke(Command(resume="approve"), CONFIG)
        assert last_turn(expert, 0).endswith(TOLD)
        assert not any("the other number" in last_turn(model, -1) for model in (writer, expert))
        assert (writer.calls, expert.calls) == (3, 2)
        told = {"call": 1, "purpose": "rewrite", "instruction": "Use the other number."}
        assert result["report"]["instructions"] == [told]
        rows = (await full_state(compiled, CONFIG))["ledger"]
        assert [row.get("instruction") for row in rows] == [None, "Use the other number.", None, None, None]

    async def test_all_before_it_stays_byte_for_byte(self, saver: Any) -> None:
        prompts = []
        for answer in ("approve", EDIT):
            writer, expert = wrong_then_right()
            compiled = asking(writer, expert, saver)
            config: Any = {"configurable": {"thread_id": str(answer)}}
            await compiled.ainvoke(QUESTION, config)
            await compiled.ainvoke(Command(resume=answer), config)
            prompts.append(expert.prompts[0])
        plain, told = prompts
        assert told[:-1] == plain[:-1]
        assert told[-1].text == plain[-1].text + TOLD

    async def test_the_events_show_it(self, saver: Any) -> None:
        writer, expert = wrong_then_right()
        compiled = asking(writer, expert, saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        events = [event async for event in compiled.astream(Command(resume=EDIT), CONFIG, stream_mode="custom")]
        starts = [event for event in events if event["type"] == "call" and event["status"] == "start"]
        assert [event.get("instruction") for event in starts] == ["Use the other number.", None]

    async def test_a_model_that_continues_the_trace_is_told_in_its_user_turn(self, saver: Any) -> None:
        writer, _ = wrong_then_right()
        near = ScriptedModel(script=["The other is 4.\n\n"], trigreason_card=replace(LOCAL_SMALL, name="near"))
        compiled = asking(writer, near, saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        await compiled.ainvoke(Command(resume=EDIT), CONFIG)
        assert last_turn(near).endswith(TOLD)
        assert near.prompts[0][-1].text == "One is 3.\n\n"

    async def test_a_plan_a_verdict_and_a_conclusion_can_be_edited_too(self, saver: Any) -> None:
        class Asks:
            name = "asks"

            async def judge(self, view: View, call: Any) -> Signal | None:
                if not view.trace:
                    await call("Is that right?", 64)
                return None

        writer, expert = small("Hm."), large("Goal: the sum\nKey steps: 1. add", "fine", "\\boxed{7}")
        compiled = asking(writer, expert, saver, Asks(), initiation=StrategicInitiation(), answer_by="large")
        paused = await compiled.ainvoke(QUESTION, CONFIG)
        purposes = []
        while "__interrupt__" in paused:
            purposes.append(paused["__interrupt__"][0].value["purpose"])
            paused = await compiled.ainvoke(Command(resume=EDIT), CONFIG)
        assert purposes == ["initiate", "review", "conclude"]
        assert all(last_turn(expert, call).endswith(TOLD) for call in range(3))
        assert [row["purpose"] for row in paused["report"]["instructions"]] == purposes
        assert (writer.calls, expert.calls) == (1, 3)

    async def test_a_prompt_that_no_longer_fits_is_not_sent(self, saver: Any) -> None:
        writer, _ = wrong_then_right()
        narrow = ScriptedModel(script=[], trigreason_card=replace(PAID_LARGE, window=1_000))
        compiled = asking(writer, narrow, saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        long = {"decision": "edit", "instruction": "word " * 390}
        result = await compiled.ainvoke(Command(resume=long), CONFIG)
        assert texts(result) == ["One is 3.", "BAD.", "So \\boxed{7}."]
        signal = (await full_state(compiled, CONFIG))["signals"][0]
        assert "does not fit the window" in signal["unserved_reason"]

    async def test_the_fallback_is_asked_about_anew_and_nothing_is_repaid(self, saver: Any) -> None:
        writer, stand_in = small("One is 3.\n\nBAD.\n\nx", "So \\boxed{7}."), large("The other is 4.")
        down = large(Scripted(None, error=ConnectionError("refused")), loop=True)
        builder = create_trigreason_graph(
            small=writer, large=down, fallback=stand_in, policy=policy(Marker("BAD")), settings=ASK
        )
        compiled = builder.compile(checkpointer=saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        await compiled.ainvoke(Command(resume="approve"), CONFIG)
        result = await compiled.ainvoke(Command(resume=EDIT), CONFIG)
        assert result["answer"] == "7"
        assert (writer.calls, stand_in.calls) == (2, 1)
        assert last_turn(stand_in).endswith(TOLD)

    def test_in_a_prompt_of_blocks_the_last_one_grows(self) -> None:
        """So that no cache mark comes to stand on what changes."""
        first, ask = {"type": "text", "text": "Problem"}, {"type": "text", "text": "Found: 3.\n\nGo on."}
        prompt = [HumanMessage([first, ask])]
        (told,) = with_instruction(prompt, "Use 4.", DEFAULT_PROMPTS)
        added = "\n\nFollow this instruction of a person as well: Use 4."
        assert told.content == [first, {**ask, "text": ask["text"] + added}]
        assert request_in(prompt) == "Go on."
        assert with_instruction(prompt, "", DEFAULT_PROMPTS) == prompt

    def test_a_sync_caller(self, tmp_path: Path) -> None:
        writer, expert = wrong_then_right()
        with SqliteSaver.from_conn_string(str(tmp_path / "runs.sqlite")) as opened:
            compiled = asking(writer, expert, opened)
            compiled.invoke(QUESTION, CONFIG)
            assert compiled.invoke(Command(resume=EDIT), CONFIG)["answer"] == "7"
        assert last_turn(expert).endswith(TOLD)
        assert (writer.calls, expert.calls) == (2, 1)


class TestNotPaying:
    async def test_never_calls_nobody(self, saver: Any) -> None:
        writer, expert = wrong_then_right()
        compiled = graph(writer, expert, Marker("BAD"), checkpointer=saver)
        result = await compiled.ainvoke(QUESTION, CONFIG, context=Settings(large="never"))
        assert expert.calls == 0
        assert result["report"]["unserved"] == {"marker": 1}
        assert "shadow" not in result["report"]

    async def test_shadow_says_where_and_how_much(self, saver: Any) -> None:
        writer, expert = small("One is 3.\n\nBAD.\n\nHmm, is it?\n\nSo \\boxed{7}."), large()
        builder = create_trigreason_graph(
            small=writer,
            large=expert,
            policy=policy(
                Marker("BAD"), Marker("Hmm", "intervene", steps=2, name="hesitates"), initiation=StrategicInitiation()
            ),
            prices={"scripted:large": Price(input=0, output=100)},
        )
        compiled = builder.compile(checkpointer=saver)
        result = await compiled.ainvoke(QUESTION, CONFIG, context=Settings(large="shadow"))
        assert expert.calls == 0
        report = result["report"]["shadow"]
        assert [(call["trigger"], call["purpose"], call["at"], call["max_tokens"]) for call in report["where"]] == [
            ("strategic_initiation", "initiate", 0, 120),
            ("marker", "rewrite", 1, 512),
            ("hesitates", "intervene", 2, 1_024),
        ]
        assert all(call["tokens_in"] > 50 for call in report["where"])
        assert (report["calls"], report["max_tokens"]) == (3, 120 + 512 + 1_024)
        assert report["max_cost"] == pytest.approx(1_656 * 100 / 1e6)

    async def test_shadow_stays_within_the_budget(self, saver: Any) -> None:
        writer = small("BAD.\n\nBAD.\n\nBAD.\n\nSo \\boxed{7}.")
        budget = Budget(large_calls=2, large_tokens=600, usd=None)
        compiled = graph(writer, large(), Marker("BAD"), checkpointer=saver, budget=budget)
        report = (await compiled.ainvoke(QUESTION, CONFIG, context=Settings(large="shadow")))["report"]
        assert (report["shadow"]["calls"], report["shadow"]["max_tokens"]) == (2, 600)
        assert report["shadow"]["max_cost"] is None  # nobody knows the price
        assert report["unserved"] == {"marker": 3}

    @pytest.mark.parametrize("form", ["prime", "both"])
    async def test_shadow_counts_the_first_steps(self, saver: Any, form: Any) -> None:
        initiation = StrategicInitiation(form=form, steps=2, tokens=None if form == "prime" else 100)
        compiled = graph(small(STEPS), large(), initiation=initiation, checkpointer=saver)
        report = (await compiled.ainvoke(QUESTION, CONFIG, context=Settings(large="shadow")))["report"]
        calls = [(call["purpose"], call["max_tokens"]) for call in report["shadow"]["where"]]
        assert calls == ([("initiate", 100)] if form == "both" else []) + [("prime", 1_024)]


class TestBreakpoint:
    """`interrupt_before=["large_offload"]`: LangGraph's own way to stop there."""

    def stopping(self, saver: Any) -> tuple[Any, ScriptedModel, ScriptedModel]:
        writer, expert = wrong_then_right()
        builder = create_trigreason_graph(
            small=writer, large=expert, policy=policy(Marker("BAD")), budget=Budget(usd=None)
        )
        return builder.compile(checkpointer=saver, interrupt_before=["large_offload"]), writer, expert

    async def test_go_on(self, saver: Any) -> None:
        compiled, writer, expert = self.stopping(saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        stopped = await compiled.aget_state(CONFIG)
        assert stopped.next == ("large_offload",)
        assert stopped.values["signal"]["trigger"] == "marker"
        assert expert.calls == 0
        result = await compiled.ainvoke(None, CONFIG)
        assert texts(result) == ["One is 3.", "The other is 4.", "So \\boxed{7}."]
        assert (writer.calls, expert.calls) == (2, 1)

    async def test_go_on_without_the_call(self, saver: Any) -> None:
        compiled, writer, expert = self.stopping(saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        result = await compiled.ainvoke(None, CONFIG, context=Settings(large="never"))
        assert texts(result) == ["One is 3.", "BAD.", "So \\boxed{7}."]
        assert (writer.calls, expert.calls) == (2, 0)

    async def test_edit_the_trace_while_it_stands(self, saver: Any) -> None:
        compiled, writer, expert = self.stopping(saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        step = (await compiled.aget_state(CONFIG)).values["trace"][0]
        await compiled.aupdate_state(CONFIG, {"trace": {"keep": 0, "add": [{**step, "text": "One is three."}]}})
        assert (await compiled.aget_state(CONFIG)).next == ("large_offload",)
        result = await compiled.ainvoke(None, CONFIG)
        assert texts(result) == ["One is three.", "The other is 4.", "So \\boxed{7}."]
        assert "Step 1. One is three." in last_turn(expert)
        assert (writer.calls, expert.calls) == (2, 1)


class TestForking:
    async def ended(self, saver: Any, *more: str) -> tuple[Any, ScriptedModel, Any]:
        """A run that has come to its end, and its checkpoint behind the LRM's step."""
        writer = small("One is 3.\n\nBAD.\n\nx", "So \\boxed{7}.", *more)
        compiled = graph(writer, large("The other is 4."), Marker("BAD"), checkpointer=saver)
        await compiled.ainvoke(QUESTION, CONFIG)
        history = [point async for point in compiled.aget_state_history(CONFIG, limit=20)]
        before = next(
            point for point in history if point.next == ("step_generator",) and len(point.values["trace"]) == 2
        )
        return compiled, writer, before

    async def test_drop_steps(self, saver: Any) -> None:
        compiled, writer, before = await self.ended(saver, "Two is 5. \\boxed{8}.")
        fork = await compiled.aupdate_state(before.config, {"trace": {"keep": 1}})
        result = await compiled.ainvoke(None, fork)
        assert texts(result) == ["One is 3.", "Two is 5. \\boxed{8}."]
        assert writer.prompts[-1][-1].text == "One is 3.\n\n"

    async def test_edit_a_step(self, saver: Any) -> None:
        compiled, writer, before = await self.ended(saver, "So \\boxed{8}.")
        edited = {**before.values["trace"][1], "text": "The other is 5."}
        fork = await compiled.aupdate_state(before.config, {"trace": {"keep": 1, "add": [edited]}})
        result = await compiled.ainvoke(None, fork)
        assert texts(result) == ["One is 3.", "The other is 5.", "So \\boxed{8}."]
        assert result["answer"] == "8"
        assert "The other is 5." in writer.prompts[-1][-1].text

    async def test_the_old_branch_is_still_there(self, saver: Any) -> None:
        compiled, _, before = await self.ended(saver, "So \\boxed{8}.")
        ended = await compiled.aget_state(CONFIG)
        fork = await compiled.aupdate_state(before.config, {"trace": {"keep": 1}})
        assert (await compiled.ainvoke(None, fork))["answer"] == "8"
        old = await compiled.aget_state(ended.config)
        assert old.values["answer"] == "7"
        assert texts(old.values) == ["One is 3.", "The other is 4.", "So \\boxed{7}."]

    async def test_other_settings_from_there_on(self, saver: Any) -> None:
        compiled, _, before = await self.ended(saver, "BAD, so \\boxed{9}.")
        result = await compiled.ainvoke(None, before.config, context=Settings(large="never"))
        assert texts(result) == ["One is 3.", "The other is 4.", "BAD, so \\boxed{9}."]
