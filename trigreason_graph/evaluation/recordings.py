"""Recordings: what a model wrote after an exact prompt, kept so that it need never be written again.

A recording belongs to a `Prompt`: the digest of the weights, the messages and the sampling. It continues `start`, the
text of a trailing assistant message ("" without one), by `text`. Whoever asks for the continuation of `start` and the
beginning of `text` gets the rest: a prefix of a recorded text is a hit. Where a recording is open (the model had not
ended its turn), a further one that starts at its end goes on with it.

The files are JSON lines, one recording each, and only ever grow: they can be read, diffed, and joined by concatenation.
A recording is the text, not a promise: a model asked again with another state of its prompt cache may choose another
token at a near tie. The first recording wins, so that every replay says the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages

from trigreason_graph.evaluation.lines import append_line, whole_lines
from trigreason_graph.evaluation.recorded_tokens import RecordedToken, pack, unpack

VERSION = 1
"""Of the line format."""

NEUTRAL = frozenset(
    ("max_tokens", "max_completion_tokens", "num_predict", "stop", "logprobs", "top_logprobs", "stream", "stream_usage")
)
"""Call options that do not change what is written, only how much of it is sent and what is told about it."""

ONLY_SAMPLED = frozenset(("seed", "top_p", "top_k", "min_p"))
"""Call options that mean nothing at temperature 0."""

_CONTINUING = frozenset(("add_generation_prompt", "continue_final_message"))
"""Flags in ``extra_body`` by which some servers are told that the trailing message is to be continued."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a recording is an answer to.

    Attributes:
        model: SHA-256 of the weights.
        messages: The messages before the continued text, as JSON of OpenAI's form.
        sampling: Call options that change what is written, as JSON.
    """

    model: str
    messages: str
    sampling: str

    @classmethod
    def of(cls, model: str, messages: Sequence[BaseMessage], options: Mapping[str, Any]) -> tuple[Prompt, str]:
        """The prompt of a call, and the text that it asks to continue.

        Args:
            model: SHA-256 of the weights.
            messages: As sent; a trailing assistant message is the text to continue.
            options: The call's options. A temperature other than 0 needs a seed to tell one sample from another.
        """
        start = ""
        if messages and isinstance(messages[-1], AIMessage):
            start, messages = messages[-1].text, messages[:-1]
        return cls(model, _json(convert_to_openai_messages(list(messages))), _json(sampling(options))), start


def sampling(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a call's options that change what is written, in one spelling for all clients."""
    flat = {**options, **(options.get("options") or {})}
    flat["extra_body"] = {k: v for k, v in (flat.get("extra_body") or {}).items() if k not in _CONTINUING}
    greedy = not flat.get("temperature")
    if greedy:
        flat["temperature"] = 0
    ignored = NEUTRAL | {"options"} | (ONLY_SAMPLED if greedy else frozenset())
    return {key: value for key, value in flat.items() if key not in ignored and value not in (None, {}, [])}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True)
