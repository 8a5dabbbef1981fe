"""Two different models on one trace, through the whole graph: forms that differ, windows that end, models that fail."""

from __future__ import annotations

from typing import Any

import pytest
from graphs import LOCAL_SMALL, PAID_LARGE, STEPS, Marker, full_state, graph, large, policy, small
from langgraph.checkpoint.memory import InMemorySaver

from trigreason_graph import Budget, ModelCard, Settings, create_trigreason_graph
from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models.exchange import estimate_tokens
from trigreason_graph.testing import Scripted, ScriptedModel
from trigreason_graph.triggers import CognitiveOffload, StrategicInitiation

QUESTION = {"question": "What is 3 + 4?"}
CONFIG: Any = {"configurable": {"thread_id": "1"}}


def model(*script: str | Scripted, **card: Any) -> ScriptedModel:
    return ScriptedModel(script=list(script), trigreason_card=ModelCard(provider="scripted", dialect="openai", **card))


def texts(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["author"], step["text"]) for step in result["trace"]]


class TestMixedPairs:
    async def test_an_instruct_small_model_and_a_thinking_large_one(self) -> None:
        """What the large one thinks in private is no step; what it says afterwards is one."""
        thinking = model(
            "<think>\nLet me see.\n\nHm.\n</think>\n\nwrong: none\n\n3 + 4 = 7.", name="r1", form="think_tags"
        )
        result = await graph(small("Odd.\n\nMore.", "So \\boxed{7}."), thinking, Marker("Odd")).ainvoke(QUESTION)
        assert texts(result) == [("large", "3 + 4 = 7."), ("small", "So \\boxed{7}.")]
        assert "<think>" not in str(result["trace"])

    @pytest.mark.parametrize("form", ["think_tags", "field"])
    async def test_a_thinking_small_model_and_a_large_one_asked_in_turns(self, form: Any) -> None:
        """The trace stands inside the small model's thinking; the large one gets it numbered, in a user turn."""
        begins = Scripted(thinking="One is 3.\n\nOdd.\n\n") if form == "field" else "<think>\nOne is 3.\n\nOdd.\n\n"
        thinking = model(
            begins, "So it is 7.\n</think>\n\nThe answer is \\boxed{7}.", name="r1", form=form, style="prefill"
        )
        paid = large("wrong: none\n\n3 + 4 = 7.")
        result = await graph(thinking, paid, Marker("Odd")).ainvoke(QUESTION)
        assert texts(result) == [
            ("small", "One is 3."),
            ("large", "3 + 4 = 7."),
            ("small", "So it is 7."),
            ("small", "The answer is \\boxed{7}."),
        ]
        assert [step["kind"] for step in result["trace"]][-2:] == ["reasoning", "answer"]
        assert thinking.prompts[1][-1].text == "<think>\nOne is 3.\n\n3 + 4 = 7.\n\n"
        assert "Step 1. One is 3." in paid.prompts[0][-1].text

    async def test_a_thinking_large_model_that_goes_on_with_the_trace(self) -> None:
        continuing = model("4 is the other.\n\n", name="r1", form="think_tags", style="prefill")
        result = await graph(small("One is 3.\n\nOdd.\n\n", "So \\boxed{7}."), continuing, Marker("Odd")).ainvoke(
            QUESTION
        )
        assert texts(result)[1] == ("large", "4 is the other.")
        assert continuing.prompts[0][-1].text == "<think>\nOne is 3.\n\n"

    @pytest.mark.parametrize(
        ("said", "kept"),
        [
            ("Sure! Here is the next step:\n\n3 + 4 = 7.", "3 + 4 = 7."),
            ("Certainly, here are the next steps: 3 + 4 = 7.", "3 + 4 = 7."),
            ("What is 3 + 4?\n\n3 + 4 = 7.", "3 + 4 = 7."),
            ("**Step 1:** 3 + 4 = 7.", "3 + 4 = 7."),
            ("Okay, so 3 + 4 = 7.", "Okay, so 3 + 4 = 7."),
        ],
    )
    async def test_the_text_goes_on_as_if_one_author_had_written_it(self, said: str, kept: str) -> None:
        """No greeting, no restated problem, no second "Step 1"."""
        route = Marker("Odd", route="intervene", steps=1 if "\n\n" not in said else 2)
        result = await graph(small("Odd.\n\n", "So \\boxed{7}."), large(said), route).ainvoke(QUESTION)
        assert texts(result)[1:] == [("large", kept), ("small", "So \\boxed{7}.")]


