"""The trigger study's material: solutions of both models, the labels of the SRM's steps, and the advantages.

Everything is asked for in one fixed order, so that a run that was interrupted, or was given less time, has the
beginning of what a longer one has. On replay, what was not recorded is left out, and counted.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeVar

from trigreason_graph.evaluation.labels import (
    Advantage,
    Pair,
    Solution,
    advantage,
    first_loss,
    solution,
    still_sound,
)
from trigreason_graph.evaluation.missing import RecordingMissing
from trigreason_graph.evaluation.problem import Problem

SEED = 2604
"""For every random choice of the sample."""
SOUND_SAMPLE = 20
"""Right SRM solutions of which one prefix is tried, to see how often the label is wrong about a sound one; and as many
lost ones beyond their loss."""
ROUNDS = 3
"""Random prefixes of each problem at which the advantage of one LRM step is tried."""

Progress = Callable[[str], None]
_T = TypeVar("_T")


@dataclass
class Material:
    """What is known. All by problem id.

    Attributes:
        small, large: Each model's own solution.
        losses: Index of the step at which a wrong SRM solution was lost, where the LRM alone solves the problem.
        sound: Of right SRM solutions: whether the LRM was right from one random prefix.
        later: Of lost ones: whether the LRM was right from a random prefix beyond the loss (which it should not be).
        at_loss: What an LRM step in place of the lost one changes.
        at_random: What an LRM step at a random place changes, one entry a round.
        missing: Questions the recordings have no answer to, in words.
        order: Ids of all problems, as they were asked.
    """

    small: dict[str, Solution] = field(default_factory=dict)
    large: dict[str, Solution] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)
    sound: dict[str, bool] = field(default_factory=dict)
    later: dict[str, bool] = field(default_factory=dict)
    at_loss: dict[str, Advantage] = field(default_factory=dict)
    at_random: dict[str, list[Advantage]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    order: Sequence[str] = ()

    @property
    def decided(self) -> list[str]:
        """The problems from the first on whose traces have all the labels they can get, up to one that has not.

        Of a study that is not over, right solutions are known before lost ones; counting those would make losses look
        rarer than they are.
        """
        return list(takewhile(self._is_decided, self.order))

    def _is_decided(self, id: str) -> bool:
        own, other = self.small.get(id), self.large.get(id)
        if own is None or own.right:
            return own is not None
        return other is not None and (not other.right or id in self.losses)

    @property
    def advantages(self) -> list[Advantage]:
        """All at random places."""
        return [one for tried in self.at_random.values() for one in tried]


async def gather(pair: Pair, problems: Sequence[Problem], progress: Progress = lambda _: None) -> Material:
    """Ask for everything, in order.

    Args:
        pair: The authors: recorded ones write what is missing, replayed ones leave it out.
        problems: Of all data sets.
        progress: Gets a line before each question, and may raise to end the run.
    """
    study = _Study(pair, progress)
    study.known.order = [problem.id for problem in problems]
    for problem in problems:
        await study.solve_small(problem)
    for problem in problems:
        await study.label(problem)
        await study.try_random_place(problem.id, 0)
    await study.check_labels()
    for problem in problems:
        await study.solve_large(problem)
    for places in range(1, ROUNDS):
        for problem in problems:
            await study.try_random_place(problem.id, places)
    return study.known


class _Study:
    """Asks one question after another, and passes over what is not recorded."""

    def __init__(self, pair: Pair, progress: Progress) -> None:
        self._pair, self._progress = pair, progress
        self.known = Material()

    async def solve_small(self, problem: Problem) -> None:
        solved = await self._ask(f"small {problem.id}", lambda: solution(self._pair.small, problem))
        if solved is not None:
            self.known.small[problem.id] = solved

    async def solve_large(self, problem: Problem) -> None:
        if problem.id in self.known.large:
            return
        solved = await self._ask(f"large {problem.id}", lambda: solution(self._pair.large, problem))
        if solved is not None:
            self.known.large[problem.id] = solved

    async def label(self, problem: Problem) -> None:
        """Where the SRM lost a solution, if the LRM alone solves the problem."""
        known, own = self.known, self.known.small.get(problem.id)
        if own is None or own.right:
            return
        await self.solve_large(problem)
        if problem.id not in known.large or not known.large[problem.id].right:
            return
        loss = await self._ask(f"loss {problem.id}", lambda: first_loss(self._pair.large, own))
        if loss is None:
            return
        known.losses[problem.id] = loss
        helped = await self._ask(f"at loss {problem.id}", lambda: advantage(self._pair, own, loss))
        if helped is not None:
            known.at_loss[problem.id] = helped

    async def try_random_place(self, id: str, places: int) -> None:
        """The advantage of an LRM step at a further random place of a solution; a place drawn again is not tried."""
        own = self.known.small.get(id)
        if own is None:
            return
        drawn = [random.Random(f"{SEED} {id} {draw}").randrange(max(own.undecided, 1)) for draw in range(places + 1)]
        if drawn[-1] in drawn[:-1]:
            return
        helped = await self._ask(f"advantage {places} {id}", lambda: advantage(self._pair, own, drawn[-1]))
        if helped is not None:
            self.known.at_random.setdefault(id, []).append(helped)

    async def check_labels(self) -> None:
        """How often the label is wrong: on prefixes that are sound, and on prefixes that are lost already."""
        known = self.known
        for id in _sample("sound", [id for id, own in known.small.items() if own.right]):
            await self._check("sound", id, 1, known.sound)
        for id in _sample("later", list(known.losses)):
            await self._check("later", id, known.losses[id] + 2, known.later)

    async def _check(self, what: str, id: str, first: int, into: dict[str, bool]) -> None:
        own = self.known.small[id]
        if first <= own.undecided:
            count = random.Random(f"{SEED} {what} {id}").randint(first, own.undecided)
            sound = await self._ask(f"{what} {id}", lambda: still_sound(self._pair.large, own, count))
            if sound is not None:
                into[id] = sound

    async def _ask(self, what: str, answer: Callable[[], Awaitable[_T]]) -> _T | None:
        self._progress(what)
        try:
            return await answer()
        except RecordingMissing:
            self.known.missing.append(what)
            return None


def _sample(what: str, ids: Sequence[str]) -> list[str]:
    """`SOUND_SAMPLE` of the ids; a longer list keeps most of a shorter one's sample."""
    return sorted(ids, key=lambda id: random.Random(f"{SEED} {what} {id}").random())[:SOUND_SAMPLE]
