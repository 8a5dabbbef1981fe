"""What the doctor says about the models that would be used: their cards, and what they do without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from trigreason_graph.cli.embedded import close_servers
from trigreason_graph.cli.findings import Finding
from trigreason_graph.cli.writing import GutterWriter
from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models.faults import redact
from trigreason_graph.state import Role

if TYPE_CHECKING:
    from trigreason_graph.cli.screen import Screen
    from trigreason_graph.models.probe import Capability, ProbeReport

STYLES = {"static": "dim", "server": "cyan", "probed": "green", "unknown": "yellow"}

LABELS = {
    "streams": "streams",
    "logprobs": "log-probabilities",
    "top_logprobs": "alternatives per token",
    "logprob_space": "log-probabilities are",
    "style": "asked in style",
    "continues": "told to continue by",
    "trims_newlines": "trims newlines of a prefill",
    "form": "reasoning lives in",
    "hidden_tokens": "hidden tokens per call",
    "efforts": "takes a reasoning effort",
    "usage": "counts tokens",
    "cached": "tells cached tokens",
    "window": "window",
    "digest": "digest",
}

PROBE = "trigreason doctor --probe"


@dataclass(frozen=True)
class Examined:
    """One model: what was found, or why nothing was.

    Attributes:
        role: Of the model.
        model: As it was asked for.
        report: What was found; None where the model cannot be used.
        problem: Why it cannot be used; empty where it can.
        probed: Whether it was asked to be probed, by server or calls.
    """

    role: Role
    model: str
    report: ProbeReport | None
    problem: str = ""
    probed: bool = False

    @property
    def finding(self) -> Finding:
        """The same as a line among the doctor's others."""
        if self.report is None:
            return Finding(self.role, "problem", f"{self.model}: {self.problem}")
        if self.probed:
            return Finding(self.role, "ok", f"{self.model}: {_summary(self.report)}")
        known = "; ".join(self.report.notes) or "known by its name only"
        return Finding(self.role, "ok", f"{self.model}: {known}", f"{PROBE} --{self.role} {self.model}")

    def as_json(self) -> dict[str, Any]:
        """For programs; JSON primitives."""
        head = {"role": self.role, "model": self.model, "problem": self.problem, "probed": self.probed}
        if self.report is None:
            return head
        stored = None if self.report.stored is None else str(self.report.stored)
        return {**head, **asdict(self.report), "stored": stored}


def examine_models(small: str, large: str, *, probe: bool, paid: bool) -> Iterator[Examined]:
    """Both models in turn; those that run inside this process are stopped afterwards.

    Args:
        small: Model string of the small model.
        large: Of the large one.
        probe: Ask servers, and local models themselves; otherwise nobody is asked.
        paid: Call models that are not local, too.
    """
    roles: tuple[tuple[Role, str], ...] = (("small", small), ("large", large))
    try:
        for role, spec in roles:
            yield _examine(role, spec, probe=probe, paid=paid)
    finally:
        close_servers()


def _examine(role: Role, spec: str, *, probe: bool, paid: bool) -> Examined:
    from trigreason_graph.models.probe import card_report, probe_model

    try:
        report = probe_model(spec, role=role, paid=paid) if probe else card_report(spec, role=role)
    except (ModelNotReady, ValueError) as fault:
        return Examined(role, redact(spec), None, str(fault), probe)
    return Examined(role, redact(spec), report, "", probe)


def show_models(screen: Screen, models: Sequence[Examined]) -> None:
    """A table for each model, one finding a line beside how it is known; then what it does without."""
    writer = GutterWriter(screen)
    for one in models:
        if one.report is None:
            continue
        screen.newline()
        writer.say(one.role, one.model, style="bold", text_style="bold")
        for found in _worth_showing(one.report):
            writer.begin(found.how, style=STYLES[found.how])
            writer.write(f"{LABELS[found.name]}: ", "")
            writer.write(told(found))
            writer.end()
        for text in one.report.degradations:
            writer.say("without", text, style="yellow")
        for text in one.report.notes:
            writer.say("note", text, style="yellow")


def _worth_showing(report: ProbeReport) -> list[Capability]:
    """The findings but for those that mean nothing for this card."""
    card = report.card
    idle = {"hidden_tokens", "efforts"} if not card.hidden_tokens and not card.efforts else set()
    idle |= set() if card.logprobs else {"top_logprobs", "logprob_space"}
    idle |= set() if card.style == "prefill" else {"continues", "trims_newlines"}
    return [found for found in report.findings if found.name not in idle]


def told(found: Capability) -> str:
    """A capability's value for people."""
    value = found.value
    if value is None or value == "":
        return "?"
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, int):
        text = f"{value:,}{' tokens' if found.name == 'window' else ''}"
    else:
        text = value[:19].replace("think_tags", "think tags")  # of a digest, enough to compare
    return f"{text} (assumed)" if found.how == "unknown" else text


def _summary(report: ProbeReport) -> str:
    if not report.calls:
        return "not called"
    calls = "1 call" if report.calls == 1 else f"{report.calls} calls"
    dollars = "unknown cost" if report.cost is None else f"${report.cost:.4f}" if report.cost else "free of charge"
    return f"probed with {calls}, {report.tokens:,} tokens, {dollars}"
