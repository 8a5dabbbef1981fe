"""Model text made safe for checkpoints and terminals."""

from __future__ import annotations

import re

SEQUENCE_LIMIT = 2_048
"""Characters of a string-like escape sequence (a title, a link). A longer one is none: only its start is removed. Our
choice: longer than any link, and short enough that a sequence that never ends cannot eat an answer."""

_CSI = r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}"
"""A colour, a cursor movement. Broken off, it is taken out as far as it goes: 72 characters at most."""
_STRING = rf"\x1b[\]PX^_][^\x00-\x1f\x9c]{{0,{SEQUENCE_LIMIT}}}"
_TOKEN = re.compile(
    rf"""
      {_CSI}[@-~]?
    | {_STRING}(?:\x07|\x1b\\|\x9c)
    | \x1b[ -/]{{0,4}}[0-~]
    | (?P<line>\r\n?)
    | (?P<pair>[\ud800-\udbff][\udc00-\udfff])
    | (?P<lone>[\ud800-\udfff])
    | [\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]
    """,
    re.VERBOSE,
)
_SUSPECT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""One of these is in whatever `_TOKEN` or `_UNFINISHED` finds; nearly no text has any."""
_UNFINISHED = re.compile(rf"(?:{_CSI}|{_STRING}\x1b?|\x1b[ -/]{{0,4}}|\r|[\ud800-\udbff])\Z")


def clean(text: str) -> str:
    """`text` as it may be stored and shown.

    Terminal escape sequences and control characters go, except line feed and tab; every line ends in ``\\n``; a
    surrogate pair becomes its character and a lone surrogate U+FFFD. Of a string sequence that never ends only the
    introducer goes: its text may be the model's. Cleaning twice changes nothing more.
    """
    return _TOKEN.sub(_replacement, text)


def _replacement(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "line":
            return "\n"
        case "pair":
            return found[0].encode("utf-16", "surrogatepass").decode("utf-16")
        case "lone":
            return "\ufffd"
    return ""


class Cleaner:
    """`clean` for a text that arrives in chunks: all that is returned, joined, is ``clean`` of all that was fed.

    Holds back at most one unfinished sequence (`SEQUENCE_LIMIT` characters and a few).
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, chunk: str) -> str:
        """The clean text that is certain so far."""
        text = self._held + chunk
        if not _SUSPECT.search(text):
            self._held = ""
            return text
        unfinished = _UNFINISHED.search(text)
        certain = unfinished.start() if unfinished else len(text)
        self._held = text[certain:]
        return clean(text[:certain])

    def flush(self) -> str:
        """The clean rest, at the end of the text."""
        rest, self._held = self._held, ""
        return clean(rest)
