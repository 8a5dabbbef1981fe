"""The report of a run: who wrote what, why, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trigreason_graph.models.degradations import degradations
from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.prices import cost, total
from trigreason_graph.models.wrapper import CHARS_PER_TOKEN
from trigreason_graph.nodes.checkpoint_rollback import rollbacks_made
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.shadow import shadow
from trigreason_graph.nodes.tools import call_counts
from trigreason_graph.state import (
    Branch,
    BranchReport,
    InstructionReport,
    LargeAlone,
    LedgerRow,
    Outcome,
    Report,
    RoleTotals,
    Signal,
    State,
    Step,
)

PROMPT_TOKENS = 60
"""Tokens of a plain prompt around a problem, for the estimate of what the LRM alone would cost."""


def build_report(state: State, outcome: Outcome, kit: Kit) -> Report:
    """Sum up a run from its final state."""
    trace, signals, discarded = state["trace"], state["signals"], state["discarded"]
    totals = {role: role_totals(state["ledger"], role) for role in ("small", "large")}
    thrown = [step for branch in discarded for step in branch["steps"]]
    tool_calls, tool_failures = call_counts(trace, discarded)
    report = Report(
        outcome=outcome,
        steps=_by_author(trace, tokens=False),
        tokens=_by_author(trace, tokens=True),
        interventions=dict(Counter(signal["trigger"] for signal in signals if _called(signal))),
        unserved=dict(Counter(signal["trigger"] for signal in signals if not signal.get("served"))),
        discarded_steps=len(thrown),
        discarded_tokens=sum(step["tokens"] for step in thrown),
        rollbacks=rollbacks_made(signals),
        branches=[branch_report(branch, state["ledger"]) for branch in discarded],
        totals=totals,
        cost=total(of_role["cost"] for of_role in totals.values()),
        seconds=round(state["spent"]["seconds"], 3),
        large_alone=large_alone(state, totals["large"], kit),
        tool_calls=tool_calls,
        tool_failures=tool_failures,
        left_out=state["left_out"],
        notes=[*_with_large_off(state), *_fallback_notes(state, kit), *_left_out_notes(state, kit)],
    )
    if instructions := instructions_given(state["ledger"]):
        report["instructions"] = instructions
    if kit.settings.large == "shadow":
        report["shadow"] = shadow(state, kit)
    return report


def instructions_given(ledger: Sequence[LedgerRow]) -> list[InstructionReport]:
    """What a person told the LRM, once a call."""
    return [
        InstructionReport(call=row["id"], purpose=row["purpose"], instruction=row["instruction"])
        for row in ledger
        if row.get("instruction") and row["attempt"] == 1
    ]


def _with_large_off(state: State) -> list[str]:
    """The notes, with why the LRM was not tried again among them."""
    off = state["large_off"]
    return [*state["notes"], *([off] if off and off not in state["notes"] else [])]


def _fallback_notes(state: State, kit: Kit) -> list[str]:
    """Who stood in for whom, in words, and what it does without."""
    if not state["fallback_on"]:
        return []
    card = kit.large.card
    lacks = [lack for lack in degradations(card, "large") if lack not in state["notes"]]
    return [f"{card.full_name} stood in: {state['fallback_on']}", *lacks]


def _left_out_notes(state: State, kit: Kit) -> list[str]:
    """Steps that no longer fitted a window, in words."""
    models = {"small": kit.small, "large": kit.large}
    return [
        f"the trace outgrew the window of {models[role].card.full_name} ({models[role].card.window} tokens): it saw "
        f"steps 1 to {count} as their conclusions only"
        for role, count in state["left_out"].items()
    ]


def _called(signal: Signal) -> bool:
    """Whether the LRM was called for it: retries and rollbacks found without a model are free."""
    return bool(signal.get("served")) and signal["route"] in ("rewrite", "intervene")


def _by_author(trace: Sequence[Step], *, tokens: bool) -> dict[str, int]:
    count: Counter[str] = Counter({"small": 0, "large": 0})
    for step in trace:
        count[step["author"]] += step["tokens"] if tokens else 1
    return dict(count)


def role_totals(ledger: Sequence[LedgerRow], role: str) -> RoleTotals:
    """Ledger sums of one role; the cost is None when any row's is unknown."""
    rows = [row for row in ledger if row["role"] == role]
    return RoleTotals(
        calls=sum(row["attempt"] == 1 for row in rows),
        tokens_in=sum(row["tokens_in"] for row in rows),
        tokens_cached=sum(row["tokens_cached"] for row in rows),
        tokens_out=sum(row["tokens_out"] for row in rows),
        tokens_reasoning=sum(row["tokens_reasoning"] for row in rows),
        seconds=round(sum(row["seconds"] for row in rows), 3),
        cost=total(row["cost"] for row in rows),
        estimated=any(row["estimated"] for row in rows),
    )


def branch_report(branch: Branch, ledger: Sequence[LedgerRow]) -> BranchReport:
    """A discarded branch and its share of what the calls that wrote it cost.

    A step's share of its call, all attempts, is its tokens over the call's visible output tokens.
    """
    return BranchReport(
        at=branch["at"],
        steps=len(branch["steps"]),
        tokens=sum(step["tokens"] for step in branch["steps"]),
        why=branch["why"],
        by=branch["by"],
        cost=total(step_cost(step, ledger) for step in branch["steps"]),
    )


def step_cost(step: Step, ledger: Sequence[LedgerRow]) -> float | None:
    """Dollars that a step cost; 0 for a tool's, None when its call's price is unknown."""
    if step["author"] == "tool":
        return 0.0
    attempts = _attempts(ledger, step["call"])
    cost_of_call = total(row["cost"] for row in attempts)
    if not attempts or cost_of_call is None:
        return None
    written = sum(row["tokens_out"] - row["tokens_reasoning"] for row in attempts)
    share = min(step["tokens"] / written, 1.0) if written > 0 else 1.0
    return share * cost_of_call


def _attempts(ledger: Sequence[LedgerRow], call: int) -> list[LedgerRow]:
    """The rows of one call: its first attempt, whose id names it, and those that follow."""
    rows = list(ledger[call : call + 1]) if call >= 0 else []
    for row in ledger[call + 1 :] if rows else ():
        if row["attempt"] == 1:
            break
        rows.append(row)
    return rows


def large_alone(state: State, large: RoleTotals, kit: Kit) -> LargeAlone:
    """What the LRM alone would have cost for an output as long as the trace. An estimate: its own text would differ.

    Seconds come from the rate at which it wrote in this run; None when it did not write.
    """
    out = sum(step["tokens"] for step in state["trace"])
    asked = int(len(state["problem"]) / CHARS_PER_TOKEN) + PROMPT_TOKENS
    return alone(kit, large, asked, out)


def alone(kit: Kit, large: RoleTotals, tokens_in: int, tokens_out: int) -> LargeAlone:
    """What the LRM alone would have cost for so many tokens; arguments as of `large_alone`."""
    rate = large["tokens_out"] / large["seconds"] if large["seconds"] and large["tokens_out"] else None
    return LargeAlone(
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost=cost(kit.large.card, Usage(tokens_in=tokens_in, tokens_out=tokens_out), kit.large.prices),
        seconds=round(tokens_out / rate, 1) if rate else None,
    )
