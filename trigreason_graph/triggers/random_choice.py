"""Chance, as a baseline: what does not beat it at the same cost is not worth having."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar

from trigreason_graph.state import Signal
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import number, whole
from trigreason_graph.triggers.window import TEXT_LIMIT, small_draft


@dataclass(frozen=True, slots=True)
class RandomChoice:
    """Fires on a share `p` of the SRM's drafts. The dice are a hash of seed, question, position and draft, so that the
    same draft at the same place always gets the same verdict, as every trigger must.

    Attributes:
        p: Probability, 0..1. Default 0.2, ours.
        seed: Another seed throws other dice.
        steps: How many steps the LRM writes; None: to the end.
    """

    p: float = 0.2
    seed: int = 0
    steps: int | None = 1

    name: ClassVar[str] = "random"
    when: ClassVar[When] = "step"

    def __post_init__(self) -> None:
        number(self, "p", 0.0, 1.0)
        whole(self, "seed", 0)
        whole(self, "steps", 1, optional=True)

    def check(self, view: View) -> Signal | None:
        """A signal to rewrite, or None."""
        draft = small_draft(view)
        if draft is None:
            return None
        parts = (str(self.seed), view.question[:TEXT_LIMIT], str(len(view.trace)), draft["text"][:TEXT_LIMIT])
        digest = blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        drawn = int.from_bytes(digest, "big") / 2**64
        if drawn >= self.p:
            return None
        return Signal(
            trigger=self.name,
            reason=f"Drawn by lot ({drawn:.3f} < {self.p:g}).",
            evidence={"drawn": f"{drawn:.3f}", "p": f"{self.p:g}"},
            route="rewrite",
            steps=self.steps,
        )
