"""What was found wrong with pairs of models when they were attacked, each with the smallest run that showed it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from graphs import LOCAL_SMALL, PAID_LARGE, Marker, full_state, large, policy, small
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from wrapped import SPEAKS, Reader, Whole, chunk, used, wrapped, written

from trigreason_graph import Budget, ModelCard, Price, ReasoningModel, create_trigreason_graph
from trigreason_graph.cli.capabilities import examine_models
from trigreason_graph.models.resolve import resolve_model
from trigreason_graph.settings import Settings
from trigreason_graph.testing import Fault, OpenAIServer, Scripted, ScriptedModel, ServedModel
from trigreason_graph.triggers import StepScore

QUESTION = {"question": "What is 3 + 4?"}
CONFIG: Any = {"configurable": {"thread_id": "1"}}
STAND_IN = ModelCard(provider="scripted", name="stand-in", style="turn", dialect="openai", local=True)
DOWN = Scripted("", error=PermissionError("no"))


def stand_in(*script: str, **card: Any) -> ScriptedModel:
    return ScriptedModel(script=list(script), trigreason_card=replace(STAND_IN, **card))


def built(small_model: Any, large_model: Any, *triggers: Any, **fields: Any) -> Any:
    own = {name: fields.pop(name) for name in ("fallback", "settings", "prices") if name in fields}
    budget = fields.pop("budget", Budget(usd=None))
    builder = create_trigreason_graph(
        small=small_model, large=large_model, policy=policy(*triggers, **fields), budget=budget, **own
    )
    return builder.compile(checkpointer=InMemorySaver())


class TestExactCounts:
    async def test_a_whole_reply_of_which_no_more_is_wanted_is_counted_as_the_server_did(self) -> None:
        reply = AIMessage("One is 3.\n\nOther 12345678.", usage_metadata=used(10, 9))  # type: ignore[arg-type]
        model = ReasoningModel(inner=Whole(reply=reply), card=SPEAKS)
        last = (await written(model, Reader("One"))).last
        assert (last.finish, last.usage.tokens_out, last.estimated) == ("closed", 9, False)

    async def test_a_last_chunk_that_holds_text_and_count(self) -> None:
        """As Gemini's."""
        model = wrapped([chunk("One is 12345678.", {"finish_reason": "STOP"}, usage=used(10, 9))])
        last = (await written(model, Reader("One"))).last
        assert (last.usage.tokens_out, last.estimated) == (9, False)

    async def test_a_closed_stream_whose_count_was_not_final_is_estimated(self) -> None:
        model = wrapped([chunk("One is 12345678.", usage=used(10, 1)), chunk("more")])
        assert (await written(model, Reader("One"))).last.estimated


class TestEndings:
    @pytest.mark.parametrize("finish", ["insufficient_system_resource", "abort", "error", "recitation", "incomplete"])
    async def test_a_reply_that_its_server_gave_up_is_cut(self, finish: str) -> None:
        leading = small(Scripted("One is 3.\n\nThe oth", finish=finish), "The other is 4.\n\nSo it is \\boxed{7}.")
        result = await built(leading, large()).ainvoke(QUESTION, CONFIG)
        assert [step["text"] for step in result["trace"]] == ["One is 3.", "The other is 4.", "So it is \\boxed{7}."]

    async def test_running_out_of_time_before_the_first_token_is_no_failure_of_the_model(self) -> None:
        leading = small(Scripted("One is 3.", delay=60))
        compiled = built(leading, large(), budget=Budget(seconds=0.1, usd=None))
        result = await asyncio.wait_for(compiled.ainvoke(QUESTION, CONFIG), 10)
        outcome = result["report"]["outcome"]
        assert outcome["kind"] == "budget"
        assert "0.1 s" in outcome["detail"]

    async def test_a_whole_reply_that_is_no_json_is_tried_again(self) -> None:
        served = ServedModel(["lost", "So it is \\boxed{7}."])
        with OpenAIServer({"m": served}, flavour="vllm", faults={1: Fault(after=0, then="garbage")}) as server:
            model = resolve_model(f"vllm:m@{server.url}/v1", "small")
            model = model.model_copy(update={"inner": model.inner.model_copy(update={"disable_streaming": True})})
            result = await built(model, large()).ainvoke(QUESTION, CONFIG)
        assert [step["author"] for step in result["trace"]] == ["small"]


