"""Calls of tools inside a trace: one tagged text form, found while the text is written.

    <tool>{"name": "calculator", "args": {"expression": "12 * 7"}}</tool>

The tag is on purpose none that models are trained on (<tool_call> and the like): such tags are special tokens of some
models, and some servers take them for native calls and out of the text. A call ends at its closing tag, or where its
JSON object is complete and something else follows: small models forget the tag and go on with a made-up result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from typing_extensions import TypedDict

from trigreason_graph.reasoning.blocks import block_after
from trigreason_graph.state import Signal, Step

OPEN, CLOSE = "<tool>", "</tool>"
CALL_LIMIT = 4_000
"""Characters of a call, tags included; a longer one is cut there and refused. Ours: no argument of a step is longer."""
ARGUMENTS = ("args", "arguments", "parameters")
"""Names under which arguments are accepted: ours, and what models have been trained on."""

_OPEN_FENCE = re.compile(r"(?:^|\n)[ \t]*```\w*\Z")
_BODY = re.compile(r"\s*(?:```\w*\s*)?")


class ToolRequest(TypedDict):
    """A call as a model wants it; JSON primitives."""

    name: str
    args: dict[str, Any]


class MalformedCallError(ValueError):
    """What stands between the tags is no call. The text says why, for the model."""


class Found(NamedTuple):
    """What a finder has read so far.

    Attributes:
        text: Text that belongs to no call.
        call: A complete call, as written; empty while there is none.
        whole: `call` with its closing tag, also where that was forgotten.
    """

    text: str
    call: str = ""

    @property
    def whole(self) -> str:
        return self.call if not self.call or self.call.endswith(CLOSE) else self.call + CLOSE


class CallFinder:
    """Finds the first call in a text that arrives in chunks; what it finds does not depend on the chunks.

    Text that may be the beginning of a tag, or stands in a call, is held back. After a call nothing more is read.
    """

    def __init__(self) -> None:
        self._held = self._rest = ""
        self._inside = False
        self._object = 0
        """Where the JSON object of the call ends; 0 while that is not known."""
        self.done = False

    def feed(self, chunk: str) -> Found:
        """Take in more text."""
        passed: list[str] = []
        while chunk and not self.done:
            if not self._inside:
                passed.append(self._look_for_tag(chunk))
                chunk, self._rest = self._rest, ""
                continue
            end = self._read(chunk)
            chunk, self._rest = self._rest, ""
            if end is not None:
                self.done = True
                return Found("".join(passed), self._held[:end])
            if not self._inside:  # the tag was only spoken of
                passed.append(self._held)
                self._held = ""
        return Found("".join(passed))

    def flush(self) -> Found:
        """The rest, once the model has ended its turn: a call that was begun counts, complete or not."""
        rest, self._held = self._held, ""
        if self.done:
            return Found("")
        if not self._inside or self._is_prose(rest):
            return Found(rest)
        self.done = True
        return Found("", rest[: self._object] if self._object else rest.rstrip())

    def _look_for_tag(self, chunk: str) -> str:
        """The text that stands before a tag, or before what may be the beginning of one."""
        text, self._held = self._held + chunk, ""
        at = text.find(OPEN)
        if at >= 0:
            self._held, self._inside, self._rest = OPEN, True, text[at + len(OPEN) :]
            return text[:at]
        certain = len(text) - _begun(text)
        self._held = text[certain:]
        return text[:certain]

    def _read(self, chunk: str) -> int | None:
        """Read on in a call, character by character: each place where it may end is looked at, whatever the chunks."""
        for index, character in enumerate(chunk):
            self._held += character
            end = self._end(character)
            if end is None and len(self._held) >= CALL_LIMIT:
                end = self._object or CALL_LIMIT
            if end is not None:
                return end
            if character == "\n" and self._is_prose(self._held):
                self._inside, self._rest = False, chunk[index + 1 :]
                return None
        return None

    def _end(self, character: str) -> int | None:
        """Where the call ends, if that is known at this character."""
        held = self._held
        if self._object:
            tail = held[self._object :].lstrip()
            if not CLOSE.startswith(tail):
                return self._object
            return len(held) if tail == CLOSE else None
        if character == "}" and _is_object(held[len(OPEN) :]):
            self._object = len(held)
        elif character == ">" and held.endswith(CLOSE):
            return len(held)
        return None

    @staticmethod
    def _is_prose(held: str) -> bool:
        """Whether nothing like a call has begun behind the tag: it was only spoken of."""
        body = held[len(OPEN) :].strip()
        return bool(body) and body[0] not in "{[`"


def _begun(text: str) -> int:
    """Characters at the end of a text that may be the beginning of a tag."""
    return next((size for size in range(len(OPEN) - 1, 0, -1) if text.endswith(OPEN[:size])), 0)


def _is_object(body: str) -> bool:
    begun = _BODY.match(body)
    try:
        return isinstance(json.loads(body[begun.end() if begun else 0 :]), dict)
    except (ValueError, RecursionError):
        return False


def without_open_fence(text: str) -> str:
    """The text before a call without a code fence that was opened for the call alone; empty where nothing is left."""
    fence = _OPEN_FENCE.search(text)
    return text[: fence.start()].rstrip() if fence and block_after(text, "").startswith("`") else text


def read_call(text: str) -> ToolRequest:
    """The call that a step's text holds.

    Args:
        text: Of a step that `is_call`.

    Raises:
        MalformedCallError: It is none.
    """
    body = text.partition(OPEN)[2].removesuffix(CLOSE)
    if len(text) >= CALL_LIMIT:
        raise MalformedCallError(f"the call is longer than {CALL_LIMIT} characters")
    begun = _BODY.match(body)
    try:
        call, _ = json.JSONDecoder().raw_decode(body[begun.end() if begun else 0 :])
    except ValueError as fault:
        raise MalformedCallError(f"what stands between the tags is no JSON object ({fault})") from None
    except RecursionError:
        raise MalformedCallError("what stands between the tags is nested too deeply") from None
    if not isinstance(call, Mapping):
        raise MalformedCallError("what stands between the tags is no JSON object; write one call at a time")
    name = call.get("name")
    if not isinstance(name, str) or not name.strip():
        raise MalformedCallError('the call has no "name"')
    return ToolRequest(name=name.strip(), args=_arguments(call))


def _arguments(call: Mapping[str, Any]) -> dict[str, Any]:
    given: Any = next((call[key] for key in ARGUMENTS if key in call), {})
    if isinstance(given, str):  # as OpenAI's API has it
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise MalformedCallError('"args" is a text; it must be a JSON object') from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise MalformedCallError('"args" must be a JSON object')
    return given


def is_call(step: Step) -> bool:
    """Whether a step is a model's call of a tool."""
    return step["kind"] == "tool" and step["author"] != "tool"


def is_result(step: Step) -> bool:
    """Whether a step is what a tool said."""
    return step["author"] == "tool"


def after_call(signal: Signal, steps: Sequence[Step], at: int) -> Signal | None:
    """The signal that is still to be served once the tool has answered a call which the LRM's steps end in; else None.

    Args:
        signal: What the LRM was called for.
        steps: What it wrote.
        at: Where that begins in the trace.
    """
    if waiting_call(steps) is None:
        return None
    wanted = signal.get("steps", 1)
    left = None if wanted is None else wanted - (len(steps) - 1)
    if left is not None and left < 1:
        return None
    return Signal(
        trigger=signal["trigger"],
        reason=signal["reason"],
        evidence=signal["evidence"],
        route="intervene",
        steps=left,
        at=at + len(steps),
    )


def waiting_call(trace: Sequence[Step]) -> Step | None:
    """The call at the end of a trace whose result is not there yet."""
    return trace[-1] if trace and is_call(trace[-1]) else None
