"""How the models of an evaluation are sampled, and which seed which run has."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

PAPER_TEMPERATURE, PAPER_TOP_P = 0.6, 0.95
"""Sampling of the published runs, both models (PAPER.md, section 1)."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How runs are drawn.

    Attributes:
        temperature: Of both models. 0: greedy, so that one run of a problem says all there is. A model that takes no
            temperature (many whose reasoning is hidden) samples as it does.
        top_p: Share of the probability that is sampled from; None: the models' own.
        samples: Runs of each policy on each problem; accuracy is their mean (pass@1).
        seed: Of the first sample; the others have the numbers after it. Sent to servers that take one.
    """

    temperature: float = 0.0
    top_p: float | None = None
    samples: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 2:
            raise ValueError(f"temperature= must be from 0 to 2, not {self.temperature!r}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p= must be above 0 and at most 1, not {self.top_p!r}")
        if isinstance(self.samples, bool) or not isinstance(self.samples, int) or self.samples < 1:
            raise ValueError(f"samples= must be a whole number from 1, not {self.samples!r}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"seed= must be a whole number from 0, not {self.seed!r}")
        if self.samples > 1 and self.temperature == 0:
            raise ValueError(
                f"samples={self.samples} at temperature 0 would be the same run {self.samples} times: set temperature, "
                f"{PAPER_TEMPERATURE} as in the paper"
            )

    def seed_of(self, sample: int) -> int | None:
        """The seed of a sample, from 0; None where nothing is drawn."""
        return self.seed + sample if self.temperature else None

    def drawn(self) -> Sampling:
        """The same, with the paper's temperature and top_p where it would be greedy."""
        return self if self.temperature else replace(self, temperature=PAPER_TEMPERATURE, top_p=PAPER_TOP_P)

    def told(self) -> dict[str, Any]:
        """For the provenance."""
        return asdict(self)