class TestFallback:
    async def test_it_states_the_answer_too(self) -> None:
        compiled = built(small("One is 3."), large(DOWN), fallback=stand_in("\\boxed{7}"), answer_by="large")
        result = await compiled.ainvoke(QUESTION, CONFIG)
        assert result["answer"] == "7"
        assert any(note.startswith("scripted:stand-in stood in") for note in result["report"]["notes"])
        assert (await full_state(compiled, CONFIG))["fallback_on"]

    async def test_it_judges_too_and_writes_afterwards(self) -> None:
        leading = small("One is 3.\n\nOdd.\n\n", "So it is \\boxed{7}.")
        second = stand_in("9", "2", "wrong: none\n\nThe other is 4.\n\n", "9", "9")
        compiled = built(leading, large(DOWN), StepScore(), fallback=second)
        result = await compiled.ainvoke(QUESTION, CONFIG)
        state = await full_state(compiled, CONFIG)
        assert state["large_off"] == ""
        assert [row["model"] for row in state["ledger"] if row["role"] == "large"][:2] == [
            "scripted:large",
            "scripted:stand-in",
        ]
        assert "scripted:stand-in" in {step["model"] for step in result["trace"]}

    async def test_what_it_does_without_is_said_once_it_stands_in(self) -> None:
        for first, said in ((DOWN, 1), ("wrong: none\n\nThe other is 4.\n\n", 0)):
            leading = small("One is 3.\n\nOdd.\n\n", "So it is \\boxed{7}.")
            second = stand_in("wrong: none\n\nThe other is 4.\n\n", usage=False)
            result = await built(leading, large(first), Marker("Odd"), fallback=second).ainvoke(QUESTION, CONFIG)
            assert sum("stand-in are not counted" in note for note in result["report"]["notes"]) == said


async def test_one_model_in_both_roles_is_told_about_once() -> None:
    card = replace(LOCAL_SMALL, usage=False)
    models = [ScriptedModel(script=["So it is \\boxed{7}."], trigreason_card=card) for _ in range(2)]
    notes = (await built(*models).ainvoke(QUESTION, CONFIG))["report"]["notes"]
    assert len(notes) == len(set(notes))


class TestHiddenReasoning:
    @pytest.mark.parametrize("window", [2_048, 4_096])
    async def test_a_thinking_model_with_a_small_window_can_be_called(self, window: int) -> None:
        card = replace(LOCAL_SMALL, style="turn", form="think_tags", hidden_tokens=4_096, window=window)
        leading = ScriptedModel(script=["<think>hm</think>So it is \\boxed{7}."], trigreason_card=card)
        result = await built(leading, large()).ainvoke(QUESTION, CONFIG)
        assert result["answer"] == "7"

    async def test_an_approval_is_asked_with_the_whole_worst_case(self) -> None:
        card = replace(PAID_LARGE, hidden_tokens=4_096)
        paid = ScriptedModel(script=["wrong: none\n\nThe other is 4.\n\n"], trigreason_card=card)
        compiled = built(
            small("One is 3.\n\nOdd.\n\n", "So it is \\boxed{7}."),
            paid,
            Marker("Odd"),
            settings=Settings(large="ask"),
            prices={"scripted:large": Price(input=0, output=1_000_000)},
        )
        waiting = (await compiled.ainvoke(QUESTION, CONFIG))["__interrupt__"][0].value
        assert waiting["max_tokens"] == waiting["max_cost_usd"] == 512 + 4_096
        await compiled.ainvoke(Command(resume="approve"), CONFIG)
        assert paid.asked[0]["max_tokens"] == waiting["max_tokens"]


def test_the_doctor_shows_no_password() -> None:
    spec = "vllm:m@http://user:supersecretpw@127.0.0.1:9/v1"
    for one in examine_models(spec, spec, probe=False, paid=False):
        assert "supersecretpw" not in f"{one} {one.finding} {one.as_json()}"
