"""What a trigger is: a pure look at the newest step that may say "this needs the large model"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast, runtime_checkable

from typing_extensions import TypeIs

from trigreason_graph.state import Blueprint, Signal, Step

When = Literal["start", "first_token", "partial", "step"]


@dataclass(frozen=True, slots=True)
class View:
    """All that a trigger may look at. New fields can be added without breaking anybody.

    Attributes:
        question: Text of the problem.
        blueprint: The LRM's strategy, or None.
        trace: The accepted steps before `draft`, oldest first. Do not change or keep it.
        draft: The step under judgement; None at the start of a run.
        complete: False while the draft is still being written.
        signals: The signals of this run so far, oldest first.
        first: True at the first look at a draft that is still being written: nothing more than its first token may be
            there.
    """

    question: str
    blueprint: Blueprint | None
    trace: Sequence[Step]
    draft: Step | None
    complete: bool
    signals: Sequence[Signal]
    first: bool = False


@runtime_checkable
class Trigger(Protocol):
    """A named rule. `check` is pure: no IO, no hidden state, time bounded by a window of recent steps.

    `when` says at which moment `check` is asked: at the start of a run, once after the first token of a draft, again
    and again while a draft grows, or when it is complete. One whose `when` is "partial" is asked for complete drafts
    as well.
    """

    @property
    def name(self) -> str: ...

    @property
    def when(self) -> When: ...

    def check(self, view: View) -> Signal | None: ...


JudgeCall = Callable[[str, int], Awaitable[str]]
"""Ask the LRM: (prompt, max_tokens) -> reply text. Counted in the ledger and gated by the budget."""


class NoVerdictError(Exception):
    """A judge could not be asked, or gave nothing usable: it is passed over, and the report says why (the text)."""


@runtime_checkable
class Judge(Protocol):
    """A trigger that calls a model. It forces ``commit_every=1``: every step waits for its verdict.

    One that cannot judge raises `NoVerdictError`; any other error ends the run, as a trigger's does.
    """

    @property
    def name(self) -> str: ...

    async def judge(self, view: View, call: JudgeCall) -> Signal | None: ...


def is_judge(trigger: Trigger | Judge) -> TypeIs[Judge]:
    """Whether a trigger calls a model. Asked at every piece of text, where isinstance with a protocol is slow."""
    return hasattr(trigger, "judge")


def signals_of(triggers: Sequence[Trigger | Judge], view: View) -> list[Signal]:
    """The signals of all triggers that fire, in the policy's order; judges are passed over (they need a model).

    Args:
        triggers: The policy's triggers, in its order.
        view: What is looked at; ``view.complete`` decides which triggers are asked.
    """
    return [
        signal for trigger in triggers if not is_judge(trigger) and (signal := _signal_of(trigger, view)) is not None
    ]


def first_signal(triggers: Sequence[Trigger | Judge], view: View) -> Signal | None:
    """The first of `signals_of`; the triggers behind it are not asked."""
    found = (_signal_of(trigger, view) for trigger in triggers if not is_judge(trigger))
    return next((signal for signal in found if signal is not None), None)


def _signal_of(trigger: Trigger, view: View) -> Signal | None:
    if not _asked(trigger.when, view):
        return None
    try:
        found: object = trigger.check(view)
        return None if found is None else _as_signal(trigger, found)
    except Exception as fault:
        fault.add_note(f"raised by the trigger {trigger.name!r}")
        raise


def _as_signal(trigger: Trigger, found: object) -> Signal:
    """What a trigger returned as a signal: a sentence alone has the large model write the step."""
    if isinstance(found, str) and found:
        return Signal(trigger=trigger.name, reason=found, evidence={}, route="rewrite", steps=1)
    if isinstance(found, Mapping):
        return cast("Signal", {**found, "trigger": trigger.name})
    raise TypeError(f"check() must return a Signal, a sentence or None, not {found!r}")


def _asked(when: When, view: View) -> bool:
    if view.draft is None:
        return when == "start"
    if view.complete:
        return when in ("step", "partial")
    return when == "partial" or (when == "first_token" and view.first)
