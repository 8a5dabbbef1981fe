"""A tuning as a picture: the grid's surface, and accuracy against cost with the front (matplotlib, extra "tuning")."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trigreason_graph.evaluation.pictures import plain_names, save_as
from trigreason_graph.tuning.grid import shown, with_values
from trigreason_graph.tuning.search import Scored
from trigreason_graph.tuning.verifying import Tuning

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEEDED = 'a picture needs matplotlib: pip install "trigreason-graph[tuning]"'
Cell = tuple[Any, ...]
Side = tuple[Sequence[str], Sequence[Cell]]
"""Names of a grid, and the combinations of their values."""


def draw(found: Tuning, path: Path) -> None:
    """Write the picture of a tuning; the suffix decides the format (.png, .svg, .pdf).

    Raises:
        ValueError: matplotlib is not installed, or it does not know the format.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError(NEEDED) from None
    values = values_of(found.scored)
    names = list(values)
    rows, columns = names[: len(names) // 2], names[len(names) // 2 :]
    down, across = _cells(values, rows), _cells(values, columns)
    figure = Figure(figsize=(8 + 0.75 * len(across), max(4.5, 2 + 0.45 * len(down))), layout="constrained")
    with plain_names():
        surface, costs = figure.subplots(1, 2, width_ratios=[max(0.9 * len(across), 2), 6])
        _draw_surface(surface, found, (rows, down), (columns, across))
        _draw_front(costs, found)
        save_as(figure, path)


def check_picture(path: Path) -> None:
    """Refuse a picture that could not be drawn, before anything is paid for.

    Raises:
        ValueError: matplotlib is not installed, or it does not know the format.
    """
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        raise ValueError(NEEDED) from None
    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.removeprefix(".") not in known:
        raise ValueError(f"the picture {path}: its name must end in one of {', '.join(f'.{one}' for one in known)}")


def values_of(scored: Sequence[Scored]) -> dict[str, list[Any]]:
    """The values of a grid by name, in its order, as far as settings differ in them."""
    found: dict[str, dict[int, Any]] = {}
    for one in scored:
        for (name, value), place in zip(one.setting.values.items(), one.setting.places, strict=True):
            found.setdefault(name, {})[place] = value
    return {name: [by_place[place] for place in sorted(by_place)] for name, by_place in found.items()}


def surface_of(scored: Sequence[Scored]) -> dict[Cell, Scored]:
    """Every combination of values with the setting that it is; combinations that come to the same share one."""
    values = values_of(scored)
    given = scored[0].setting.policy
    found: dict[Cell, Scored] = {}
    for cell in _cells(values, list(values)):
        made = with_values(given, dict(zip(values, cell, strict=True)))
        same = next((one for one in scored if one.setting.policy == made), None)
        if same is not None:
            found[cell] = same
    return found


def _cells(values: Mapping[str, Sequence[Any]], names: Sequence[str]) -> list[Cell]:
    return list(product(*(values[name] for name in names)))


def _draw_surface(axes: Axes, found: Tuning, vertical: Side, horizontal: Side) -> None:
    (rows, down), (columns, across) = vertical, horizontal
    surface = surface_of(found.scored)
    table = [[surface.get((*row, *column)) for column in across] for row in down]
    accuracies = [[math.nan if one is None else 100 * one.accuracy for one in line] for line in table]
    axes.imshow(accuracies, aspect="auto", cmap="viridis")
    known = [one.accuracy for one in surface.values()]
    middle = (min(known) + max(known)) / 2
    for y, line in enumerate(table):
        for x, one in enumerate(line):
            if one is not None:
                told = f"{'~' if one.estimated else ''}{100 * one.accuracy:.0f}\n{_cost(one.cost)}"
                color = "black" if one.accuracy > middle else "white"
                axes.text(x, y, told, ha="center", va="center", fontsize=7, color=color)
    axes.set_xticks(range(len(across)), [_label(columns, cell) for cell in across], rotation=90, fontsize=7)
    axes.set_yticks(range(len(down)), [_label(rows, cell) for cell in down], fontsize=7)
    axes.set_title(f"accuracy in %, below it {_unit(found)}; ~: estimated in part", fontsize=8)


def _draw_front(axes: Axes, found: Tuning) -> None:
    for estimated, marker, label in ((True, "x", "estimated in part"), (False, "o", "run")):
        those = [one for one in found.scored if one.estimated == estimated]
        if those:
            axes.scatter([one.cost for one in those], [one.accuracy for one in those], marker=marker, label=label)
    axes.step(
        [one.cost for one in found.front], [one.accuracy for one in found.front], where="post", label="front", alpha=0.6
    )
    given = found.scored[0]
    axes.annotate("as given", (given.cost, given.accuracy), textcoords="offset points", xytext=(6, 6))
    chosen = found.scored[found.setting.index]
    if chosen is not given:
        axes.annotate("chosen", (chosen.cost, chosen.accuracy), textcoords="offset points", xytext=(6, -12))
    axes.set_xlabel(_unit(found))
    axes.set_ylabel("accuracy on the search part")
    axes.legend()


def _unit(found: Tuning) -> str:
    return "LRM tokens a problem" if found.objective.unit == "large_tokens" else "dollars a problem"


def _cost(cost: float) -> str:
    return f"{cost:.0f}" if cost >= 10 else f"{cost:.2g}"


def _label(names: Sequence[str], cell: Cell) -> str:
    return ", ".join(f"{name.rpartition('.')[2]}={shown(value)}" for name, value in zip(names, cell, strict=True))
