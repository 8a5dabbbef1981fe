"""Asking in a terminal whether a paid call may be made (``--large-mode ask``)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import typer

from trigreason_graph.cli.verbs import complain, describe
from trigreason_graph.reasoning.text import clean
from trigreason_graph.settings import Settings

DECISIONS = ("approve", "deny", "edit")


class NotAnswered(Exception):
    """Ctrl-C or Ctrl-D in place of an answer: the run waits, and can be taken up again."""


def check_can_be_asked(settings: Settings) -> None:
    """Raise ValueError where "ask" is set and nobody can type an answer."""
    if settings.large == "ask" and not _is_terminal():
        raise ValueError(
            "--large-mode ask needs a terminal to answer at (standard input is none); use auto, shadow or never"
        )


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def ask(asked: Mapping[str, Any]) -> dict[str, str]:
    """Show what the graph's interrupt says, and read the answer. Both go over standard error: the output stays clean.

    Args:
        asked: The interrupt's value, as `nodes.approval` makes it.

    Returns:
        What to resume with.

    Raises:
        NotAnswered: Ctrl-C or the end of the input.
    """
    for line in (asked["summary"], asked["reason"], f"Request: {asked['instruction']}"):
        if line:
            typer.echo(clean(line), err=True)
    decision = _read(f"Allow this call? ({', '.join(DECISIONS)})", _decision)
    if decision != "edit":
        return {"decision": decision}
    return {"decision": "edit", "instruction": _read("Extra instruction for the large model", _instruction)}


def _read(prompt: str, understand: Callable[[str], str]) -> str:
    """What is typed, once it can be understood. Not `input`, which writes to standard output."""
    while True:
        typer.echo(f"{prompt}: ", err=True, nl=False)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            line = ""
        except UnicodeDecodeError:
            line = "\n"
        if not line:
            typer.echo(err=True)
            raise NotAnswered
        try:
            return understand(line.strip())
        except ValueError as fault:
            complain(describe(fault))


def _decision(typed: str) -> str:
    """A decision by its name or the beginning of that."""
    found = next((name for name in DECISIONS if typed and name.startswith(typed.lower())), None)
    if found is None:
        raise ValueError(f"type {', '.join(DECISIONS[:-1])} or {DECISIONS[-1]}; the first letter will do")
    return found


def _instruction(typed: str) -> str:
    """An instruction that the graph will take; raises ValueError."""
    from trigreason_graph.nodes.approval import Approval

    return Approval(decision="edit", instruction=typed).instruction
