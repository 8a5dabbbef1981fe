"""What a run's events say so far: who wrote what, and what it took. Pure: events in, numbers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from trigreason_graph.state import LedgerRow, Spent, nothing_spent

Event = Mapping[str, Any]
"""One event of the graph's custom stream, as :mod:`trigreason_graph.events` describes them."""


@dataclass
class OpenCall:
    """A call that has begun and not ended.

    Attributes:
        id: Its ledger row.
        role, model, purpose, trigger: As in its event.
        begun: When, in seconds of the tally's clock.
        tokens: Pieces of text so far; about one a token.
    """

    id: int
    role: str
    model: str
    purpose: str
    trigger: str
    begun: float
    tokens: int = 0


@dataclass
class Tally:
    """Keeps count of one run.

    Attributes:
        clock: Seconds from an arbitrary start.
        run: The "run" event, once it has come.
        spent: Totals after the last call that ended.
        rows: Ledger rows of the calls that ended.
        call: The call that is being made.
        trace: Ids of the accepted steps, in order.
        outcome: The "outcome" event, once it has come.
    """

    clock: Callable[[], float] = monotonic
    run: Event | None = None
    spent: Spent = field(default_factory=nothing_spent)
    rows: list[LedgerRow] = field(default_factory=list)
    call: OpenCall | None = None
    trace: list[int] = field(default_factory=list)
    outcome: Event | None = None
    begun: float = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the run began; before that, since the tally was made."""
        return self.clock() - self.begun

    @property
    def can_end_in_order(self) -> bool:
        """Whether a drain would take moments: not while models load, a prompt is read, or the LRM writes."""
        call = self.call
        return self.run is not None and (call is None or (call.role == "small" and call.tokens > 0))

    @property
    def total_tokens(self) -> int:
        """Output tokens so far, those of the open call included."""
        return self.spent["total_tokens"] + (self.call.tokens if self.call else 0)

    @property
    def large_tokens(self) -> int:
        """Output tokens of the LRM so far."""
        open_tokens = self.call.tokens if self.call and self.call.role == "large" else 0
        return self.spent["large_tokens"] + open_tokens

    @property
    def cost(self) -> float | None:
        """Dollars so far; None when a call's price is unknown."""
        return None if any(row["cost"] is None for row in self.rows) else self.spent["usd"]

    def handle(self, event: Event) -> None:
        """Count one event; unknown types are passed over."""
        match event.get("type"):
            case "run":
                self.run, self.begun = event, self.clock()  # loading the models is not part of the run
            case "call":
                self._count_call(event)
            case "token" if self.call:
                self.call.tokens += 1
            case "step":
                self.trace[event["index"] :] = [event["step_id"]]
            case "discard":
                gone = set(event["step_ids"])
                self.trace = [step for step in self.trace if step not in gone]
            case "outcome":
                self.outcome = event

    def _count_call(self, event: Event) -> None:
        if event["status"] == "start":
            named = {key: event[key] for key in ("role", "model", "purpose", "trigger")}
            self.call = OpenCall(id=event["call"], begun=self.clock(), **named)
        else:
            self.call = None
            self.rows += event["rows"]
            self.spent = event["spent"]

    def close(self) -> None:
        """Count a call that was broken off as what arrived of it: nobody else will."""
        call, self.call = self.call, None
        if call is None:
            return
        row = LedgerRow(
            id=call.id,
            role="large" if call.role == "large" else "small",
            model=call.model,
            purpose=call.purpose,  # type: ignore[typeddict-item]
            attempt=1,
            status="cut",
            tokens_in=0,
            tokens_cached=0,
            tokens_out=call.tokens,
            tokens_reasoning=0,
            estimated=True,
            seconds=round(self.clock() - call.begun, 4),
            cost=0.0 if self._is_free(call.model) else None,
            finish="interrupted",
        )
        self.rows.append(row)
        large = call.role == "large"
        self.spent = Spent(
            large_calls=self.spent["large_calls"] + large,
            large_tokens=self.spent["large_tokens"] + (call.tokens if large else 0),
            total_tokens=self.spent["total_tokens"] + call.tokens,
            seconds=round(self.spent["seconds"] + row["seconds"], 4),
            usd=self.spent["usd"],
        )

    def _is_free(self, model: str) -> bool:
        return model.startswith("embedded:") or any(row["model"] == model and row["cost"] == 0 for row in self.rows)
