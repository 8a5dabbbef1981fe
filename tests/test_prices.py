"""Dollars: nothing for a local model, the user's price first, and never a guess."""

from __future__ import annotations

import sys

import pytest

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.prices import Price, cost, price_known

MILLION = 1_000_000
CLOUD = ModelCard(provider="acme", name="dear")
LISTED = ModelCard(provider="openai", name="gpt-4o")


def test_a_local_model_costs_nothing_whatever_its_name() -> None:
    local = ModelCard(provider="openai", name="gpt-4o", local=True)
    assert cost(local, Usage(MILLION, 0, MILLION, 0), {"openai:gpt-4": Price(1, 1)}) == 0.0


def test_one_that_is_in_the_users_table_costs_what_stands_there() -> None:
    """A gateway to a hosted model may have an address of one's own network."""
    gateway = ModelCard(provider="local", name="gpt-4.1", local=True)
    assert cost(gateway, Usage(MILLION, 0, MILLION, 0), {"local:gpt-4.1": Price(1, 1)}) == pytest.approx(2.0)


def test_the_users_table() -> None:
    table = {"acme:dear": Price(input=2.0, output=8.0, cached=0.5)}
    assert cost(CLOUD, Usage(tokens_in=MILLION, tokens_cached=MILLION // 2), table) == pytest.approx(1.25)
    assert cost(CLOUD, Usage(tokens_out=MILLION, tokens_reasoning=MILLION), table) == pytest.approx(8.0)
    assert price_known(CLOUD, table)


def test_cached_input_without_a_price_is_input() -> None:
    assert cost(CLOUD, Usage(tokens_in=MILLION, tokens_cached=MILLION), {"acme:dear": Price(2, 8)}) == pytest.approx(
        2.0
    )


def test_a_server_that_counts_more_cached_than_read() -> None:
    odd = Usage(tokens_in=10, tokens_cached=100)
    assert cost(CLOUD, odd, {"acme:dear": Price(2, 8, 0.5)}) == pytest.approx(10 * 0.5 / MILLION)
    assert (cost(LISTED, odd, {}) or 0) >= 0


def test_the_users_table_goes_before_the_list() -> None:
    assert cost(LISTED, Usage(tokens_out=MILLION), {"openai:gpt-4o": Price(0, 3)}) == pytest.approx(3.0)


@pytest.mark.parametrize(
    "card", [CLOUD, ModelCard(provider="openai", name="no-such-model"), ModelCard(), ModelCard(provider="no.such.host")]
)
def test_an_unknown_price_is_none(card: ModelCard) -> None:
    assert cost(card, Usage(tokens_in=1), {}) is None
    assert not price_known(card, {})


@pytest.mark.parametrize("price", [(-1, 0), (0, -1), (0, 0, -1), (float("nan"), 0), (0, float("inf"))])
def test_a_price_is_no_negative_number(price: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="dollars per million"):
        Price(*price)


class TestTheList:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("genai_prices")

    @pytest.mark.parametrize(
        "card",
        [
            LISTED,
            ModelCard(provider="azure_openai", name="gpt-4o"),
            ModelCard(provider="google_genai", name="gemini-2.5-pro"),
            ModelCard(provider="anthropic", name="claude-sonnet-4-5"),
            ModelCard(provider="mistralai", name="mistral-large-latest"),
            ModelCard(provider="xai", name="grok-4"),
            ModelCard(provider="openrouter.ai", name="deepseek/deepseek-r1"),  # by the host of a base_url
        ],
        ids=lambda card: card.full_name,
    )
    def test_langchains_provider_names_are_found(self, card: ModelCard) -> None:
        assert (cost(card, Usage(tokens_in=1000, tokens_out=1000), {}) or 0) > 0

    def test_a_cached_token_is_cheaper(self) -> None:
        fresh, cached = (cost(LISTED, Usage(tokens_in=MILLION, tokens_cached=count), {}) for count in (0, MILLION))
        assert fresh is not None
        assert cached is not None
        assert 0 < cached < fresh

    def test_the_list_is_an_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "genai_prices", None)
        assert cost(LISTED, Usage(tokens_in=1), {}) is None


class TestWritingIntoACache:
    def test_has_its_own_price_where_one_is_given(self) -> None:
        used = Usage(tokens_in=100, tokens_cached=40, tokens_out=20, tokens_written=50)
        card = ModelCard(provider="a", name="b")
        dear = {"a:b": Price(4.0, 20.0, cached=0.4, written=5.0)}
        assert cost(card, used, dear) == pytest.approx((10 * 4.0 + 40 * 0.4 + 50 * 5.0 + 20 * 20.0) / 1e6)
        assert cost(card, used, {"a:b": Price(4.0, 20.0)}) == pytest.approx((100 * 4.0 + 20 * 20.0) / 1e6)

    def test_is_listed_for_claude(self) -> None:
        pytest.importorskip("genai_prices")
        card = ModelCard(provider="anthropic", name="claude-sonnet-4-5")
        plain, written = (cost(card, Usage(1000, tokens_written=count), {}) for count in (0, 1000))
        assert plain
        assert written == pytest.approx(1.25 * plain)

    def test_nobody_is_paid_for_it(self) -> None:
        with pytest.raises(ValueError):
            Price(1.0, 1.0, written=-1.0)
