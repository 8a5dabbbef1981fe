r"""The problem in a row, whatever the data calls its fields.

Understood without being told: id/unique_id/Record ID; question/problem/prompt, and SVAMP's Body + Question;
answer/final_answer, GSM8K's "… #### 72", MATH's solution with a ``\boxed{…}``; choices/options as a list, as
{"text": […], "label": […]}, {"A": …} or columns A, B, …; GPQA's Correct Answer and Incorrect Answers.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from trigreason_graph.errors import DataError
from trigreason_graph.evaluation.answers import is_number
from trigreason_graph.evaluation.checkers import checker_of, chosen
from trigreason_graph.evaluation.latex import is_mathematics
from trigreason_graph.evaluation.problem import KINDS, Kind, Problem
from trigreason_graph.evaluation.readers.rows import Row
from trigreason_graph.reasoning.markup import boxes

SPELLINGS: Mapping[str, Sequence[str]] = {
    "id": ("id", "unique_id", "record_id", "problem_id", "question_id", "qid", "idx", "index"),
    "question": ("question_concat", "question", "problem", "prompt", "input"),
    "answer": ("answer", "final_answer", "correct_answer", "expected_answer", "gold", "target", "label"),
    "choices": ("choices", "options"),
    "kind": ("kind",),
}
"""Names of each field, compared without regard to case, spaces and underscores; the first that a row has counts."""

_SOLUTION = ("solution", "rationale")
_WRONG = ("incorrect_answer_1", "incorrect_answer_2", "incorrect_answer_3")


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of a data set become problems.

    Attributes:
        name: Of the data set; with the row's number it is the id where the data has none.
        fields: The data's own name of a field, where it is not one of `SPELLINGS`.
        kind: Of all its problems; None: as each row says, or as its answer looks.
        seed: For the order of options where the data names the right one apart.
    """

    name: str
    fields: Mapping[str, str]
    kind: Kind | None
    seed: int


def problem_of(row: Row, number: int, reading: Reading) -> Problem:
    """The problem in a row.

    Args:
        row: As it was read.
        number: Of the row in its data, from 0.
        reading: How.

    Raises:
        DataError: A field is missing, of the wrong type, or an answer cannot be read as what it should be.
    """
    values = _Values(row, reading.fields)
    id = _id(values, number, reading)
    choices, letter = _options(values, id, reading.seed)
    answer: str | int = _answer(values) if letter is None else letter
    kind = reading.kind or _kind(values, choices)
    if kind == "choice":
        answer = _letter(row, answer, choices, _labels(values))
    question, answer = _asked(values, choices), str(answer)
    if kind is None:
        kind = "number" if is_number(answer) else "latex" if is_mathematics(answer) else "text"
    problem = Problem(id, question, answer, kind, choices)
    _check(row, problem)
    return problem


def question_of(row: Row, number: int, reading: Reading) -> tuple[str, str]:
    """Id and question of the problem in a row, as in `problem_of`; its answer need not be there.

    Raises:
        DataError: A field is missing, or of the wrong type.
    """
    values = _Values(row, reading.fields)
    id = _id(values, number, reading)
    choices, _ = _options(values, id, reading.seed)
    return id, _asked(values, choices)


class _Values:
    """A row's values by our names."""

    def __init__(self, row: Row, fields: Mapping[str, str]) -> None:
        self.row, self._fields = row, fields
        self._by_name = {_plain(name): value for name, value in row.fields.items() if value is not None}

    def of_any(self, names: Sequence[str]) -> object:
        return next((self._by_name[_plain(name)] for name in names if _plain(name) in self._by_name), None)

    def named(self, field: str) -> bool:
        """Whether the user said what a field is called."""
        return field in self._fields

    def of(self, field: str) -> object:
        if field not in self._fields:
            return self.of_any(SPELLINGS[field])
        if self._fields[field] not in self.row.fields:
            raise DataError(f"{self.row.where}: it has no field {self._fields[field]!r}; {self.seen()}.")
        return self.row.fields[self._fields[field]]

    def text(self, field: str, *, needed: bool = True) -> str | None:
        """A text or whole number as text; None where there is none and none is needed."""
        value = self.of(field)
        if value is None and not needed:
            return None
        return self.as_text(field, value)

    def as_text(self, field: str, value: object) -> str:
        if value is None:
            raise DataError(f"{self.row.where}: its {field} is missing; {self.seen()}.")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise DataError(f"{self.row.where}: its {field} must be a text, not of type {type(value).__name__}.")
        if not (text := str(value).strip()):
            raise DataError(f"{self.row.where}: its {field} is empty.")
        return text

    def seen(self) -> str:
        names = ", ".join(map(str, self.row.fields)) or "none"
        return f"fields found: {names}. Name others with fields={{...}}"


def _plain(name: str) -> str:
    return "".join(character for character in str(name).casefold() if character.isalnum())


def _id(values: _Values, number: int, reading: Reading) -> str:
    given = values.text("id", needed=False)
    return given if given is not None else f"{reading.name}-{number}"


