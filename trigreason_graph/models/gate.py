"""How many calls of one model are under way at once."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from weakref import WeakKeyDictionary

_OPEN = nullcontext()


class Gate:
    """Lets so many callers in at once on each event loop; the others wait, in the order of their coming.

    A loop of its own for each: a semaphore belongs to one, and a model may be used from several (sync callers have
    theirs). Copies of a gate are the same gate, so that copies of a model are counted together.
    """

    def __init__(self) -> None:
        self._places: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, asyncio.Semaphore]] = WeakKeyDictionary()

    def entered(self, most: int | None) -> AbstractAsyncContextManager[None]:
        """A context that waits for a place, and holds it.

        Args:
            most: Places; None: no limit, no wait.
        """
        if most is None:
            return _OPEN
        of_loop = self._places.setdefault(asyncio.get_running_loop(), {})
        return of_loop.setdefault(most, asyncio.Semaphore(most))

    def __copy__(self) -> Gate:
        return self

    def __deepcopy__(self, memo: object) -> Gate:
        return self
