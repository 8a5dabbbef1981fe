"""What an evaluation keeps of each run: one JSON line, from which every figure of the report is derived."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from trigreason_graph.state import Author, LedgerRow, Outcome, SignalRoute, StepKind

RESULT_VERSION = 1
"""Written into every line; a reader of old files looks here first."""


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
        outcome: How the run ended.
        steps: The accepted trace, in order.
        signals: The run's signal log.
        discarded: Output tokens thrown away, by role.
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

    def to_line(self) -> str:
        """The run as one line of results.jsonl, without the line's end."""
        return json.dumps({"v": RESULT_VERSION, **asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> RunResult:
        """A run out of a line of results.jsonl.

        Raises:
            ValueError: The line is none; the text says why.
        """
        try:
            content: dict[str, Any] = json.loads(line)
            version = content["v"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"this is no line of results.jsonl: {error!r}") from None
        if version != RESULT_VERSION:
            raise ValueError(f"this line has version {version!r}, and {RESULT_VERSION} can be read")
        missing = [field.name for field in fields(cls) if field.name not in content]
        if missing:
            raise ValueError(f"this line lacks: {', '.join(missing)}")
        return cls(**{field.name: content[field.name] for field in fields(cls)})


def read_results(path: str | Path) -> list[RunResult]:
    """All runs of a results.jsonl, in its order.

    Raises:
        ValueError: A line cannot be read; the text names the file and the line.
        OSError: The file cannot be read.
    """
    results = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                results.append(RunResult.from_line(line))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
    return results
