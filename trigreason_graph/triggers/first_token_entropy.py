"""Steps that the SRM does not know how to begin: GlimpRouter's rule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from trigreason_graph.state import Signal
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import flag, number, whole
from trigreason_graph.triggers.window import small_draft


@dataclass(frozen=True, slots=True)
class FirstTokenEntropy:
    """GlimpRouter (arXiv 2601.05110): a step whose first token is uncertain is the LRM's, before it is drafted.

    The entropy is that of the tokens a server reports as most likely, renormalised. Without log-probabilities only
    `answers` counts. :attr:`CognitiveOffload.first_token` is the same threshold as one rule among others.

    Attributes:
        threshold: Entropy in nats from which the LRM writes the step. Default 1.0, the published code's, which asks
            for the 20 most likely tokens; with 5 of them the entropy is lower, at most 1.61, and so fires less often.
        answers: Whether the LRM also writes the answer in place of the SRM, as in the published code. It then writes
            to the end, once.
        steps: How many steps the LRM writes, the uncertain one included; None: to the end. Published: 1.
    """

    threshold: float = 1.0
    answers: bool = True
    steps: int | None = 1

    name: ClassVar[str] = "first_token_entropy"
    when: ClassVar[When] = "partial"

    def __post_init__(self) -> None:
        number(self, "threshold", 0.0, math.inf, above=True)
        flag(self, "answers")
        whole(self, "steps", 1, optional=True)

    def check(self, view: View) -> Signal | None:
        """A signal to rewrite the draft, whole or hardly begun, or None."""
        draft = small_draft(view, growing=True)
        if draft is None:
            return None
        if draft["kind"] == "answer":
            return self._signal("The large model writes the answer.", {}, None) if self.answers else None
        entropy = draft["entropy"]
        if entropy is None or entropy < self.threshold:
            return None
        return self._signal(
            f"The small model is unsure how this step begins: {entropy:.2f} nats at its first token "
            f"(from {self.threshold:g}).",
            {"entropy": f"{entropy:.3f}", "threshold": f"{self.threshold:g}"},
            self.steps,
        )

    def _signal(self, reason: str, evidence: dict[str, str], steps: int | None) -> Signal:
        return Signal(trigger=self.name, reason=reason, evidence=evidence, route="rewrite", steps=steps)