class TestWindow:
    async def test_three_hundred_steps_through_a_small_window(self) -> None:
        """Every prompt fits, and the answer at the end rests on a conclusion of the beginning."""
        card = ModelCard(**{**vars(LOCAL_SMALL), "window": 2_048})
        lines = [f"We add {n}, so s_{n} = {n * (n + 1) // 2}.\n\n" for n in range(1, 300)] + [
            "So the total is \\boxed{44850}."
        ]
        runs = ["".join(lines[start : start + 11]) for start in range(0, 300, 10)]
        narrow = ScriptedModel(script=runs, trigreason_card=card)
        result = await graph(narrow, budget=Budget(total_tokens=None, usd=None), commit_every=10).ainvoke(
            {"question": "Add up 1 to 299."}, {"recursion_limit": 500}
        )
        assert result["answer"] == "44850"
        assert len(result["trace"]) == 300
        assert all(estimate_tokens(prompt) < 2_048 for prompt in narrow.prompts)
        assert "s_290 = 42195" in narrow.prompts[-1][-1].text
        assert "They established: " in narrow.prompts[-1][-1].text
        assert result["report"]["left_out"]["small"] > 200
        assert any("outgrew the window of scripted:small (2048 tokens)" in note for note in result["report"]["notes"])

    async def test_the_large_model_cannot_name_a_step_it_did_not_see(self) -> None:
        """`wrong: 1` about a step that stood as its conclusion only is not believed."""
        card = ModelCard(**{**vars(PAID_LARGE), "window": 1_024, "local": True})
        lines = "".join(f"We add {n}, so s_{n} = {n * (n + 1) // 2}.\n\n" for n in range(1, 60))
        narrow = ScriptedModel(script=["wrong: 1\n\ns_60 = 1830."], trigreason_card=card)
        result = await graph(
            small(lines + "Odd.\n\n", "So \\boxed{1830}."), narrow, Marker("Odd"), commit_every=100
        ).ainvoke({"question": "Add up 1 to 60."})
        assert len(result["trace"]) == 61
        assert result["report"]["left_out"] == {"large": pytest.approx(50, abs=9)}


class TestFallback:
    async def test_it_stands_in_for_the_rest_of_the_run(self) -> None:
        dead = large(*[Scripted(None, error=ConnectionError("no route"))] * 3)
        spare = model("A plan", "wrong: none\n\n3 + 4 = 7.", name="spare", local=True)
        saver = InMemorySaver()
        compiled = build(small("Odd.\n\n", "So \\boxed{7}."), dead, spare, saver, initiation=StrategicInitiation())
        result = await compiled.ainvoke(QUESTION, CONFIG)
        state = await full_state(compiled, CONFIG)
        assert texts(result) == [("large", "3 + 4 = 7."), ("small", "So \\boxed{7}.")]
        assert result["trace"][0]["model"] == "scripted:spare"
        assert (dead.calls, spare.calls) == (3, 2)  # three tries of one call, once in the run
        assert result["report"]["outcome"]["kind"] == "answered"
        notes = result["report"]["notes"]
        assert any(note.startswith("scripted:spare stood in: scripted:large cannot be") for note in notes)
        paid = [row["model"] for row in state["ledger"] if row["role"] == "large"]
        assert paid == ["scripted:large"] * 3 + ["scripted:spare"] * 2
        assert [row["id"] for row in state["ledger"]] == list(range(len(state["ledger"])))
        assert state["large_off"] == ""

    async def test_both_down_leaves_the_small_model_alone(self) -> None:
        dead = [large(*[Scripted(None, error=ConnectionError("no route"))] * 3) for _ in range(2)]
        result = await build(small("Odd.\n\nMore.", "It is \\boxed{7}."), *dead).ainvoke(QUESTION)
        assert texts(result) == [("small", "Odd."), ("small", "It is \\boxed{7}.")]
        assert result["report"]["unserved"] == {"marker": 1}

    async def test_a_large_model_that_is_not_ready_need_not_be(self) -> None:
        class Absent(ScriptedModel):
            async def aready(self) -> None:
                raise ModelNotReady("it is not there; fetch it")

        absent = Absent(script=[], trigreason_card=PAID_LARGE)
        spare = model("wrong: none\n\n3 + 4 = 7.", name="spare", local=True)
        result = await build(small("Odd.\n\n", "So \\boxed{7}."), absent, spare).ainvoke(QUESTION)
        assert result["trace"][0]["model"] == "scripted:spare"
        with pytest.raises(ModelNotReady, match="fetch it"):
            await build(small(STEPS), absent, None).ainvoke(QUESTION)

    async def test_it_states_the_answer_where_the_large_model_should_have(self) -> None:
        dead = large(*[Scripted(None, error=ConnectionError("no route"))] * 3)
        spare = model("\\boxed{7}", name="spare", local=True)
        leading = small("It is seven.")
        result = await build(leading, dead, spare, answer_by="large").ainvoke(QUESTION)
        assert (result["answer"], result["trace"][-1]["model"]) == ("7", "scripted:spare")

    def test_an_unusable_one_is_named(self) -> None:
        with pytest.raises(ValueError, match="fallback="):
            create_trigreason_graph(small=small(), large=large(), fallback="nonsense")