def _options(values: _Values, id: str, seed: int) -> tuple[tuple[str, ...], str | None]:
    """The options, and the right one's letter where the data names that apart from the wrong ones."""
    choices = _choices(values)
    if choices or values.of_any(_WRONG) is None:
        return choices, None
    return _shuffled(values, random.Random(f"{seed} {id}"))


def _asked(values: _Values, choices: Sequence[str]) -> str:
    """The question, with its options where it has some."""
    question = _question(values)
    if not choices:
        return question
    return "\n\n".join([question, _listed(choices), "Answer with the letter of the right option."])


def _question(values: _Values) -> str:
    asked = values.text("question") or ""
    body = values.of_any(["body"])
    if values.named("question") or body is None or values.of_any(["question_concat"]) is not None:
        return asked
    return f"{values.as_text('body', body).rstrip('.')}. {asked}"


def _answer(values: _Values) -> str | int:
    value = values.of("answer")
    if value is None:
        solution = values.of_any(_SOLUTION)
        if solution is None:
            return values.as_text("answer", None)
        stated = _final(values.as_text("solution", solution))
        if stated is None:
            raise DataError(
                f"{values.row.where}: its solution states its answer neither as \\boxed{{...}} nor after ####."
            )
        return stated
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    written = values.as_text("answer", value)
    return _final(written) or written


def _final(written: str) -> str | None:
    """What a worked solution states at its end: "#### 72", or its last box."""
    if "####" in written:
        return written.rpartition("####")[2].strip() or None
    around = boxes(written)
    return (around[-1].content or "").strip() or None if around else None


def _choices(values: _Values) -> tuple[str, ...]:
    given = values.of("choices")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise DataError(f"{values.row.where}: its choices must be a JSON list of texts.") from None
    if given is None:
        there = "".join(filter(values.row.fields.__contains__, ascii_uppercase))
        given = [values.row.fields[letter] for letter in there]
        if len(given) < 2 or there[0] != "A":
            return ()
        if not ascii_uppercase.startswith(there):
            raise DataError(f"{values.row.where}: it has the options {', '.join(there)}; none may be missing.")
    if isinstance(given, Mapping):
        given = given["text"] if "text" in given else [given[letter] for letter in sorted(given)]
    if not isinstance(given, list | tuple) or not 2 <= len(given) <= len(ascii_uppercase):
        raise DataError(f"{values.row.where}: its choices must be a list of 2 to {len(ascii_uppercase)} texts.")
    choices = tuple(values.as_text("choice", choice) for choice in given)
    if len(set(choices)) < len(choices):
        raise DataError(f"{values.row.where}: two of its choices are the same.")
    return choices


def _labels(values: _Values) -> list[str]:
    """What the data calls its options, in their order; empty where it names none."""
    given = values.of("choices")
    if not isinstance(given, Mapping):
        return []
    labels = given.get("label") if "text" in given else sorted(given)
    return [str(label) for label in labels] if isinstance(labels, list | tuple) else []


def _shuffled(values: _Values, order: random.Random) -> tuple[tuple[str, ...], str]:
    """Options in a random order, and the letter of the right one."""
    right = values.as_text("answer", values.of("answer"))
    others = [values.as_text("choice", other) for name in _WRONG if (other := values.of_any([name])) is not None]
    choices = [right, *others]
    places = list(range(len(choices)))
    order.shuffle(places)
    return tuple(choices[place] for place in places), ascii_uppercase[places.index(0)]


def _kind(values: _Values, choices: Sequence[str]) -> Kind | None:
    given = values.text("kind", needed=False)
    if given is None:
        return "choice" if choices else None
    if given not in KINDS:
        raise DataError(f'{values.row.where}: there is no kind "{given}"; it is one of {", ".join(KINDS)}.')
    return next(kind for kind in KINDS if kind == given)


def _letter(row: Row, answer: str | int, choices: Sequence[str], labels: Sequence[str]) -> str:
    """The right option's letter: from the label that the data gives it, else from a letter, an option's text, or a
    number that counts options from 0."""
    if len(labels) == len(choices) and str(answer) in labels:
        if isinstance(answer, int):
            raise DataError(f"{row.where}: does its answer name an option or count from 0? Write the name as text.")
        return ascii_uppercase[labels.index(answer)]
    if isinstance(answer, int):
        if str(answer) in choices:
            raise DataError(f"{row.where}: is its answer an option's number or its text? Write the letter instead.")
        if not 0 <= answer < len(choices):
            raise DataError(f"{row.where}: its answer counts options from 0, and there is no such one.")
        return ascii_uppercase[answer]
    letter = chosen(answer, choices)
    if letter is None:
        raise DataError(f"{row.where}: its answer is none of its options: neither a letter nor an option's text.")
    return letter


def _listed(choices: Sequence[str]) -> str:
    return "\n".join(f"({letter}) {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False))


def _check(row: Row, problem: Problem) -> None:
    """Whether its answer is one of its kind: better now than in the middle of an evaluation."""
    try:
        good = checker_of(problem.kind, problem.choices)(problem.answer, problem.answer)
    except ValueError:
        good = False
    if not good:
        raise DataError(f"{row.where}: its answer cannot be read as one of kind {problem.kind}.")
