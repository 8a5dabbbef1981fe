"""summary.json: the report for programs, each figure with its interval and the number of problems behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from trigreason_graph.evaluation.definitions import DEFINITIONS
from trigreason_graph.evaluation.headline import SCENARIO, Comparison
from trigreason_graph.evaluation.metrics import Figure, Measured
from trigreason_graph.evaluation.table import NOT_REACHED

SUMMARY_VERSION = 1
"""Of the file's layout; each figure's meaning has a version of its own."""


def summary(measured: Measured, compared: Sequence[Comparison], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The content of summary.json. Shares are shares (0.5, not 50), dollars are for a thousand problems."""
    return {
        "v": SUMMARY_VERSION,
        "reference": measured.reference,
        "scenario": asdict(measured.scenario),
        "definitions": {
            name: {"version": definition.version, "unit": definition.unit, "text": definition.text}
            for name, definition in DEFINITIONS.items()
        },
        "rows": [
            {
                "data": row.data,
                "policy": row.policy,
                "problems": row.problems,
                "runs": row.runs,
                "outcomes": dict(sorted(row.outcomes.items())),
                "figures": _figures(row.figures),
            }
            for row in measured.rows
        ],
        "best": {data: _figures(figures) for data, figures in measured.best.items()},
        "cost_is_tokens": list(measured.cost_is_tokens),
        "headline": {"scenario": SCENARIO, "comparisons": [_comparison(one) for one in compared]},
        "provenance": dict(provenance),
    }


def _figures(figures: Mapping[str, Figure]) -> dict[str, dict[str, Any]]:
    return {name: _figure(figure) for name, figure in figures.items()}


def _figure(figure: Figure) -> dict[str, Any]:
    """JSON has no infinity: a threshold that is not reached is the text "not reached"."""
    return {name: _finite(value) for name, value in asdict(figure).items()}


def _finite(value: Any) -> Any:
    return NOT_REACHED if isinstance(value, float) and math.isinf(value) else value


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "data": one.data,
        "policy": one.policy,
        "against": one.against,
        **_figures({name: getattr(one, name) for name in ("latency", "dollars", "steps")}),
        "published": {name: list(bounds) for name, bounds in one.published.items()},
        "derived": one.derived,
    }
