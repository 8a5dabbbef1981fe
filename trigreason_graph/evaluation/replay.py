"""Which triggers would have fired where, in a trace that is already written. No model is asked."""

from __future__ import annotations

from collections.abc import Sequence

from trigreason_graph.state import Signal, Step
from trigreason_graph.triggers import Trigger, View, first_signal


def fired(triggers: Sequence[Trigger], question: str, steps: Sequence[Step]) -> list[Signal | None]:
    """For each step, the first signal in the order of the triggers, or None.

    The trace goes on as it was written, as under large="shadow": each trigger sees its earlier signals as not served.

    Args:
        triggers: Triggers that need no model.
        question: The problem's text.
        steps: The whole trace.
    """
    at_once = [trigger for trigger in triggers if trigger.when == "first_token"]
    signals: list[Signal] = []
    verdicts: list[Signal | None] = []
    for position, step in enumerate(steps):
        trace, signal = steps[:position], None
        if at_once:
            signal = first_signal(at_once, View(question, None, trace, begun(step), False, signals, first=True))
        if signal is None:
            signal = first_signal(triggers, View(question, None, trace, step, True, signals))
        if signal is not None:
            signals.append(Signal(**{**signal, "at": position, "served": False}))
        verdicts.append(signal)
    return verdicts


def begun(step: Step) -> Step:
    """The step as it was after its first token, as far as triggers look at it: its probabilities and first word."""
    nats = step["nats"]
    first_word = step["text"].split(maxsplit=1)[:1]
    return Step(**{**step, "text": "".join(first_word), "sep": "", "tokens": 1, "nats": nats[:1] if nats else nats})
