"""A function as a trigger.

@trigger(route="rewrite")
def shouts(view: View) -> str | None:
    draft = view.draft
    return "The step is shouting." if draft and draft["text"].isupper() else None

create_trigreason_graph(small=..., large=..., policy=[shouts])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import get_args, overload

from trigreason_graph.state import Signal, SignalRoute
from trigreason_graph.triggers.base import View, When
from trigreason_graph.triggers.fields import choice, whole

Check = Callable[[View], Signal | str | None]
"""Looks at a view; a text is a sentence for people, and fires with the route and steps given to `trigger`."""


@dataclass(frozen=True, slots=True)
class FunctionTrigger:
    """A trigger made of a function by `trigger`. Calling it calls the function.

    Attributes:
        function: What looks at the view. It must be pure: the same verdict for the same view.
        name: In signals, settings and reports.
        when: At which moment it is asked: "start", "first_token", "partial" or "step".
        route: Where its signals lead when it returns a text.
        steps: How many steps the LRM writes then; None: to the end.
    """

    function: Check = field(repr=False)
    name: str
    when: When = "step"
    route: SignalRoute = "rewrite"
    steps: int | None = 1

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ValueError(f"FunctionTrigger: function must be a function of a View, not {self.function!r}")
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"FunctionTrigger: name must be a text that is not empty, not {self.name!r}")
        choice(self, "when", get_args(When))
        choice(self, "route", get_args(SignalRoute))
        whole(self, "steps", 1, optional=True)

    def __call__(self, view: View) -> Signal | str | None:
        return self.function(view)

    def check(self, view: View) -> Signal | None:
        """The function's signal under this trigger's name, or None."""
        found = self.function(view)
        if not found:
            return None
        if isinstance(found, str):
            return Signal(trigger=self.name, reason=found, evidence={}, route=self.route, steps=self.steps)
        return Signal(**{**found, "trigger": self.name})


@overload
def trigger(function: Check, /) -> FunctionTrigger: ...


@overload
def trigger(
    *, name: str | None = None, when: When = "step", route: SignalRoute = "rewrite", steps: int | None = 1
) -> Callable[[Check], FunctionTrigger]: ...


def trigger(
    function: Check | None = None,
    /,
    *,
    name: str | None = None,
    when: When = "step",
    route: SignalRoute = "rewrite",
    steps: int | None = 1,
) -> FunctionTrigger | Callable[[Check], FunctionTrigger]:
    """Decorator: make a trigger of a function of a View that returns a Signal, a sentence for people, or None.

    Args:
        function: The function, where the decorator stands without brackets.
        name: The trigger's name; None: the function's.
        when, route, steps: See `FunctionTrigger`.

    Returns:
        The trigger, to be put into a policy or a list of triggers.

    Raises:
        ValueError: A value that cannot be used; the text names it. An asynchronous function: triggers call no model.
    """

    def made(check: Check) -> FunctionTrigger:
        if iscoroutinefunction(check):
            raise ValueError(f"{check.__name__} is asynchronous; a trigger that calls a model is a class with judge()")
        return FunctionTrigger(check, name or str(getattr(check, "__name__", "")), when, route, steps)

    return made if function is None else made(function)
