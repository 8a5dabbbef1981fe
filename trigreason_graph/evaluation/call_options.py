"""What a call's options say about length and stop sequences, in OpenAI's or Ollama's spelling.

Stop sequences are kept on our side: the model is to write on, so that what it writes can be recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LIMITS = ("max_tokens", "max_completion_tokens", "num_predict")
"""Names of the limit on output tokens."""


def limit_of(options: Mapping[str, Any]) -> int | None:
    """The most tokens a call may write; None: no limit."""
    given = {**options, **(options.get("options") or {})}
    return next((int(given[name]) for name in LIMITS if given.get(name)), None)


def with_limit(options: Mapping[str, Any], limit: int | None) -> dict[str, Any]:
    """The same options with another limit, where they have one."""
    changed = {key: limit if key in LIMITS and limit is not None else value for key, value in options.items()}
    if isinstance(options.get("options"), Mapping):
        changed["options"] = with_limit(options["options"], limit)
    return changed


def stop_sequences(options: Mapping[str, Any]) -> Sequence[str]:
    """The stop sequences among a call's options."""
    stops = options.get("stop") or (options.get("options") or {}).get("stop") or ()
    return [stops] if isinstance(stops, str) else stops


def without_stops(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same options without any."""
    left = {key: value for key, value in options.items() if key != "stop"}
    if isinstance(left.get("options"), Mapping):
        left["options"] = {key: value for key, value in left["options"].items() if key != "stop"}
    return left


class StopCut:
    """Ends a text before the first stop sequence, as servers do; holds back what may be the beginning of one.

    Attributes:
        found: Whether one came; nothing is sent behind it.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.found = False

    def feed(self, text: str) -> list[str]:
        """What can be sent of the text so far; a token of no characters is sent as such."""
        if not self._stops:
            return [text]
        self._held += text
        places = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if places:
            self.found, sent = True, self._held[: min(places)]
        else:
            longest = max(
                (size for stop in self._stops for size in range(1, len(stop)) if self._held.endswith(stop[:size])),
                default=0,
            )
            sent = self._held[: len(self._held) - longest]
        self._held = self._held[len(sent) :]
        return [sent] if sent else []

    def rest(self) -> str:
        """What was held back for nothing."""
        held, self._held = self._held, ""
        return held
