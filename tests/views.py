"""Steps and views for tests of triggers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trigreason_graph.state import Blueprint, Signal, Step
from trigreason_graph.testing import make_step
from trigreason_graph.triggers import View


def step(text: str, author: Any = "small", **fields: Any) -> Step:
    """A step; `fields` are fields of Step."""
    return make_step(text, author, **{"model": "m", **fields})


def view(
    *steps: Step | str,
    question: str = "How many?",
    blueprint: Blueprint | None = None,
    complete: bool = True,
    signals: Sequence[Signal] = (),
) -> View:
    """A view whose draft is the last of `steps`, and whose trace are those before it; without steps: the start."""
    made = [step(one) if isinstance(one, str) else one for one in steps]
    return View(question, blueprint, made[:-1], made[-1] if made else None, complete, signals)


def blueprint(*key_steps: str) -> Blueprint:
    return Blueprint(text="; ".join(key_steps), goal="", key_steps=list(key_steps), pitfalls=[])
