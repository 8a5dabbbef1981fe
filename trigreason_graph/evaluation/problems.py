"""Data sets: problems from a file, or by the name of a public set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from os import PathLike
from pathlib import Path

from trigreason_graph.evaluation.checkers import Checker, checker_of
from trigreason_graph.evaluation.problem import Problem

__all__ = ["Problem", "ProblemSet", "read_problems"]


@dataclass(frozen=True)
class ProblemSet:
    """Problems to evaluate on.

    Attributes:
        name: Of the set: the file's name without its suffix, or the public name.
        problems: In the order of the data.
        sha256: Of the problems taken, however they were stored: two runs on the same problems have the same.
        private: Whether the set's questions must not be published in plain text (GPQA). Whoever writes results, logs
            or recordings leaves questions and reasoning out of them then.
        checker: What the user wants answers compared by; None: by each problem's kind.
    """

    name: str
    problems: Sequence[Problem]
    sha256: str
    private: bool = False
    checker: Checker | None = field(default=None, compare=False)

    def is_right(self, problem: Problem, stated: str | None) -> bool:
        """Whether a stated answer of one of its problems is right; None: nothing was stated, which is not right."""
        check = self.checker or checker_of(problem.kind, problem.choices)
        return check(stated, problem.answer)


def read_problems(
    source: str | PathLike[str],
    *,
    limit: int | None = None,
    seed: int = 0,
    checker: str | Checker | None = None,
) -> ProblemSet:
    """Read a data set.

    Args:
        source: A file of JSON lines.
        limit: Take only the first so many problems; None: all.
        seed: For every random choice.
        checker: "number", "latex", "choice" or "text" for all problems, or a function of the stated answer (None:
            nothing stated) and the right one; None: by each problem's kind.
    """
    path = Path(source)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    problems = [Problem(row["id"], row["question"], row["answer"]) for row in rows][:limit]
    return ProblemSet(path.stem, problems, digest(problems), checker=None if checker is None else checker_of(checker))


def digest(problems: Sequence[Problem]) -> str:
    """SHA-256 of problems, whatever they were read from."""
    told = json.dumps([astuple(problem) for problem in problems], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()
