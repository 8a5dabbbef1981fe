"""Cost that grows in a straight line; short forms of `benchmarks/growth.py`, `faults.py`, `fuzz.py` and `soak.py`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from graphs import Marker, graph, large, small
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import faults, fuzz, growth, soak
from benchmarks._swift import swift_graph
from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph import Budget

STEPS = 1_000
BYTES = 1_000_000
"""For 1,000 steps: measured 0.86 MB in memory, 0.96 MB in SQLite, 0.5 MB in PostgreSQL."""


@pytest.mark.parametrize("store", growth.STORES)
def test_a_thousand_steps(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """CPU time is left to the benchmark: tests share their machine."""
    address = request.getfixturevalue("postgres_server") if store == "postgres" else ""
    marks = asyncio.run(growth.grow(store, STEPS, tmp_path, address))
    assert marks[-1].steps >= STEPS
    assert growth.bend(marks, "state") < 1.2
    assert growth.bend(marks, "stored") < 1.2
    assert marks[-1].stored < BYTES


async def test_requests_of_the_small_model() -> None:
    """One for each commit, and none besides."""
    builder, model = swift_graph(200, run=10)
    await builder.compile().ainvoke({"question": "How far?"}, {"recursion_limit": 1_000})
    assert model.calls == 200 // 10 + 1


@pytest.mark.parametrize(("interventions", "commits"), [(0, 0), (1, 0), (3, 0), (0, 2), (2, 2)])
async def test_requests_are_interventions_and_commits_and_one(interventions: int, commits: int) -> None:
    """Each is one more request, since the stream is closed there; the last one answers."""
    replies = ["Odd.\n\nx"] * interventions + ["".join(f"Part {n}.\n\n" for n in range(3)) + "x"] * commits
    writer = small(*replies, "So \\boxed{7}.")
    compiled = graph(
        writer, large(*["It is even."] * interventions), Marker("Odd"), commit_every=3, budget=Budget(usd=None)
    )
    result = await compiled.ainvoke({"question": "3 + 4?"}, {"recursion_limit": 100})
    assert result["answer"] == "7"
    assert writer.calls == interventions + commits + 1


async def test_a_fifth_of_all_calls_fails() -> None:
    result = await faults.campaign(60, seed=3)
    assert result["faults"] == []
    assert sum(result["struck"].values()) > 20


async def test_fuzzed_outputs() -> None:
    result = await fuzz.campaign(200, 100_000)
    assert result["faults"] == []


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.lists(st.text(max_size=200), min_size=1, max_size=3))
def test_outputs_of_any_characters(seed: int, texts: list[str]) -> None:
    _, fault = asyncio.run(fuzz.one_run(seed, texts))
    assert fault == ""


async def test_nothing_leaks() -> None:
    looks, kinds = await soak.soak(8.0)
    assert soak.leaks(looks) == []
    assert kinds["answered"]
    assert kinds["cancelled"]


def test_a_leak_is_seen() -> None:
    def look(second: int, **grown: Any) -> soak.Look:
        return soak.Look(**{"seconds": second, "memory": 10_000_000, "sockets": 2, "tasks": 2, **grown})

    assert soak.leaks([look(second) for second in range(30)]) == []
    for name, each in (("memory", 1_000_000), ("sockets", 1), ("tasks", 1)):
        assert name in soak.leaks([look(second, **{name: second * each}) for second in range(30)])[0]
