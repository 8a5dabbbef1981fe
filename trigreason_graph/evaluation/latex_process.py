"""The process that asks math-verify. Run as a script by latex_worker; it imports nothing of this package.

Says true when it is ready. Then reads JSON lines [stated, right] and answers each by true or false. Ends with its
input; a comparison nobody waits for any more ends by the limit on processor time.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from functools import partial

MEMORY_LIMIT = 4 * 1024**3
"""Bytes of address space: a power tower must not take the machine down before its time is over."""


def main(timeout: float) -> None:
    """Answer questions until the input ends.

    Args:
        timeout: Seconds one comparison may take; twice as much processor time ends the process.
    """
    same = comparison()
    limit_memory()
    say(True)
    for line in sys.stdin:
        limit_processor_time(timeout)
        say(same(*json.loads(line)))


def say(answer: bool) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def comparison() -> Callable[[str, str], bool]:
    """math-verify's comparison of two answers, without its time limit; whatever it raises is a no."""
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

    # Units are dropped before: math-verify's list has single letters and points of the compass in it.
    latex = LatexExtractionConfig(
        normalization_config=NormalizationConfig(units=False, malformed_operators=True, nits=True)
    )
    # What cannot be parsed is nothing, not a text: equal texts have been found without it.
    read = partial(parse, extraction_config=[latex, ExprExtractionConfig()], fallback_mode="no_fallback")

    def same(stated: str, right: str) -> bool:
        try:
            gold, target = (read(rf"\boxed{{{text}}}", parsing_timeout=None) for text in (right, stated))
            return bool(gold and verify(gold, target, allow_set_relation_comp=True, timeout_seconds=None))
        except (Exception, RecursionError, MemoryError):
            return False

    return same


def limit_memory() -> None:
    """Bound the address space, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, resource.getrlimit(resource.RLIMIT_AS)[1]))


def limit_processor_time(timeout: float) -> None:
    """Let the next comparison have at most twice `timeout` seconds, where the system can bound them."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime + 2 * timeout) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main(float(sys.argv[1]))
