"""Scenarios: their files, and what recorded runs cost and take under them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.synthetic import PLAIN, call, run
from trigreason_graph.evaluation.scenarios import (
    SHIPPED,
    Place,
    Scenario,
    counted,
    load_scenario,
    read_scenario,
    reprice,
    retime,
    shipped_scenario,
)
from trigreason_graph.state import LedgerRow

ROLE = "input = 1\noutput = 2\nrtt_seconds = 0\nprefill_tokens_per_second = 10\ndecode_tokens_per_second = 5\n"
GOOD = f'schema = 1\nname = "mine"\n[small]\n{ROLE}[large]\n{ROLE}cached = 0.1\ncache_block = 64\n'


def cached(rows: list[LedgerRow], scenario: Scenario = PLAIN) -> list[int]:
    return [one.cached for one in counted(rows, scenario)]


def with_large(**changed: float | bool | None) -> Scenario:
    return replace(PLAIN, large=replace(PLAIN.large, **changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario_can_be_read_and_says_where_its_numbers_come_from(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.about
    assert {"prices"} < set(scenario.sources)
    assert retime(run("mine", ledger=[call("small"), call("large")]), scenario) > 0


def test_in_local_scenarios_nothing_is_paid() -> None:
    result = run("mine", ledger=[call("small"), call("large")])
    assert reprice(result, shipped_scenario("local")) == reprice(result, shipped_scenario("embedded_cpu")) == 0
    assert reprice(result, shipped_scenario("edge_cloud")) > 0


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    scenario = load_scenario(path)
    assert scenario == load_scenario(str(path))
    assert scenario.large == Place(
        input=1,
        output=2,
        cached=0.1,
        rtt_seconds=0,
        prefill_tokens_per_second=10,
        decode_tokens_per_second=5,
        cache_block=64,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema = 1\nname", "no valid TOML"),
        (GOOD.replace("schema = 1", "schema = 2"), "schema must be 1, not 2"),
        (GOOD.replace("schema = 1", ""), "'missing'"),
        (GOOD.replace('name = "mine"', ""), "'name' must be a text"),
        (GOOD + "colour = 1\n", r"\[large\] unknown key 'colour'; known: input, output"),
        (GOOD.replace("schema = 1", "schema = 1\nprice = 3"), "unknown key 'price'; known: schema"),
        (GOOD.replace("[small]\n", "[smoll]\n"), "unknown key 'smoll'"),
        (f'schema = 1\nname = "mine"\n[small]\n{ROLE}', r"the table \[large\] is missing"),
        (GOOD.replace("input = 1\n", "", 1), r"\[small\] lacks: input"),
        (GOOD.replace("input = 1\n", "input = -1\n", 1), r"\[small\] input must be 0 or more, not -1"),
        (GOOD.replace("input = 1\n", 'input = "cheap"\n', 1), "input must be a number, not 'cheap'"),
        (GOOD.replace("input = 1\n", "input = nan\n", 1), "input must be a number, not nan"),
        (GOOD.replace("input = 1\n", "input = true\n", 1), "input must be a number, not True"),
        (GOOD.replace("_second = 5", "_second = 0", 1), "decode_tokens_per_second must be above 0, not 0"),
        (
            GOOD.replace("cache_block = 64", "cache_block = 0"),
            "cache_block must be a whole number of tokens, 1 or more",
        ),
        (GOOD.replace("cache_block = 64", 'reads_prefix_cached = "yes"'), "must be true or false, not 'yes'"),
        (GOOD + "[sources]\nprices = 3\n", "must be a table of texts"),
        (GOOD.replace("schema = 1", "schema = 1\nabout = 3"), "'about' must be a text"),
    ],
)
def test_what_cannot_be_used_is_told(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        read_scenario(text)
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"scenario file .*bad\.toml: "):
        load_scenario(path)


def test_files_and_names_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there are: edge_cloud, embedded_cpu, local"):
        load_scenario("moon")
    with pytest.raises(ValueError, match="No such file"):
        load_scenario(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="not UTF-8"):
        load_scenario(tmp_path / "bytes.toml")


def test_time_and_price_of_one_call_by_hand() -> None:
    result = run("mine", ledger=[call("large", 1000, 100)])
    assert retime(result, PLAIN) == pytest.approx(1 + 1000 / 1000 + 100 / 50)
    assert reprice(result, PLAIN) == pytest.approx((1000 * 1 + 100 * 2) / 1e6)


def test_an_author_that_goes_on_has_its_prompt_and_its_text_in_the_cache() -> None:
    rows = [call("large", 100, 50), call("large", 170, 20)]
    assert cached(rows) == [0, 150]
    assert reprice(run("mine", ledger=rows), PLAIN) == pytest.approx((120 + 150 * 0.1 + 70 * 2) / 1e6)
    assert retime(run("mine", ledger=rows), PLAIN) == pytest.approx(2 + 120 / 1000 + 70 / 50)


def test_a_prompt_that_goes_back_is_known_whole() -> None:
    assert cached([call("large", 100, 50), call("large", 120, 20)]) == [0, 120]


def test_after_the_other_author_only_the_beginning_is_known() -> None:
    rows = [call("large", 100, 50), call("small", 150, 30), call("large", 190, 20), call("large", 210, 20)]
    assert cached(rows) == [0, 0, 100, 210]


def test_prompts_of_judges_and_plans_begin_in_their_own_way() -> None:
    rows = [
        call("large", 90, 40, purpose="initiate"),
        call("large", 100, 1, purpose="review"),
        call("large", 120, 1, purpose="rewrite"),
        call("large", 130, 1, purpose="review"),
    ]
    assert cached(rows) == [0, 0, 0, 100]


def test_another_model_in_the_same_role_knows_nothing() -> None:
    assert cached([call("large", 100, 50), call("large", 160, 5, model="fallback")]) == [0, 0]


def test_a_failed_call_leaves_nothing_in_the_cache() -> None:
    assert cached([call("large", 100, 0, status="error"), call("large", 100, 10)]) == [0, 0]


def test_what_the_server_told_is_taken_instead_of_the_estimate() -> None:
    rows = [call("large", 100, 50), call("large", 170, 20, tokens_cached=64), call("large", 200, 5)]
    assert cached(rows) == [0, 64, 0]
    assert cached(rows, with_large(reads_prefix_cached=False)) == [0, 0, 0]


def test_a_cache_has_blocks_a_shortest_beginning_and_a_lifetime() -> None:
    rows = [call("large", 100, 50), call("large", 170, 20)]
    assert cached(rows, with_large(cache_block=64)) == [0, 128]
    assert cached(rows, with_large(cache_minimum=151)) == [0, 0]
    assert cached(rows, with_large(reads_prefix_cached=False)) == [0, 0]
    waited = [rows[0], call("small", 10, 1000), call("large", 170, 20)]  # ten seconds of the SRM in between
    assert cached(waited, with_large(cache_seconds=11)) == [0, 0, 100]
    assert cached(waited, with_large(cache_seconds=9)) == [0, 0, 0]


ROWS = st.lists(
    st.builds(
        call,
        st.sampled_from(["small", "large"]),
        st.integers(0, 5000),
        st.integers(0, 2000),
        purpose=st.sampled_from(["continue", "rewrite", "review", "initiate", "conclude"]),
        status=st.sampled_from(["ok", "cut", "error"]),
    ),
    max_size=12,
)


@given(ROWS)
def test_cached_and_new_tokens_add_up(rows: list[LedgerRow]) -> None:
    for one, row in zip(counted(rows, PLAIN), rows, strict=True):
        assert one.cached >= 0
        assert one.uncached >= 0
        assert one.cached + one.uncached == row["tokens_in"]


@given(ROWS, st.floats(0.1, 50))
def test_dollars_are_linear_in_prices(rows: list[LedgerRow], times: float) -> None:
    result, large = run("mine", ledger=rows), PLAIN.large
    assert large.cached is not None
    dearer = with_large(input=large.input * times, cached=large.cached * times, output=large.output * times)
    assert reprice(result, dearer) == pytest.approx(times * reprice(result, PLAIN))


@given(ROWS, st.floats(0, 10), st.floats(0, 10))
def test_time_grows_with_the_way_to_the_model(rows: list[LedgerRow], one: float, other: float) -> None:
    """With a cache that outlives the run: one that does not can only make it worse."""
    result, (near, far) = run("mine", ledger=rows), sorted((one, other))
    assert retime(result, with_large(rtt_seconds=near)) <= retime(result, with_large(rtt_seconds=far))


@given(ROWS)
def test_a_cache_never_makes_a_run_dearer_or_slower(rows: list[LedgerRow]) -> None:
    result, without = run("mine", ledger=rows), with_large(reads_prefix_cached=False)
    assert reprice(result, PLAIN) <= reprice(result, without) + 1e-12
    assert retime(result, PLAIN) <= retime(result, without) + 1e-9
