"""The start: the LRM writes a blueprint or the first steps, so that the SRM sets out in the right direction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from trigreason_graph.state import Signal
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import flag, whole

InitiationForm = Literal["blueprint", "prime"]

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
            the trace itself, as published.
        tokens: Cap on what the LRM writes, in tokens. Default 120, ours: on the embedded pair a plan needs no more, and
            the published 20 steps are longer than a whole GSM8K solution. A blueprint needs a cap; with "prime", None
            means none.
        steps: With "prime": how many steps (published: 20). Whichever of `tokens` and `steps` is reached first counts;
            both None: to the end.
        skip_trivial: Do nothing for a question of at most 12 words and 2 numbers. Default False: there is no evidence
            yet that the saved call is worth the plans it loses.
    """

    form: InitiationForm = "blueprint"
    tokens: int | None = 120
    steps: int | None = None
    skip_trivial: bool = False

    name: ClassVar[str] = "strategic_initiation"
    when: ClassVar[When] = "start"

    def __post_init__(self) -> None:
        if self.form not in get_args(InitiationForm):
            raise ValueError(f'StrategicInitiation: form must be "blueprint" or "prime", not {self.form!r}')
        whole(self, "tokens", 1, optional=True)
        whole(self, "steps", 1, optional=True)
        flag(self, "skip_trivial")
        if self.form == "blueprint" and self.tokens is None:
            raise ValueError('StrategicInitiation: tokens must be a number with form="blueprint"')
        if self.form == "blueprint" and self.steps is not None:
            raise ValueError('StrategicInitiation: steps goes with form="prime"; a blueprint has none')

    def check(self, view: View) -> Signal | None:
        """A signal to begin with the LRM, or None. Its `steps` is 0 for a blueprint, which adds none to the trace."""
        if view.draft is not None or view.trace or (self.skip_trivial and is_trivial(view.question)):
            return None
        evidence: dict[str, str] = {"form": self.form}
        if self.tokens is not None:
            evidence["tokens"] = str(self.tokens)
        if self.steps is not None:
            evidence["steps"] = str(self.steps)
        steps = 0 if self.form == "blueprint" else self.steps
        return Signal(trigger=self.name, reason=self._reason(), evidence=evidence, route="intervene", steps=steps)

    def _reason(self) -> str:
        if self.form == "blueprint":
            return "The large model sets the strategy before the first step."
        if self.tokens is None and self.steps is None:
            return "The large model writes the whole solution."
        return "The large model writes the first steps."


def is_trivial(question: str) -> bool:
    """Whether a question is too short to need a plan: at most 12 words and 2 numbers. Ours; costs nothing."""
    if len(question) > TRIVIAL_CHARACTERS or len(question.split()) > TRIVIAL_WORDS:
        return False
    return len(_NUMBER.findall(question)) <= TRIVIAL_NUMBERS
