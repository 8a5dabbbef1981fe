"""The journal of an evaluation: what is in it has been done, and is not done again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trigreason_graph.evaluation.lines import append_line
from trigreason_graph.evaluation.problems import ProblemSet, digest
from trigreason_graph.evaluation.provenance import compared, disagreement
from trigreason_graph.evaluation.results import (
    RESULTS,
    RunKey,
    RunResult,
    provenance_line,
    read_provenance,
    read_results,
)


class Journal:
    """The results so far, on disk as soon as they are known.

    Args:
        folder: Where results.jsonl is or will be; None: kept in memory only.
        provenance: Of this evaluation. Where the file was made under other circumstances, it is refused.
        problems: Of this evaluation.

    Raises:
        ValueError: The file cannot be read, or its runs cannot stand beside those to come.

    Attributes:
        results: By what tells them apart.
        provenance: What stands in the file, with the parameters that matched baselines were given before.
    """

    def __init__(self, folder: Path | None, provenance: Mapping[str, Any], problems: ProblemSet) -> None:
        self.path = None if folder is None else folder / RESULTS
        before = read_provenance(self.path) if self.path else {}
        found = read_results(self.path) if self.path else []
        _check(before, provenance, problems, bool(found))
        self.results: dict[RunKey, RunResult] = {run.key: run for run in found}
        self.provenance: dict[str, Any] = {**provenance, "matched": dict(before.get("matched", {}))}
        policies = {**before.get("policies", {}), **provenance["policies"]}
        self.provenance["policies"] = policies
        self._written = {key: value for key, value in before.items() if key not in _OF_THE_MOMENT}

    def done(self, key: RunKey) -> bool:
        """Whether a run is there; one in which a model failed counts as not done."""
        return key in self.results and not self.results[key].failed

    def add(self, run: RunResult) -> None:
        """Keep a run; on disk before this returns."""
        self._tell_circumstances()
        self.results[run.key] = run
        if self.path:
            append_line(self.path, run.to_line())

    def choose(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Keep what a matched baseline was given, so that an evaluation taken up again goes on with it."""
        self.provenance["matched"][name] = dict(parameters)

    def _tell_circumstances(self) -> None:
        now = {key: value for key, value in self.provenance.items() if key not in _OF_THE_MOMENT}
        if self.path and now != self._written:
            append_line(self.path, provenance_line(self.provenance))
            self._written = {**now, "matched": dict(now["matched"])}


_OF_THE_MOMENT = ("when", "command")
"""What differs each time and changes nothing."""


def _check(before: Mapping[str, Any], now: Mapping[str, Any], problems: ProblemSet, any_runs: bool) -> None:
    if not any_runs:
        return
    if not before:
        raise ValueError(
            f"out=: {RESULTS} there does not say how its runs were made, so that none can stand beside them"
        )
    differs = disagreement(before, now) or _other_problems(before["data"], problems)
    if differs:
        raise ValueError(f"out=: the runs in {RESULTS} there were made otherwise ({differs}); use another folder")


def _other_problems(before: Mapping[str, Any], problems: ProblemSet) -> str:
    """Whether the problems of then are not the first of those now."""
    count = before["problems"]
    if count > len(problems.problems):
        return f"data: {count} problems then, {len(problems.problems)} now"
    if digest(problems.problems[:count]) != before["sha256"]:
        return "data: other problems"
    was, is_now = before.get("compared"), compared(problems.problems[:count], problems.checker)
    return "" if was in (None, is_now) else f"answers: compared as {was} then, as {is_now} now"
