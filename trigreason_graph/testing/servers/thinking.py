"""Thinking: how a server tells it from the answer, and how a plain model can be made to look like a thinking one."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Literal

from trigreason_graph.testing.servers.asked import CLOSE, OPEN, Asked, Backend, Chunk, End, Logprob

Place = Literal["before", "inside", "thinking", "answer"]
TAG = re.compile(rf"{OPEN}\n?|\n?{CLOSE}\n*")


class ThinkingReader:
    """Splits a reply into thinking and answer, whatever chunks it comes in.

    Args:
        place: Where the reply begins. "before": it thinks only if an opening tag comes first, as Ollama decides.
            "inside": it thinks, with or without an opening tag. "thinking": it goes on thinking. "answer": nothing is
            split.
        strips: Whether the white space after each tag is dropped.
    """

    def __init__(self, place: Place, *, strips: bool = True) -> None:
        self._place: Literal[Place, "opened", "closed"] = place
        self._strips = strips
        self._held = ""

    @property
    def thinks(self) -> bool:
        """Whether the answer has still to come, after thinking that has begun."""
        return self._place in ("inside", "opened", "thinking", "closed")

    def feed(self, text: str) -> tuple[str, str]:
        """Thinking and answer that this text completes; what may be the beginning of a tag is held back."""
        self._held += text
        thinking, answer, before = "", "", None
        while self._place != before:
            before = self._place
            more_thinking, more_answer = self._read()
            thinking, answer = thinking + more_thinking, answer + more_answer
        return thinking, answer

    def flush(self) -> tuple[str, str]:
        """What was held back, once the reply is over."""
        held, self._held = self._held, ""
        return ("", held) if self._place in ("before", "answer") else (held, "")

    def _read(self) -> tuple[str, str]:
        if self._place in ("before", "inside"):
            self._look_for_opening()
        elif self._place in ("opened", "closed"):
            self._held = self._held.lstrip() if self._strips else self._held
            if self._held:
                self._place = "thinking" if self._place == "opened" else "answer"
        elif self._place == "thinking":
            return self._thinking(), ""
        else:
            held, self._held = self._held, ""
            return "", held
        return "", ""

    def _look_for_opening(self) -> None:
        begun = self._held.lstrip()
        if begun.startswith(OPEN):
            self._place, self._held = "opened", begun.removeprefix(OPEN)
        elif not OPEN.startswith(begun):
            self._place = "answer" if self._place == "before" else "opened"

    def _thinking(self) -> str:
        thinking, closed, rest = self._held.partition(CLOSE)
        if closed:
            self._place, self._held = "closed", rest
            return thinking
        told = len(thinking) - _overlap(thinking, CLOSE)
        self._held = thinking[told:]
        return thinking[:told]


def _overlap(text: str, mark: str) -> int:
    """Length of the longest end of `text` with which `mark` begins; the whole mark does not count."""
    return next((size for size in range(len(mark) - 1, 0, -1) if text.endswith(mark[:size])), 0)


class Thinks:
    """A plain model made to look like a thinking one: real tokens, with the two tags put in.

    Args:
        backend: The model, which sees neither tags nor `think`.
        until: Where the answer begins: everything before this text is thinking. Without it the whole reply is.
    """

    def __init__(self, backend: Backend, until: str) -> None:
        self._backend = backend
        self._until = until

    async def count(self, asked: Asked) -> int:
        """Tokens of the prompt."""
        return await self._backend.count(_plain(asked))

    async def write(self, asked: Asked) -> AsyncGenerator[Chunk | End, None]:
        """The model's reply with its tags; each tag counts as a token that was certain."""
        searching = asked.think and not asked.past_thinking
        tags = 0
        if searching and asked.prefill is None and not asked.opens:
            tags += 1
            yield _tag(f"{OPEN}\n")
        held: list[Chunk] = []
        async with aclosing(self._backend.write(_plain(asked))) as reply:
            async for item in reply:
                if isinstance(item, End):
                    for chunk in held:
                        yield chunk
                    yield replace(item, tokens_out=item.tokens_out + tags)
                    return
                held.append(item)
                text = "".join(chunk.text for chunk in held)
                at = text.find(self._until) if searching else -1
                if at >= 0:
                    thinking, held = _split(held, at)
                    searching, tags = False, tags + 1
                    held = [*thinking, _tag(f"\n{CLOSE}\n\n"), *held]
                    told = held
                elif searching:
                    told, _ = _split(held, len(text) - _overlap(text, self._until), whole=True)
                else:
                    told = held
                held = held[len(told) :]
                for chunk in told:
                    yield chunk


def _plain(asked: Asked) -> Asked:
    return replace(asked, think=False, prefill=None if asked.prefill is None else TAG.sub("", asked.prefill))


def _tag(text: str) -> Chunk:
    return Chunk(text, 1, (Logprob(text.strip(), 0.0, ((text.strip(), 0.0),)),))


def _split(chunks: list[Chunk], at: int, *, whole: bool = False) -> tuple[list[Chunk], list[Chunk]]:
    """The chunks before and after a place in their text; one that spans it is cut, or with `whole` comes after."""
    place = 0
    for index, chunk in enumerate(chunks):
        room = at - place
        if len(chunk.text) > room:
            if whole or room == 0:
                return chunks[:index], chunks[index:]
            first, second = Chunk(chunk.text[:room], 0), replace(chunk, text=chunk.text[room:])
            return [*chunks[:index], first], [second, *chunks[index + 1 :]]
        place += len(chunk.text)
    return chunks, []