class Recording:
    """One stored continuation.

    Attributes:
        prompt: What it answers.
        start: The text it continues.
        text: What the model wrote; its tokens' sizes add up to its length.
        packed: The tokens, packed.
        ended: Whether the model ended its turn here; else the recording is open.
        tokens_in: Tokens of prompt and start, counted by the model's own tokenizer.
        unseen: Tokens the server counted beyond those it sent: the one that ends a turn.
    """

    prompt: Prompt
    start: str
    text: str
    packed: str
    ended: bool
    tokens_in: int
    unseen: int = 0

    @cached_property
    def whole(self) -> str:
        """`start` and `text`."""
        return self.start + self.text

    @cached_property
    def tokens(self) -> tuple[RecordedToken, ...]:
        """The tokens of `text`."""
        return unpack(self.packed)

    @cached_property
    def _ends(self) -> list[int]:
        """Where each token ends in `text`."""
        return list(accumulate(token.size for token in self.tokens))

    def continues(self, text: str) -> bool:
        """Whether it knows what follows `text`."""
        known = len(self.whole) > len(text) or (self.ended and len(self.whole) == len(text))
        return known and len(text) >= len(self.start) and self.whole.startswith(text)

    def tokens_before(self, text: str) -> int:
        """How many of its tokens `text` has used up, whole or in part."""
        used = len(text) - len(self.start)
        return sum(begin < used for begin in (0, *self._ends[:-1])) if used and self._ends else 0

    def rest(self, text: str) -> Iterator[tuple[str, RecordedToken]]:
        """The tokens after `text`, each with its text; of one that `text` ends within, the rest."""
        used, begin = len(text) - len(self.start), 0
        for token, end in zip(self.tokens, self._ends, strict=True):
            if end > used or begin == end == used:
                yield self.text[max(begin, used) : end], token
            begin = end

    def to_line(self) -> str:
        """As one line of a recordings file."""
        row = {
            "v": VERSION,
            "model": self.prompt.model,
            "sampling": json.loads(self.prompt.sampling),
            "messages": json.loads(self.prompt.messages),
            "start": self.start,
            "text": self.text,
            "ended": self.ended,
            "tokens_in": self.tokens_in,
            "unseen": self.unseen,
            "tokens": self.packed,
        }
        return json.dumps(row, ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> Recording:
        """What :meth:`to_line` was called on.

        Raises:
            ValueError: It is not such a line.
        """
        try:
            row = json.loads(line)
            if row["v"] != VERSION:
                raise ValueError(f"format {row['v']} is unknown; this version reads {VERSION}")
            prompt = Prompt(row["model"], _json(row["messages"]), _json(row["sampling"]))
            return cls(prompt, row["start"], row["text"], row["tokens"], row["ended"], row["tokens_in"], row["unseen"])
        except (KeyError, TypeError, RecursionError) as wrong:
            raise ValueError(f"not a recording: {wrong!r}") from None


def new_recording(
    prompt: Prompt, start: str, pieces: Iterable[tuple[str, RecordedToken]], *, ended: bool, tokens_in: int, unseen: int
) -> Recording | None:
    """What has just been written, as a recording; None where nothing was."""
    kept = list(pieces)
    if not kept and not ended:
        return None
    text = "".join(piece for piece, _ in kept)
    return Recording(prompt, start, text, pack([token for _, token in kept]), ended, tokens_in, unseen)


class Found(NamedTuple):
    """A recording that knows what follows a text, and the tokens that text has as a prompt."""

    recording: Recording
    tokens_in: int


class RecordingStore:
    """Recordings, by prompt.

    Args:
        paths: Files to read, the first wins where two recordings say something different; a folder stands for its
            ``*.jsonl`` files by name. What does not exist yet holds nothing.
        append_to: File that new recordings are written to; read as well. None: they are kept in memory only.

    Raises:
        ValueError: A line is not a recording; a torn last line (a killed writer's) is passed over.
    """

    def __init__(self, *paths: Path, append_to: Path | None = None) -> None:
        self.append_to = append_to
        self._by_prompt: dict[Prompt, list[Recording]] = {}
        files = [file for path in paths for file in (sorted(path.glob("*.jsonl")) if path.is_dir() else [path])]
        if append_to is not None and append_to not in files:
            files.append(append_to)
        for file in files:
            for recording in _read(file):
                self._keep(recording)

    def __len__(self) -> int:
        return sum(map(len, self._by_prompt.values()))

    def __iter__(self) -> Iterator[Recording]:
        for recordings in self._by_prompt.values():
            yield from recordings

    def find(self, prompt: Prompt, text: str) -> Found | None:
        """The first recording that knows what follows `text` after `prompt`."""
        for recording in self._by_prompt.get(prompt, ()):
            if recording.continues(text):
                return Found(recording, recording.tokens_in + recording.tokens_before(text))
        return None

    def add(self, recording: Recording) -> None:
        """Keep a recording; on disk before this returns. One that is there already is not kept twice."""
        if self._keep(recording) and self.append_to is not None:
            append_line(self.append_to, recording.to_line())

    def _keep(self, recording: Recording) -> bool:
        known = self._by_prompt.setdefault(recording.prompt, [])
        if any(other.start == recording.start and other.whole.startswith(recording.whole) for other in known):
            return False
        known.append(recording)
        return True


def _read(path: Path) -> Iterator[Recording]:
    for number, line in whole_lines(path):
        try:
            yield Recording.from_line(line)
        except ValueError as wrong:
            raise ValueError(f"{path}, line {number}: {wrong}") from wrong
