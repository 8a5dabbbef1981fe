"""What a server saw and counted."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal

from trigreason_graph.testing.servers.faults import Fault

Outcome = Literal["open", "finished", "refused", "cut", "closed"]


@dataclass
class Record:
    """One request. Times are those of `time.monotonic()`, so that they compare with a test's own.

    Attributes:
        method: As "POST".
        path: As "/api/chat".
        headers: By their names in lower case, keys included.
        body: JSON as it came; None where there was none, the text where it was no JSON.
        number: Of this call of a model on this server, from 1; 0 for every other request.
        began: When it was there.
        fault: What it was made to suffer.
        status: Of the answer; 0 before one.
        outcome: "open" while it is answered, "finished", "refused" with an error status, "cut" by a fault, "closed" by
            the client before the end.
        pieces: Pieces of text that were sent.
        thinking: The thinking that was sent.
        content: The answer that was sent.
        tokens_in: Prompt tokens.
        tokens_cached: Of these, read before.
        tokens_out: Tokens that were generated; of a reply that was broken off, those up to there. Thinking that is
            kept back, tags and an end-of-text token count too, as they do on a bill.
        tokens_reasoning: Of these, thinking.
        tokens_sent: Tokens whose text was sent.
        finish: "stop", "length", or "" for a reply that did not end by itself.
        ended: When it was over, the model's work included.
        noticed: When the server noticed that the client had closed the connection.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Any = None
    number: int = 0
    began: float = field(default_factory=time.monotonic)
    fault: Fault | None = None
    status: int = 0
    outcome: Outcome = "open"
    pieces: int = 0
    thinking: str = ""
    content: str = ""
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    tokens_reasoning: int = 0
    tokens_sent: int = 0
    finish: str = ""
    ended: float | None = None
    noticed: float | None = None

    @property
    def seconds(self) -> float | None:
        """How long it was under way; None while it still is."""
        return None if self.ended is None else self.ended - self.began

    @property
    def stopped_after(self) -> float | None:
        """Seconds between noticing that the client had gone and the end of all work for it; None otherwise."""
        return None if self.noticed is None or self.ended is None else self.ended - self.noticed
