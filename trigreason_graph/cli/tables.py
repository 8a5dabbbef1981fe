"""Plain tables and texts: no markup in what they show, columns that fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trigreason_graph.reasoning.text import clean

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


def plain_table(*columns: str) -> Table:
    """A table without a frame; its first column is not broken."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, column in enumerate(columns):
        table.add_column(plain_text(column), no_wrap=index == 0, overflow="fold")
    return table


def plain_text(content: str, style: str = "") -> Text:
    """Text that is shown as it is, but for what would steer the terminal."""
    from rich.text import Text

    return Text(clean(content), style=style)
