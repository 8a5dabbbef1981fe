"""What a signal has to be like: fit for a checkpoint, a screen and the graph's routes."""

from __future__ import annotations

import json
from typing import Any, get_args

from trigreason_graph.state import Signal, SignalRoute

REQUIRED = ("trigger", "reason", "evidence", "route")
"""What a trigger fills in; the rest has defaults or is the graph's."""
LONGEST_REASON = 600
"""Characters of a signal's reason. Ours."""
SENTENCE_ENDS = (".", "!", "?", "。", "！", "？")


def signal_flaw(signal: Any, name: str, steps: int) -> str:
    """What is wrong with a trigger's signal, in words; empty when nothing is.

    Args:
        signal: What `check` gave.
        name: The trigger's.
        steps: Length of the trace with the draft: the largest number that `wrong` may be. 0: the start of a run, where
            the LRM may also be asked for no step, only for a plan.
    """
    if not isinstance(signal, dict):
        return f"it is a {type(signal).__name__}, not a Signal"
    if unknown := set(signal) - set(Signal.__annotations__):
        return f"it has unknown keys: {', '.join(sorted(map(str, unknown)))}"
    if missing := set(REQUIRED) - set(signal):
        return f"it lacks keys: {', '.join(sorted(missing))}"
    try:
        plain = json.loads(json.dumps(signal, allow_nan=False)) == signal
    except (TypeError, ValueError):
        plain = False
    evidence, reason = signal["evidence"], signal["reason"]
    texts = isinstance(evidence, dict) and all(isinstance(part, str) for pair in evidence.items() for part in pair)
    sentence = isinstance(reason, str) and reason.strip() == reason and reason.endswith(SENTENCE_ENDS)
    least = 1 if steps else 0
    wrong, count = signal.get("wrong"), signal.get("steps")
    flaws = {
        "it is not made of JSON primitives": not plain,
        f"trigger must be its name, {name!r}": signal["trigger"] != name,
        "evidence must be texts by name": not texts,
        f"route must be one of {', '.join(get_args(SignalRoute))}": signal["route"] not in get_args(SignalRoute),
        f"reason must be one sentence on one line, of at most {LONGEST_REASON} characters": not sentence
        or "\n" in reason or len(reason) > LONGEST_REASON,
        f"steps must be a whole number from {least}, or None": not _is_count(count, least),
        f"wrong must be a step's number, 1 to {steps}": not _is_count(wrong, 1) or (wrong or 0) > steps,
        'route "rollback" needs the number of the wrong step': signal["route"] == "rollback" and wrong is None,
        "drop must be True or False": not isinstance(signal.get("drop", False), bool),
    }  # fmt: skip
    return next((text for text, found in flaws.items() if found), "")


def _is_count(value: object, least: int) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= least)
