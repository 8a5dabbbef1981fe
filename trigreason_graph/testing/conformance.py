"""What every trigger has to keep to, as checks that run on any of them, a user's own included.

from trigreason_graph.testing import check_trigger

def test_my_trigger():
    check_trigger(MyTrigger())
"""

from __future__ import annotations

import copy
import json
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import get_args

from trigreason_graph.policies import Policy
from trigreason_graph.policies.base import with_changes
from trigreason_graph.policies.files import KNOWN_TRIGGERS, dump_policy, read_policy
from trigreason_graph.state import Signal, Step
from trigreason_graph.testing.counting import Counting
from trigreason_graph.testing.samples import BLUEPRINT, JUNK, long_trace, make_step, make_view, sample_views
from trigreason_graph.testing.schema import signal_flaw
from trigreason_graph.triggers import StrategicInitiation, Trigger, View, When

SHORT, LONG = 200, 2_000
"""Steps of the two traces that a check's cost is compared on."""
GROWTH = 4.0
"""How many times dearer the long trace may be; a look at all of it is ten times."""
QUICK_SECONDS = 0.001
"""A check that takes no longer is not compared: it would be the clock that is measured."""
JUNK_BYTES = 10_000_000
JUNK_SECONDS = 2.0
"""Processor seconds that a check may take on `JUNK_BYTES`. Our choice, generous; ours take less than a tenth."""


class ConformanceError(AssertionError):
    """A trigger breaks a rule; the text names trigger, rule and what happened."""


@dataclass(frozen=True)
class Case:
    """What a rule is checked on.

    Attributes:
        trigger: Under test.
        fires_on: Views on which it must fire.
        views: `fires_on` and the sample views.
    """

    trigger: Trigger
    fires_on: Sequence[View] = ()
    views: Sequence[View] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "views", [*self.fires_on, *sample_views()])

    def demand(self, holds: bool, what: str) -> None:
        """Raise ConformanceError with `what` unless it holds."""
        if not holds:
            name = getattr(self.trigger, "name", type(self.trigger).__name__)
            raise ConformanceError(f"trigger {name!r}: {what}")


def check_trigger(trigger: Trigger, *, fires_on: Sequence[View] = (), leave_out: Sequence[str] = ()) -> None:
    """Check all `RULES` on a trigger. Takes a few seconds, most of them for 10 MB of junk.

    Args:
        trigger: An instance. A Judge calls a model, so that these rules are not for it.
        fires_on: Views on which it must fire, so that its signal is looked at for sure; see `make_view`.
        leave_out: Names of rules that it breaks on purpose.

    Raises:
        ConformanceError: It breaks a rule.
        ValueError: `leave_out` names a rule that there is not.
    """
    for name in leave_out:
        _rule(name)
    for rule in RULES:
        if rule not in leave_out:
            check_rule(rule, trigger, fires_on=fires_on)


def check_rule(rule: str, trigger: Trigger, *, fires_on: Sequence[View] = ()) -> None:
    """Check one of `RULES`, for a test of its own each:

    @pytest.mark.parametrize("rule", RULES)
    def test_my_trigger(rule):
        check_rule(rule, MyTrigger())
    """
    _rule(rule)(Case(trigger, fires_on))


def _rule(name: str) -> Callable[[Case], None]:
    if name not in RULES:
        raise ValueError(f"there is no rule {name!r}; there are: {', '.join(RULES)}")
    return RULES[name]


def is_a_trigger(case: Case) -> None:
    """It has a name, a moment and a check."""
    trigger = case.trigger
    case.demand(not isinstance(trigger, type), "this is the class; pass an instance")
    case.demand(isinstance(trigger, Trigger), "it needs name, when and check(view)")
    case.demand(isinstance(trigger.name, str) and bool(trigger.name.strip()), "name must be a text that is not empty")
    moments = get_args(When)
    case.demand(trigger.when in moments, f"when must be one of {', '.join(moments)}, not {trigger.when!r}")


