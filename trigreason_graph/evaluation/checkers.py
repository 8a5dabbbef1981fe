"""Whether a stated answer is the right one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trigreason_graph.evaluation.answers import same_number

Checker = Callable[[str | None, str], bool]
"""From the stated answer (None: nothing was stated) and the right one to whether they are the same."""


def checker_of(kind: str | Checker, choices: Sequence[str] = ()) -> Checker:
    """The checker of a kind of answers, or the user's own function as it is.

    Args:
        kind: "number", "latex", "choice", "text", or a function.
        choices: The options' texts, for "choice".
    """
    return kind if callable(kind) else same_number
