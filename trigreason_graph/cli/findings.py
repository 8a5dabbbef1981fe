"""What the doctor may find, and how that is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from trigreason_graph.cli.screen import Screen
from trigreason_graph.cli.writing import GutterWriter

Status = Literal["ok", "note", "problem"]

STYLES: dict[Status, str] = {"ok": "green", "note": "yellow", "problem": "bold red"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: What, in a word or two.
        status: "problem": the main job cannot run like this. "note": something optional is not there.
        text: What was found, in a line.
        mend: What to type to change it; empty where there is nothing to change.
        details: The same for programs; JSON primitives.
    """

    topic: str
    status: Status
    text: str
    mend: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def show_findings(screen: Screen, findings: Sequence[Finding]) -> None:
    """Write the findings, one below the other."""
    writer = GutterWriter(screen)
    for finding in findings:
        writer.begin(finding.status, style=STYLES[finding.status], bar=False)
        writer.write(f"{finding.topic}: ", "bold")
        writer.write(finding.text)
        if finding.mend:
            writer.write(f"\n$ {finding.mend}", "cyan")
        writer.end()


def show_verdict(screen: Screen, findings: Sequence[Finding]) -> None:
    """Write what the findings come to."""
    screen.newline()
    GutterWriter(screen).say("", verdict(findings), text_style=STYLES["ok" if can_run(findings) else "problem"])


def can_run(findings: Sequence[Finding]) -> bool:
    """Whether `trigreason solve` can do its job with the models that were looked at."""
    return all(finding.status != "problem" for finding in findings)


def verdict(findings: Sequence[Finding]) -> str:
    """The findings in one sentence."""
    problems = sum(1 for finding in findings if finding.status == "problem")
    if not problems:
        return "Everything that trigreason solve needs is there."
    what = "1 problem keeps" if problems == 1 else f"{problems} problems keep"
    return f"{what} trigreason solve from running with these models."
