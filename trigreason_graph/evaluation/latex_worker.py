"""math-verify in a process of its own, which is stopped when a comparison takes too long.

math-verify's own time limit needs signals: only the main thread gets them, and they stop no long calculation in C.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from trigreason_graph.errors import MissingPackage

TIMEOUT = 10.0
"""Seconds of one comparison; those of real answers take some thousandths. Ours: a busy machine must not change a
result."""

START_TIMEOUT = 120.0
"""Seconds until the process has imported math-verify and sympy; usually two."""

_SCRIPT = Path(__file__).with_name("latex_process.py")
_log = logging.getLogger(__name__)


class LatexWorker:
    """Compares LaTeX answers, one at a time. Any thread may ask; the process starts at the first question.

    Args:
        timeout: Seconds of one comparison, before it counts as "not the same" and the process is stopped.
    """

    def __init__(self, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def same(self, stated: str, right: str) -> bool:
        """Whether math-verify takes two answers for the same; False where it did not finish in time.

        Raises:
            MissingPackage: math-verify is not installed.
        """
        question = json.dumps([stated, right])
        with self._lock:
            begun = time.monotonic()
            told = self._ask(self._ready(), question, self._timeout)
            if told is None and time.monotonic() - begun < self._timeout:  # the process was ended by somebody else
                self._stop()
                told = self._ask(self._ready(), question, self._timeout)
            if told is None:
                self._stop()
                _log.warning("Two answers were not compared within %g s; they count as different.", self._timeout)
        return told is True

    def close(self) -> None:
        """Stop the process. A later question starts another one."""
        with self._lock:
            self._stop()

    def _ready(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        require_math_verify()
        self._process = subprocess.Popen(
            # -P: the script's folder has a statistics.py, which must not stand in for Python's.
            [sys.executable, "-P", str(_SCRIPT), str(self._timeout)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="ascii",
            start_new_session=True,  # Ctrl-C is for the run, which then ends this in order
        )
        if self._ask(self._process, None, START_TIMEOUT) is not True:
            self._stop()
            raise MissingPackage('math-verify is installed, but does not start. Type: python -c "import math_verify"')
        return self._process

    def _ask(self, process: subprocess.Popen[str], question: str | None, timeout: float) -> bool | None:
        """The process's next line after a question; None where it was stopped, or ended, before."""
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(timeout, process.kill)
        timer.daemon = True
        timer.start()
        try:
            if question is not None:
                process.stdin.write(question + "\n")
                process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            return None
        finally:
            timer.cancel()
            timer.join()  # a timer that has gone off already must not hit the next question
        return bool(json.loads(line)) if line else None

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def require_math_verify() -> None:
    """See that math-verify is there.

    Raises:
        MissingPackage: It is not; the text says what to type.
    """
    if find_spec("math_verify") is None:
        raise MissingPackage(
            "LaTeX answers are compared by math-verify, which is not installed. "
            'Type: pip install "trigreason-graph[evaluation]"; or let them be compared as texts (checker="text").'
        )


@cache
def _worker_of(pid: int) -> LatexWorker:
    shared = LatexWorker()
    atexit.register(shared.close)
    return shared


def worker() -> LatexWorker:
    """The worker of this Python process; a forked one gets its own."""
    return _worker_of(os.getpid())
