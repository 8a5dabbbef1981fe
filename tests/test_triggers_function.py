"""@trigger: a function becomes a trigger."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphs import STEPS, graph, large, small
from tests.views import view
from trigreason_graph.policies import Policy
from trigreason_graph.state import Signal
from trigreason_graph.triggers import FunctionTrigger, Judge, Trigger, View, trigger


@trigger
def shouts(view: View) -> str | None:
    return "The step is shouting." if view.draft and view.draft["text"].isupper() else None


@trigger(name="late", route="intervene", steps=None)
def _late(view: View) -> Signal | None:
    if len(view.trace) < 2:
        return None
    return Signal(trigger="anything", reason="It is late.", evidence={}, route="retry")


def test_a_function_is_a_trigger_and_stays_a_function() -> None:
    assert isinstance(shouts, Trigger)
    assert not isinstance(shouts, Judge)
    assert (shouts.name, shouts.when) == ("shouts", "step")
    assert shouts(view("NO!")) == "The step is shouting."
    assert shouts.check(view("No.")) is None
    assert shouts.check(view("NO!")) == {
        "trigger": "shouts",
        "reason": "The step is shouting.",
        "evidence": {},
        "route": "rewrite",
        "steps": 1,
    }


def test_a_signal_of_its_own_gets_the_name() -> None:
    signal = _late.check(view("a", "b", "c"))
    assert signal is not None
    assert (signal["trigger"], signal["route"]) == ("late", "retry")


async def test_in_a_graph() -> None:
    @trigger(route="intervene", steps=2)
    def stops(view: View) -> str | None:
        return "Another one." if view.draft and "Another" in view.draft["text"] else None

    result = await graph(small(STEPS, "So \\boxed{7}."), large("It is 3.\n\nIt is 4."), stops).ainvoke(
        {"question": "?"}
    )
    assert [step["author"] for step in result["trace"]] == ["small", "small", "large", "large", "small"]


def test_settings_change_it() -> None:
    changed = Policy("p", (shouts,)).with_fields({"shouts": {"steps": None}}).triggers[0]
    assert changed == FunctionTrigger(shouts.function, "shouts", steps=None)


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"when": "later"}, "when"), ({"route": "stop"}, "route"), ({"steps": 0}, "steps")],
)
def test_bad_fields_are_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"FunctionTrigger: {named}"):
        trigger(**fields)(shouts.function)


def test_what_is_no_function_of_a_view() -> None:
    async def asks(view: View) -> None: ...

    with pytest.raises(ValueError, match=r"asks is asynchronous.*judge"):
        trigger(asks)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="function"):
        trigger(3)  # type: ignore[call-overload]
