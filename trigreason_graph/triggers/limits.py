"""A budget per trigger and a cooldown: they stop a trigger that fires at every step. Ours; the paper has neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trigreason_graph.state import Signal
from trigreason_graph.triggers.fields import whole


@dataclass(frozen=True, slots=True)
class Limit:
    """What a trigger may have.

    Attributes:
        trigger: Its name.
        most: Signals of it that are served in one run; None: as many as come.
        cooldown: Steps after a served signal at which a further one of the same trigger is not served. 0: none. A
            second look at the same place is no further one.
    """

    trigger: str
    most: int | None = None
    cooldown: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.trigger, str) or not self.trigger:
            raise ValueError(f"Limit: trigger must be the name of a trigger, not {self.trigger!r}")
        whole(self, "most", 0, optional=True)
        whole(self, "cooldown", 0)


def held_back(limits: Sequence[Limit], trigger: str, signals: Sequence[Signal], position: int) -> str:
    """Why a trigger's signal is not served, in words; empty where no limit stands against it. Pure.

    Args:
        limits: The policy's.
        trigger: Name of the trigger that fired.
        signals: The run's signals so far, with their fates.
        position: Position in the trace of the step that was judged.
    """
    mine = [limit for limit in limits if limit.trigger == trigger]
    if not mine:
        return ""
    served = [signal["at"] for signal in signals if signal["trigger"] == trigger and signal.get("served")]
    for limit in mine:
        if limit.most is not None and len(served) >= limit.most:
            return f"its limit of {limit.most} a run is reached"
        # positions beyond are on a branch that was thrown away
        since = min((position - at for at in served if at < position), default=limit.cooldown + 1)
        if since <= limit.cooldown:
            return f"it fired {since} {'step' if since == 1 else 'steps'} ago, and its cooldown is {limit.cooldown}"
    return ""
