"""The grid's settings as a picture: accuracy against cost, and the front (matplotlib, extra "tuning")."""

from __future__ import annotations

from pathlib import Path

from trigreason_graph.tuning.verifying import Tuning


def draw(found: Tuning, path: Path) -> None:
    """Write the picture of a tuning; the suffix decides the format (.png, .svg, .pdf).

    Raises:
        ValueError: matplotlib is not installed, or it does not know the format.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError('a picture needs matplotlib: pip install "trigreason-graph[tuning]"') from None
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for estimated, marker, label in ((True, "x", "estimated in part"), (False, "o", "run")):
        shown = [one for one in found.scored if one.estimated == estimated]
        if shown:
            axes.scatter([one.cost for one in shown], [one.accuracy for one in shown], marker=marker, label=label)
    axes.step(
        [one.cost for one in found.front], [one.accuracy for one in found.front], where="post", label="front", alpha=0.6
    )
    given = found.scored[0]
    axes.annotate("as given", (given.cost, given.accuracy), textcoords="offset points", xytext=(6, 6))
    chosen = found.scored[found.setting.index]
    if chosen is not given:
        axes.annotate("chosen", (chosen.cost, chosen.accuracy), textcoords="offset points", xytext=(6, -12))
    axes.set_xlabel("LRM tokens a problem" if found.objective.unit == "large_tokens" else "dollars a problem")
    axes.set_ylabel("accuracy on the search part")
    axes.legend()
    figure.savefig(path)
