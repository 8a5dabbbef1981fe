"""Triggers that ask a model: what they ask, what they make of the reply, and how a run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from graphs import graph, large, small

from trigreason_graph.testing import make_step, make_view
from trigreason_graph.triggers import Judge, NoVerdictError, StepReview, StepReward, StepScore

QUESTION = {"question": "What is 3 + 4?"}


def asked(reply: str) -> Any:
    prompts: list[str] = []

    async def call(prompt: str, max_tokens: int) -> str:
        prompts.append(prompt)
        assert max_tokens < 32
        return reply

    call.prompts = prompts  # type: ignore[attr-defined]
    return call


def view(count: int = 1, author: Any = "small") -> Any:
    steps = [make_step(f"Fact {number}.", author=author) for number in range(1, count + 1)]
    return make_view(steps[:-1], steps[-1], question="What is 3 + 4?")


@pytest.mark.parametrize("judge", [StepScore(), StepReview(), StepReward(lambda *_: None)])  # type: ignore[arg-type, return-value]
def test_they_are_judges(judge: Any) -> None:
    assert isinstance(judge, Judge)
    assert not hasattr(judge, "check")


class TestStepScore:
    @pytest.mark.parametrize(
        ("reply", "fires"),
        [("7", False), ("9", False), ("10", False), ("6", True), ("Score: 3/9", True), ("**8**", False)],
    )
    async def test_the_threshold(self, reply: str, fires: bool) -> None:
        signal = await StepScore().judge(view(), asked(reply))
        assert (signal is not None) == fires
        assert not signal or (signal["route"], signal["evidence"]["threshold"]) == ("rewrite", "7")

    async def test_what_is_asked(self) -> None:
        call = asked("9")
        await StepScore().judge(view(2), call)
        assert call.prompts[0].startswith(
            "Problem:\nWhat is 3 + 4?\n\nSteps:\n\nStep 1. Fact 1.\n\nStep 2. Fact 2.\n\nScore"
        )

    async def test_no_score_is_no_verdict(self) -> None:
        with pytest.raises(NoVerdictError, match="no score"):
            await StepScore().judge(view(), asked("Good step!"))

    async def test_the_large_models_steps_are_not_judged(self) -> None:
        assert await StepScore().judge(view(author="large"), asked("0")) is None


class TestStepReview:
    @pytest.mark.parametrize(
        ("reply", "wrong"), [("wrong: none", None), ("wrong: 2", 2), ("Wrong: step 4", 4), ("wrong: 9", None)]
    )
    async def test_the_earliest_wrong_step(self, reply: str, wrong: int | None) -> None:
        signal = await StepReview(every=5).judge(view(5), asked(reply))
        assert (signal or {}).get("wrong") == wrong

    async def test_every_few_steps(self) -> None:
        calls = [asked("wrong: none") for _ in range(10)]
        for count, call in enumerate(calls, 1):
            await StepReview(every=5).judge(view(count), call)
        assert [len(call.prompts) for call in calls] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]

    async def test_through_the_graph(self) -> None:
        """Back to before step 1, the reason told to the next author."""
        leading = small("Odd.\n\nMore.\n\nx", "More.\n\nx", "3 + 4 = 7.\n\nx", "So \\boxed{7}.")
        result = await graph(leading, large("wrong: 1", "wrong: none"), StepReview(every=2)).ainvoke(QUESTION)
        assert [step["text"] for step in result["trace"]] == ["3 + 4 = 7.", "So \\boxed{7}."]
        assert "The large model found step 1 wrong. (it read: Odd.)" in leading.prompts[2][0].text


class TestStepReward:
    async def test_the_first_step_below(self) -> None:
        async def rewards(question: str, steps: Sequence[str]) -> list[float]:
            return [0.2 if step == "Fact 2." else 0.9 for step in steps]

        signal = await StepReward(rewards).judge(view(3), asked(""))
        assert signal is not None
        assert (signal["route"], signal["wrong"]) == ("rollback", 2)

    async def test_a_model_that_is_down_is_passed_over(self) -> None:
        async def rewards(question: str, steps: Sequence[str]) -> list[float]:
            raise ConnectionError("down")

        result = await graph(small("Fine.\n\nx", "So \\boxed{7}."), large(), StepReward(rewards)).ainvoke(QUESTION)
        assert result["answer"] == "7"
        assert "step_reward was passed over: its model failed (ConnectionError)" in result["report"]["notes"]

    async def test_too_few_rewards(self) -> None:
        async def rewards(question: str, steps: Sequence[str]) -> list[float]:
            return [1.0]

        with pytest.raises(NoVerdictError, match="1 rewards for 3 steps"):
            await StepReward(rewards).judge(view(3), asked(""))
