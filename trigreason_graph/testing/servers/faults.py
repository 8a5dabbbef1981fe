"""How a server fails when it is told to."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from trigreason_graph.testing.servers.record import Record

FOREVER = 3_600.0
"""Seconds: longer than any client waits."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request. The parts can be combined: a late 429, a stall after a slow start.

    A fault of a stream strikes after so many pieces of text, or at the end of the text where there are fewer:

        Fault(status=429, retry_after=2)
        Fault(delay=1.5)                        # before the first byte
        Fault(then="cut")                       # the connection goes before any byte
        Fault(after=3, then="cut")              # ... in mid-stream
        Fault(after=3, then="end")              # the stream ends in order, without saying why
        Fault(after=3, then="stall", seconds=5) # then it goes on; without seconds it never does
        Fault(after=3, then="garbage")          # a chunk that is no JSON, then it goes on
        Fault(after=3, then="error")            # an error object inside the stream, which ends there
        Fault(empty=True)                       # a reply of no text

    Attributes:
        status: HTTP status to answer with instead of a reply; the model is not asked.
        body: With `status`: what is sent; None: an error in the server's own form. A text goes out as it is.
        retry_after: With `status`: the header, in seconds or as a date.
        headers: With `status`: further headers.
        delay: Seconds of silence before the first byte.
        after: Pieces of text that are sent before `then` strikes; None: before any byte.
        then: What strikes. A reply that is not streamed breaks off in the middle of its JSON ("cut"), has no finish
            reason ("end"), comes late ("stall"), is no JSON ("garbage") or is an error of status 500 ("error").
        seconds: How long a stall lasts.
        text: What a garbage chunk or an in-band error says.
        empty: The model is not asked, and its reply is empty, properly finished.
    """

    status: int | None = None
    body: Any = None
    retry_after: float | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    after: int | None = None
    then: Literal["cut", "end", "stall", "garbage", "error"] | None = None
    seconds: float = FOREVER
    text: str = ""
    empty: bool = False

    def __post_init__(self) -> None:
        if self.after is not None and self.then is None:
            raise ValueError("a fault with `after` needs `then`: what happens there")
        if self.after is None and self.then not in (None, "cut"):
            raise ValueError(f"a fault with then={self.then!r} needs `after`: how many pieces of text come before it")


Faults = Mapping[int, Fault] | Callable[["Record"], Fault | None]
"""By the number of the model call on this server, from 1; or decided for each request, other paths included."""


def at_random(fault: Fault, probability: float, seed: int) -> Callable[[Record], Fault | None]:
    """`fault` on a share of the model calls: which ones depends on the seed and the call's number alone.

    Args:
        fault: What goes wrong.
        probability: From 0 to 1.
        seed: The same seed fails the same calls.
    """

    def choose(record: Record) -> Fault | None:
        if not record.number:
            return None
        return fault if random.Random(f"{seed}:{record.number}").random() < probability else None

    return choose


def fault_of(faults: Faults, record: Record) -> Fault | None:
    """The fault of one request, if it has one."""
    return faults(record) if callable(faults) else faults.get(record.number)
