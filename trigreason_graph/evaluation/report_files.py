"""The report of an evaluation as files: table.md, summary.json and the pictures, from the results alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trigreason_graph.evaluation.headline import SCENARIO, headline
from trigreason_graph.evaluation.metrics import REFERENCE, Measured, measure
from trigreason_graph.evaluation.pictures import (
    FORMATS,
    accuracy_against_cost,
    authorship,
    interventions_by_trigger,
    plain_names,
    save,
)
from trigreason_graph.evaluation.results import RESULTS, RunResult, read_provenance, read_results
from trigreason_graph.evaluation.scenarios import Scenario, load_scenario, shipped_scenario
from trigreason_graph.evaluation.statistics import RESAMPLES
from trigreason_graph.evaluation.summary import summary
from trigreason_graph.evaluation.table import table

PROVENANCE, TABLE, SUMMARY = "provenance.json", "table.md", "summary.json"
"""Names of the files: the first is read, beside `RESULTS`, the others written."""
PICTURES = ("accuracy_cost", "authorship", "interventions")
WRITTEN = (TABLE, SUMMARY, *(f"{picture}.{kind}" for picture in PICTURES for kind in FORMATS))
"""Names of all files of a report."""


def write_report(
    results: Sequence[RunResult],
    folder: str | Path,
    *,
    provenance: Mapping[str, Any],
    scenario: Scenario | str | Path | None = None,
    reference: str = REFERENCE,
    resamples: int = RESAMPLES,
) -> Measured:
    """Write table.md, summary.json, and accuracy_cost, authorship and interventions as .svg and .png.

    Args:
        results: All runs, in any order.
        folder: Where to; made if it is not there.
        provenance: How the results came about; it stands in table.md and summary.json.
        scenario: Prices and latencies: a Scenario, the name of a shipped one, or a file. None: "edge_cloud".
        reference: The policy that the others are compared with.
        resamples: Draws of the bootstrap; 0: no intervals.

    Returns:
        The figures of the table.

    Raises:
        ValueError: No results, or a scenario that cannot be used.
        ImportError: numpy or matplotlib is not installed; the text says what to type.
    """
    if not results:
        raise ValueError("there are no results to report on: run an evaluation first")
    chosen = _scenario(scenario)
    measured = measure(results, chosen, reference=reference, resamples=resamples)
    compared = headline(results, resamples=resamples)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / TABLE).write_text(table(measured, compared, provenance), encoding="utf-8")
    content = json.dumps(summary(measured, compared, provenance), ensure_ascii=False, indent=1, allow_nan=False)
    (target / SUMMARY).write_text(content + "\n", encoding="utf-8")
    with plain_names():
        drawn = (accuracy_against_cost(measured), authorship(results), interventions_by_trigger(results))
        for picture, name in zip(drawn, PICTURES, strict=True):
            save(picture, target, name)
    return measured


def report_folder(folder: str | Path, scenario: Scenario | str | Path | None = None) -> Measured:
    """Write the report of an evaluation anew from its folder, under any scenario; no model is called.

    Args:
        folder: With the evaluation's results.jsonl, and its provenance.json; without that, what results.jsonl says. Or
            with a folder for each of several evaluations, as of several data sets, which are reported on together.
        scenario: As for :func:`write_report`.

    Raises:
        ValueError: There are no results, or a file cannot be read; the text says which, and why.
        ImportError: As for :func:`write_report`.
    """
    source = Path(folder)
    if (source / RESULTS).is_file():
        return write_report(_results(source), source, provenance=_provenance(source), scenario=scenario)
    parts = sorted(path.parent for path in source.glob(f"*/{RESULTS}"))
    if not parts:
        raise ValueError(f"{source} has no {RESULTS}: give the folder that an evaluation wrote to")
    results = [result for part in parts for result in _results(part)]
    return write_report(results, source, provenance={part.name: _provenance(part) for part in parts}, scenario=scenario)


def _results(folder: Path) -> list[RunResult]:
    results = read_results(folder / RESULTS)
    if not results:
        raise ValueError(f"{folder / RESULTS} holds no run yet: let the evaluation go on first")
    return results


def _scenario(given: Scenario | str | Path | None) -> Scenario:
    if given is None:
        return shipped_scenario(SCENARIO)
    return given if isinstance(given, Scenario) else load_scenario(given)


def _provenance(folder: Path) -> dict[str, Any]:
    path = folder / PROVENANCE
    if not path.is_file():
        return read_provenance(folder / RESULTS)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object")
    return content
