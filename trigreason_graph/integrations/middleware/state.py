"""What the middleware keeps in the agent's state: JSON, bounded, private, and fresh with every run."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, NotRequired

from langchain.agents import AgentState
from langchain.agents.middleware.types import PrivateStateAttr
from langchain_core.messages import AIMessage, BaseMessage
from typing_extensions import TypedDict

from trigreason_graph.models.exchange import tokens_in_text
from trigreason_graph.models.pieces import Usage, text_of, usage_of
from trigreason_graph.models.prices import cost, total
from trigreason_graph.models.wrapper import Attempt, ReasoningModel, estimate_tokens
from trigreason_graph.nodes.bookkeeping import add_rows, ledger_rows
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.report import alone, role_totals
from trigreason_graph.nodes.shadow import not_made, within
from trigreason_graph.state import (
    Blueprint,
    InstructionReport,
    LedgerRow,
    Outcome,
    Purpose,
    Report,
    Role,
    RoleTotals,
    ShadowCall,
    Signal,
    Spent,
    nothing_spent,
)

STATE_VERSION = 1
KEPT = 64
"""Latest signals that the state holds; older ones are counted in the report only."""
NOTES_KEPT = 16
TO_THE_END = -1
"""Turns that the large model still writes, where it writes all of them."""


class Pending(TypedDict):
    """A reply of the small model that waits for a person to say whether the large one is asked instead."""

    signal: Signal
    ids: list[str]
    """Of its messages."""
    call: int
    """Number of the call that brought it."""
    granted: bool
    instruction: str
    """What the person tells the large model on top."""


class RoutedRun(TypedDict):
    """One run of the agent: from a caller's input to the agent's end."""

    version: int
    run_id: str
    question: str
    settings: dict[str, Any]
    """What the run's context set, so that a resume need not repeat it."""
    plan: Blueprint | None
    turn: int
    """Turns that are done."""
    staying: int
    """Turns that the large model goes on to write; -1: to the end."""
    signal: Signal | None
    """Why it does."""
    pending: Pending | None
    large_off: str
    spent: Spent
    calls: int
    totals: dict[str, RoleTotals]
    turns: dict[str, int]
    """Accepted turns by author."""
    tokens: dict[str, int]
    """Their output tokens by author."""
    read: int
    """Their input tokens."""
    interventions: dict[str, int]
    unserved: dict[str, int]
    thrown: int
    thrown_tokens: int
    shadow: list[ShadowCall]
    """The latest calls that shadow mode did not make."""
    instructions: list[InstructionReport]
    """The latest things a person told the large model."""
    notes: list[str]


class RoutedState(AgentState[Any]):
    """The agent's state with what the middleware adds; neither key is part of its input or output."""

    escalations: NotRequired[Annotated[list[Signal], PrivateStateAttr]]
    """The run's latest signals, oldest first, each with its fate; `at` is the turn, from 0."""
    trigreason: NotRequired[Annotated[RoutedRun, PrivateStateAttr]]


def new_run(question: str, settings: dict[str, Any], notes: Sequence[str]) -> RoutedRun:
    """A run before its first turn."""
    return RoutedRun(
        version=STATE_VERSION,
        run_id=uuid.uuid4().hex,
        question=question,
        settings=settings,
        plan=None,
        turn=0,
        staying=0,
        signal=None,
        pending=None,
        large_off="",
        spent=nothing_spent(),
        calls=0,
        totals={role: role_totals([], role) for role in ("small", "large")},
        turns={"small": 0, "large": 0},
        tokens={"small": 0, "large": 0},
        read=0,
        interventions={},
        unserved={},
        thrown=0,
        thrown_tokens=0,
        shadow=[],
        instructions=[],
        notes=list(notes)[:NOTES_KEPT],
    )


def attempt_of(
    model: ReasoningModel, asked: Sequence[BaseMessage], reply: AIMessage | None, seconds: float, fault: str = ""
) -> Attempt:
    """One call of an agent's model, as the ledger counts it.

    Args:
        model: Who was asked.
        asked: The prompt, for an estimate where the server counts nothing.
        reply: What came; None: nothing.
        seconds: How long it took, tries of an inner middleware included.
        fault: Why nothing came.
    """
    if reply is None:
        price = cost(model.card, Usage(), model.prices)
        return Attempt("error", Usage(), True, seconds, price, "error", fault)
    told = usage_of(reply)
    usage = told or Usage(
        tokens_in=estimate_tokens(asked), tokens_out=math.ceil(sum(map(tokens_in_text, text_of(reply))))
    )
    finish = str(reply.response_metadata.get("finish_reason") or "stop")
    return Attempt("ok", usage, told is None, seconds, cost(model.card, usage, model.prices), finish)


