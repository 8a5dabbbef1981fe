"""Steps beyond the SRM: written with too much certainty, or with too little throughout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from trigreason_graph.reasoning.confidence import confident_share, mean_nats
from trigreason_graph.state import Signal, Step
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import choice, flag, number, whole
from trigreason_graph.triggers.text_signs import text_sign
from trigreason_graph.triggers.window import small_draft

Route = Literal["rewrite", "retry", "intervene"]
TextSigns = Literal["fallback", "always", "never"]


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

    Without log-probabilities it goes by the signs of `triggers.text_signs`: sudden certainty and skipped steps.

    Attributes:
        tau: Perplexity below which a token counts as certain. Paper: 1.05.
        rho: Share of certain tokens above which the step is offloaded. Paper: 0.85; 0.75 for Qwen3-0.6B.
        min_tokens: Shorter drafts are not judged by their tokens. Paper: 0, any length.
        answers: Judge the SRM's answer step by its probabilities too. Paper: True, it knows no kinds of steps. An
            answer only repeats what was worked out, so that it is nearly always certain.
        ceiling: Mean uncertainty in nats a token above which a draft is offloaded as persistently unsure; None: never.
            Ours: failures are of both kinds, locked-in and persistently unsure (PAPER.md, section 4).
        first_token: Entropy in nats of a step's first token from which the step is given away while it has hardly
            begun; None: never. GlimpRouter's rule (arXiv 2601.05110), which has 1.0 with the 20 most likely tokens;
            with 5 of them the entropy is lower, at most 1.61.
        text: When signs in the text count: "fallback": without log-probabilities, "always", or "never". Ours.
        route: "rewrite", as in the paper: the LRM writes this step. "retry": the SRM redrafts once, for free, and the
            LRM gets the second failure; greedy decoding writes the same again. "intervene": the draft stays, the LRM
            writes the next ones. Both ours.
        steps: How many steps the LRM writes, the flagged one included; None: to the end (the one-way hand-off).
    """

    tau: float = 1.05
    rho: float = 0.85
    min_tokens: int = 0
    answers: bool = True
    ceiling: float | None = None
    first_token: float | None = None
    text: TextSigns = "fallback"
    route: Route = "rewrite"
    steps: int | None = 1

    name: ClassVar[str] = "cognitive_offload"

    def __post_init__(self) -> None:
        number(self, "tau", 1.0, math.inf, above=True)
        number(self, "rho", 0.0, 1.0)
        whole(self, "min_tokens", 0)
        flag(self, "answers")
        number(self, "ceiling", 0.0, math.inf, above=True, optional=True)
        number(self, "first_token", 0.0, math.inf, above=True, optional=True)
        choice(self, "text", get_args(TextSigns))
        choice(self, "route", get_args(Route))
        whole(self, "steps", 1, optional=True)

    @property
    def when(self) -> When:
        """ "partial" where the first token counts, else "step"."""
        return "step" if self.first_token is None else "partial"

    def check(self, view: View) -> Signal | None:
        """A signal to rewrite the draft, or None."""
        draft = small_draft(view, growing=self.first_token is not None)
        if draft is None:
            return None
        if not view.complete:
            return self._by_first_token(draft)
        by_text = self.text == "always" or (self.text == "fallback" and draft["nats"] is None)
        judged = self.answers or draft["kind"] != "answer"
        return (
            (self._by_first_token(draft) if judged else None)
            or (self._by_tokens(draft["nats"]) if judged and draft["nats"] else None)
            or (self._by_text(view, draft) if by_text else None)
        )

    def _by_first_token(self, draft: Step) -> Signal | None:
        entropy, bound = draft["entropy"], self.first_token
        if entropy is None or bound is None or entropy < bound:
            return None
        return self._signal(
            f"The small model is unsure how this step begins: {entropy:.2f} nats at its first token (from {bound:g}).",
            {"entropy": f"{entropy:.3f}", "first_token": f"{bound:g}"},
        )

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
        sign = text_sign(view, draft)
        return self._signal(sign.reason, sign.evidence) if sign else None

    def _signal(self, reason: str, evidence: dict[str, str]) -> Signal:
        return Signal(trigger=self.name, reason=reason, evidence=evidence, route=self.route, steps=self.steps)
