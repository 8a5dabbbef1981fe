"""Numbers that may tell a wrong step from a right one. Higher means more suspicious, where anybody has said so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from trigreason_graph.evaluation.replay import fired
from trigreason_graph.policies.shipped import PAPER
from trigreason_graph.reasoning.arithmetic import check_equations
from trigreason_graph.reasoning.confidence import confident_share, mean_nats
from trigreason_graph.state import Step
from trigreason_graph.triggers import InterventionRequest

Score = Callable[[Sequence[Step], Step], float | None]
"""(the steps before, the step) -> score; None where what it needs was not reported."""

PAPER_TAU = 1.05
_HESITATION = next(
    replace(trigger, k=1, min_step=0) for trigger in PAPER.triggers if isinstance(trigger, InterventionRequest)
)
"""The paper's expressions, asked for in a single step."""


def certain_share(before: Sequence[Step], step: Step, tau: float = PAPER_TAU) -> float:
    """The paper's r: the share of tokens whose perplexity is below tau. Overconfidence is the suspicion."""
    return confident_share(step["nats"] or [], tau)


def mean_uncertainty(before: Sequence[Step], step: Step) -> float:
    """Mean -log p of the step's tokens, in nats."""
    return mean_nats(step["nats"] or []) or 0.0


def least_certain(before: Sequence[Step], step: Step) -> float:
    """-log p of the step's least likely token, in nats."""
    return max(step["nats"] or [0]) / 1_000


def first_entropy(before: Sequence[Step], step: Step) -> float | None:
    """Entropy of the step's first token, over the top 5 (GlimpRouter takes 20)."""
    return step["entropy"]


def hesitant_steps(before: Sequence[Step], step: Step) -> float:
    """How many of the newest three steps contain a hesitation expression."""
    newest = [*before[-2:], step]
    return float(sum(signal is not None for signal in fired((_HESITATION,), "", newest)))


def wrong_equations(before: Sequence[Step], step: Step) -> float:
    """How many equations of the step are surely wrong."""
    return float(sum(not equation.holds for equation in check_equations(step["text"])))


def length(before: Sequence[Step], step: Step) -> float:
    """Tokens of the step. Nobody's idea of a sign; here to see whether a sign is more than this."""
    return float(step["tokens"])


def position(before: Sequence[Step], step: Step) -> float:
    """Steps before it. The same holds."""
    return float(len(before))


SCORES: Mapping[str, Score] = {
    "share of near-certain tokens (r, tau 1.05)": certain_share,
    "mean uncertainty of tokens": mean_uncertainty,
    "uncertainty of the least certain token": least_certain,
    "entropy of the first token": first_entropy,
    "hesitant steps among the last 3": hesitant_steps,
    "wrong equations": wrong_equations,
    "(length in tokens)": length,
    "(position in the trace)": position,
}
"""By the name that tables show; in brackets what is no sign but must be beaten by one."""

SCORE_OF_TRIGGER: Mapping[str, Score] = {
    "cognitive_offload": certain_share,
    "intervention_request": hesitant_steps,
    "arithmetic_check": wrong_equations,
}
"""What a trigger's threshold is put to, by its name."""
