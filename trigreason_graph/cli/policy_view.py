"""Policies on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trigreason_graph.cli.tables import plain_table, plain_text
from trigreason_graph.cli.trigger_view import value_text
from trigreason_graph.policies import Policy
from trigreason_graph.policies.differences import Difference, fields_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


FIELD_WIDTH = 36
"""Columns of a field's name at most."""


def policies_table(policies: Sequence[Policy]) -> Table:
    """One row a policy."""
    table = plain_table("policy", "begins with", "triggers", "what it does")
    for policy in policies:
        begins = policy.initiation.form if policy.initiation else "-"
        triggers = "\n".join(trigger.name for trigger in policy.triggers) or "-"
        made = f"\nFor {policy.made_for.small}." if policy.made_for and policy.made_for.small else ""
        table.add_row(
            plain_text(policy.name, "bold"),
            plain_text(begins),
            plain_text(triggers),
            plain_text(policy.description + made),
        )
    return table


def show_policy(console: Console, policy: Policy) -> None:
    """All fields of a policy."""
    console.print(plain_text(policy.name, "bold"), plain_text(policy.description))
    table = plain_table("field", "value")
    table.columns[0].no_wrap, table.columns[0].max_width = False, FIELD_WIDTH  # figures have long names
    for field, value in fields_of(policy, all=True).items():
        if field not in ("name", "description"):
            table.add_row(plain_text(field), plain_text(value if isinstance(value, str) else value_text(value)))
    console.print(table)


def differences_table(first: str, second: str, found: Sequence[Difference]) -> Table:
    """One row a field."""
    table = plain_table("field", first, second)
    for each in found:
        values = (value if isinstance(value, str) else value_text(value) for value in (each.first, each.second))
        table.add_row(plain_text(each.field), *map(plain_text, values))
    return table