def is_pure(case: Case) -> None:
    """The same view gives the same verdict, whatever was asked before, and nothing in it is changed."""
    first = []
    for view in case.views:
        before = copy.deepcopy(view)
        first.append(_checked(case, view))
        case.demand(view == before, "check() changed the view")
    again = [case.trigger.check(view) for view in reversed(case.views)][::-1]
    case.demand(again == first, "asked again in another order, it gave other verdicts: it keeps something in mind")


def replays(case: Case) -> None:
    """A run that is judged again from its saved steps gives the same signals."""
    trace = long_trace(40)
    case.demand(_replayed(case, trace) == _replayed(case, copy.deepcopy(trace)), "a replay gave other signals")
    others = [replace(view, trace=tuple(view.trace), signals=tuple(view.signals)) for view in case.views]
    pairs = zip(case.views, others, strict=True)
    same = all(case.trigger.check(one) == case.trigger.check(other) for one, other in pairs)
    case.demand(same, "it tells a tuple of steps from a list")


def survives_a_checkpoint(case: Case) -> None:
    """Steps back from JSON or LangGraph's serializer are judged as before, also by a trigger that was stored."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    saver = JsonPlusSerializer()
    for view in case.views:
        state = {name: getattr(view, name) for name in ("blueprint", "draft")}
        state |= {name: list(getattr(view, name)) for name in ("trace", "signals")}
        verdict = case.trigger.check(view)
        for stored in (json.loads(json.dumps(state)), saver.loads_typed(saver.dumps_typed(state))):
            case.demand(case.trigger.check(replace(view, **stored)) == verdict, "a checkpoint changed its verdict")
    for how, kept in _stored(case):
        case.demand(kept == case.trigger, f"{how} made another trigger of it")
        same = all(kept.check(view) == case.trigger.check(view) for view in case.views)
        case.demand(same, f"{how} made it judge otherwise")


def reads_a_window(case: Case) -> None:
    """Its cost does not grow with the trace: no more is read, and no more time taken."""
    reads = {length: _reads(case.trigger, length) for length in (SHORT, LONG)}
    shown = f"{reads[SHORT]} steps and signals read after {SHORT} steps, {reads[LONG]} after {LONG}"
    case.demand(reads[LONG] <= GROWTH * max(reads[SHORT], 1), f"it looks at the whole trace: {shown}")
    seconds = {length: _seconds_after(case.trigger, length) for length in (SHORT, LONG)}
    slow = seconds[LONG] > max(GROWTH * seconds[SHORT], QUICK_SECONDS)
    case.demand(not slow, f"{seconds[SHORT]:.4f} s after {SHORT} steps, {seconds[LONG]:.4f} s after {LONG}")


def bears_junk(case: Case) -> None:
    """10 MB of anything neither break it nor hold it up."""
    for unit in JUNK:
        text = unit * (JUNK_BYTES // len(unit.encode()))
        junk = make_step(text, conclusions=["x=3"])
        view = make_view([junk] * 3, make_step(text + "!"), question=text, blueprint=BLUEPRINT)
        began = time.process_time()
        _checked(case, view)
        seconds = time.process_time() - began
        case.demand(seconds < JUNK_SECONDS, f"{seconds:.1f} s for 10 MB of {unit!r}")


def signals_are_plain(case: Case) -> None:
    """What it says fits a checkpoint, a screen and the graph's routes."""
    for view in case.fires_on:
        case.demand(case.trigger.check(view) is not None, f"it does not fire on {_shown(view)}")
    for view in case.views:
        signal = _checked(case, view)
        if signal is not None:
            problem = signal_flaw(signal, case.trigger.name, len(view.trace) + 1 if view.draft else 0)
            case.demand(not problem, f"{problem}, in its signal {signal!r}")


