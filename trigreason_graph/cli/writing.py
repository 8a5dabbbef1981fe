"""Text that arrives in pieces, set beside a gutter: ``   SRM 3 │ so x = 4``."""

from __future__ import annotations

import re

from trigreason_graph.cli.screen import Screen

LABEL = 8
"""Columns of the label left of the bar."""

_PIECES = re.compile(r"\n|[^\S\n]+|\S+")


class GutterWriter:
    """Sets blocks of text beside a gutter as they are written, wrapping at words where the screen has a width.

    A word is shown as soon as its first letters arrive; when it turns out too long for the line, it is taken back and
    written on the next one (the only thing ever taken back).
    """

    def __init__(self, screen: Screen, bar: str = "│") -> None:
        self.screen = screen
        self._bar = bar
        self._style = ""
        self._text_style = ""
        self._open = False
        self._lines = 0  # line ends seen and not written yet: those at the end of a block never are
        self._space = ""
        self._word = ""

    @property
    def is_open(self) -> bool:
        """Whether a block is being written."""
        return self._open

    def begin(self, label: str, *, style: str = "", text_style: str = "", bar: bool = True) -> None:
        """Start a block with its label; ends the one before."""
        self.end()
        self.screen.fresh_line()
        self._style, self._text_style, self._open = style, text_style, True
        self._gutter = f" {self._bar} " if bar else "   "
        self._indent(label)

    def write(self, text: str, style: str | None = None) -> None:
        """Continue the block; `style` instead of the block's own."""
        style = self._text_style if style is None else style
        for piece in _PIECES.findall(text):
            if not piece.isspace():
                self._put(piece, style)
                continue
            self._word = ""
            if self._at_start:
                continue
            if piece == "\n":
                self._lines += 1
                self._space = ""
            else:
                self._space += piece.expandtabs(4)

    def end(self) -> None:
        """End the block, if one is open."""
        if self._open:
            self.screen.newline()
        self._open = False
        self._lines, self._space, self._word = 0, "", ""

    def say(self, label: str, text: str, *, style: str = "", text_style: str = "") -> None:
        """A whole block beside its label, without a bar."""
        self.begin(label, style=style, text_style=text_style, bar=False)
        self.write(text)
        self.end()

    @property
    def _body(self) -> int:
        return LABEL + len(self._gutter)

    @property
    def _at_start(self) -> bool:
        return self.screen.column <= self._body and not self._lines and not self._word

    def _indent(self, label: str = "") -> None:
        self.screen.write(label.rjust(LABEL), self._style)
        self.screen.write(self._gutter, "dim")

    def _break(self) -> None:
        self.screen.newline()
        self._indent()

    def _put(self, piece: str, style: str) -> None:
        for _ in range(min(self._lines, 2)):  # at most one blank line inside a block
            self._break()
        self._lines = 0
        width = self.screen.width
        if width is None or self._fits(self._space + piece, width):
            self.screen.write(self._space)
            self.screen.write(piece, style)
            self._word += piece
        else:
            self._wrap(piece, style, width)
        self._space = ""

    def _fits(self, text: str, width: int) -> bool:
        from rich.cells import cell_len

        return self.screen.column + cell_len(text) <= width

    def _wrap(self, piece: str, style: str, width: int) -> None:
        from rich.cells import cell_len

        begun = cell_len(self._word)
        if begun and self.screen.live and self._body + begun < self.screen.column:
            self.screen.erase(begun)
            piece, self._word = self._word + piece, ""
        if not self._word and self.screen.column > self._body:
            self._break()
        self._word += piece
        for sign in piece:  # only a word longer than a line is broken inside
            if not self._fits(sign, width):
                self._break()
            self.screen.write(sign, style)
