"""The text of one reply: clean, in the form's phases, and without what the model repeats of its prompt."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.exchange import Exchange
from trigreason_graph.models.forms import FormReader
from trigreason_graph.models.pieces import Phase, Piece, Token
from trigreason_graph.reasoning.text import Cleaner


class ReplyText:
    """From what a client sends to pieces of clean trace and answer, each with its tokens."""

    def __init__(self, card: ModelCard, messages: Sequence[BaseMessage], exchange: Exchange) -> None:
        prefill = messages[-1].text if messages and isinstance(messages[-1], AIMessage) else ""
        self._reader = FormReader(card.form, exchange.style, prefill)
        self._content, self._field = Cleaner(), Cleaner()
        self._untold: tuple[Token, ...] = ()
        self._repeats = len(prefill) - len(prefill.rstrip("\n")) if card.trims_newlines else 0

    def pieces(self, content: str, field: str, tokens: tuple[Token, ...]) -> list[Piece]:
        """What one chunk adds. Tokens go with the first text they are part of; those of private text with none."""
        content = self._without_repeat(self._content.feed(content))
        field = self._field.feed(field) if field else ""
        self._untold += tokens
        read = self._reader.feed(content, field)
        if not read and (content or field) and not self._reader.holding:
            self._untold = ()
        return self._with_tokens(read)

    def rest(self, *, ended: bool) -> list[Piece]:
        """What is left at the end of the stream."""
        read = self._reader.feed(self._without_repeat(self._content.flush()), self._field.flush())
        return self._with_tokens([*read, *self._reader.flush(ended=ended)])

    def _with_tokens(self, read: list[tuple[Phase, str]]) -> list[Piece]:
        pieces: list[Piece] = []
        for phase, text in read:
            pieces.append(Piece(text, self._untold, phase))
            self._untold = ()
        return pieces

    def _without_repeat(self, text: str) -> str:
        """A model whose prefill lost its last newlines on the way begins by writing them again."""
        while self._repeats and text.startswith("\n"):
            text, self._repeats = text[1:], self._repeats - 1
        if text:
            self._repeats = 0
        return text