def ignores_tools(case: Case) -> None:
    """Only what a model wrote counts: whatever a tool says, the verdict is the same."""
    text = "Wait, hmm, maybe 3 + 4 = 8. x = 5. Answer: 9. earliest wrong step: 1. " * 50
    shout = make_step(text, "tool", conclusions=["x=5"])
    for view in case.views:
        trace = [shout if step["author"] == "tool" else step for step in view.trace]
        same = case.trigger.check(replace(view, trace=trace)) == case.trigger.check(view)
        case.demand(same, "a tool's text changed its verdict")


RULES: Mapping[str, Callable[[Case], None]] = {
    rule.__name__: rule
    for rule in (
        is_a_trigger, is_pure, replays, survives_a_checkpoint, reads_a_window, bears_junk, signals_are_plain,
        ignores_tools,
    )
}  # fmt: skip
"""By name, in the order in which they are checked."""


def _checked(case: Case, view: View) -> Signal | None:
    try:
        return case.trigger.check(view)
    except Exception as fault:
        raise ConformanceError(f"trigger {case.trigger.name!r}: check() raised {fault!r} on {_shown(view)}") from fault


def _shown(view: View) -> str:
    if view.draft is None:
        return "the start of a run"
    return f"the draft {view.draft['text'][:60]!r} after {len(view.trace)} steps"


def _replayed(case: Case, trace: Sequence[Step]) -> list[Signal]:
    signals: list[Signal] = []
    for index, draft in enumerate(trace):
        signal = _checked(case, make_view(trace[:index], draft, blueprint=BLUEPRINT, signals=signals))
        if signal is not None:
            signals.append(Signal(**{**signal, "at": index, "served": True, "unserved_reason": ""}))
    return signals


def _stored(case: Case) -> Iterator[tuple[str, Trigger]]:
    """The trigger back from all that a dataclass can be stored in; one that holds a function is code, not data."""
    trigger = case.trigger
    if not is_dataclass(trigger) or any(callable(getattr(trigger, one.name)) for one in fields(trigger)):
        return
    if _importable(type(trigger)):
        try:
            yield "pickle", pickle.loads(pickle.dumps(trigger))
        except (pickle.PicklingError, AttributeError, TypeError) as fault:
            case.demand(False, f"it cannot be stored by pickle: {fault}")
    try:
        values = json.loads(json.dumps({one.name: getattr(trigger, one.name) for one in fields(trigger) if one.init}))
        yield "settings as JSON", with_changes(trigger, values)
    except TypeError as fault:
        case.demand(False, f"its fields cannot be settings: {fault}")
    if isinstance(trigger, StrategicInitiation):
        yield from _in_a_file(Policy("stored", initiation=trigger))
    elif type(trigger) is KNOWN_TRIGGERS.get(trigger.name):
        yield from _in_a_file(Policy("stored", triggers=(trigger,)))


def _importable(kind: type) -> bool:
    """Whether pickle finds the class by its name: one that is made inside a function it never does."""
    return getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind


def _in_a_file(policy: Policy) -> Iterator[tuple[str, Trigger]]:
    kept = read_policy(dump_policy(policy))
    for trigger in (kept.initiation, *kept.triggers):
        if isinstance(trigger, Trigger):
            yield "a policy file", trigger


def _reads(trigger: Trigger, length: int) -> int:
    view = _after(length)
    trace, signals = Counting(view.trace), Counting(view.signals)
    trigger.check(replace(view, trace=trace, signals=signals))
    return trace.reads + signals.reads


def _seconds_after(trigger: Trigger, length: int) -> float:
    view = _after(length)
    return min(_seconds(trigger, view) for _ in range(5))


def _seconds(trigger: Trigger, view: View) -> float:
    began = time.process_time()
    trigger.check(view)
    return time.process_time() - began


def _after(length: int) -> View:
    draft = make_step("Perhaps it is 3 + 4 = 7.", conclusions=["x=24"], nats=[10] * 20)
    one = Signal(trigger="sample", reason="A sample.", evidence={}, route="rewrite", at=0, served=True)
    return make_view(long_trace(length), draft, blueprint=BLUEPRINT, signals=[one] * length)
