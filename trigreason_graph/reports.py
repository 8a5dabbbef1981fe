"""The report of a run: who wrote what, why, and what it cost. JSON primitives only, as all of the state."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

Purpose = Literal["initiate", "prime", "continue", "rewrite", "intervene", "review", "conclude"]
OutcomeKind = Literal["answered", "budget", "model_error", "denied", "unfinished"]


class Outcome(TypedDict):
    kind: OutcomeKind
    detail: str


class RoleTotals(TypedDict):
    """Sums of the ledger for one role."""

    calls: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    tokens_reasoning: int
    seconds: float
    cost: float | None
    estimated: bool


class BranchReport(TypedDict):
    """One discarded branch: where it stood, what it held and what it cost."""

    at: int
    """0-based position at which it stood."""
    steps: int
    tokens: int
    why: str
    by: str
    """Trigger (or "large") that found it."""
    cost: float | None
    """Dollars: of each call that wrote a step of it, the share of that step's tokens. None when a price is unknown."""


class LargeAlone(TypedDict):
    """What the LRM alone would have cost for an output of the same length. An estimate, always."""

    tokens_in: int
    tokens_out: int
    cost: float | None
    seconds: float | None


class InstructionReport(TypedDict):
    """What a person told the LRM in one call."""

    call: int
    """Ledger row."""
    purpose: Purpose
    instruction: str


class ShadowCall(TypedDict):
    """A call that ``large="shadow"`` did not make: where, what for, and the most it would have taken."""

    at: int
    """0-based position in the trace."""
    trigger: str
    purpose: Purpose
    tokens_in: int
    """Of the prompt, estimated."""
    max_tokens: int
    """Output tokens, hidden reasoning included."""
    max_cost: float | None
    """Dollars; None when nobody knows the price."""


class Shadow(TypedDict):
    """What ``large="shadow"`` did not spend. An upper bound: calls are counted at their caps, all within the budget.

    After a first real call the trace would have been another one, and so would the later calls.
    """

    calls: int
    max_tokens: int
    max_cost: float | None
    where: list[ShadowCall]


class Report(TypedDict):
    """Who wrote what, why, and what it cost."""

    outcome: Outcome
    steps: dict[str, int]
    """Accepted steps by author."""
    tokens: dict[str, int]
    """Accepted tokens by author."""
    interventions: dict[str, int]
    """Served LRM calls by trigger."""
    unserved: dict[str, int]
    """Signals that led to no call, by trigger."""
    discarded_steps: int
    discarded_tokens: int
    rollbacks: int
    branches: list[BranchReport]
    """The discarded branches, oldest first."""
    totals: dict[str, RoleTotals]
    """Ledger sums by role."""
    cost: float | None
    seconds: float
    large_alone: LargeAlone
    tool_calls: dict[str, int]
    """Calls of tools inside the reasoning by tool, failed and discarded ones included; empty without tools."""
    tool_failures: int
    """How many of them failed."""
    left_out: dict[str, int]
    """By role: first steps that no longer fitted the model's window and stood in its prompts by their conclusions."""
    notes: list[str]
    """Degraded capabilities and faults, said once, in words."""
    instructions: NotRequired[list[InstructionReport]]
    """What a person told the LRM, where one did."""
    shadow: NotRequired[Shadow]
    """Under ``large="shadow"``."""
