"""table.md: the figures as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trigreason_graph.evaluation.definitions import DEFINITIONS, LEVELS
from trigreason_graph.evaluation.headline import SCENARIO, Comparison
from trigreason_graph.evaluation.metrics import POOLED, Figure, Measured, Row
from trigreason_graph.evaluation.provenance_lines import provenance_lines

COLUMNS: tuple[tuple[str, ...], ...] = (
    *((name,) for name in ("accuracy", "difference", "pgr", "cost_share", "large_output_share")),
    tuple(f"cpt_{level}" for level in LEVELS),
    *((name,) for name in ("small_share", "small_steps_ratio", "large_calls", "discarded")),
    ("large_cached", "large_uncached"),
    *((name,) for name in ("dollars", "seconds", "cut")),
)
"""Names of figures; those of one column stand behind one another, without intervals."""
HEADLINE = ("latency %", "published", "cost %", "published", "SRM steps, times", "published")
NONE = "-"
NOT_REACHED = "not reached"


class Footnotes:
    """Numbers for the reasons why a cell is empty, each reason said once."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, text: str) -> str:
        """The mark of a note; nothing for no note."""
        if not text:
            return ""
        if text not in self.texts:
            self.texts.append(text)
        return f" ({self.texts.index(text) + 1})"

    def lines(self) -> list[str]:
        """All notes."""
        return [f"({number}) {text}." for number, text in enumerate(self.texts, 1)]


def table(measured: Measured, compared: Sequence[Comparison], provenance: Mapping[str, Any]) -> str:
    """The whole of table.md."""
    notes = Footnotes()
    lines = ["# Evaluation", "", *_rows(measured, notes), "", *_thresholds(measured, notes), ""]
    lines += ["## The article's headline", "", *_headline(compared, notes), ""]
    lines += ["## How to read this", "", *(f"- {line}" for line in _foot(measured)), *_notes(notes), ""]
    lines += ["## Where this comes from", "", *provenance_lines(provenance)]
    return "\n".join(lines) + "\n"


def cell(unit: str, figure: Figure, notes: Footnotes, *, interval: bool = True) -> str:
    """One figure, its interval in brackets, and the mark of its note."""
    if figure.value is None:
        return NONE + notes.mark(figure.note)
    shown = told(unit, figure.value)
    if interval and figure.low is not None and figure.high is not None and not math.isinf(figure.low):
        shown += f" ({told(unit, figure.low)} to {told(unit, figure.high)})"
    return shown + notes.mark(figure.note)


def told(unit: str, value: float) -> str:
    """A value in its unit; shares are in per cent."""
    if math.isinf(value):
        return NOT_REACHED
    value += 0.0  # no "-0"
    match unit:
        case "share":
            return f"{100 * value:.1f}"
        case "points" | "change":
            return f"{100 * value:+.1f}"
        case "ratio" | "calls":
            return f"{value:.2f}"
        case "tokens":
            return f"{value:,.0f}"
        case "dollars":
            return f"{value:.3f}" if value else "0"
        case "seconds":
            return f"{value:.1f}"
        case _:
            raise ValueError(f"no unit {unit!r}")


def _rows(measured: Measured, notes: Footnotes) -> list[str]:
    named = [_heading(names).replace("the reference", measured.reference) for names in COLUMNS]
    headings = ["data", "policy", "n", *named, "outcomes"]
    lines = [_line(headings), _line(["---"] * len(headings))]
    for row in measured.rows:
        figures = [
            " / ".join(
                cell(DEFINITIONS[name].unit, row.figures[name], notes, interval=len(names) == 1) for name in names
            )
            for names in COLUMNS
        ]
        lines.append(_line([row.data, row.policy, _count(row), *figures, _outcomes(row)]))
    return lines


def _heading(names: Sequence[str]) -> str:
    units = {"share": " %", "points": ", points"}
    joined = " / ".join(DEFINITIONS[name].heading for name in names)
    return joined + units.get(DEFINITIONS[names[0]].unit, "")


def _count(row: Row) -> str:
    """Problems, and runs where they are more."""
    return str(row.problems) if row.runs == row.problems else f"{row.problems} ({row.runs} runs)"


def _outcomes(row: Row) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(row.outcomes.items()))


def _thresholds(measured: Measured, notes: Footnotes) -> list[str]:
    names = [f"cpt_{level}" for level in LEVELS]
    lines = [f"The cheapest mix of all policies but {measured.reference}:", ""]
    lines += [_line(["data", *(_heading([name]) for name in names)]), _line(["---"] * (len(names) + 1))]
    for data, figures in measured.best.items():
        lines.append(_line([data, *(cell("share", figures[name], notes) for name in names)]))
    return lines


