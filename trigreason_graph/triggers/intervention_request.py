"""Steps that show the SRM cannot get out by itself: hesitation, repetition, going round in circles."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain, repeat
from operator import contains
from typing import ClassVar

from trigreason_graph.reasoning.conclusions import same_text
from trigreason_graph.reasoning.loops import Loop, looping
from trigreason_graph.reasoning.quick_look import WINDOW as LOOP_WINDOW
from trigreason_graph.reasoning.quick_look import may_loop
from trigreason_graph.state import Signal, Step
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import flag, texts, whole
from trigreason_graph.triggers.phrases import phrase_in, phrase_pattern
from trigreason_graph.triggers.window import TEXT_LIMIT, last_fired, model_steps, own_text, small_draft

MIN_REPEATED = 12
"""Characters a step must have before its repetition means anything: "\\\\]" and "}" come again and again."""
LOOP_STEPS = 24
"""Steps before the draft in which a loop that goes over several steps is looked for."""
CHOICES = 3
"""Steps or conclusions that a circle may go through: A, B, A, B up to A, B, C, A, B, C."""
WINDOW = 3
"""Steps looked at for each time a conclusion must come: 4 times within the last 12."""
EXCERPT = 120


@dataclass(frozen=True, slots=True)
class InterventionRequest:
    """Fires on the SRM's draft when it ends a pattern of being stuck. Steps of tools are passed over, as if not there.

    Hesitation is the paper's; the other patterns are extensions of ours that need no words and hold in any language.
    The draft itself must be part of the pattern: a trace that has recovered is left alone.

    Attributes:
        k: The draft and the k-1 model steps before it, by either author, each contain a hesitation expression.
            Paper: 3. None: hesitation is not looked at.
        min_step: Hesitation counts only after so many steps. Paper: 10, so that step 11 is the first.
        words: Name of the word list: "default", or "paper" for the published one.
        languages: Languages of the list; "en" and "zh" ship, others are files or names (see `triggers.phrases`).
        extra: More hesitation phrases.
        repeats: The draft is the step before it again (it is then thrown away), or nearly equal to the two before it.
        loops: The draft, or the latest steps with it, end in the same words over and over (`reasoning.loops`). The
            draft is looked at while it is being written: a looping one is cut and thrown away.
        circles: Two or three steps, or what they conclude, come in turn: A, B, A, B.
        same_conclusion: The draft only reaches conclusions that were there before, one of them for so many times within
            the last steps. Default 4, ours. None: not looked at.
        steps: How many steps the LRM writes; None: to the end. Paper: m = 1.
    """

    k: int | None = 3
    min_step: int = 10
    words: str = "default"
    languages: tuple[str, ...] = ("en", "zh")
    extra: tuple[str, ...] = ()
    repeats: bool = True
    loops: bool = True
    circles: bool = True
    same_conclusion: int | None = 4
    steps: int | None = 1

    name: ClassVar[str] = "intervention_request"

    def __post_init__(self) -> None:
        whole(self, "k", 1, most=32, optional=True)
        whole(self, "min_step", 0)
        whole(self, "same_conclusion", 2, most=16, optional=True)
        whole(self, "steps", 1, optional=True)
        flag(self, "repeats")
        flag(self, "loops")
        flag(self, "circles")
        texts(self, "languages")
        texts(self, "extra")
        if self.k is not None:
            try:
                phrase_pattern(self.words, self.languages, self.extra)
            except ValueError as error:
                raise ValueError(f"InterventionRequest: words, languages or extra: {error}") from None

    @property
    def when(self) -> When:
        """ "partial" where loops are looked for, else "step"."""
        return "partial" if self.loops else "step"

    def check(self, view: View) -> Signal | None:
        """A signal to intervene, or None."""
        draft = small_draft(view, growing=self.loops)
        if draft is None:
            return None
        if not view.complete:
            return self._looping(looping(draft["text"]))
        before = model_steps(view.trace, max(LOOP_STEPS, self.k or 0, WINDOW * (self.same_conclusion or 0)))
        return (
            self._looping(looping(draft["text"]) if self.loops else None)
            or self._repeated(draft, before)
            or self._round(view, draft, before)
            or self._looping(_loop_of_steps(draft, before) if self.loops and draft["kind"] != "answer" else None)
            or self._hesitant(view, draft, before)
        )

    def _looping(self, loop: Loop | None) -> Signal | None:
        if loop is None:
            return None
        return self._signal(
            f"The small model writes the same {loop.times} times over.",
            {"pattern": "loop", "times": str(loop.times), "unit": loop.unit},
            drop=True,
        )

    def _hesitant(self, view: View, draft: Step, before: Sequence[Step]) -> Signal | None:
        if self.k is None or len(view.trace) < self.min_step:
            return None
        run = [draft, *before[: self.k - 1]]
        if len(run) < self.k:
            return None
        said: list[str] = []
        for step in run:
            expression = phrase_in(own_text(step), self.words, self.languages, self.extra)
            if not expression:
                return None
            said.append(expression)
        plural = f"in each of the last {self.k} steps" if self.k > 1 else "in this step"
        return self._signal(
            f'The small model hesitates {plural} ("{said[0]}").',
            {"pattern": "hesitation", "steps": str(self.k), "expressions": ", ".join(reversed(said))},
        )

    def _repeated(self, draft: Step, before: Sequence[Step]) -> Signal | None:
        if not self.repeats or draft["kind"] == "answer" or (said := _telling(draft)) is None:
            return None
        if before and _telling(before[0]) == said:
            return self._signal(
                "The small model writes the same step again.", {"pattern": "equal steps", **_excerpt(draft)}, drop=True
            )
        if len(before) > 1 and all(
            same_text(step["text"][:TEXT_LIMIT], draft["text"][:TEXT_LIMIT]) for step in before[:2]
        ):
            return self._signal(
                "The small model writes nearly the same step for the third time.",
                {"pattern": "nearly equal steps", **_excerpt(draft)},
            )
        return None

    def _round(self, view: View, draft: Step, before: Sequence[Step]) -> Signal | None:
        """A, B, A, B, and lingering on one conclusion; only what came after this trigger last fired."""
        if draft["kind"] == "answer" or not (self.circles or self.same_conclusion):
            return None
        wanted = max(WINDOW * (self.same_conclusion or 0) - 1, 2 * CHOICES - 1)
        after = last_fired(view.signals, self.name, len(view.trace))
        before = before[:wanted] if after < 0 else model_steps(view.trace, wanted, after=after)
        if self.circles and (signal := self._circle([draft, *before])):
            return signal
        return self._lingering(draft, before) if self.same_conclusion and draft["conclusions"] else None

    def _circle(self, steps: Sequence[Step]) -> Signal | None:
        """Two rounds of the same few steps, or of steps that conclude the same; `steps` has the newest first."""
        if choices := _rounds(steps, _telling):
            return self._signal(
                f"{'Two' if choices == 2 else 'Three'} steps come in turn.",
                {"pattern": "circle of steps", "choices": str(choices), **_excerpt(steps[0])},
                drop=True,
            )
        if choices := _rounds(steps, _conclusions):
            names = ("first", "second", "third")
            listed = [_listed(_conclusions(step)) for step in reversed(steps[:choices])]
            return self._signal(
                f"The small model goes back and forth between {'two' if choices == 2 else 'three'} conclusions.",
                {"pattern": "circle of conclusions", **dict(zip(names, listed, strict=False))},
            )
        return None

    def _lingering(self, draft: Step, before: Sequence[Step]) -> Signal | None:
        times = self.same_conclusion or 0
        reached = Counter(chain.from_iterable(_conclusions(step) for step in before))
        here = _conclusions(draft)
        if not all(conclusion in reached for conclusion in here):
            return None
        for conclusion in sorted(here):
            if reached[conclusion] >= times - 1:
                return self._signal(
                    f"The small model comes to the same conclusion for the {times}th time and adds nothing."
                    if times > 3
                    else "The small model comes to the same conclusion again and adds nothing.",
                    {"pattern": "same conclusion", "conclusion": conclusion[:EXCERPT], "times": str(times)},
                )
        return None

    def _signal(self, reason: str, evidence: dict[str, str], *, drop: bool = False) -> Signal:
        signal = Signal(trigger=self.name, reason=reason, evidence=evidence, route="intervene", steps=self.steps)
        if drop:
            signal["drop"] = True
        return signal


def _rounds(steps: Sequence[Step], said: Callable[[Step], Hashable]) -> int:
    """How many different steps come in turn, twice over, newest first; 0 where they do not.

    Args:
        steps: The newest first.
        said: What is compared of a step; what is empty is equal to nothing.
    """
    newest = said(steps[0])
    for choices in range(2, min(CHOICES, len(steps) // 2) + 1) if newest else ():
        if said(steps[choices]) != newest:  # nearly always
            continue
        values = [said(step) for step in steps[: 2 * choices]]
        turn = values[:choices]
        if turn == values[choices:] and all(turn) and len(set(turn)) == choices:
            return choices
    return 0


def _loop_of_steps(draft: Step, before: Sequence[Step]) -> Loop | None:
    """The loop that goes over several of the newest steps that models wrote, the draft the last of them."""
    texts = [step["text"] for step in before[:LOOP_STEPS]]
    seps = [step["sep"] for step in before[:LOOP_STEPS]]
    if len(draft["text"]) + sum(map(len, texts)) + sum(map(len, seps)) + len(seps) > LOOP_WINDOW:
        lengths = [len(text) + (len(sep) or 1) for text, sep in zip(texts, seps, strict=True)]
        within = bisect_left(list(accumulate(lengths, initial=len(draft["text"]))), LOOP_WINDOW)
        del texts[within:], seps[within:]
    texts.reverse()
    seps.reverse()
    if all(map(contains, seps, repeat("\n"))) and not may_loop([*texts, draft["text"]]):
        return None
    return looping("".join([text + (sep or " ") for text, sep in zip(texts, seps, strict=True)]) + draft["text"])


def _telling(step: Step) -> tuple[str, int] | None:
    """What is compared of a step: its words, of a very long one the first and its length; None for hardly any."""
    return _telling_text(step["text"])


@lru_cache(maxsize=512)  # a step is compared with each of the next ones
def _telling_text(text: str) -> tuple[str, int] | None:
    said = " ".join(text[:TEXT_LIMIT].lower().split())
    telling = len(said) >= MIN_REPEATED and any(map(str.isalpha, said))
    return (said, max(len(text) - TEXT_LIMIT, 0)) if telling else None


def _conclusions(step: Step) -> frozenset[str]:
    return frozenset(step["conclusions"])


def _listed(conclusions: frozenset[str]) -> str:
    return "; ".join(sorted(conclusions))[:EXCERPT]


def _excerpt(step: Step) -> dict[str, str]:
    return {"step": " ".join(step["text"].split())[:EXCERPT]}
