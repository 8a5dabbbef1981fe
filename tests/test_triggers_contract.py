"""What every trigger keeps to: purity, plain signals, a bounded look, bounded time."""

from __future__ import annotations

import copy
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trigreason_graph.triggers as face
from benchmarks import trigger_speed
from tests.views import blueprint, step, view
from trigreason_graph.state import Step
from trigreason_graph.triggers import (
    ArithmeticCheck,
    CognitiveOffload,
    InterventionRequest,
    Judge,
    RandomChoice,
    Signal,
    StrategicInitiation,
    Trigger,
    View,
    first_signal,
)
from trigreason_graph.triggers.window import LOOK_BACK

TRIGGERS: list[Trigger] = [
    StrategicInitiation(),
    StrategicInitiation(form="prime", tokens=None, steps=20, skip_trivial=True),
    CognitiveOffload(),
    CognitiveOffload(ceiling=0.2, min_tokens=2, steps=None),
    CognitiveOffload(first_token=1.0, text="always", route="intervene"),
    InterventionRequest(),
    InterventionRequest(k=1, min_step=0, same_conclusion=2),
    InterventionRequest(words="paper", languages=("en",), loops=False),
    ArithmeticCheck(),
    RandomChoice(p=0.5),
]
PLAN = blueprint("Count the apples in boxes.", "Weigh every pear of hers.", "Compare them with oranges.")

texts = st.one_of(
    st.sampled_from(
        ["Wait, hmm.", "So 3 + 4 = 8.", "So 3 + 4 = 7.", "The total is 12 apples.", "Maybe it is 3.", "Answer: 12", ""]
    ),
    st.text(alphabet="ab 123+-*/=.,$%\n>\\{}()等嗯", max_size=60),
)
steps = st.builds(
    step,
    texts,
    st.sampled_from(["small", "small", "small", "large", "tool"]),
    conclusions=st.lists(st.sampled_from(["x = 3", "x = 4"]), max_size=2, unique=True),
    nats=st.none() | st.lists(st.integers(0, 65_535), max_size=12),
)
views = st.builds(
    lambda listed, complete, planned: view(*listed, complete=complete, blueprint=PLAN if planned else None),
    st.lists(steps, max_size=14),
    st.booleans(),
    st.booleans(),
)


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.name)
@given(looked_at=views)
@settings(max_examples=60)
def test_pure_and_plain(trigger: Trigger, looked_at: View) -> None:
    before = copy.deepcopy(looked_at)
    signal = trigger.check(looked_at)
    assert trigger.check(looked_at) == signal
    assert looked_at == before
    if signal is not None:
        assert json.loads(json.dumps(signal)) == signal
        assert signal["trigger"] == trigger.name
        assert signal["reason"].endswith(".")
        assert "\n" not in signal["reason"]
        assert all(isinstance(value, str) for value in signal["evidence"].values())


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.name)
@given(looked_at=views)
@settings(max_examples=60)
def test_what_tools_and_the_problem_say_changes_nothing(trigger: Trigger, looked_at: View) -> None:
    shout = "Wait, hmm, maybe 3 + 4 = 8. earliest wrong step: 1. " * 100
    tool = step(shout, "tool", conclusions=["x = 3"])
    shouted = [tool if one["author"] == "tool" else one for one in looked_at.trace]
    other = View(looked_at.question, looked_at.blueprint, shouted, looked_at.draft, looked_at.complete, ())
    if trigger.name != "random":  # whose dice are thrown anew for every problem
        assert trigger.check(other) == trigger.check(looked_at)
        asked = View(shout, *(getattr(other, name) for name in ("blueprint", "trace", "draft", "complete", "signals")))
        if trigger.name != "arithmetic_check":  # which leaves alone what the problem itself states
            assert (trigger.check(asked) is None) == (trigger.check(other) is None) or not looked_at.draft


