"""How late a busy machine lets this process run: what a limit in seconds has to make allowance for."""

from __future__ import annotations

import threading
import time

TICK = 0.01


class Lateness:
    """Counts, while it is entered, the seconds that a thread of its own was woken too late, all together."""

    def __enter__(self) -> Lateness:
        self.seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self._thread.join()

    def begin(self) -> float:
        """The time, from which on lateness is counted anew."""
        self.seconds = 0.0
        return time.monotonic()

    def _tick(self) -> None:
        while not self._over.is_set():
            begun = time.monotonic()
            time.sleep(TICK)
            self.seconds += time.monotonic() - begun - TICK
