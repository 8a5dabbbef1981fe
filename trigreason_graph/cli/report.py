"""The end of a run on the screen: the answer, and who wrote what, why, and what it took."""

from __future__ import annotations

from trigreason_graph.cli import words
from trigreason_graph.cli.screen import Screen
from trigreason_graph.cli.writing import GutterWriter
from trigreason_graph.state import BranchReport, Outcome, Report, Shadow

OUTCOMES = {
    "answered": "answered",
    "budget": "the budget is used up",
    "model_error": "a model failed",
    "denied": "a call was denied",
    "unfinished": "not finished",
}

BRANCHES_SHOWN = 6
"""Discarded branches that have a line of their own; `--json` has all."""
WHY_SHOWN = 90
"""Signs of a branch's reason on the screen."""

LABEL_STYLES = {words.author(role): words.STYLES[role] for role in ("small", "large")}


def show_result(screen: Screen, answer: str, report: Report) -> None:
    """Write the answer and the report on lines of their own.

    Args:
        screen: Where to write.
        answer: May be empty: a run that ended without one says why.
        report: Of the graph, or put together from events after an interruption.
    """
    writer = GutterWriter(screen)
    screen.fresh_line()
    screen.newline()
    answered = report["outcome"]["kind"] == "answered"
    label, style = ("Answer", "bold green") if answered else ("so far", "bold yellow")
    writer.say(label, answer.strip() or "no answer", style=style, text_style="bold" if answer.strip() else "dim")
    screen.newline()
    for name, text in report_lines(report):
        writer.say(name, text, style=LABEL_STYLES.get(name, words.QUIET_STYLE))


def report_lines(report: Report) -> list[tuple[str, str]]:
    """The report in words; rows with nothing to say are left out."""
    lines = [("outcome", outcome_line(report["outcome"]))]
    lines += [(words.author(role), author_line(report, role)) for role in authors(report)]
    lines.append(("triggers", words.listed(report["interventions"]) or "the LRM was not called"))
    if report["unserved"]:
        lines.append(("unserved", words.listed(report["unserved"])))
    lines += [("told", row["instruction"]) for row in report.get("instructions", [])]
    if "shadow" in report:
        lines.append(("shadow", shadow_line(report["shadow"])))
    lines.append(("discards", discarded_line(report)))
    lines.append(("total", total_line(report)))
    if report["large_alone"]["tokens_out"]:
        lines.append(("LRM only", alone_line(report)))
    lines += [("note", note) for note in report["notes"]]
    return lines


def outcome_line(outcome: Outcome) -> str:
    """The kind of outcome, and its detail."""
    said = OUTCOMES.get(outcome["kind"], outcome["kind"])
    return f"{said}: {outcome['detail']}" if outcome["detail"] else said


def authors(report: Report) -> list[str]:
    """Both models, and whoever else wrote a step."""
    return ["small", "large", *(role for role in report["steps"] if role not in ("small", "large"))]


def author_line(report: Report, role: str) -> str:
    """What an author wrote of the trace, and what its calls took."""
    steps, tokens = report["steps"], report["tokens"]
    own_steps, own_tokens = steps.get(role, 0), tokens.get(role, 0)
    written = (
        f"{words.count(own_steps, 'step')} ({words.share(own_steps, sum(steps.values()))}), "
        f"{words.count(own_tokens, 'token')} ({words.share(own_tokens, sum(tokens.values()))}) of the trace"
    )
    totals = report["totals"].get(role)
    if totals is None:
        return written
    about = "about " if totals["estimated"] else ""
    took = (
        f"{words.count(totals['calls'], 'call')}, {about}{words.count(totals['tokens_out'], 'token')} out, "
        f"{totals['tokens_in']:,} in, {words.seconds(totals['seconds'])}, {words.money(totals['cost'])}"
    )
    return f"{written}\n{took}"


def discarded_line(report: Report) -> str:
    """Drafts thrown away and rollbacks, then a line for each branch, the latest ones where there are many."""
    if not report["discarded_steps"]:
        return "nothing"
    line = f"{words.count(report['discarded_steps'], 'step')}, {words.count(report['discarded_tokens'], 'token')}"
    if report["rollbacks"]:
        line += f", {words.count(report['rollbacks'], 'rollback')}"
    shown = report["branches"][-BRANCHES_SHOWN:]
    hidden = len(report["branches"]) - len(shown)
    earlier = [f"{words.count(hidden, 'earlier branch', 'earlier branches')} not shown"] if hidden else []
    return "\n".join([line, *earlier, *map(branch_line, shown)])


def branch_line(branch: BranchReport) -> str:
    """Where a branch stood, what it cost, and why it went."""
    by = words.author(branch["by"]) if branch["by"] == "large" else words.spaced(branch["by"])
    first, last = branch["at"] + 1, branch["at"] + branch["steps"]
    place = f"step {first}" if first == last else f"steps {first}-{last}"
    took = f"{words.count(branch['tokens'], 'token')}, {words.money(branch['cost'])}"
    return f"{place} ({took}), {by}: {words.shortened(branch['why'], WHY_SHOWN)}"


def total_line(report: Report) -> str:
    """All calls of both models together."""
    totals = report["totals"].values()
    calls = words.count(sum(row["calls"] for row in totals), "call")
    tokens = words.count(sum(row["tokens_out"] for row in totals), "token")
    return f"{calls}, {tokens} out, {words.seconds(report['seconds'])}, {words.money(report['cost'])}"


def shadow_line(shadow: Shadow) -> str:
    """What was not spent, at most, and where."""
    if not shadow["calls"]:
        return "the LRM would not have been called"
    tokens, calls = words.count(shadow["max_tokens"], "token"), words.count(shadow["calls"], "call")
    where = ", ".join(f"{call['at'] + 1} ({words.spaced(call['trigger'])})" for call in shadow["where"])
    return f"not made: {calls}, at most {tokens}, {words.money(shadow['max_cost'])}; at step {where}"


def alone_line(report: Report) -> str:
    """What the LRM alone would have taken for as long an output."""
    alone = report["large_alone"]
    parts = [words.count(alone["tokens_out"], "token")]
    if alone["seconds"] is not None:
        parts.append(words.seconds(alone["seconds"]))
    parts.append(words.money(alone["cost"]))
    return f"for the same output length {', '.join(parts)} (estimate)"
