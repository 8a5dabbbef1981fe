"""What attacks on the graph have found, each in its smallest form."""

from __future__ import annotations

import asyncio
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver

from tests.graphs import PAID_LARGE, STEPS, Marker, full_state, graph, large, policy, small
from tests.wrapped import Reader, written
from trigreason_graph import Budget, Settings, create_trigreason_graph
from trigreason_graph.models import ReasoningModel
from trigreason_graph.testing import Scripted, ScriptedModel, make_step, make_view
from trigreason_graph.triggers import StepReview, StepScore
from trigreason_graph.triggers.window import LOOK_BACK

QUESTION = {"question": "What is 3 + 4?"}
CONFIG: Any = {"configurable": {"thread_id": "t"}}


def down() -> Scripted:
    return Scripted(None, error=ValueError("no such model"))


class TestJudges:
    async def test_the_fallback_stands_in_for_a_judges_model_too(self) -> None:
        stand_in = large("9", "9", "9")
        compiled = create_trigreason_graph(
            small=small(STEPS, STEPS.partition("\n\n")[2], "So the result is \\boxed{7}."),
            large=large(down()),
            fallback=stand_in,
            policy=policy(StepScore()),
            budget=Budget(usd=None),
        ).compile(checkpointer=InMemorySaver())
        await compiled.ainvoke(QUESTION, CONFIG)
        state = await full_state(compiled, CONFIG)
        assert stand_in.calls == 3
        assert "no such model" in state["fallback_on"]
        assert state["large_off"] == ""
        assert [row["status"] for row in state["ledger"] if row["role"] == "large"] == ["error", "ok", "ok", "ok"]

    async def test_the_time_budget_stops_a_judges_call(self) -> None:
        slow = large(Scripted("9 " * 50, delay=1.0))
        compiled = graph(small(*[STEPS] * 4), slow, StepScore(), budget=Budget(usd=None, seconds=0.5))
        await asyncio.wait_for(compiled.ainvoke(QUESTION), 3)

    async def test_a_review_knows_only_the_steps_that_it_showed(self) -> None:
        steps = [make_step(f"Fact {number}.") for number in range(1, LOOK_BACK + 7)]
        shown: list[str] = []

        async def call(prompt: str, max_tokens: int) -> str:
            shown.append(prompt)
            return "wrong: 6"

        signal = await StepReview(every=1).judge(make_view(steps[:-1], steps[-1]), call)
        assert "Step 7." in shown[0]
        assert "Step 6." not in shown[0]
        assert signal is None

    async def test_no_review_is_paid_once_its_rollback_would_not_be_served(self) -> None:
        rest = STEPS.partition("\n\n")[2]
        writer, expert = small(STEPS, STEPS, rest, rest.partition("\n\n")[2]), large(*["wrong: 1"] * 9)
        compiled = graph(writer, expert, StepReview(every=1), settings=Settings(max_rollbacks=1))
        result = await compiled.ainvoke(QUESTION)
        assert result["answer"] == "7"
        assert expert.calls == 1


class TestUsage:
    async def test_a_whole_reply_is_counted_as_the_server_did_also_where_its_rest_is_not_wanted(self) -> None:
        said = "1 + 2 = 3, 3 + 4 = 7.\n\nAnd 7 + 7 = 14."
        model = ScriptedModel(
            script=[Scripted(said, probability=None)], trigreason_card=PAID_LARGE, disable_streaming=True
        )
        last = (await written(ReasoningModel(inner=model), Reader(stop_at="3"))).last
        assert (last.usage.tokens_out, last.estimated) == (model.served[0], False)


class TestSmallModelCut:
    async def test_a_stream_cut_within_its_first_step_is_begun_once_more(self) -> None:
        first, rest = STEPS.split("\n\n", 1)
        writer = small(
            first + "\n\nAnoth", Scripted("Ano", error=ConnectionError("cut")), rest, rest.partition("\n\n")[2]
        )
        result = await graph(writer, large(), commit_every=1).ainvoke(QUESTION)
        assert result["answer"] == "7"
        assert result["report"]["outcome"]["kind"] == "answered"

    async def test_one_that_is_cut_there_for_ever_is_given_up(self) -> None:
        writer = small(*[Scripted("Ano", error=ConnectionError("cut"))] * 9)
        result = await graph(writer, large(), Marker("absent")).ainvoke(QUESTION, context=Settings(large="never"))
        assert result["report"]["outcome"]["kind"] == "model_error"
        assert writer.calls == 2
