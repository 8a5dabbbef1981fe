"""SpecReason and GlimpRouter as policies: each rule by a table, and both through the graph with scripted models."""

from __future__ import annotations

from typing import Any

import pytest
from graphs import LOCAL_SMALL, PAID_LARGE, full_state, large
from langgraph.checkpoint.memory import InMemorySaver
from views import step, view

from trigreason_graph import Budget, ModelCard, create_trigreason_graph
from trigreason_graph.policies import SHIPPED, Policy, glimprouter_policy, specreason_policy
from trigreason_graph.testing import Scripted, ScriptedModel
from trigreason_graph.triggers import FirstTokenEntropy, StepScore, StrategicInitiation

SURE, UNSURE = 0.99, 0.5
"""Probability of each token: 0.06 and 0.69 nats at the first one."""
END = "So the result is \\boxed{7}."


def drafts(*steps: tuple[str, float] | str) -> ScriptedModel:
    """A small model that writes one step a call, each with its probability (a plain text: sure)."""
    told = [(one, SURE) if isinstance(one, str) else one for one in steps]
    script = [
        Scripted(text, chance) if text == END else Scripted(f"{text}\n\nand", chance, finish="length")
        for text, chance in told
    ]
    return ScriptedModel(script=script, trigreason_card=LOCAL_SMALL)


class Run:
    """What came of a run."""

    def __init__(self, result: dict[str, Any], state: dict[str, Any]) -> None:
        self.answer = result["answer"]
        self.trace = [(one["author"], one["text"]) for one in result["trace"]]
        self.signals = [(one["trigger"], one["at"], one["served"]) for one in state["signals"]]
        self.discarded = [one["text"] for branch in state["discarded"] for one in branch["steps"]]
        self.calls = [(row["role"], row["purpose"]) for row in state["ledger"]]
        self.notes = result["report"]["notes"]


async def run(policy: Policy, srm: ScriptedModel, lrm: ScriptedModel, budget: Budget | None = None) -> Run:
    graph = create_trigreason_graph(small=srm, large=lrm, policy=policy, budget=budget or Budget(usd=None)).compile(
        checkpointer=InMemorySaver()
    )
    config: Any = {"configurable": {"thread_id": "t"}, "recursion_limit": 200}
    result = await graph.ainvoke({"question": "What is 3 + 4?"}, config)
    return Run(dict(result), await full_state(graph, config))


class TestSpecReason:
    def test_its_numbers(self) -> None:
        policy = SHIPPED["specreason"]
        assert policy == specreason_policy()
        assert policy.triggers == (StepScore(threshold=7, steps=1),)
        assert (policy.initiation, policy.segment, policy.stop_on_repeat) == (None, "blank_line", True)
        assert (policy.limits, policy.answer_by) == ((), "small")
        aime = specreason_policy(9, first_n=20)
        assert aime.triggers == (StepScore(threshold=9, steps=1),)
        assert aime.initiation == StrategicInitiation(form="prime", tokens=None, steps=20)

    @pytest.mark.parametrize("wrong", [{"threshold": 10}, {"threshold": -1}, {"first_n": -1}])
    def test_numbers_that_make_no_sense(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ValueError, match=r"threshold|steps"):
            specreason_policy(**wrong)

    @pytest.mark.parametrize(
        ("threshold", "score", "author"),
        [
            (7, "9", "small"),
            (7, "7", "small"),
            (7, "6", "large"),
            (7, "0", "large"),
            (9, "8", "large"),
            (9, "9", "small"),
            (0, "0", "small"),
        ],
    )
    async def test_a_step_is_kept_from_the_threshold_on(self, threshold: int, score: str, author: str) -> None:
        rewritten = ["It is 5.\n\nand"] if author == "large" else []
        done = await run(specreason_policy(threshold), drafts("It is 4.", END), large(score, *rewritten, "9"))
        assert done.trace[0] == (author, "It is 5." if author == "large" else "It is 4.")
        assert done.discarded == (["It is 4."] if author == "large" else [])
        assert done.answer == "7"

    async def test_every_step_of_the_small_model_is_scored_once_and_none_of_the_large_ones(self) -> None:
        done = await run(
            specreason_policy(), drafts("It is 1.", "It is 2.", END), large("8", "3", "It is 5.\n\nand", "9")
        )
        assert [author for author, _ in done.trace] == ["small", "large", "small"]
        assert [call for call in done.calls if call[0] == "large"] == [
            ("large", "review"),
            ("large", "review"),
            ("large", "rewrite"),
            ("large", "review"),
        ]
        assert done.signals == [("step_score", 1, True)]

    async def test_the_answer_is_scored_too(self) -> None:
        done = await run(specreason_policy(), drafts(END), large("2", "So it is \\boxed{8}."))
        assert (done.answer, done.discarded) == ("8", [END])

    async def test_the_first_n_steps_are_the_large_models_unscored(self) -> None:
        lrm = large("Known is 1.\n\nKnown is 2.\n\nKnown is 3.", "9")
        done = await run(specreason_policy(first_n=2), drafts(END), lrm)
        assert done.trace == [("large", "Known is 1."), ("large", "Known is 2."), ("small", END)]
        assert [purpose for role, purpose in done.calls if role == "large"] == ["prime", "review"]

    async def test_a_reply_without_a_score_leaves_the_step(self) -> None:
        done = await run(specreason_policy(), drafts(END), large("Good."))
        assert done.trace == [("small", END)]
        assert any("no score" in note for note in done.notes)

    async def test_without_budget_the_drafts_stay(self) -> None:
        done = await run(specreason_policy(), drafts("It is 4.", END), large(), Budget(usd=None, large_calls=0))
        assert [author for author, _ in done.trace] == ["small", "small"]


