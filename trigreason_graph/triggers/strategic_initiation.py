"""The start: the LRM writes a blueprint or the first steps, so that the SRM sets out in the right direction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from trigreason_graph.state import Signal
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import flag, number, whole

InitiationForm = Literal["blueprint", "prime", "both"]

TRIVIAL_CHARACTERS = 200
TRIVIAL_WORDS = 12
TRIVIAL_NUMBERS = 2
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class StrategicInitiation:
    """Fires once, before the first step.

    Attributes:
        form: "blueprint": the LRM writes goal, key steps and pitfalls, which the SRM sees; asked for by the article
            that this project implements, not part of the published code. "prime": the LRM writes the first steps of
            the trace itself, as published. "both": a blueprint, then the first steps, in two calls; ours.
        tokens: Cap on the blueprint, or with "prime" on the first steps, in tokens. Default 120, ours: on the embedded
            pair a plan needs no more, and the published 20 steps are longer than a whole GSM8K solution. A blueprint
            needs a cap; with "prime", None means none.
        steps: How many steps are primed (published: 20); None: the other bounds count.
        share: Share of a whole solution that is primed, 0..1: a cap of `share` times `expected` tokens. Ours. Of
            `tokens` (with "prime"), `steps` and `share` whichever is reached first counts; with "prime" and none of
            them the LRM writes to the end.
        expected: Tokens of a whole solution. Default 300, ours: the embedded SRM's 59 finished GSM8K solutions have
            277 on average (standard deviation 70), and neither the length of the question nor its count of numbers
            tells more (r = .33 and .32). Set it for your models: a thinking model writes thousands.
        skip_trivial: Do nothing for a question of at most 12 words and 2 numbers; a rule that costs no call. Default
            False: there is no evidence yet that the saved call is worth the plans it loses.
    """

    form: InitiationForm = "blueprint"
    tokens: int | None = 120
    steps: int | None = None
    share: float | None = None
    expected: int = 300
    skip_trivial: bool = False

    name: ClassVar[str] = "strategic_initiation"
    when: ClassVar[When] = "start"

    def __post_init__(self) -> None:
        if self.form not in get_args(InitiationForm):
            raise ValueError(f'StrategicInitiation: form must be "blueprint", "prime" or "both", not {self.form!r}')
        whole(self, "tokens", 1, optional=True)
        whole(self, "steps", 1, optional=True)
        number(self, "share", 0.0, 1.0, above=True, optional=True)
        whole(self, "expected", 1)
        flag(self, "skip_trivial")
        if self.form != "prime" and self.tokens is None:
            raise ValueError(f'StrategicInitiation: tokens must be a number with form="{self.form}"')
        primed = self.steps is not None or self.share is not None
        if self.form == "blueprint" and primed:
            field = "steps" if self.steps is not None else "share"
            raise ValueError(f'StrategicInitiation: {field} goes with form="prime" or "both"; a blueprint has none')
        if self.form == "both" and not primed:
            raise ValueError('StrategicInitiation: steps or share must say how much is primed with form="both"')

    @property
    def prime_tokens(self) -> int | None:
        """Cap on the primed steps in tokens; None: no cap but that of the steps."""
        caps = [self.tokens] if self.form == "prime" and self.tokens is not None else []
        if self.share is not None:
            caps.append(max(round(self.share * self.expected), 1))
        return min(caps, default=None)

    def check(self, view: View) -> Signal | None:
        """A signal to begin with the LRM, or None. Its `steps` is 0 for a blueprint, which adds none to the trace."""
        if view.draft is not None or view.trace or (self.skip_trivial and is_trivial(view.question)):
            return None
        if self.form == "prime":
            return self.priming()
        return Signal(
            trigger=self.name,
            reason="The large model sets the strategy before the first step.",
            evidence={"form": "blueprint", "tokens": str(self.tokens)},
            route="intervene",
            steps=0,
        )

    def priming(self) -> Signal:
        """The signal to write the first steps: the first one with "prime", the second one with "both"."""
        cap = self.prime_tokens
        evidence = {"form": "prime"}
        if cap is not None:
            evidence["tokens"] = str(cap)
        if self.steps is not None:
            evidence["steps"] = str(self.steps)
        if self.share is not None:
            evidence["share"] = f"{self.share:g}"
        everything = cap is None and self.steps is None
        return Signal(
            trigger=self.name,
            reason=f"The large model writes the {'whole solution' if everything else 'first steps'}.",
            evidence=evidence,
            route="intervene",
            steps=self.steps,
        )


def is_trivial(question: str) -> bool:
    """Whether a question is too short to need a plan: at most 12 words and 2 numbers. Ours; costs nothing."""
    if len(question) > TRIVIAL_CHARACTERS or len(question.split()) > TRIVIAL_WORDS:
        return False
    return len(_NUMBER.findall(question)) <= TRIVIAL_NUMBERS
