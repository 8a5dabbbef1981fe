"""The conformance kit: all of our triggers keep to it, and each of its rules finds who breaks it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from trigreason_graph.policies.files import KNOWN_TRIGGERS
from trigreason_graph.policies.shipped import SHIPPED
from trigreason_graph.state import Signal
from trigreason_graph.testing import RULES, ConformanceError, check_rule, check_trigger, make_step, make_view
from trigreason_graph.testing import conformance as kit
from trigreason_graph.testing.schema import signal_flaw
from trigreason_graph.triggers import Judge, StrategicInitiation, Trigger, View

OURS: dict[str, Trigger] = {
    **{name: kind() for name, kind in KNOWN_TRIGGERS.items() if hasattr(kind, "check")},
    "blueprint": StrategicInitiation(),
    "prime": StrategicInitiation(form="prime", tokens=None, steps=20, skip_trivial=True),
    **{
        f"{policy.name}: {trigger.name}": trigger
        for policy in SHIPPED.values()
        for trigger in policy.triggers
        if not isinstance(trigger, Judge) and trigger != KNOWN_TRIGGERS[trigger.name]()
    },
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", OURS)
def test_ours_keep_to_every_rule(name: str, rule: str) -> None:
    check_rule(rule, OURS[name])


def signal(**fields: Any) -> Signal:
    return Signal(**{"trigger": "mine", "reason": "It does.", "evidence": {}, "route": "rewrite", **fields})  # type: ignore[typeddict-item]


@dataclass
class Mine:
    """A user's trigger; `verdict` decides."""

    verdict: Callable[[View], Signal | None] = field(default=lambda view: None, compare=False)
    name: str = "mine"
    when: Any = "step"

    def check(self, view: View) -> Signal | None:
        return self.verdict(view)


class Plain:
    """Not a dataclass; nothing to store, nothing wrong with it."""

    name, when = "mine", "step"

    def check(self, view: View) -> Signal | None:
        draft = view.draft
        return signal() if draft and draft["author"] == "small" and "Hmm" in draft["text"][:1000] else None


def test_a_users_trigger_in_three_lines() -> None:
    check_trigger(Plain(), fires_on=[make_view([], make_step("Hmm."))])


class Counter:
    """Keeps something in mind."""

    name, when = "mine", "step"

    def __init__(self) -> None:
        self.asked = 0

    def check(self, view: View) -> Signal | None:
        self.asked += 1
        return signal() if self.asked % 2 else None


@dataclass
class Holding:
    """Has a field; fires never."""

    held: Any
    name: str = "mine"
    when: Any = "step"

    def check(self, view: View) -> Signal | None:
        return None


def change_it(view: View) -> None:
    if view.draft:
        view.draft["text"] += "!"


def fail_on_code(view: View) -> None:
    if view.draft and "```" in view.draft["text"]:
        raise IndexError("no such line")


def read_all(view: View) -> None:
    for step in view.trace:
        step["text"].count("a")


def read_all_signals(view: View) -> None:
    sum(1 for one in view.signals if one["trigger"] == "mine")


def sleepless(view: View) -> None:
    if view.draft and len(view.draft["text"]) > 1_000_000:
        until = time.process_time() + 3 * kit.JUNK_SECONDS
        while time.process_time() < until:
            pass


def listen_to_tools(view: View) -> Signal | None:
    return signal() if any("Wait" in step["text"] for step in view.trace[-9:]) else None


def know_lists_only(view: View) -> Signal | None:
    return signal() if isinstance(view.trace, list) else None


@pytest.mark.parametrize(
    ("rule", "trigger", "said"),
    [
        ("is_a_trigger", Plain, "pass an instance"),
        ("is_a_trigger", object(), "it needs name, when and check"),
        ("is_a_trigger", Mine(name=" "), "name must be"),
        ("is_a_trigger", Mine(when="sometimes"), "when must be one of"),
        ("is_pure", Counter(), "keeps something in mind"),
        ("is_pure", Mine(change_it), "changed the view"),  # type: ignore[arg-type]
        ("is_pure", Mine(fail_on_code), "raised IndexError('no such line') on the draft '```python"),  # type: ignore[arg-type]
        ("replays", Mine(know_lists_only), "a tuple of steps from a list"),
        ("survives_a_checkpoint", Holding(threading.Lock()), "cannot be stored by pickle"),
        ("survives_a_checkpoint", Holding({1, 2}), "fields cannot be settings"),
        ("reads_a_window", Mine(read_all), "looks at the whole trace"),  # type: ignore[arg-type]
        ("reads_a_window", Mine(read_all_signals), "looks at the whole trace"),  # type: ignore[arg-type]
        ("bears_junk", Mine(sleepless), "s for 10 MB of 'a'"),  # type: ignore[arg-type]
        ("signals_are_plain", Mine(lambda view: signal(route="home")), "route must be one of retry"),
        ("ignores_tools", Mine(listen_to_tools), "a tool's text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_rule_finds_who_breaks_it(rule: str, trigger: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "JUNK_SECONDS", 0.2)
    with pytest.raises(ConformanceError) as found:
        check_rule(rule, trigger)
    assert said in str(found.value)
    assert "mine" in str(found.value) or rule == "is_a_trigger"


def test_a_trigger_that_never_fires_where_it_should() -> None:
    view = make_view([], make_step("Nothing."))
    with pytest.raises(ConformanceError, match=r"does not fire on the draft 'Nothing\.' after 0 steps"):
        check_trigger(Plain(), fires_on=[view])


def test_a_function_in_a_field_is_not_stored() -> None:
    check_rule("survives_a_checkpoint", Mine())


def test_a_rule_can_be_left_out_and_must_be_known() -> None:
    check_trigger(Counter(), leave_out=["is_pure", "replays", "survives_a_checkpoint", "ignores_tools"])
    with pytest.raises(ValueError, match="no rule 'purity'; there are: is_a_trigger, is_pure"):
        check_trigger(Plain(), leave_out=["purity"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("no", "it is a str"),
        (signal(colour="red"), "unknown keys: colour"),
        ({"trigger": "mine"}, "lacks keys: evidence, reason, route"),
        (signal(trigger="other"), "trigger must be its name, 'mine'"),
        (signal(evidence={"n": 3}), "evidence must be texts"),
        (signal(evidence={"n": {1, 2}}), "JSON primitives"),
        (signal(reason="no stop"), "one sentence"),
        (signal(reason="Two\nlines."), "one sentence"),
        (signal(reason=""), "one sentence"),
        (signal(steps=0), "steps must be"),
        (signal(steps=True), "steps must be"),
        (signal(wrong=4), "wrong must be a step's number, 1 to 3"),
        (signal(route="rollback"), "needs the number"),
        (signal(drop=1), "drop must be"),
        (signal(), ""),
        (signal(route="rollback", wrong=3, steps=None, drop=True), ""),
    ],
    ids=repr,
)
def test_the_schema_of_a_signal(given: Any, said: str) -> None:
    flaw = signal_flaw(given, "mine", 3)
    assert said in flaw if said else not flaw


def test_at_the_start_no_step_may_be_asked_for() -> None:
    assert signal_flaw(signal(steps=0), "mine", 0) == ""
