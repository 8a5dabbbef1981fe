"""A model that says what a script tells it to."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence

from trigreason_graph.testing.scripted import Scripted, tokenize
from trigreason_graph.testing.servers.asked import CLOSE, OPEN, Asked, Chunk, End, Logprob

Script = str | Scripted | Sequence[str | Scripted] | Callable[[Asked], str | Scripted]
"""Replies: one for every request, one each in turn, or a function of the request."""

REMEMBERED_PROMPTS = 16
"""Prompts that count as read before. Our choice: more than a test sends between two calls of one role."""


class ScriptEnded(LookupError):
    """The script has no reply for a further request."""


class ScriptBackend:
    """Replies from a script, one token a chunk.

    Prompt tokens are the words of all messages, and one for each role. A prompt's beginning counts as cached where an
    earlier prompt or its reply had it too.

    Args:
        script: A single reply is given to every request. `Scripted.thinking` is written between thinking tags where
            the request lets the model think. `Scripted.error` is refused: a server's failures are faults.
        tokens: How a text falls into tokens; `list` makes every character one, so that tags come in pieces.
    """

    def __init__(self, script: Script, *, tokens: Callable[[str], list[str]] = tokenize) -> None:
        self._script = script
        self._tokens = tokens
        self._next = 0
        self._read: deque[list[str]] = deque(maxlen=REMEMBERED_PROMPTS)

    async def count(self, asked: Asked) -> int:
        """Tokens of the prompt."""
        return len(self._prompt(asked))

    async def write(self, asked: Asked) -> AsyncGenerator[Chunk | End, None]:
        """The next reply, cut at `max_tokens` and before the first `stop` text.

        Raises:
            ScriptEnded: There is none.
        """
        reply = self._take(asked)
        prompt = self._prompt(asked)
        cached = max((_common(prompt, read) for read in self._read), default=0)
        written = self._tokens(_as_written(reply, asked))
        told = written if asked.max_tokens is None else written[: asked.max_tokens]
        finish = reply.finish if len(told) == len(written) else "length"
        told, generated, stopped = _before(told, asked.stop)
        self._read.append([*prompt, *told])
        for token in told:
            await asyncio.sleep(reply.delay)
            logprobs = () if reply.probability is None else (_logprob(token, reply.probability, asked.top_logprobs),)
            yield Chunk(token, 1, logprobs)
        yield End("stop" if stopped else finish, len(prompt), cached, generated)

    def _take(self, asked: Asked) -> Scripted:
        if callable(self._script):
            reply = self._script(asked)
        elif isinstance(self._script, str | Scripted):
            reply = self._script
        else:
            if self._next >= len(self._script):
                raise ScriptEnded(f"the script has {len(self._script)} replies, and a further one was asked for")
            reply = self._script[self._next]
            self._next += 1
        reply = Scripted(reply) if isinstance(reply, str) else reply
        if reply.error is not None:
            raise ValueError("a server has no use for Scripted.error: give it a Fault")
        return reply

    def _prompt(self, asked: Asked) -> list[str]:
        if asked.raw is not None:
            return self._tokens(asked.raw)
        turns = [[f"<{turn['role']}>", *self._tokens(turn["content"])] for turn in asked.messages]
        return [*itertools.chain(*turns), "<assistant>", *self._tokens(asked.prefill or "")]


def _as_written(reply: Scripted, asked: Asked) -> str:
    """The reply as the model writes it. The tags stand on lines of their own, as models write them."""
    text = reply.text or ""
    if not asked.think or not reply.thinking or asked.past_thinking:
        return text
    opening = f"{OPEN}\n" if asked.prefill is None and not asked.opens else ""
    return f"{opening}{reply.thinking}\n{CLOSE}\n\n{text}"


def _before(tokens: list[str], stop: Sequence[str]) -> tuple[list[str], int, bool]:
    """The tokens before the first stop text, how many were generated until it was complete, and if there was one."""
    text = "".join(tokens)
    found = [(at, at + len(end)) for end in stop if end and (at := text.find(end)) >= 0]
    if not found:
        return tokens, len(tokens), False
    at, complete = min(found)
    kept, generated, place = [], 0, 0
    for token in tokens:
        if place < complete:
            generated += 1
        if place < at:
            kept.append(token[: at - place])
        place += len(token)
    return kept, generated, True


def _logprob(token: str, probability: float, top: int) -> Logprob:
    """The chosen token and one other, which has what is left."""
    chosen, rest = math.log(probability), math.log(max(1.0 - probability, 1e-9))
    likeliest = sorted([(token, chosen), ("…", rest)], key=lambda one: -one[1])
    return Logprob(token, chosen, tuple(likeliest[:top]))


def _common(first: list[str], second: list[str]) -> int:
    """Length of the common beginning; a prompt's last token is always read anew."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first[:-1], second, strict=False))
    return sum(1 for _ in same)
