"""Confidence statistics against their definitions."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigreason_graph.reasoning.confidence import (
    NATS_LIMIT,
    confident_share,
    entropy_of,
    mean_nats,
    perplexity,
    tempered,
    to_nats,
)


def test_to_nats_is_whole_clipped_and_never_negative() -> None:
    assert to_nats([-0.0488, 0.0, -0.0, 1e-9, 0.3, -2.5]) == [49, 0, 0, 0, 0, 2500]
    assert to_nats([-math.inf, math.nan, -1e300, -70.0]) == [NATS_LIMIT] * 4
    assert to_nats([math.inf]) == [0]
    assert to_nats([]) == []


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats()))
def test_nats_can_be_stored(logprobs: list[float]) -> None:
    nats = to_nats(logprobs)
    assert json.loads(json.dumps(nats)) == nats
    assert all(isinstance(value, int) and 0 <= value <= NATS_LIMIT for value in nats)


def test_the_share_of_confident_tokens_is_strict() -> None:
    nats = to_nats([math.log(1 / 1.04), math.log(1 / 1.06), 0.0, -3.0])
    assert confident_share(nats, 1.05) == 0.5
    assert confident_share([1000], math.e) == 0.0
    assert confident_share([999], math.e) == 1.0
    assert confident_share([0, 0], 1.0) == 0.0


def test_no_tokens_are_neutral() -> None:
    assert confident_share([], 1.05) == 0.0
    assert mean_nats([]) is None
    assert perplexity([]) is None
    assert entropy_of([]) == 0.0


def test_mean_and_perplexity() -> None:
    assert mean_nats([500, 1500]) == pytest.approx(1.0)
    assert perplexity([500, 1500]) == pytest.approx(math.e)
    assert perplexity([0]) == 1.0
    assert math.isfinite(perplexity([NATS_LIMIT]) or math.inf)


def test_entropy_is_renormalised_over_the_list() -> None:
    assert entropy_of([math.log(0.1)] * 4) == pytest.approx(math.log(4))
    assert entropy_of([math.log(0.6), math.log(0.2)]) == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert entropy_of([-0.1]) == 0.0
    assert entropy_of([0.0, -math.inf, math.nan]) == 0.0


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(-1e4, 0), min_size=1, max_size=20))
def test_entropy_is_bounded(logprobs: list[float]) -> None:
    assert 0.0 <= entropy_of(logprobs) <= math.log(len(logprobs)) + 1e-9


def test_tempering_a_whole_distribution_is_exact() -> None:
    probabilities = [0.7, 0.2, 0.1]
    logs = [math.log(p) for p in probabilities]
    weights = [p ** (1 / 0.6) for p in probabilities]
    assert tempered(logs, logs[0], 0.6) == pytest.approx(math.log(weights[0] / sum(weights)))
    assert tempered(logs, logs[2], 1.0) == pytest.approx(math.log(0.1))


def test_the_papers_tau_in_both_spaces() -> None:
    """PAPER.md, trap 1: in a two-way split 1.05 at temperature 0.6 is about 1.17 untempered."""
    logs = [math.log(1 / 1.17), math.log(1 - 1 / 1.17)]
    assert math.exp(-tempered(logs, logs[0], 0.6)) == pytest.approx(1.05, abs=0.005)


def test_a_chosen_token_outside_of_the_list_is_added() -> None:
    listed = [math.log(0.6), math.log(0.3)]
    assert tempered(listed, math.log(0.1), 1.0) == pytest.approx(math.log(0.1))
    assert tempered([], -5.0, 0.6) == 0.0
    assert tempered(listed, -math.inf, 0.6) == -math.inf


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.floats(0.01, 1.0), min_size=6, max_size=30),
    st.floats(0.2, 1.0),
    st.integers(2, 5),
)
def test_a_cut_list_errs_upwards_within_the_documented_bound(
    weights: list[float], temperature: float, top: int
) -> None:
    probabilities = sorted((weight / sum(weights) for weight in weights), reverse=True)
    logs = [math.log(p) for p in probabilities]
    exact, cut = tempered(logs, logs[0], temperature), tempered(logs[:top], logs[0], temperature)
    kept = sum(p ** (1 / temperature) for p in probabilities[:top])
    bound = math.log1p(sum(probabilities[top:]) * probabilities[top - 1] ** (1 / temperature - 1) / kept)
    assert exact - 1e-9 <= cut <= exact + bound + 1e-9


def test_a_temperature_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature must be above 0"):
        tempered([-0.1], -0.1, 0.0)
