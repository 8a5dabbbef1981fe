"""What of a long trace still fits a model's window. An extension of ours: the paper's traces end at 8,192 tokens.

Older steps are left out and stand in the prompt by their conclusions. Half of what is shown goes at once, so that this
is rare, and prompts stay the same (and in a server's cache) in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trigreason_graph.state import Step

VERBATIM_SHARE = 0.75
"""Of the room, once steps are left out; the rest holds their conclusions. Ours."""


def first_shown(costs: Sequence[float], room: float, earlier: int = 0) -> int:
    """Position of the first step that is shown; 0 when all fit.

    The same for every trace that begins with the same steps, until more have come than fit. The newest step is always
    shown.

    Args:
        costs: Tokens of each step.
        room: Tokens that the trace may take.
        earlier: What the last prompt began with: older steps are not shown again, though there is a little more room
            this time, or the whole prompt would change. A trace that has been rolled back to before it is looked at
            anew.
    """
    start, held = earlier if earlier < len(costs) else 0, 0.0
    for index in range(start, len(costs)):
        held += costs[index]
        if held <= (room if start == 0 else room * VERBATIM_SHARE):
            continue
        while start < index and held > room / 2:
            held -= costs[start]
            start += 1
    return start


def established(steps: Sequence[Step], room: float, measure: Callable[[str], float]) -> list[str]:
    """The conclusions of `steps`, each once, the oldest left out where they do not fit.

    Args:
        steps: The steps that are left out.
        room: Tokens they may take.
        measure: Tokens of a text.
    """
    kept: dict[str, None] = {}
    for step in reversed(steps):
        for conclusion in reversed(step["conclusions"]):
            if conclusion in kept:
                continue
            room -= measure(conclusion) + 1
            if room < 0:
                return list(reversed(kept))
            kept[conclusion] = None
    return list(reversed(kept))