ENTROPIES = [
    (0.99, "reasoning", False, None),
    (1.0, "reasoning", True, 1),
    (1.4, "reasoning", True, 1),
    (None, "reasoning", False, None),
    (0.0, "answer", True, None),
    (None, "answer", True, None),
]


class TestGlimpRouter:
    def test_its_numbers(self) -> None:
        policy = SHIPPED["glimprouter"]
        assert policy == glimprouter_policy()
        assert policy.triggers == (FirstTokenEntropy(threshold=1.0, answers=True, steps=1),)
        assert (policy.initiation, policy.segment, policy.answer_by) == (None, "blank_line", "large")
        assert (policy.stop_on_repeat, policy.limits) == (True, ())

    @pytest.mark.parametrize("complete", [True, False])
    @pytest.mark.parametrize(("entropy", "kind", "fires", "steps"), ENTROPIES)
    def test_the_rule(self, entropy: float | None, kind: str, fires: bool, steps: int | None, complete: bool) -> None:
        signal = FirstTokenEntropy().check(view(step("So", entropy=entropy, kind=kind), complete=complete))
        assert (signal is not None) == fires
        assert not signal or (signal["route"], signal.get("steps")) == ("rewrite", steps)

    def test_what_is_not_the_small_models_is_not_judged(self) -> None:
        assert FirstTokenEntropy().check(view()) is None
        assert FirstTokenEntropy().check(view(step("So", "large", entropy=3.0))) is None
        assert FirstTokenEntropy(answers=False).check(view(step("7", kind="answer", entropy=3.0))) is None

    @pytest.mark.parametrize("threshold", [0.0, -1.0, float("nan")])
    def test_thresholds_that_make_no_sense(self, threshold: float) -> None:
        with pytest.raises(ValueError, match="threshold"):
            glimprouter_policy(threshold)

    async def test_an_uncertain_step_is_given_away_at_its_first_token(self) -> None:
        srm = drafts("It is 1.", ("Then perhaps it could be any of these numbers here.", UNSURE), "It is 3.", END)
        lrm = large("It is 2.\n\nand", "So it is \\boxed{8}.")
        done = await run(glimprouter_policy(0.5), srm, lrm)
        assert done.trace == [
            ("small", "It is 1."),
            ("large", "It is 2."),
            ("small", "It is 3."),
            ("large", "So it is \\boxed{8}."),
        ]
        assert done.discarded == ["Then", END]
        assert done.signals == [("first_token_entropy", 1, True), ("first_token_entropy", 3, True)]

    async def test_the_large_model_answers_also_where_the_small_one_never_hesitates(self) -> None:
        done = await run(glimprouter_policy(0.5), drafts("It is 1.", END), large("So it is \\boxed{8}."))
        assert (done.answer, done.trace[-1][0]) == ("8", "large")

    async def test_the_large_model_is_asked_where_the_trace_ends_without_an_answer(self) -> None:
        srm = ScriptedModel(script=[Scripted("It is 3.", SURE)], trigreason_card=LOCAL_SMALL)
        done = await run(glimprouter_policy(0.5), srm, large("Answer: 8"))
        assert (done.answer, done.calls[-1]) == ("8", ("large", "conclude"))

    async def test_a_thinking_small_model_has_its_answer_written_by_the_large_one(self) -> None:
        card = ModelCard(provider="scripted", name="r1", style="prefill", dialect="openai", form="tags", local=True)
        srm = ScriptedModel(
            script=[Scripted("<think>\nIt is 3.\n</think>\n\nThe answer is 7.", None)], trigreason_card=card
        )
        done = await run(
            glimprouter_policy(), srm, ScriptedModel(script=["So it is \\boxed{8}."], trigreason_card=PAID_LARGE)
        )
        assert done.answer == "8"
        assert [author for author, _ in done.trace] == ["small", "large"]
