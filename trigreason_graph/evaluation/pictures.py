"""The report's pictures, with matplotlib (extra "evaluation"): the same results give the same bytes.

Colours are those of Okabe and Ito, which people who do not see all colours can tell apart (brown for their yellow).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trigreason_graph.evaluation.authorship import AUTHORS, FREE, interventions, shares_along
from trigreason_graph.evaluation.entrants import SMALL_ALONE
from trigreason_graph.evaluation.metrics import Figure, Measured, Row
from trigreason_graph.evaluation.results import RunResult
from trigreason_graph.evaluation.thresholds import family
from trigreason_graph.state import Author

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8B4513")
AUTHOR_COLOURS: dict[Author, str] = {"small": "#56B4E9", "large": "#D55E00", "tool": "#999999"}
AUTHOR_NAMES: dict[Author, str] = {"small": "SRM", "large": "LRM", "tool": "tools"}
MARKERS = "osD^vP*X<>hpd"
LINES = {"random": "random", "early_only": "early only"}
"""Baselines whose operating points are joined into a line between SRM alone and the reference, by family."""
FORMATS = ("svg", "png")


def accuracy_against_cost(measured: Measured) -> Picture:
    """A panel for each data set: every policy at its cost and accuracy, with intervals, and the baselines' lines."""
    picture, panels = _panels(len(measured.data), width=6.4, height=4.8)
    names = list(dict.fromkeys(row.policy for row in measured.rows))
    for axes, data in zip(panels, measured.data, strict=True):
        rows = [row for row in measured.rows if row.data == data]
        _lines(axes, rows, measured.reference)
        for row in rows:
            place = names.index(row.policy)
            _point(axes, row, PALETTE[place % len(PALETTE)], MARKERS[place % len(MARKERS)])
        what = "LRM output tokens" if data in measured.cost_is_tokens else f"dollars ({measured.scenario.name})"
        most = max((row.problems for row in rows), default=0)
        axes.set(title=f"{data} (n = {most})", ylabel="accuracy, % (95 % interval)")
        axes.set_xlabel(f"cost, % of {measured.reference}: {what}")
        axes.grid(alpha=0.3)
    _legend(picture, panels[0])
    return picture


def authorship(results: Sequence[RunResult]) -> Picture:
    """A panel for each policy: who wrote the trace, from its beginning to its end."""
    shares = shares_along(results)
    picture, panels = _panels(len(shares), width=3.2, height=2.4)
    for axes, (policy, by_author) in zip(panels, shares.items(), strict=True):
        parts = len(by_author["small"])
        middles = [100 * (part + 0.5) / parts for part in range(parts)]
        bands = [[100 * share for share in by_author[author]] for author in AUTHORS]
        colours = [AUTHOR_COLOURS[author] for author in AUTHORS]
        axes.stackplot(middles, *bands, colors=colours, labels=[AUTHOR_NAMES[author] for author in AUTHORS])
        axes.set(title=policy, xlim=(middles[0], middles[-1]), ylim=(0, 100))
    picture.supxlabel("position in the trace, % of its tokens")
    picture.supylabel("share of the tokens, %")
    if shares:
        _legend(picture, panels[0])
    return picture


def interventions_by_trigger(results: Sequence[RunResult]) -> Picture:
    """A bar for each policy: served signals a run by trigger; hatched where the LRM was not called for them."""
    counts = interventions(results)
    triggers = sorted({name for by_trigger in counts.values() for name in by_trigger})
    picture, panels = _panels(1, width=8.0, height=max(2.4, 0.45 * len(counts) + 1.4))
    axes, policies = panels[0], list(reversed(counts))
    colours = sorted({name.removesuffix(f" ({FREE})") for name in triggers})
    left = [0.0] * len(policies)
    for name in triggers:
        values = [counts[policy].get(name, 0.0) for policy in policies]
        colour = PALETTE[colours.index(name.removesuffix(f" ({FREE})")) % len(PALETTE)]
        hatch = "//" if name.endswith(f"({FREE})") else None
        axes.barh(policies, values, left=left, label=name, color=colour, hatch=hatch, edgecolor="white")
        left = [before + value for before, value in zip(left, values, strict=True)]
    axes.set_xlabel("interventions a run (hatched: without a call of the LRM)")
    if triggers:
        _legend(picture, axes)
    return picture


def save(picture: Picture, folder: Path, name: str) -> list[Path]:
    """The picture as SVG and PNG, without a date or anything else that changes from one run to the next."""
    paths = [folder / f"{name}.{kind}" for kind in FORMATS]
    for path in paths:
        save_as(picture, path)
    return paths


def save_as(picture: Picture, path: Path) -> None:
    """The same, in the format that the suffix says."""
    metadata = {".svg": {"Date": None}, ".png": {"Software": None}}.get(path.suffix)
    with _steady():
        picture.savefig(path, metadata=metadata, dpi=120, bbox_inches="tight")


@contextmanager
def plain_names() -> Iterator[None]:
    """Within it, a dollar sign in a name that is drawn is one, and begins no formula."""
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}):
        yield


@contextmanager
def _steady() -> Iterator[None]:
    """matplotlib with the same identifiers in every SVG."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "trigreason", "svg.fonttype": "path"}):
        yield


def _panels(count: int, *, width: float, height: float) -> tuple[Picture, list[Axes]]:
    """A picture of so many panels, at most three in a row; no window system is asked for."""
    try:
        from matplotlib.figure import Figure as NewPicture
    except ImportError:
        raise ImportError(
            'pictures need matplotlib, which is not installed: pip install "trigreason-graph[evaluation]"'
        ) from None
    columns = max(1, min(3, count))
    rows = max(1, math.ceil(count / columns))
    picture = NewPicture(figsize=(width * columns, height * rows), layout="constrained")
    panels = [picture.add_subplot(rows, columns, place + 1) for place in range(count)]
    return picture, panels


def _point(axes: Axes, row: Row, colour: str, marker: str) -> None:
    cost, right = row.figures["cost_share"], row.figures["accuracy"]
    if cost.value is not None and right.value is not None:
        axes.errorbar(
            [100 * cost.value],
            [100 * right.value],
            xerr=_reach(cost),
            yerr=_reach(right),
            fmt=marker,
            color=colour,
            label=row.policy,
            capsize=2,
            elinewidth=0.8,
        )


def _reach(figure: Figure) -> list[list[float]] | None:
    """How far the interval reaches below and above the value, in per cent; None without one."""
    if figure.value is None or figure.low is None or figure.high is None:
        return None
    return [[100 * max(0.0, figure.value - figure.low)], [100 * max(0.0, figure.high - figure.value)]]


def _lines(axes: Axes, rows: Sequence[Row], reference: str) -> None:
    """The baselines' lines: from SRM alone over their operating points to the reference."""
    ends = [row for row in rows if row.policy in (SMALL_ALONE, reference)]
    for (base, label), style in zip(LINES.items(), ("--", ":"), strict=True):
        points = [row for row in rows if family(row.policy) == base]
        if points:
            line = sorted(place for row in (*points, *ends) if (place := _place(row)) is not None)
            axes.plot(*zip(*line, strict=True), style, color="#777777", label=f"line of {label}", zorder=1)


def _place(row: Row) -> tuple[float, float] | None:
    cost, right = row.figures["cost_share"].value, row.figures["accuracy"].value
    return None if cost is None or right is None else (100 * cost, 100 * right)


def _legend(picture: Picture, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        picture.legend(handles, labels, loc="outside right upper", fontsize="small", frameon=False)