def build(first: Any, second: Any, third: Any, saver: Any = None, **fields: Any) -> Any:
    builder = create_trigreason_graph(
        small=first, large=second, fallback=third, policy=policy(Marker("Odd"), **fields), budget=Budget(usd=None)
    )
    return builder.compile(checkpointer=saver)


class TestHiddenReasoning:
    HIDDEN = ModelCard(
        provider="scripted", name="hidden", dialect="openai", hidden_tokens=4_000, efforts=True, local=True
    )

    async def test_it_is_called_rarely_and_at_length(self) -> None:
        """A plan at high effort, and at the first deadlock everything to the end."""
        loop = "Wait, maybe it is 7.\n\n"
        hidden = ScriptedModel(script=["Goal: add.", "wrong: none\n\nSo \\boxed{7}."], trigreason_card=self.HIDDEN)
        builder = create_trigreason_graph(
            small=small(loop * 20), large=hidden, budget=Budget(large_tokens=16_000, usd=None)
        )
        result = await builder.compile().ainvoke(QUESTION)
        assert result["answer"] == "7"
        assert hidden.calls == 2
        assert any("the policy is blueprint_handoff" in note for note in result["report"]["notes"])
        assert [asked.get("reasoning_effort") for asked in hidden.asked] == ["high", "high"]

    @pytest.mark.parametrize(("chosen", "sent"), [({}, "low"), ({"rewrite": "medium"}, "medium")])
    async def test_a_single_step_is_worth_little_thought(self, chosen: Any, sent: str) -> None:
        hidden = ScriptedModel(script=["wrong: none\n\n3 + 4 = 7."], trigreason_card=self.HIDDEN)
        settings = Settings(effort=chosen)
        await graph(small("Odd.\n\n", "So \\boxed{7}."), hidden, Marker("Odd"), settings=settings).ainvoke(QUESTION)
        assert hidden.asked[0]["reasoning_effort"] == sent

    async def test_what_it_may_think_is_part_of_the_worst_case(self) -> None:
        """Low effort fits a budget in which high effort does not."""
        for effort, calls in (("low", 1), ("high", 0)):
            hidden = ScriptedModel(script=["wrong: none\n\n3 + 4 = 7."], trigreason_card=self.HIDDEN)
            budget, settings = Budget(large_tokens=2_000, usd=None), Settings(effort={"rewrite": effort})  # type: ignore[dict-item]
            await graph(
                small("Odd.\n\nSo \\boxed{7}.", "So \\boxed{7}."),
                hidden,
                Marker("Odd"),
                budget=budget,
                settings=settings,
            ).ainvoke(QUESTION)
            assert hidden.calls == calls


class TestLargeModelsOwnLoops:
    ROUND = "Let us check whether the sum of three and four is seven by adding one by one.\n\n"

    async def test_a_reply_that_goes_round_is_closed_and_its_first_round_kept(self) -> None:
        paid = large("wrong: none\n\n3 + 4 = 7.\n\n" + self.ROUND * 60)
        result = await graph(small("Odd.\n\n", "So \\boxed{7}."), paid, Marker("Odd", steps=None)).ainvoke(QUESTION)
        assert texts(result) == [("large", "3 + 4 = 7."), ("large", self.ROUND.strip()), ("small", "So \\boxed{7}.")]
        assert paid.closed == 1

    async def test_a_step_that_never_ends(self) -> None:
        """Nothing finished came before the loop: the small model's draft stays."""
        paid = large("wrong: none\n\n" + "and so on and on " * 400)
        leading = small("Odd.\n\nMore.", "So \\boxed{7}.")
        result = await graph(leading, paid, Marker("Odd"), segment="blank_line").ainvoke(QUESTION)
        assert texts(result)[0] == ("small", "Odd.")
        assert result["report"]["unserved"] == {"marker": 1}
        assert result["report"]["totals"]["large"]["tokens_out"] < 400


class TestTemperedProbabilities:
    """The paper's thresholds hold for probabilities at its temperature; a raw 0.9 is 0.975 there."""

    @pytest.mark.parametrize(("space", "fires"), [("raw", True), ("tempered", False)])
    async def test_raw_ones_are_recomputed_and_tempered_ones_taken_as_they_are(self, space: Any, fires: bool) -> None:
        card = ModelCard(**{**vars(LOCAL_SMALL), "logprob_space": space, "top_logprobs": 2})
        said = Scripted("One is 3.\n\nTwo is 4.\n\nSo \\boxed{7}.", probability=0.9)
        leading = ScriptedModel(script=[said, "So \\boxed{7}."], loop=True, trigreason_card=card)
        trigger = CognitiveOffload(tau=1.05, rho=0.85, min_tokens=0)
        compiled = graph(
            leading, large("wrong: none\n\n3 + 4 = 7."), trigger, probabilities_at=0.6, segment="blank_line"
        )
        result = await compiled.ainvoke(QUESTION)
        assert ("large" in dict(texts(result))) == fires
