"""A terminal for tests: just the controls that the CLI's screen uses, on an endless sheet."""

from __future__ import annotations

import io
import re

from rich.cells import cell_len
from rich.console import Console

_TOKENS = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([^\x1b])", re.DOTALL)


class Terminal(io.StringIO):
    """Collects what is written, and shows what a user would see."""

    def __init__(self, width: int = 80, *, color: bool = False) -> None:
        super().__init__()
        self.console = Console(
            file=self,
            width=width,
            force_terminal=True,
            no_color=None if color else True,
            markup=False,
            emoji=False,
            highlight=False,
            _environ={"TERM": "xterm-256color"},
        )

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """The rows of the sheet, without trailing blanks."""
        rows: list[list[str]] = [[]]
        row = column = 0
        for numbers, control, sign in _TOKENS.findall(self.getvalue()):
            number = int(numbers) if numbers.isdigit() else None
            if sign == "\n":
                row, column = row + 1, 0
                if row == len(rows):
                    rows.append([])
            elif sign == "\r":
                column = 0
            elif sign:
                cells = [sign] + [""] * (cell_len(sign) - 1)
                line = rows[row]
                line += [" "] * (column - len(line))
                line[column : column + len(cells)] = cells
                column += len(cells)
            elif control == "A":
                row -= number or 1
            elif control == "G":
                column = (number or 1) - 1
            elif control == "K":
                del rows[row][0 if number == 2 else column :]
            else:
                assert control == "m", f"a control the screen should not use: {numbers}{control}"
        return ["".join(line).rstrip() for line in rows]

    def text(self) -> str:
        """All of it, as one text."""
        return "\n".join(self.lines()).rstrip()


def plain() -> tuple[io.StringIO, Console]:
    """A console on something that is no terminal."""
    file = io.StringIO()
    return file, Console(file=file, markup=False, emoji=False, highlight=False, _environ={})
