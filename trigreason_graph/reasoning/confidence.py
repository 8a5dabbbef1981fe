"""How sure a model was of the tokens it wrote.

Log-probabilities are natural. A step keeps them as `nats`: -log p of each chosen token in thousandths of a nat, whole
numbers, so that any threshold can be asked later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from operator import mul

NATS_LIMIT = 65_535
"""Largest value kept, in thousandths of a nat: -log p of 65.5, far beyond any token that is ever sampled."""


def to_nats(logprobs: Iterable[float]) -> list[int]:
    """-log p in thousandths of a nat, rounded, in 0..65,535.

    Args:
        logprobs: log p of each chosen token.
    """
    return [in_nats(logprob) for logprob in logprobs]


def in_nats(logprob: float) -> int:
    """-log p of one token, as in `to_nats`.

    A positive log p (servers round) counts as 0; -inf and NaN as the limit: what is not known to be sure is not sure.
    """
    nats = -1_000.0 * logprob
    if 0.0 < nats < NATS_LIMIT:
        return round(nats)
    return 0 if nats <= 0.0 else NATS_LIMIT


def confident_share(nats: Sequence[int], tau: float) -> float:
    """Share of tokens whose perplexity exp(-log p) is below `tau`, strictly: the paper's r (PAPER.md, section 1).

    Args:
        nats: -log p in thousandths of a nat.
        tau: A perplexity; 1.05 in the paper, of tempered probabilities.

    Returns:
        0..1; 0.0 for no tokens, with which no "more than" rule fires.
    """
    if not nats or tau <= 1.0:
        return 0.0
    bound = 1_000.0 * math.log(tau)
    return sum([value < bound for value in nats]) / len(nats)


def mean_nats(nats: Sequence[int]) -> float | None:
    """Mean -log p of a token, in nats (not thousandths); None for no tokens."""
    return sum(nats) / len(nats) / 1_000.0 if nats else None


def perplexity(nats: Sequence[int]) -> float | None:
    """exp of the mean -log p: 1.0 is certain; None for no tokens."""
    mean = mean_nats(nats)
    return None if mean is None else math.exp(mean)


def entropy_of(top_logprobs: Sequence[float]) -> float:
    """Entropy in nats of the most likely tokens, renormalised to sum to 1: GlimpRouter's measure (it takes 20).

    Args:
        top_logprobs: log p of the top tokens. Fewer give less entropy: k bound it by log k.

    Returns:
        0.0 (certain) to log k; 0.0 for none.
    """
    usable = list(filter(math.isfinite, top_logprobs))
    if not usable:
        return 0.0
    highest = max(usable)
    below = [value - highest for value in usable]
    weights = list(map(math.exp, below))
    total = sum(weights)
    mean: float = sum(map(mul, weights, below)) / total
    return max(math.log(total) - mean, 0.0)


def tempered(top_logprobs: Sequence[float], chosen: float, temperature: float) -> float:
    """log p of the chosen token at `temperature`, out of raw log-probabilities (PAPER.md, section 2, trap 1).

    The paper's tau and rho hold for tempered probabilities, while llama.cpp and, by default, vLLM report raw ones.

    Args:
        top_logprobs: log p, at temperature 1, of the most likely tokens. The chosen one is added where it is missing.
        chosen: log p, at temperature 1, of the chosen token.
        temperature: Above 0.

    Returns:
        log p, at most 0. The tokens outside of the list are left out of the sum, so it is too high, never too low.
        Below temperature 1 that shrinks (with raw mass m outside, l the lowest p of the list and s the tempered sum of
        the list, the error is at most log(1 + m * l**(1/T - 1) / s)); above 1 it grows without such a bound.

    Raises:
        ValueError: A temperature that is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, not {temperature}")
    known = [value for value in top_logprobs if math.isfinite(value)]
    if not math.isfinite(chosen):
        return -math.inf
    if chosen not in known:
        known.append(chosen)
    return min(chosen / temperature - _log_sum([value / temperature for value in known]), 0.0)


def _log_sum(values: Sequence[float]) -> float:
    """log of the sum of exp, without overflow."""
    highest = max(values)
    return highest + math.log(sum(math.exp(value - highest) for value in values))
