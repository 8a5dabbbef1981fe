"""`trigreason policy`: what policies there are, what is in them, whether they fit, and how two differ."""

from __future__ import annotations

from typing import Annotated

import typer

from trigreason_graph.cli import options
from trigreason_graph.cli.verbs import DebugOption, ExitCode, Verbs, print_json

app = typer.Typer(
    name="policy",
    cls=Verbs,
    help="Policies: when the large model is called, and for what.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Named = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A shipped policy, or a TOML file.")]


@app.command("list")
def list_policies(
    as_json: options.ShowAsJson = False, no_color: options.ShowNoColor = False, debug: DebugOption = False
) -> None:
    """Show the policies that ship."""
    from trigreason_graph.cli.policy_view import policies_table
    from trigreason_graph.cli.screen import make_console
    from trigreason_graph.policies import resolve_policy
    from trigreason_graph.policies.resolve import names

    listed = [resolve_policy(name) for name in names()]
    if as_json:
        entries = [
            {
                "name": policy.name,
                "description": policy.description,
                "triggers": [trigger.name for trigger in policy.triggers],
                "initiation": policy.initiation.form if policy.initiation else None,
                "made_for": str(policy.made_for.small) if policy.made_for and policy.made_for.small else None,
            }
            for policy in listed
        ]
        print_json({"policies": entries})
    else:
        make_console(color=not no_color).print(policies_table(listed))


@app.command("show")
def show(
    policy: Named,
    toml: Annotated[bool, typer.Option("--toml", help="As a policy file: a beginning for one of your own.")] = False,
    as_json: options.ShowAsJson = False,
    no_color: options.ShowNoColor = False,
    debug: DebugOption = False,
) -> None:
    """Show a policy field by field, what it was made for, and what it was found from."""
    from trigreason_graph.cli.policy_view import show_policy
    from trigreason_graph.cli.screen import make_console
    from trigreason_graph.policies import dump_policy, resolve_policy
    from trigreason_graph.policies.differences import fields_of

    if toml and as_json:
        raise ValueError("--toml and --json exclude each other")
    found = resolve_policy(policy)
    if toml:
        typer.echo(dump_policy(found), nl=False)
    elif as_json:
        print_json(fields_of(found, all=True))
    else:
        show_policy(make_console(color=not no_color), found)


@app.command("check")
def check(
    policy: Named,
    small: options.Small = None,
    large: options.Large = None,
    as_json: options.ShowAsJson = False,
    debug: DebugOption = False,
) -> None:
    """Say whether a policy can be used, and whether it was made for these models. No model is called.

    Exit codes: 0 it can, and fits; 1 it was made for something else; 2 it cannot be used.
    """
    from trigreason_graph.cli.defaults import Defaults
    from trigreason_graph.models.resolve import resolve_model
    from trigreason_graph.policies import resolve_policy
    from trigreason_graph.policies.matching import mismatches
    from trigreason_graph.reasoning.prompts import PROMPTS_VERSION

    found = resolve_policy(policy)
    defaults = Defaults()
    models = resolve_model(small or defaults.small, "small"), resolve_model(large or defaults.large, "large")
    differing = mismatches(found, models[0].card, models[1].card, PROMPTS_VERSION)
    if as_json:
        print_json({"policy": found.name, "usable": True, "made_for": found.made_for is not None, "differs": differing})
    else:
        typer.echo(f"{found.name}: a valid policy")
        if found.made_for is None:
            typer.echo("it is not tied to particular models")
        elif not differing:
            typer.echo(f"it was made for {models[0].card.full_name} and {models[1].card.full_name} as they are here")
        for one in differing:
            typer.echo(f"differs: {one}")
    raise typer.Exit(ExitCode.INCOMPLETE if differing else ExitCode.DONE)


@app.command("diff")
def diff(
    first: Named,
    second: Named,
    everything: Annotated[
        bool, typer.Option("--all", help="Also name, description, source, models and evidence.")
    ] = False,
    as_json: options.ShowAsJson = False,
    no_color: options.ShowNoColor = False,
    debug: DebugOption = False,
) -> None:
    """Show the fields in which two policies differ.

    Exit codes: 0 whether or not they differ.
    """
    from trigreason_graph.cli.policy_view import differences_table
    from trigreason_graph.cli.screen import make_console
    from trigreason_graph.policies import resolve_policy
    from trigreason_graph.policies.differences import differences

    one, other = resolve_policy(first), resolve_policy(second)
    found = differences(one, other, all=everything)
    if as_json:
        print_json({"differences": [{"field": each.field, first: each.first, second: each.second} for each in found]})
    elif not found:
        typer.echo(f"{first} and {second} act the same")
    else:
        make_console(color=not no_color).print(differences_table(first, second, found))
