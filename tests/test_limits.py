"""Limits: a trigger that fires at every step is held back, and everything that fired is in the log."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from tests.graphs import STEPS, Marker, full_state, graph, large, small
from trigreason_graph import Settings
from trigreason_graph.state import Signal
from trigreason_graph.triggers import Limit, held_back


def fired(at: int, trigger: str = "marker", served: bool = True) -> Signal:
    return Signal(trigger=trigger, reason="", evidence={}, route="rewrite", at=at, served=served)


@pytest.mark.parametrize(
    ("limit", "signals", "position", "why"),
    [
        (Limit("marker"), [fired(0)], 1, ""),
        (Limit("marker", most=1), [], 1, ""),
        (Limit("marker", most=1), [fired(0)], 9, "its limit of 1 a run is reached"),
        (Limit("marker", most=0), [], 0, "its limit of 0 a run is reached"),
        (Limit("marker", most=1), [fired(0, served=False)], 1, ""),
        (Limit("other", most=0), [], 0, ""),
        (Limit("marker", most=1), [fired(0, "other")], 1, ""),
        (Limit("marker", cooldown=2), [fired(3)], 4, "it fired 1 step ago, and its cooldown is 2"),
        (Limit("marker", cooldown=2), [fired(3)], 5, "it fired 2 steps ago, and its cooldown is 2"),
        (Limit("marker", cooldown=2), [fired(3)], 6, ""),
        (Limit("marker", cooldown=2), [fired(3)], 3, ""),
        (Limit("marker", cooldown=2), [fired(8)], 3, ""),
    ],
    ids=[
        "no limit", "unused", "used up", "none at all", "unserved ones are free", "other limit", "other trigger",
        "cooling", "still cooling", "cool", "the same place", "a branch that is gone",
    ],
)  # fmt: skip
def test_held_back(limit: Limit, signals: list[Signal], position: int, why: str) -> None:
    assert held_back([limit], "marker", signals, position) == why


@pytest.mark.parametrize(
    ("fields", "named"), [({"trigger": ""}, "trigger"), ({"most": -1}, "most"), ({"cooldown": None}, "cooldown")]
)
def test_bad_fields_are_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"Limit: {named}"):
        Limit(**{"trigger": "marker", **fields})


async def log(*triggers: Any, **fields: Any) -> list[tuple[str, bool, str]]:
    """Trigger, served and why not of every signal of a run over three steps that all contain "is"."""
    writer, expert = small(STEPS, STEPS, STEPS), large(*[f"Something is {n}." for n in range(4)])
    compiled = graph(writer, expert, *triggers, checkpointer=InMemorySaver(), **fields)
    config = {"configurable": {"thread_id": "t"}}
    await compiled.ainvoke({"question": "What?"}, config)
    signals = (await full_state(compiled, config))["signals"]
    return [(signal["trigger"], signal["served"], signal["unserved_reason"]) for signal in signals]


async def test_the_budget_of_a_trigger_is_kept_and_the_rest_is_logged() -> None:
    assert await log(Marker("thing is"), limits=(Limit("marker", most=1),)) == [
        ("marker", True, ""),
        ("marker", False, "its limit of 1 a run is reached"),
        ("marker", False, "its limit of 1 a run is reached"),
    ]


async def test_a_cooldown_lets_the_next_steps_pass() -> None:
    assert await log(Marker("One thing"), limits=(Limit("marker", cooldown=1),)) == [
        ("marker", True, ""),
        ("marker", False, "it fired 1 step ago, and its cooldown is 1"),
    ]


async def test_all_that_would_have_fired_are_logged() -> None:
    once = (Limit("marker", most=1), Limit("second", most=0))
    seen = await log(Marker("One thing"), Marker("Another", name="second"), Marker("absent", name="third"), limits=once)
    assert [row[0] for row in seen] == ["marker", "marker", "second"]
    both = await log(Marker("result"), Marker("So the", name="second"), Marker("absent", name="third"), limits=once[:1])
    assert both[:2] == [("second", False, "after marker"), ("marker", True, "")]


async def test_one_that_is_held_back_makes_way_for_the_next() -> None:
    limits = (Limit("marker", most=0), Limit("second", most=1))
    seen = await log(Marker("Another"), Marker("thing is 4", name="second", route="intervene"), limits=limits)
    assert seen[:2] == [("marker", False, "its limit of 0 a run is reached"), ("second", True, "")]


async def test_a_free_retry_is_served_although_the_large_model_is_closed() -> None:
    triggers = Marker("Another"), Marker("thing is 4", name="second", route="retry")
    seen = await log(*triggers, settings=Settings(large="never"), limits=(Limit("second", most=1),))
    assert [row[:2] for row in seen[:2]] == [("marker", False), ("second", True)]
