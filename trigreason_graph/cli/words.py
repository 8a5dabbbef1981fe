"""How things are called and numbers are written on the screen."""

from __future__ import annotations

from collections.abc import Mapping

AUTHORS = {"small": "SRM", "large": "LRM", "tool": "tool"}
STYLES = {"small": "cyan", "large": "bold magenta", "tool": "yellow"}
"""Colours by author; the words above say the same without them."""

SIGNAL_STYLE = "yellow"
GONE_STYLE = "strike dim"
QUIET_STYLE = "dim"

DOING = {
    "initiate": "plans",
    "prime": "writes the first steps",
    "continue": "writes",
    "rewrite": "rewrites the step",
    "intervene": "writes the next step",
    "review": "looks for the mistake",
    "conclude": "states the answer",
}
"""What a model does, by the purpose of its call."""


def author(role: str) -> str:
    """The word for who writes."""
    return AUTHORS.get(role, role)


def spaced(name: str) -> str:
    """A trigger's name as words."""
    return name.replace("_", " ")


def money(dollars: float | None) -> str:
    """Dollars with two significant digits below a cent; "price unknown" for None."""
    if dollars is None:
        return "price unknown"
    if dollars == 0:
        return "$0"
    return f"${dollars:.2f}" if dollars >= 0.1 else f"${dollars:.2g}" if dollars >= 0.0001 else f"${dollars:.1e}"


def seconds(value: float) -> str:
    """Seconds; minutes and seconds from 100 s on."""
    if value < 100:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, in the plural where it has to be; by default that is the noun with an "s"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def share(part: int, whole: int) -> str:
    """Percent, without decimals."""
    return f"{100 * part / whole:.0f} %" if whole else "-"


def listed(counts: Mapping[str, int]) -> str:
    """Counts by trigger: "arithmetic check 2, initiation 1"."""
    return ", ".join(f"{spaced(name)} {number}" for name, number in counts.items())


def shortened(text: str, length: int = 60) -> str:
    """One line of at most `length` signs."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
