"""Data sets: problems from a file, or by the name of a public set."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from trigreason_graph.errors import DataError
from trigreason_graph.evaluation.checkers import Checker, checker_of
from trigreason_graph.evaluation.latex_worker import require_math_verify
from trigreason_graph.evaluation.problem import KINDS, Problem
from trigreason_graph.evaluation.readers.fields import SPELLINGS, Reading, problem_of
from trigreason_graph.evaluation.readers.hub import PREFIX, read_hub
from trigreason_graph.evaluation.readers.json_lines import read_json
from trigreason_graph.evaluation.readers.named import NAMED, NamedSet, own_copy
from trigreason_graph.evaluation.readers.rows import Row
from trigreason_graph.evaluation.readers.tables import read_table

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
    sample: int | None = None,
    seed: int = 0,
    checker: str | Checker | None = None,
    fields: Mapping[str, str] | None = None,
    private: bool = False,
) -> ProblemSet:
    """Read a data set.

    Args:
        source: A file of JSON lines (.jsonl, .json) or CSV (.csv, .tsv); ``hf:owner/name[:config][@split]``; one of the
            named sets ("aime24", "aime25", "math500", "gsm8k", "svamp", "gpqa_diamond"), which are loaded from Hugging
            Face or read from the folder ``TRIGREASON_DATA``; or ``gsm8k=path`` for a file that is such a set.
        limit: Take only the first so many problems; None: all.
        sample: Take so many problems at random, in the order of the data; None: all.
        seed: For `sample`, and for the order of options where the data has none of its own (GPQA).
        checker: "number", "latex", "choice" or "text" for all problems, or a function of the stated answer (None:
            nothing stated) and the right one; None: by each problem's kind, which is the data's ``kind`` field, that of
            a named set, or what its answer looks like.
        fields: What the data calls `id`, `question`, `answer`, `choices` or `kind`, where that is no usual name.
        private: Treat the questions as not to be published, as GPQA's always are.

    Raises:
        DataError: A file or name that cannot be used; the text names file and line and quotes nothing of the data.
        MissingPackage: A Hugging Face set without `datasets`, or LaTeX answers without math-verify.
        ValueError: An argument makes no sense.
    """
    _check_arguments(limit, sample, checker, fields)
    name, rows, known = rows_of(source, private)
    kind = checker if isinstance(checker, str) else known.kind if known else None
    reading = Reading(name, fields or {}, next((each for each in KINDS if each == kind), None), seed)
    problems = [problem_of(row, number, reading) for number, row in enumerate(rows)]
    _check_ids(rows, problems)
    taken = _taken(problems, limit, sample, seed)
    own = checker if callable(checker) else None
    if own is None and any(problem.kind == "latex" for problem in taken):
        require_math_verify()
    return ProblemSet(name, taken, digest(taken), private or bool(known and known.private), own)


def _check_arguments(
    limit: int | None, sample: int | None, checker: str | Checker | None, fields: Mapping[str, str] | None
) -> None:
    if limit is not None and sample is not None:
        raise ValueError("limit takes the first problems and sample random ones: give one of the two")
    if any(count is not None and count < 1 for count in (limit, sample)):
        raise ValueError("limit and sample must be at least 1")
    if checker is not None:
        checker_of(checker)
    if unknown := set(fields or {}) - set(SPELLINGS):
        raise ValueError(f"fields names {', '.join(sorted(unknown))}; it may name {', '.join(SPELLINGS)}")


def rows_of(source: str | PathLike[str], private: bool) -> tuple[str, list[Row], NamedSet | None]:
    """Name, rows, and what is known of a source, as `read_problems` takes it.

    Raises:
        DataError: It cannot be read (the text names file and line), or has no rows.
        MissingPackage: A Hugging Face set without `datasets`.
    """
    found = _found(source, private)
    if not found[1]:
        raise DataError(f"{source} has no problems in it.")
    return found


def _found(source: str | PathLike[str], private: bool) -> tuple[str, list[Row], NamedSet | None]:
    told = str(source)
    if isinstance(source, str) and told.startswith(PREFIX):
        return told.removeprefix(PREFIX), read_hub(told, private=private), None
    if isinstance(source, str) and told in NAMED:
        known = NAMED[told]
        copy = own_copy(told)
        rows = _file_rows(copy) if copy else read_hub(known.source, private=known.private or private)
        return told, rows, known
    name, mark, path = told.partition("=")
    if mark and name in NAMED:
        return name, _file_rows(Path(path).expanduser()), NAMED[name]
    file = Path(source).expanduser()
    return file.stem, _file_rows(file), None


def _file_rows(path: Path) -> list[Row]:
    if path.is_dir():
        raise DataError(f"{path} is a folder. Name a file in it, or write {PREFIX}{path} for a Hugging Face data set.")
    if not path.exists():
        raise DataError(f"{path} is neither a file nor a named set ({', '.join(NAMED)}).")
    return read_table(path) if path.suffix.lower() in (".csv", ".tsv") else read_json(path)


def _check_ids(rows: Sequence[Row], problems: Sequence[Problem]) -> None:
    seen: dict[str, Row] = {}
    for row, problem in zip(rows, problems, strict=True):
        if problem.id in seen:
            raise DataError(f'{row.where}: the id "{problem.id}" is also that of {seen[problem.id].where}.')
        seen[problem.id] = row


def _taken(problems: Sequence[Problem], limit: int | None, sample: int | None, seed: int) -> Sequence[Problem]:
    if sample is None or sample >= len(problems):
        return tuple(problems[:limit])
    drawn = random.Random(seed).sample(range(len(problems)), sample)
    return tuple(problems[place] for place in sorted(drawn))


def digest(problems: Sequence[Problem]) -> str:
    """SHA-256 of what is asked and what is right, however it was stored and is compared."""
    told = json.dumps([(one.id, one.question, one.answer, one.choices) for one in problems], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()
