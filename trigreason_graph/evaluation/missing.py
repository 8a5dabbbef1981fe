"""What was asked of recordings in vain: the error that says so, and a way to hear of it where the run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NOT_RECORDED = "Not recorded"
"""How the text of a :class:`RecordingMissing` begins, also where it comes as a fault of a wrapped model."""


class RecordingMissing(LookupError):
    """Something was asked for that is not recorded, and there is no model that could write it."""


_vain: ContextVar[list[str] | None] = ContextVar("vain", default=None)


@contextmanager
def misses() -> Iterator[list[str]]:
    """What is asked for in vain meanwhile. A run may go on: a recording that ends too soon breaks a stream off."""
    vain: list[str] = []
    before = _vain.set(vain)
    try:
        yield vain
    finally:
        _vain.reset(before)


def missing(told: str) -> RecordingMissing:
    """The error to raise, noted for whoever listens to :func:`misses`."""
    if (vain := _vain.get()) is not None:
        vain.append(told)
    return RecordingMissing(told)
