"""Triggers that ask a model about a step: its score, the earliest wrong step, a process reward.

The article asks for error detection; the published code has none. Scores are SpecReason's (arXiv 2504.07891), rewards
TRIM's (2601.10245), the review is ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from langgraph.errors import GraphBubbleUp

from trigreason_graph.state import Signal
from trigreason_graph.triggers.base import JudgeCall, NoVerdictError, View
from trigreason_graph.triggers.fields import number, whole
from trigreason_graph.triggers.window import LOOK_BACK, small_draft

SCORE_TOKENS = 8
REVIEW_TOKENS = 24
"""Output tokens of a verdict: a digit, or "wrong: 12"."""

_DIGIT = re.compile(r"(?<![\d.])(10|\d)(?![\d.]*\d)")
_WRONG = re.compile(r"wrong\W{0,3}[:=]?\W{0,3}(?:step\s*)?(none|\d{1,5})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StepScore:
    """SpecReason: the LRM scores every draft of the SRM from 0 to 9; one below `threshold` is rewritten.

    Attributes:
        threshold: Lowest score that is accepted. Default 7, the paper's; it takes 9 for AIME.
        steps: How many steps the LRM writes then.
    """

    threshold: int = 7
    steps: int | None = 1

    name: ClassVar[str] = "step_score"

    def __post_init__(self) -> None:
        whole(self, "threshold", 0, most=9)
        whole(self, "steps", 1, optional=True)

    async def judge(self, view: View, call: JudgeCall) -> Signal | None:
        """A signal to rewrite, or None.

        Raises:
            NoVerdictError: The reply held no score.
        """
        draft = small_draft(view)
        if draft is None:
            return None
        ask = (
            "Score only the LAST step from 0 (wrong or useless) to 9 (right and helpful), assuming nothing about what "
            "comes next. Reply with one digit."
        )
        reply = await call(_shown(view, ask), SCORE_TOKENS)
        found = _DIGIT.search(reply)
        if found is None:
            raise NoVerdictError(f"its reply held no score: {reply.strip()[:40]!r}")
        score = min(int(found[1]), 9)
        if score >= self.threshold:
            return None
        return Signal(
            trigger=self.name,
            reason=f"The large model scored the step {score}, and {self.threshold} is needed.",
            evidence={"score": str(score), "threshold": str(self.threshold)},
            route="rewrite",
            steps=self.steps,
        )


@dataclass(frozen=True, slots=True)
class StepReview:
    """The LRM is asked, every few steps, for the earliest wrong step; the reasoning goes back to before it.

    Attributes:
        every: Steps between two reviews. Default 5, ours: a review costs the reading of the trace, and few tokens.
    """

    every: int = 5

    name: ClassVar[str] = "step_review"
    only_rolls_back: ClassVar[bool] = True
    """Not asked once the run may roll back no further: its call would be for nothing."""

    def __post_init__(self) -> None:
        whole(self, "every", 1)

    async def judge(self, view: View, call: JudgeCall) -> Signal | None:
        """A signal to roll back, or None.

        Raises:
            NoVerdictError: The reply named no step, nor none.
        """
        draft, position = small_draft(view), len(view.trace) + 1
        if draft is None or (position % self.every and draft["kind"] != "answer"):
            return None
        ask = 'Check the steps. Reply only "wrong: none", or "wrong: k" for the earliest wrong step k.'
        reply = await call(_shown(view, ask), REVIEW_TOKENS)
        found = _WRONG.search(reply)
        if found is None:
            raise NoVerdictError(f"its reply named no step: {reply.strip()[:40]!r}")
        first = max(position - LOOK_BACK + 1, 1)  # of those that were shown
        if found[1].lower() == "none" or not first <= int(found[1]) <= position:
            return None
        return Signal(
            trigger=self.name,
            reason=f"The large model found step {found[1]} wrong.",
            evidence={"wrong": found[1], "steps": str(position)},
            route="rollback",
            wrong=int(found[1]),
        )


Reward = Callable[[str, Sequence[str]], Awaitable[Sequence[float]]]
"""(question, steps) -> a reward from 0 to 1 for each step: a process reward model, wherever it runs."""


@dataclass(frozen=True, slots=True)
class StepReward:
    """A process reward model of the user's own rates the steps; one below `threshold` is rolled back to.

    PAPER.md, section 4: such models are over-optimistic for weak authors and poor on long traces. Their calls are not
    in the ledger, since only the user knows what they are.

    Attributes:
        rewards: Asked for every draft.
        threshold: Lowest reward that is accepted. Default 0.5, ours.
    """

    rewards: Reward
    threshold: float = 0.5

    name: ClassVar[str] = "step_reward"
    only_rolls_back: ClassVar[bool] = True

    def __post_init__(self) -> None:
        number(self, "threshold", 0.0, 1.0)

    async def judge(self, view: View, call: JudgeCall) -> Signal | None:
        """A signal to roll back, or None.

        Raises:
            NoVerdictError: The model failed, or did not give one reward for each step.
        """
        draft = small_draft(view)
        if draft is None:
            return None
        shown = [*view.trace[-(LOOK_BACK - 1) :], draft]
        try:
            rewards = list(await self.rewards(view.question, [step["text"] for step in shown]))
        except GraphBubbleUp:
            raise
        except Exception as fault:  # the user's own client, of which nothing is known
            raise NoVerdictError(f"its model failed ({type(fault).__name__})") from fault
        if len(rewards) != len(shown) or not all(math.isfinite(reward) for reward in rewards):
            raise NoVerdictError(f"its model gave {len(rewards)} rewards for {len(shown)} steps")
        first = len(view.trace) + 1 - len(rewards)
        for index, (step, reward) in enumerate(zip(shown, rewards, strict=True), first + 1):
            if reward < self.threshold and step["author"] == "small" and step["kind"] != "tool":
                return Signal(
                    trigger=self.name,
                    reason=f"The reward of step {index} is {reward:.2f}, and {self.threshold:g} is needed.",
                    evidence={"reward": f"{reward:.3f}", "threshold": f"{self.threshold:g}", "wrong": str(index)},
                    route="rollback",
                    wrong=index,
                )
        return None


def _shown(view: View, ask: str) -> str:
    """Problem and steps, numbered, the request last: it grows at the end only while the window does not move."""
    shown = [*view.trace[-(LOOK_BACK - 1) :], *([view.draft] if view.draft else [])]
    first = len(view.trace) + (1 if view.draft else 0) - len(shown) + 1
    steps = [f"Step {number}. {step['text'].strip()}" for number, step in enumerate(shown, first)]
    return "\n\n".join([f"Problem:\n{view.question}", "Steps:", *steps, ask])
