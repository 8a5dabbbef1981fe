"""Append-only output with a status line below the text that is being written.

Nothing is ever redrawn but the status line, so that what has been written reads well in the scrollback. Where the
output is not a terminal there is no status line and not one control code.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from trigreason_graph.reasoning.text import clean

if TYPE_CHECKING:
    from rich.console import Console

NARROWEST = 20
"""Columns below which text is no longer fitted to the terminal."""


UNKNOWN_WIDTH = 80
"""Columns of a terminal that tells none."""


def make_console(*, color: bool = True, file: IO[str] | None = None) -> Console:
    """A console without markup, emoji or highlighting; rich itself honours NO_COLOR, FORCE_COLOR and TERM.

    Args:
        color: False for no colours whatever the environment says.
        file: Where to write; by default standard output.
    """
    from rich.console import Console

    class PipeConsole(Console):
        """Leaves a closed pipe to the caller, where rich would end the process."""

        def on_broken_pipe(self) -> None:
            raise

    console = PipeConsole(file=file, no_color=None if color else True, markup=False, emoji=False, highlight=False)
    if console.width < 1:  # COLUMNS=0: rich would show nothing
        console.width = UNKNOWN_WIDTH
    return console


class Screen:
    """Where a run is shown.

    Attributes:
        console: Where to write.
        live: There is a status line, and what was written can be taken back: the output is a terminal with a cursor.
        column: Where the next text goes, in columns.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        # FORCE_COLOR makes rich take a pipe for a terminal: right for colours, wrong for moving a cursor.
        self._terminal = console.is_terminal and console.file.isatty()
        self.live = self._terminal and not console.is_dumb_terminal
        self.column = 0
        self._status = ""
        self._drawn = False

    @property
    def width(self) -> int | None:
        """Columns that text may fill, or None where lines have no limit (a file, a pipe)."""
        if not self._terminal:
            return None
        # The last column stays free: a cursor behind it would be in a state of its own ("pending wrap").
        return max(self.console.width - 1, NARROWEST)

    def write(self, text: str, style: str = "") -> None:
        """Write text without line ends at the cursor."""
        from rich.cells import cell_len

        text = clean(text)
        self.console.out(text, style=style or None, end="", highlight=False)
        self.column += cell_len(text)

    def newline(self) -> None:
        """End the line."""
        with self.console:
            self.console.line()
            self.column = 0
            if self._drawn:
                self._erase_line()
                self._drawn = False
                self._draw()

    def fresh_line(self) -> None:
        """End the line if anything is on it."""
        if self.column:
            self.newline()

    def erase(self, cells: int) -> None:
        """Take back the last `cells` columns of the line (live screens only)."""
        from rich.control import Control
        from rich.segment import ControlType

        self.column -= cells
        self.console.control(Control((ControlType.CURSOR_MOVE_TO_COLUMN, self.column), (ControlType.ERASE_IN_LINE, 0)))

    def status(self, text: str) -> None:
        """Replace the status line; the empty text removes it. Does nothing when the screen is not live."""
        if not self.live or text == self._status:
            return
        with self.console:
            self._status = text
            if text:
                self._draw()
            else:
                self._clear()

    def _draw(self) -> None:
        """Put the status below the cursor and come back; moves are relative, so that scrolling does no harm."""
        if not self._status:
            return
        from rich.cells import set_cell_size
        from rich.control import Control
        from rich.segment import ControlType

        self.console.line()
        self.console.out(
            set_cell_size(self._status, self.console.width - 1).rstrip(), style="dim", end="", highlight=False
        )
        self.console.control(
            Control(
                (ControlType.ERASE_IN_LINE, 0),
                (ControlType.CURSOR_UP, 1),
                (ControlType.CURSOR_MOVE_TO_COLUMN, self.column),
            )
        )
        self._drawn = True

    def _clear(self) -> None:
        if not self._drawn:
            return
        from rich.control import Control
        from rich.segment import ControlType

        self.console.line()
        self._erase_line()
        self.console.control(Control((ControlType.CURSOR_UP, 1), (ControlType.CURSOR_MOVE_TO_COLUMN, self.column)))
        self._drawn = False

    def _erase_line(self) -> None:
        from rich.control import Control
        from rich.segment import ControlType

        self.console.control(Control((ControlType.CURSOR_MOVE_TO_COLUMN, 0), (ControlType.ERASE_IN_LINE, 2)))