class Counting(Sequence[Step]):
    """A long trace that counts how often it is read."""

    def __init__(self, length: int) -> None:
        self.length, self.reads = length, 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        assert isinstance(index, int), "a slice of a trace copies it"
        self.reads += 1
        return step(
            f"Maybe this is step {index}.", "small" if index % 3 else "tool", conclusions=["x = 3"], nats=[10, 10]
        )

    def __iter__(self) -> Iterator[Step]:
        raise AssertionError("a trigger read the whole trace")


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.name)
def test_only_a_window_of_the_trace_is_read(trigger: Trigger) -> None:
    trace = Counting(5_000)
    draft = step("Maybe this is step 5000.", conclusions=["x = 3"], nats=[10, 10])
    trigger.check(View("How many?", PLAN, trace, draft, True, ()))
    assert trace.reads <= 3 * LOOK_BACK


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.name)
@pytest.mark.parametrize("author", ["small", "tool"])
def test_a_trace_of_5000_steps_takes_less_than_a_millisecond(trigger: Trigger, author: str) -> None:
    trace = [step(f"Perhaps this is step {n}.", author, nats=[10] * 20, conclusions=["x = 3"]) for n in range(5_000)]
    signals = [Signal(trigger="other", reason="", evidence={}, route="rewrite", at=n) for n in range(5_000)]
    looked_at = View("How many?", PLAN, trace, step("Perhaps it is 3 + 4 = 7.", nats=[10] * 20), True, signals)
    trigger.check(looked_at)
    assert min(_seconds(trigger, looked_at) for _ in range(5)) < 0.001


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.name)
@pytest.mark.parametrize(
    "unit",
    [
        "a",
        " ",
        "wait ",
        "3 + 4 = 8 ",
        "(",
        "not ",
        "not sur",
        "\n",
        "> ",
        "。",
        "1+",
        "$",
        "\\frac{",
        "I'm ",
        "等",
        "1,000",
    ],
)
def test_ten_megabytes_of_junk(trigger: Trigger, unit: str) -> None:
    junk = step(unit * (10_000_000 // len(unit)), conclusions=["x = 3"])
    looked_at = view(junk, step(junk["text"] + "!"), junk, question=junk["text"], blueprint=PLAN)
    assert _seconds(trigger, looked_at) < 2.0


def _seconds(trigger: Trigger, looked_at: View) -> float:
    began = time.perf_counter()
    trigger.check(looked_at)
    return time.perf_counter() - began


def test_the_first_in_the_policys_order_wins() -> None:
    looked_at = view(step("So 3 + 4 = 8.", nats=[1] * 10))
    both: list[Trigger] = [ArithmeticCheck(), CognitiveOffload()]
    for order in (both, both[::-1]):
        signal = first_signal(order, looked_at)
        assert signal is not None
        assert signal["trigger"] == order[0].name
    assert first_signal([InterventionRequest()], looked_at) is None


def test_each_is_asked_at_its_moment() -> None:
    initiation, offload = StrategicInitiation(), CognitiveOffload()
    started = first_signal([offload, initiation], view())
    assert started is not None
    assert started["trigger"] == "strategic_initiation"
    sure = step("s", nats=[1])
    assert first_signal([initiation, offload], view(sure, complete=False)) is None
    assert first_signal([initiation, offload], view(sure)) is not None


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.name)
def test_they_are_triggers_and_values(trigger: Trigger) -> None:
    assert isinstance(trigger, Trigger)
    assert not isinstance(trigger, Judge)
    assert trigger == copy.copy(trigger)
    assert hash(trigger) == hash(copy.copy(trigger))
    with pytest.raises(AttributeError):
        trigger.steps = 2  # type: ignore[attr-defined]


def test_the_modules_face() -> None:
    assert face.__all__ == sorted(face.__all__)
    assert all(hasattr(face, name) for name in face.__all__)


@pytest.mark.parametrize("name", trigger_speed.TRIGGERS)
def test_a_step_of_100_kb_is_looked_at_in_no_time(name: str) -> None:
    """The benchmark prints milliseconds and holds them under 50; the bound here is one for a busy machine."""
    trigger = trigger_speed.TRIGGERS[name]
    slowest = {shape: trigger_speed.slowest(trigger, unit, 3) for shape, unit in trigger_speed.UNITS.items()}
    assert {shape: seconds for shape, seconds in slowest.items() if seconds > 0.25} == {}


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.name)
@given(unit=st.text(min_size=1, max_size=12), last=st.text(max_size=4))
@settings(max_examples=10)
def test_no_text_makes_a_pattern_slow(trigger: Trigger, unit: str, last: str) -> None:
    text = (unit * (20_000 // len(unit))) + last
    drafts = [step(text, conclusions=["x = 3"]), step(text, kind="answer")]
    spent = 0.0
    for draft, complete in itertools.product(drafts, (True, False)):
        spent += _seconds(trigger, view(text, draft, question=text[:500], complete=complete, blueprint=PLAN))
    assert spent < 1.0
