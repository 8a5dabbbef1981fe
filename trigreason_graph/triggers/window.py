"""What triggers look at: the draft under judgement, and the newest steps that a model wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from trigreason_graph.state import Signal, Step
from trigreason_graph.triggers.base import View

LOOK_BACK = 64
"""Steps of the trace that are looked at, at most: a bound on the time a check takes, whatever the trace holds."""
TEXT_LIMIT = 8_000
"""Characters of a step that are read. Steps are cut at 2,000; only a model that cannot be cut writes longer ones."""


def small_draft(view: View, *, growing: bool = False) -> Step | None:
    """The draft, if it is the SRM's; what the LRM or a tool wrote is nobody's to judge here.

    Args:
        view: What is looked at.
        growing: Whether a draft that is still being written counts too.
    """
    draft = view.draft
    if draft is None or not (view.complete or growing) or draft["author"] != "small" or draft["kind"] == "tool":
        return None
    return draft


def model_steps(trace: Sequence[Step], count: int, *, after: int = -1) -> list[Step]:
    """The newest steps written by a model, newest first.

    Args:
        trace: The accepted steps.
        count: How many are wanted; fewer come back when there are not enough within `LOOK_BACK`.
        after: Only steps at positions beyond this one.
    """
    window = max(min(len(trace) - after - 1, LOOK_BACK), 0)
    enough = min(count, window)
    newest = reversed(trace)
    found = _by_models(islice(newest, enough))
    if len(found) < enough:  # tools have written some of them
        found += _by_models(islice(newest, window - enough))
    return found[:count]


def _by_models(steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if step["author"] != "tool" and step["kind"] != "tool"]


def own_text(step: Step) -> str:
    """The beginning of a step's text without what it quotes (lines that begin with ">")."""
    text = step["text"][:TEXT_LIMIT]
    if ">" not in text:
        return text
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))


def last_fired(signals: Sequence[Signal], trigger: str, end: int) -> int:
    """Position at which `trigger` last fired, among the newest signals; -1 when it did not.

    Args:
        signals: The run's signals.
        trigger: Its name.
        end: Length of the trace; what fired beyond was on a branch that is gone.
    """
    for index in range(len(signals) - 1, max(len(signals) - LOOK_BACK, 0) - 1, -1):
        signal = signals[index]
        if signal["trigger"] == trigger and -1 < signal.get("at", -1) < end:
            return signal["at"]
    return -1
