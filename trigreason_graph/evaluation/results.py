"""What an evaluation keeps of each run: one JSON line, from which every figure of the report is derived."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from typing_extensions import TypedDict

from trigreason_graph.evaluation.lines import whole_lines
from trigreason_graph.models.prices import total
from trigreason_graph.state import Author, LedgerRow, Outcome, SignalRoute, StepKind

RESULT_VERSION = 1
"""Written into every line; a reader of old files looks here first."""
RESULTS = "results.jsonl"
"""Name of the file."""
PROVENANCE = "provenance"
"""Key of the lines that say under which circumstances the runs after them were made."""


class WrittenStep(TypedDict):
    """An accepted step, without its text."""

    author: Author
    kind: StepKind
    tokens: int


class LoggedSignal(TypedDict):
    """A signal of the run's log, without its evidence."""

    trigger: str
    route: SignalRoute
    at: int
    served: bool


class RunKey(NamedTuple):
    """Which run it is, in one results file."""

    policy: str
    problem: str
    sample: int


@dataclass(frozen=True, slots=True)
class RunResult:
    """One policy's run on one problem.

    Attributes:
        data: Name of the problem set.
        problem: Id of the problem in it.
        policy: Name of the policy or baseline.
        sample: Which of several runs on the same problem.
        seed: Of the sampling; None: greedy.
        right_answer: As the data set writes it.
        answer: As the run states it; None: it states none.
        right: Whether the two are the same.
        outcome: How the run ended. "model_error" where a call failed for good, also if the run went on without it.
        steps: The accepted trace, in order.
        signals: The run's signal log.
        discarded: Output tokens of the steps that were written and thrown away, by role.
        ledger: Every attempt of every call, in order.
        seconds: Of the calls, as the ledger has them; on a replay without meaning.
    """

    data: str
    problem: str
    policy: str
    sample: int
    seed: int | None
    right_answer: str
    answer: str | None
    right: bool
    outcome: Outcome
    steps: Sequence[WrittenStep]
    signals: Sequence[LoggedSignal]
    discarded: Mapping[str, int]
    ledger: Sequence[LedgerRow]
    seconds: float

    @property
    def key(self) -> RunKey:
        """What tells it from the other runs in its file."""
        return RunKey(self.policy, self.problem, self.sample)

    @property
    def failed(self) -> bool:
        """Whether a model failed in it: it says nothing about the policy, and is tried again."""
        return self.outcome["kind"] == "model_error"

    @property
    def cost(self) -> float | None:
        """Dollars of all its calls; None where a price is unknown."""
        return total(row["cost"] for row in self.ledger)

    @property
    def large_tokens(self) -> int:
        """Output tokens of the large model, its discarded and hidden ones included."""
        return sum(row["tokens_out"] for row in self.ledger if row["role"] == "large")

    def to_line(self) -> str:
        """The run as one line of results.jsonl, without the line's end."""
        return json.dumps({"v": RESULT_VERSION, **asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> RunResult:
        """A run out of a line of results.jsonl.

        Raises:
            ValueError: The line is none; the text says why.
        """
        return cls._of(_content(line))

    @classmethod
    def _of(cls, content: Mapping[str, Any]) -> RunResult:
        missing = [field.name for field in fields(cls) if field.name not in content]
        if missing:
            raise ValueError(f"this line lacks: {', '.join(missing)}")
        return cls(**{field.name: content[field.name] for field in fields(cls)})


def provenance_line(provenance: Mapping[str, Any]) -> str:
    """The circumstances of the runs that follow, as one line of results.jsonl."""
    return json.dumps({"v": RESULT_VERSION, PROVENANCE: provenance}, ensure_ascii=False)


def read_results(path: str | PathLike[str]) -> list[RunResult]:
    """All runs of a results.jsonl, in its order; of a run that was tried again, the last try.

    Args:
        path: The file. A torn last line (a killed writer's) is left out; a file that is not there holds nothing.

    Raises:
        ValueError: A line cannot be read; the text names the file and the line.
    """
    found: dict[RunKey, RunResult] = {}
    for number, content in _contents(Path(path)):
        if PROVENANCE not in content:
            try:
                result = RunResult._of(content)
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
            found.pop(result.key, None)  # a later try stands where it was made
            found[result.key] = result
    return list(found.values())


def read_provenance(path: str | PathLike[str]) -> dict[str, Any]:
    """The latest circumstances in a results.jsonl; empty where it says none.

    Raises:
        ValueError: As :func:`read_results`.
    """
    told = [content[PROVENANCE] for _, content in _contents(Path(path)) if PROVENANCE in content]
    return dict(told[-1]) if told else {}


def _contents(path: Path) -> list[tuple[int, dict[str, Any]]]:
    found = []
    for number, line in whole_lines(path):
        if line.strip():
            try:
                found.append((number, _content(line)))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
    return found


def _content(line: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(line)
        version = content["v"]
    except (json.JSONDecodeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"this is no line of results.jsonl: {error!r}") from None
    if version != RESULT_VERSION:
        raise ValueError(f"this line has version {version!r}, and {RESULT_VERSION} can be read")
    return content
