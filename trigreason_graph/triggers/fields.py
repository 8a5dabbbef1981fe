"""Validation of trigger fields: one wording for all, and the wrong type is an error too (settings come from JSON)."""

from __future__ import annotations

import math


def whole(trigger: object, field: str, least: int, *, most: int | None = None, optional: bool = False) -> None:
    """Check that a field is a whole number in a range.

    Args:
        trigger: The trigger under construction.
        field: Name of its field.
        least, most: The range; `most` None: no upper end.
        optional: Whether None is allowed.

    Raises:
        ValueError: It is not; the text names trigger and field.
    """
    value = getattr(trigger, field)
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        span = f"from {least}" if most is None else f"from {least} to {most}"
        _refuse(trigger, field, f"a whole number {span}{' or None' if optional else ''}", value)


def number(
    trigger: object, field: str, low: float, high: float, *, above: bool = False, optional: bool = False
) -> None:
    """Check that a field is a finite number from `low` to `high`; `above`: `low` itself is excluded."""
    value = getattr(trigger, field)
    if optional and value is None:
        return
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fits or value > high or value < low or (above and value == low):
        span = f"above {low:g}" if above else f"from {low:g}"
        upto = "" if math.isinf(high) else f" to {high:g}"
        _refuse(trigger, field, f"a number {span}{upto}{' or None' if optional else ''}", value)


def flag(trigger: object, field: str) -> None:
    """Check that a field is True or False."""
    value = getattr(trigger, field)
    if not isinstance(value, bool):
        _refuse(trigger, field, "True or False", value)


def choice(trigger: object, field: str, known: tuple[str, ...]) -> None:
    """Check that a field is one of some words."""
    value = getattr(trigger, field)
    if value not in known:
        listed = ", ".join(f'"{word}"' for word in known)
        _refuse(trigger, field, f"one of {listed}", value)


def texts(trigger: object, field: str) -> None:
    """Check that a field is a tuple of texts that are not empty."""
    value = getattr(trigger, field)
    if not isinstance(value, tuple) or not all(isinstance(item, str) and item.strip() for item in value):
        _refuse(trigger, field, "a tuple of texts that are not empty", value)


def _refuse(trigger: object, field: str, wanted: str, value: object) -> None:
    raise ValueError(f"{type(trigger).__name__}: {field} must be {wanted}, not {value!r}")
