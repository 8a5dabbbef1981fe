"""Problems without answers: all that calibration needs to know."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Protocol

from trigreason_graph.errors import DataError
from trigreason_graph.evaluation.problems import rows_of
from trigreason_graph.evaluation.readers.fields import Reading, question_of


class Asked(Protocol):
    """Anything with an id and a question, such as a problem of `evaluation.problems`."""

    @property
    def id(self) -> str: ...

    @property
    def question(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Question:
    """One problem; nobody need know its answer. Its `repr` leaves the text out: some sets must not be published."""

    id: str
    question: str = field(repr=False)


def read_questions(source: str | PathLike[str], *, limit: int | None = None) -> list[Question]:
    """The problems of a data set; answers need not be there.

    Args:
        source: As for ``evaluation.read_problems``: a file of JSON lines or CSV, a named set, or ``hf:owner/name``.
        limit: The first so many; None: all.

    Raises:
        DataError: It cannot be read, two problems have one id (the text names file and line), or its questions must not
            be written down, as recordings do.
    """
    name, rows, known = rows_of(source, False)
    check_public(name, known is not None and known.private)
    reading, found = Reading(name, {}, None, 0), dict[str, Question]()
    for number, row in enumerate(rows):
        id, question = question_of(row, number, reading)
        if id in found:
            raise DataError(f'{row.where}: an earlier problem has the id "{id}" too.')
        found[id] = Question(id, question)
    return list(found.values())[:limit]


def check_public(name: str, private: bool) -> None:
    """Refuse a data set whose questions must not be published: recordings would hold them.

    Raises:
        DataError: It is private.
    """
    if private:
        raise DataError(f"{name}: its questions must not be published, and what tunes a policy writes them down.")


def as_questions(given: Iterable[Asked | str]) -> list[Question]:
    """Questions out of plain texts, or of anything with an id and a question."""
    return [
        Question(str(number), one) if isinstance(one, str) else Question(one.id, one.question)
        for number, one in enumerate(given, 1)
    ]


def once_each(questions: Sequence[Question]) -> list[Question]:
    """The questions, those that were there already left out: a sample with repetitions seems larger than it is."""
    return list({question.question: question for question in reversed(questions)}.values())[::-1]


def hash_of(questions: Sequence[Question]) -> str:
    """SHA-256 of the questions, whatever file they came from and whatever else stood there."""
    told = json.dumps([[one.id, one.question] for one in questions], ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