def booked(
    run: RoutedRun, model: ReasoningModel, purpose: Purpose, attempts: Sequence[Attempt]
) -> tuple[RoutedRun, list[LedgerRow]]:
    """The run with a call counted, and the call's rows."""
    rows = ledger_rows(run["calls"], model, purpose, attempts)
    return with_rows(run, rows), rows


def with_rows(run: RoutedRun, rows: Sequence[LedgerRow]) -> RoutedRun:
    """The run with the rows of its latest call counted."""
    totals = {role: _sum(total, role_totals(rows, role)) for role, total in run["totals"].items()}
    return {
        **run,
        "spent": add_rows(run["spent"], rows),
        "calls": run["calls"] + len(rows),
        "totals": totals,
    }


def _sum(one: RoleTotals, other: RoleTotals) -> RoleTotals:
    known = one["cost"] is not None and other["cost"] is not None
    return RoleTotals(
        calls=one["calls"] + other["calls"],
        tokens_in=one["tokens_in"] + other["tokens_in"],
        tokens_cached=one["tokens_cached"] + other["tokens_cached"],
        tokens_out=one["tokens_out"] + other["tokens_out"],
        tokens_reasoning=one["tokens_reasoning"] + other["tokens_reasoning"],
        seconds=round(one["seconds"] + other["seconds"], 3),
        cost=(one["cost"] or 0.0) + (other["cost"] or 0.0) if known else None,
        estimated=one["estimated"] or other["estimated"],
    )


def with_turn(run: RoutedRun, author: Role, usage: Usage) -> RoutedRun:
    """The run after an accepted turn."""
    return {
        **run,
        "turn": run["turn"] + 1,
        "turns": _more(run["turns"], author, 1),
        "tokens": _more(run["tokens"], author, usage.tokens_out),
        "read": run["read"] + usage.tokens_in,
        "pending": None,
    }


def with_thrown(run: RoutedRun, tokens: int) -> RoutedRun:
    """The run after a reply of the small model was thrown away."""
    return {**run, "thrown": run["thrown"] + 1, "thrown_tokens": run["thrown_tokens"] + tokens}


def with_note(run: RoutedRun, note: str) -> RoutedRun:
    """The run with a note, said once."""
    return run if note in run["notes"] or not note else {**run, "notes": [*run["notes"], note][-NOTES_KEPT:]}


def with_signal(run: RoutedRun, signals: Sequence[Signal], signal: Signal) -> tuple[RoutedRun, list[Signal]]:
    """The run and its latest signals with one more, whose fate is known."""
    served = bool(signal.get("served"))
    called = served and signal["route"] != "retry"  # a retry is free
    counted: RoutedRun = {
        **run,
        "interventions": _more(run["interventions"], signal["trigger"], 1) if called else run["interventions"],
        "unserved": run["unserved"] if served else _more(run["unserved"], signal["trigger"], 1),
    }
    return counted, [*signals, signal][-KEPT:]


def with_shadow(
    run: RoutedRun, model: ReasoningModel, signal: Signal, asked: Sequence[BaseMessage], most: int
) -> RoutedRun:
    """The run with a call that shadow mode did not make, at the most it would have taken."""
    call = not_made(model, signal, "rewrite", asked, most + model.card.hidden_at(None), run["turn"])
    return {**run, "shadow": [*run["shadow"], call][-KEPT:]}


def _more(counts: dict[str, int], name: str, by: int) -> dict[str, int]:
    return {**counts, name: counts.get(name, 0) + by}


def report_of(run: RoutedRun, kit: Kit, outcome: Outcome) -> Report:
    """A run in the shape of the graph's reports; its steps are the agent's turns."""
    totals = run["totals"]
    report = Report(
        outcome=outcome,
        steps=run["turns"],
        tokens=run["tokens"],
        interventions=run["interventions"],
        unserved=run["unserved"],
        discarded_steps=run["thrown"],
        discarded_tokens=run["thrown_tokens"],
        rollbacks=0,
        branches=[],
        totals=totals,
        cost=total(of_role["cost"] for of_role in totals.values()),
        seconds=round(run["spent"]["seconds"], 3),
        large_alone=alone(kit, totals["large"], run["read"], sum(run["tokens"].values())),
        tool_calls={},
        tool_failures=0,
        left_out={},
        notes=run["notes"],
    )
    if run["instructions"]:
        report["instructions"] = run["instructions"]
    if kit.settings.large == "shadow":
        report["shadow"] = within(run["shadow"], kit.budget)
    return report
