"""`trigreason triggers`: what triggers there are, what their fields mean, and what would fire on a saved trace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trigreason_graph.cli import options
from trigreason_graph.cli.verbs import DebugOption, Verbs, print_json

if TYPE_CHECKING:
    from trigreason_graph.policies import Policy

app = typer.Typer(
    name="triggers",
    cls=Verbs,
    help="The triggers that decide when the large model is called.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def list_triggers(
    as_json: options.ShowAsJson = False, no_color: options.ShowNoColor = False, debug: DebugOption = False
) -> None:
    """Show the triggers, when they are asked, their fields and defaults."""
    from trigreason_graph.cli.screen import make_console
    from trigreason_graph.cli.trigger_facts import all_facts
    from trigreason_graph.cli.trigger_view import facts_table

    facts = all_facts()
    if as_json:
        print_json({"triggers": [each.as_dict() for each in facts]})
    else:
        make_console(color=not no_color).print(facts_table(facts))


@app.command("explain")
def explain_trigger(
    name: Annotated[str, typer.Argument(metavar="NAME", help='A trigger, as "trigreason triggers list" shows it.')],
    as_json: options.ShowAsJson = False,
    no_color: options.ShowNoColor = False,
    debug: DebugOption = False,
) -> None:
    """Say what a trigger does, what its fields mean, and where their values come from."""
    from trigreason_graph.cli.screen import make_console
    from trigreason_graph.cli.trigger_facts import facts_of
    from trigreason_graph.cli.trigger_view import show_facts

    facts = facts_of(name)
    if as_json:
        print_json(facts.as_dict())
    else:
        show_facts(make_console(color=not no_color), facts)


@app.command("test")
def try_triggers(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE | -",
            help='What "trigreason solve --json" wrote, a JSON list of steps, or plain text; "-": standard input.',
        ),
    ],
    policy: options.PolicyName = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TRIGGER.FIELD=VALUE", help='A trigger\'s field: "cognitive_offload.rho=0.9".'),
    ] = None,
    as_json: options.ShowAsJson = False,
    no_color: options.ShowNoColor = False,
    debug: DebugOption = False,
) -> None:
    """Show on a saved trace which triggers would fire where, and why. No model is called."""
    from trigreason_graph.cli.saved_trace import load_trace
    from trigreason_graph.cli.screen import make_console
    from trigreason_graph.cli.trial import try_policy
    from trigreason_graph.cli.trigger_view import show_trial, trial_object

    chosen = chosen_policy(policy, changes or [])
    saved = load_trace(file, chosen.segment)
    judged = try_policy(chosen, saved)
    if as_json:
        print_json(trial_object(chosen, saved, judged))
    else:
        show_trial(make_console(color=not no_color), chosen, saved, judged)


def chosen_policy(policy: str | None, changes: list[str]) -> Policy:
    """The policy asked for, with the changed fields of its triggers.

    Raises:
        ValueError: It is not known, or a change makes no sense; the text says what is known instead.
    """
    from trigreason_graph.cli.defaults import Defaults
    from trigreason_graph.policies import resolve_policy

    overrides: dict[str, dict[str, Any]] = {}
    for change in changes:
        trigger, name, value = read_change(change)
        overrides.setdefault(trigger, {})[name] = value
    return resolve_policy(Defaults().policy if policy is None else policy).with_fields(overrides)


def read_change(change: str) -> tuple[str, str, Any]:
    """Trigger, field and value of "cognitive_offload.rho=0.9"; values are JSON, or text; "none" is None.

    Raises:
        ValueError: It has another form.
    """
    place, equals, written = change.partition("=")
    trigger, dot, name = place.strip().partition(".")
    if not (equals and dot and trigger and name):
        raise ValueError(f'--set {change}: write it as TRIGGER.FIELD=VALUE, for example "cognitive_offload.rho=0.9"')
    written = written.strip()
    if written.lower() in ("none", "null"):
        return trigger, name, None
    try:
        return trigger, name, json.loads(written.lower() if written.lower() in ("true", "false") else written)
    except (json.JSONDecodeError, RecursionError):
        return trigger, name, written
