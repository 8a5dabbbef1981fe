"""Steps beyond the SRM: written with too much certainty, or with too little throughout."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from trigreason_graph.reasoning.confidence import confident_share, mean_nats
from trigreason_graph.state import Signal, Step
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import flag, number, whole
from trigreason_graph.triggers.window import model_steps, own_text, small_draft

MIN_KEY_STEPS = 3
"""Key steps a blueprint must have before an early answer is suspicious: a plan of two is solved in a line."""
_WORD = re.compile(r"[^\W\d_]{4,}")
_LETTERS = 5
"""Letters of a word that are compared, so that "multiply" meets "multiplied"."""
_COMMON = """
    answer amount calculate calculation compute determine divide each final find from given identify many much multiply
    number problem result solve step steps subtract that their them then these they this total using value what when
    which with
"""
"""Words of plans that say nothing about what a step is about."""
_COMMON_WORDS = frozenset(_COMMON.split())


@dataclass(frozen=True, slots=True)
class CognitiveOffload:
    """Fires on the SRM's draft when its token probabilities, or without them its text, show overconfidence.

    The measure is the paper's: r, the share of tokens whose perplexity 1/p is below `tau`, is above `rho`, both
    strictly. In the paper 94.6 % of wrong SRM steps were overconfident by it, but so were 38.1 % of all steps: most
    rewrites replace right steps.

    The defaults `tau` and `rho` are the paper's for DeepSeek-R1-Distill-Qwen-1.5B and hold for SGLang's probabilities,
    which are tempered (log-softmax of logits / 0.6). Ollama, llama.cpp and by default vLLM give untempered ones, where
    tau 1.05 demands more than at temperature 0.6 and greedy text satisfies it more often. Set rho from the firing rate
    you want rather than from the paper: on 742 greedy steps of Qwen2.5-Coder-0.5B in llama.cpp, tau 1.05 fires on 24 %
    at rho 0.85, on 10 % at 0.93 and on 5 % at 0.97.

    Without log-probabilities it goes by one sign in the text, an extension of ours: sudden certainty, an answer that is
    asserted while most of the blueprint's key steps were passed over.

    Attributes:
        tau: Perplexity below which a token counts as certain. Paper: 1.05.
        rho: Share of certain tokens above which the step is offloaded. Paper: 0.85; 0.75 for Qwen3-0.6B.
        min_tokens: Shorter drafts are not judged. Paper: 0, any length.
        answers: Judge the SRM's answer step by its probabilities too. Paper: True, it knows no kinds of steps. An
            answer only repeats what was worked out, so that it is nearly always certain.
        ceiling: Mean uncertainty in nats a token above which a draft is offloaded as persistently unsure; None: never.
            Ours: failures are of both kinds.
        steps: How many steps the LRM writes, the flagged one included; None: to the end (the one-way hand-off).
    """

    tau: float = 1.05
    rho: float = 0.85
    min_tokens: int = 0
    answers: bool = True
    ceiling: float | None = None
    steps: int | None = 1

    name: ClassVar[str] = "cognitive_offload"
    when: ClassVar[When] = "step"

    def __post_init__(self) -> None:
        number(self, "tau", 1.0, math.inf, above=True)
        number(self, "rho", 0.0, 1.0)
        whole(self, "min_tokens", 0)
        flag(self, "answers")
        number(self, "ceiling", 0.0, math.inf, above=True, optional=True)
        whole(self, "steps", 1, optional=True)

    def check(self, view: View) -> Signal | None:
        """A signal to rewrite the draft, or None."""
        draft = small_draft(view)
        if draft is None:
            return None
        if draft["nats"] is None:
            return self._by_text(view, draft)
        if draft["kind"] == "answer" and not self.answers:
            return None
        return self._by_tokens(draft["nats"])

    def _by_tokens(self, nats: Sequence[int]) -> Signal | None:
        if not nats or len(nats) < self.min_tokens:
            return None
        share = confident_share(nats, self.tau)
        if share > self.rho:
            return self._signal(
                f"The small model is overconfident: {share:.0%} of this step's tokens are near certain "
                f"(above {self.rho:.0%}).",
                {"share": f"{share:.3f}", "rho": f"{self.rho:g}", "tau": f"{self.tau:g}", "tokens": str(len(nats))},
            )
        mean = mean_nats(nats)
        if self.ceiling is not None and mean is not None and mean > self.ceiling:
            return self._signal(
                f"The small model is unsure throughout this step: {mean:.2f} nats a token (above {self.ceiling:g}).",
                {"mean_nats": f"{mean:.3f}", "ceiling": f"{self.ceiling:g}", "tokens": str(len(nats))},
            )
        return None

    def _by_text(self, view: View, draft: Step) -> Signal | None:
        """Sudden certainty. Silent unless the plan is in the same script as the steps and most of it is uncovered."""
        key_steps = view.blueprint["key_steps"] if view.blueprint else []
        if draft["kind"] != "answer" or len(key_steps) < MIN_KEY_STEPS or 2 * len(view.trace) >= len(key_steps):
            return None
        written = [own_text(step) for step in (*model_steps(view.trace, len(key_steps)), draft)]
        covered = _covered(key_steps, " ".join(written))
        if 2 * covered >= len(key_steps):
            return None
        return self._signal(
            f"An answer is asserted after {len(written)} of {len(key_steps)} planned steps, and most of the plan was "
            "passed over.",
            {"sign": "sudden certainty", "key_steps": str(len(key_steps)), "covered": str(covered)},
        )

    def _signal(self, reason: str, evidence: dict[str, str]) -> Signal:
        return Signal(trigger=self.name, reason=reason, evidence=evidence, route="rewrite", steps=self.steps)


def _covered(key_steps: Sequence[str], text: str) -> int:
    """How many key steps the text says something about. One without a telling word counts as covered."""
    said = set(_stems(text))
    wanted = [set(_stems(key_step)) for key_step in key_steps]
    return sum(not stems or len(stems & said) * 2 >= len(stems) for stems in wanted)


def _stems(text: str) -> Iterator[str]:
    """What the words of a text begin with; only of alphabets that put spaces between words."""
    for word in _WORD.findall(text.lower()):
        if word not in _COMMON_WORDS and word[0] < "\u0500":
            yield word[:_LETTERS]
