"""Options that more than one verb takes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from trigreason_graph.settings import Budget, Settings

LIMITS = "Limits (without them, finite defaults)"
OUTPUT = "Output"


class LargeChoice(StrEnum):
    """Use of the large model (Settings.large)."""

    auto = "auto"
    ask = "ask"
    shadow = "shadow"
    never = "never"


Small = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC", help='The model that reasons, as "provider:model"; else $TRIGREASON_SMALL, else embedded:small.'
    ),
]
Large = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="The model that is called when a trigger fires; else $TRIGREASON_LARGE, else embedded:large.",
    ),
]
Fallback = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="The model that stands in when the large one is down; else $TRIGREASON_FALLBACK, else none.",
    ),
]
PolicyName = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE", help="A shipped policy, or a TOML file; else $TRIGREASON_POLICY."),
]
LargeMode = Annotated[
    LargeChoice | None,
    typer.Option(
        help="auto (the default): call the large model; ask: ask me before each call; shadow: log what would; "
        "never: do not."
    ),
]
Temperature = Annotated[
    float | None, typer.Option(min=0, max=2, metavar="T", help="Sampling temperature of both models.")
]
LargeCalls = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="Calls of the large model.", rich_help_panel=LIMITS)
]
LargeTokens = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="Tokens the large model writes.", rich_help_panel=LIMITS)
]
TotalTokens = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Tokens both models write.", rich_help_panel=LIMITS)
]
Seconds = Annotated[
    float | None, typer.Option(metavar="S", help="Seconds of all calls together.", rich_help_panel=LIMITS)
]
Dollars = Annotated[float | None, typer.Option(min=0, metavar="D", help="Dollars.", rich_help_panel=LIMITS)]
AsJson = Annotated[bool, typer.Option("--json", help="The whole result as one JSON object.", rich_help_panel=OUTPUT)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="The answer only.", rich_help_panel=OUTPUT)]
NoColor = Annotated[
    bool, typer.Option("--no-color", help="No colours (NO_COLOR does the same).", rich_help_panel=OUTPUT)
]
ShowAsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
"""With `ShowNoColor`, of verbs that only show something: they have few options, which stand under no headings."""
ShowNoColor = Annotated[bool, typer.Option("--no-color", help="No colours (NO_COLOR does the same).")]


def check_output(as_json: bool, quiet: bool) -> None:
    """Refuse outputs that exclude each other."""
    if as_json and quiet:
        raise ValueError("--json and --quiet exclude each other: the answer is in the JSON object")


def chosen_budget(limits: dict[str, Any], base: Budget | None = None) -> Budget | None:
    """The given limits on top of `base`, or else of the defaults; `base` when none is given."""
    given = {name: value for name, value in limits.items() if value is not None}
    if not given:
        return base
    return Budget(**{**(base.model_dump(exclude_unset=True) if base else {}), **given})


def chosen_settings(large_mode: LargeChoice | None, temperature: float | None) -> Settings:
    """Settings with only what was asked for, so that the policy decides the rest."""
    given: dict[str, Any] = {}
    if large_mode is not None:
        given["large"] = large_mode.value
    if temperature is not None:
        given["temperature"] = temperature
    return Settings(**given)
