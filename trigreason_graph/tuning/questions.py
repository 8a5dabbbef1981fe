"""Problems without answers: all that calibration needs to know."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


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


def read_questions(path: str | Path, *, limit: int | None = None) -> list[Question]:
    """The problems of a file of JSON lines: objects with a "question" and perhaps an "id"; other keys are not read.

    Args:
        path: The file.
        limit: The first so many; None: all.

    Raises:
        ValueError: It cannot be read; the text names the line.
    """
    return [question for question, _ in read_rows(path)][:limit]


def read_rows(path: str | Path) -> list[tuple[Question, dict[str, Any]]]:
    """As :func:`read_questions`, each with the whole object of its line.

    Raises:
        ValueError: As there.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")  # JSON may hold other ends of lines, unescaped
    except OSError as error:
        raise ValueError(f"problems {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"problems {path}: not UTF-8 text") from None
    found = [_row(line, f"{path}, line {number}", number) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise ValueError(f"problems {path}: there are none in it")
    ids = [question.id for question, _ in found]
    if len(set(ids)) < len(ids):
        twice = next(id for id in ids if ids.count(id) > 1)
        raise ValueError(f"problems {path}: two have the id {twice!r}")
    return found


def _row(line: str, place: str, number: int) -> tuple[Question, dict[str, Any]]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"problems {place}: no valid JSON: {error.msg}") from None
    asked = row.get("question") if isinstance(row, dict) else None
    if not isinstance(asked, str) or not asked.strip():
        raise ValueError(f'problems {place}: each line must be an object with a "question" of text')
    named = row.get("id")
    return Question(str(number if named in (None, "") else named), asked), row


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