def _headline(compared: Sequence[Comparison], notes: Footnotes) -> list[str]:
    lines = [
        f'Under the scenario "{SCENARIO}", whatever the table\'s is. Published: TrigReason against specreason, latency '
        "-43.9 %, cost -73.3 %, 1.70 to 4.79 times the steps on the SRM (abstract of arXiv 2604.14847; other models, "
        "AIME and GPQA-Diamond). About -31 % and -62 % against the LRM alone follow from these, and are not published.",
        "",
        _line(["data", "policy", "against", "n", *HEADLINE]),
        _line(["---"] * (4 + len(HEADLINE))),
    ]
    for one in compared:
        cells = [one.data, one.policy, one.against, str(one.latency.n)]
        for name, unit in (("latency", "change"), ("dollars", "change"), ("steps", "ratio")):
            cells += [cell(unit, getattr(one, name), notes), _published(one, name, unit)]
        lines.append(_line(cells))
    return [*lines, "", *_verdicts(compared)]


def _published(one: Comparison, name: str, unit: str) -> str:
    if name not in one.published:
        return NONE
    low, high = one.published[name]
    shown = told(unit, low) if low == high else f"{told(unit, low)} to {told(unit, high)}"
    return f"about {shown}" if one.derived else shown


def _verdicts(compared: Sequence[Comparison]) -> list[str]:
    """For the article's own comparison, in words, whether the published figures lie in the measured intervals."""
    if not compared:
        return ["No runs of the policies that the headline is about."]
    data = compared[-1].data
    lines = []
    for one in compared:
        if one.data != data or one.derived or not one.published:
            continue
        for name, unit in (("latency", "change"), ("dollars", "change"), ("steps", "ratio")):
            lines.append(f"- {one.policy} against {one.against}, {name}: {_verdict(one, name, unit)}")
    return lines


def _verdict(one: Comparison, name: str, unit: str) -> str:
    figure: Figure = getattr(one, name)
    if figure.value is None:
        return f"not measured ({figure.note})."
    low, high = one.published[name]
    measured, published = cell(unit, figure, Footnotes()), _published(one, name, unit)
    if figure.low is None or figure.high is None:
        return f"measured {measured}, published {published}; without an interval nothing can be said."
    if figure.high < low:
        found = "all of the measured interval lies below what was published"
    elif figure.low > high:
        found = "all of the measured interval lies above what was published"
    else:
        found = "the measured interval does not exclude it"
    return f"measured {measured}, published {published}: {found}."


def _foot(measured: Measured) -> list[str]:
    fewest = min((row.problems for row in measured.rows if row.data != POOLED), default=0)
    return [
        "In brackets: 95 % intervals, percentiles of a bootstrap over problems. They are wide: one problem of "
        f"{fewest} is {100 / max(fewest, 1):.1f} points, and two policies whose intervals overlap may still differ, or "
        f"not, in their paired difference: the column against {measured.reference}. summary.json has every interval, "
        "those of columns with several figures too.",
        f'Dollars, seconds and the share of input that is cached are counted under the scenario "'
        f'{measured.scenario.name}"'
        f" from the tokens in the ledgers, never taken from a clock. {measured.scenario.about}".rstrip(),
        *(f"Scenario, {subject}: {source}." for subject, source in measured.scenario.sources.items()),
        *(
            f"{data}: {measured.reference} costs nothing in this scenario; LRM output tokens stand in for cost."
            for data in measured.cost_is_tokens
        ),
        *(f"{_heading([name])}: {definition.text}" for name, definition in DEFINITIONS.items() if _shown(name)),
        *_incomplete(measured),
    ]


def _shown(name: str) -> bool:
    return any(name in names for names in COLUMNS) and name not in [f"cpt_{level}" for level in LEVELS[1:]]


def _incomplete(measured: Measured) -> list[str]:
    """Where policies have not all problems, or runs in which a model failed."""
    lines = []
    for data in measured.data:
        most = max(row.problems for row in measured.rows if row.data == data)
        short = [f"{row.policy} {row.problems}" for row in measured.rows if row.data == data and row.problems < most]
        if short:
            lines.append(f"{data}: not all {most} problems: {', '.join(short)}. Comparisons are over those both have.")
    failed = [row for row in measured.rows if row.data != POOLED and row.outcomes.get("model_error")]
    if failed:
        told_of = ", ".join(f"{row.data} {row.policy} {row.outcomes['model_error']}" for row in failed)
        lines.append(f"Runs in which a model failed count as they are: {told_of}.")
    return lines


def _notes(notes: Footnotes) -> list[str]:
    return ["", *(f"{line}  " for line in notes.lines())] if notes.texts else []


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(text.replace('|', chr(92) + '|') for text in cells)} |"
