"""Ledger rows and running totals out of finished calls."""

from __future__ import annotations

from collections.abc import Sequence

from trigreason_graph.events import emit
from trigreason_graph.models.wrapper import Attempt, Exchange, ReasoningModel
from trigreason_graph.state import LedgerRow, Purpose, Spent, State


def ledger_rows(
    first_id: int, model: ReasoningModel, purpose: Purpose, attempts: Sequence[Attempt], instruction: str = ""
) -> list[LedgerRow]:
    """One row for each attempt of a call."""
    rows = [
        LedgerRow(
            id=first_id + index,
            role=model.role,
            model=model.card.full_name,
            purpose=purpose,
            attempt=index + 1,
            status=attempt.status,
            tokens_in=attempt.usage.tokens_in,
            tokens_cached=attempt.usage.tokens_cached,
            tokens_out=attempt.usage.tokens_out,
            tokens_reasoning=attempt.usage.tokens_reasoning,
            estimated=attempt.estimated,
            seconds=round(attempt.seconds, 4),
            cost=attempt.cost,
            finish=attempt.finish,
        )
        for index, attempt in enumerate(attempts)
    ]
    return [LedgerRow(**{**row, "instruction": instruction}) for row in rows] if instruction else rows


def add_rows(spent: Spent, rows: Sequence[LedgerRow]) -> Spent:
    """The totals after `rows`. A call that was tried again counts once; each attempt's tokens, time and cost count."""
    large = [row for row in rows if row["role"] == "large"]
    return Spent(
        large_calls=spent["large_calls"] + sum(1 for row in large if row["attempt"] == 1),
        large_tokens=spent["large_tokens"] + sum(row["tokens_out"] for row in large),
        total_tokens=spent["total_tokens"] + sum(row["tokens_out"] for row in rows),
        seconds=round(spent["seconds"] + sum(row["seconds"] for row in rows), 4),
        usd=spent["usd"] + sum(row["cost"] or 0.0 for row in rows),
    )


class Call:
    """The life of one call in events and ledger.

    Args:
        state: Where the ledger stands.
        model: Who is called.
        purpose: What for.
        trigger: Name of the trigger behind it; empty for the SRM's own runs.
        earlier: Rows of this node that are not in the state yet.
        instruction: What a person has added to its prompt; empty without.
    """

    def __init__(
        self,
        state: State,
        model: ReasoningModel,
        purpose: Purpose,
        trigger: str = "",
        earlier: Sequence[LedgerRow] = (),
        instruction: str = "",
    ) -> None:
        self.instruction = instruction
        self.model, self.purpose, self.trigger = model, purpose, trigger
        self.run_id = state["run_id"]
        self.id = len(state.get("ledger", [])) + len(earlier)
        self._spent = add_rows(state["spent"], earlier)
        self._event("start", **({"instruction": instruction} if instruction else {}))

    def end(self, exchange: Exchange) -> tuple[list[LedgerRow], Spent]:
        """The call's rows, and the totals with them."""
        rows = ledger_rows(self.id, self.model, self.purpose, exchange.attempts, self.instruction)
        spent = add_rows(self._spent, rows)
        self._event("end", rows=rows, spent=spent)
        return rows, spent

    def _event(self, status: str, **fields: object) -> None:
        emit(
            "call",
            self.run_id,
            status=status,
            role=self.model.role,
            model=self.model.card.full_name,
            purpose=self.purpose,
            trigger=self.trigger,
            call=self.id,
            **fields,
        )
