"""Triggers on the screen: as a list, explained, and tried on a trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from trigreason_graph.cli import words
from trigreason_graph.cli.saved_trace import SavedTrace
from trigreason_graph.cli.tables import plain_table, plain_text
from trigreason_graph.cli.trial import Fired, Judged, counts
from trigreason_graph.cli.trigger_facts import MOMENTS, FieldFacts, TriggerFacts
from trigreason_graph.policies import Policy
from trigreason_graph.reasoning.text import clean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

SHOWN = 48
"""Signs of a step in the table."""
ROUTES = {
    "retry": "the SRM drafts the step anew",
    "rewrite": "the LRM writes this step",
    "intervene": "the LRM writes the next steps",
    "rollback": "back to before the wrong step",
}


def facts_table(facts: Sequence[TriggerFacts]) -> Table:
    """All triggers with their fields and defaults."""
    table = plain_table("trigger", "asked", "fields and defaults", "in the policies")
    for each in facts:
        defaults = "\n".join(f"{field.name} = {value_text(field.default)}" for field in each.fields)
        table.add_row(
            plain_text(each.name, "bold"),
            plain_text(MOMENTS[each.when]),
            plain_text(defaults),
            plain_text(", ".join(each.policies)),
        )
    return table


def show_facts(console: Console, facts: TriggerFacts) -> None:
    """One trigger explained."""
    console.print(plain_text(facts.name, "bold"), plain_text(f"is asked {MOMENTS[facts.when]}.", words.QUIET_STYLE))
    for paragraph in facts.text.split("\n\n"):
        console.print()
        console.print(plain_text(paragraph))
    console.print()
    table = plain_table("field", "default", "meaning, and where the value comes from")
    for field in facts.fields:
        table.add_row(plain_text(field.name, "bold"), plain_text(value_text(field.default)), plain_text(meaning(field)))
    console.print(table)
    console.print(plain_text(f"In the policies {', '.join(facts.policies) or 'none'}.", words.QUIET_STYLE))


def meaning(field: FieldFacts) -> str:
    """What a field means, and what the shipped policies set that differ from the default."""
    others = ", ".join(f"{value_text(value)} in {policy}" for policy, value in field.policies.items())
    return f"{field.meaning} Set to {others}." if others else field.meaning


def value_text(value: object) -> str:
    """A field's value as `--set` takes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(value_text(item) for item in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def show_trial(console: Console, policy: Policy, saved: SavedTrace, judged: Sequence[Judged]) -> None:
    """A table of the steps and what fires on each, and the sums."""
    table = plain_table("step", "by", "text", "what would fire")
    for each in judged:
        table.add_row(*_row(each))
    console.print(table)
    steps = sum(1 for each in judged if each.step is not None and not each.passed_over)
    fired = sum(1 for each in judged if each.step is not None and each.fired)
    found = ", ".join(f"{name} {number}" for name, number in counts(policy, judged).items())
    console.print(
        plain_text(f"policy {policy.name}: a trigger fires on {fired} of {words.count(steps, 'judged step')}")
    )
    console.print(plain_text(f"by trigger: {found or 'the policy has none'}"))
    for note in notes(policy, saved):
        console.print(plain_text(f"note: {note}", words.QUIET_STYLE))


def notes(policy: Policy, saved: SavedTrace) -> Iterator[str]:
    """What the trace lacks, and what of the policy was not tried."""
    if not saved.question:
        yield "the trace has no question; triggers that look at it see none"
    if not any(step["nats"] for step in saved.steps):
        yield "the trace has no log-probabilities, so that triggers go by the text alone"
    for judge in policy.judges:
        yield f"{judge.name} calls a model and was not asked"


def trial_object(policy: Policy, saved: SavedTrace, judged: Sequence[Judged]) -> dict[str, Any]:
    """What ``triggers test --json`` prints."""
    return {
        "policy": policy.name,
        "question": saved.question,
        "steps": [
            {
                "step": each.number,
                "author": each.step["author"] if each.step else None,
                "text": each.step["text"] if each.step else None,
                "discarded": each.discarded,
                "judged": not each.passed_over,
                "why_not": each.passed_over,
                "signals": [
                    {**fired.signal, "first": fired.first, "after_characters": fired.after} for fired in each.fired
                ],
            }
            for each in judged
        ],
        "fired": counts(policy, judged),
        "notes": list(notes(policy, saved)),
    }


def _row(each: Judged) -> tuple[Text, Text, Text, Text]:
    if each.step is None:
        return plain_text("start"), plain_text(""), plain_text(""), _verdict(each)
    author = each.step["author"]
    number = f"{each.number} ✗" if each.discarded else str(each.number)
    text = plain_text(words.shortened(clean(each.step["text"]), SHOWN), words.GONE_STYLE if each.discarded else "")
    return plain_text(number), plain_text(words.author(author), words.STYLES.get(author, "")), text, _verdict(each)


def _verdict(each: Judged) -> Text:
    if each.passed_over:
        return plain_text(f"not judged: {each.passed_over}", words.QUIET_STYLE)
    if not each.fired:
        return plain_text("-", words.QUIET_STYLE)
    found = plain_text("")
    for index, fired in enumerate(each.fired):
        found.append("\n" if index else "")
        found.append(f"{'▲' if fired.first else '△'} {fired.signal['trigger']}", words.SIGNAL_STYLE)
        found.append(f" → {_destination(fired)}\n")
        found.append(clean(fired.signal["reason"]))
        evidence = ", ".join(f"{key} {value}" for key, value in fired.signal["evidence"].items())
        found.append(f"\n{clean(evidence)}" if evidence else "", words.QUIET_STYLE)
    return found


def _destination(fired: Fired) -> str:
    signal = fired.signal
    said = f"{signal['route']}, {ROUTES[signal['route']]}" if signal.get("steps", 1) != 0 else "the LRM makes a plan"
    if signal["route"] == "rollback":
        said += f" {signal.get('wrong')}"
    if signal["route"] in ("rewrite", "intervene") and signal.get("steps", 1) is None:
        said += ", to the end"
    return f"{said} (after {fired.after} characters)" if fired.after else said
