"""Which step of a trace was the wrong one, found by letting the LRM go on from its prefixes.

No human reads along. A prefix is sound when the LRM alone, greedy, reaches the right answer from it. In a trace of the
SRM that ends wrong, on a problem that the LRM alone solves, the first step after whose prefix it no longer does so is
where the trace was lost. Greedy continuations are noisy judges: `still_sound` measures how noisy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trigreason_graph.evaluation.answers import same_number
from trigreason_graph.evaluation.authors import Author
from trigreason_graph.evaluation.problem import Problem
from trigreason_graph.reasoning.answers import complete_answer
from trigreason_graph.state import Step, trace_text


@dataclass(frozen=True)
class Pair:
    """The two authors of a study; they cut steps the same way."""

    small: Author
    large: Author


@dataclass(frozen=True)
class Solution:
    """One author's solution of one problem, from the start.

    Attributes:
        steps: As written.
        answer: What it states, or the author says when asked; None: nothing.
        right: Whether that is the right number.
    """

    problem: Problem
    steps: Sequence[Step]
    answer: str | None
    right: bool

    @property
    def undecided(self) -> int:
        """How many of its first steps state no complete answer yet."""
        for count in range(1, len(self.steps) + 1):
            if complete_answer(trace_text(self.steps[:count]), self.problem.question) is not None:
                return count - 1
        return len(self.steps)


async def solution(author: Author, problem: Problem, prefix: Sequence[Step] = ()) -> Solution:
    """How `author` solves a problem, or goes on to its end from a prefix.

    Raises:
        RecordingMissing: On replay, where this was not recorded.
    """
    written = await author.write(problem.question, prefix)
    steps = [*prefix, *written.steps]
    answer = await author.answer(problem.question, steps)
    return Solution(problem, steps, answer, same_number(answer, problem.answer))


async def first_loss(large: Author, wrong: Solution) -> int:
    """Index of the step at which a wrong solution was lost, by bisection over its prefixes.

    Bisection takes it that a lost trace stays lost. Where that fails it still ends at a step whose prefix before is
    sound and whose prefix after is not.

    Args:
        large: The LRM; it solves this problem alone, so that the empty prefix is sound.
        wrong: The SRM's solution. The whole of it is not sound: its answer is wrong.
    """
    sound, lost = 0, min(wrong.undecided + 1, len(wrong.steps))
    while lost - sound > 1:
        middle = (sound + lost) // 2
        if (await solution(large, wrong.problem, wrong.steps[:middle])).right:
            sound = middle
        else:
            lost = middle
    return lost - 1


async def still_sound(large: Author, given: Solution, count: int) -> bool:
    """Whether the LRM reaches the right answer from the first `count` steps of a solution."""
    return (await solution(large, given.problem, given.steps[:count])).right


@dataclass(frozen=True, slots=True)
class Advantage:
    """What one step of the LRM changes: the SRM's outcome without it and with it, from the same prefix."""

    problem: str
    at: int
    without: bool
    with_step: bool


async def advantage(pair: Pair, small: Solution, at: int) -> Advantage:
    """Have the LRM write step `at` (0-based) in place of the SRM, and the SRM the rest."""
    prefix = small.steps[:at]
    step = await pair.large.write(small.problem.question, prefix, steps=1)
    trace = [*prefix, *step.steps]
    if step.ended:
        answer = await pair.large.answer(small.problem.question, trace)
        right = same_number(answer, small.problem.answer)
    else:
        right = (await solution(pair.small, small.problem, trace)).right
    return Advantage(small.problem.id, at, small.right, right)
