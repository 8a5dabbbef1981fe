"""Judges: triggers that ask the LRM about a draft. Gated and counted like every other paid call."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage

from trigreason_graph.models.dialects import Options
from trigreason_graph.models.pieces import Piece
from trigreason_graph.models.wrapper import Exchange
from trigreason_graph.nodes.bookkeeping import Call
from trigreason_graph.nodes.checkpoint_rollback import rollbacks_made
from trigreason_graph.nodes.judging import Bench
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.paid_gate import seconds_left
from trigreason_graph.nodes.permission import permitted
from trigreason_graph.nodes.verdicts import Verdict
from trigreason_graph.state import LedgerRow, Signal, Spent, State, Step
from trigreason_graph.triggers import Judge, NoVerdictError, View, held_back, signals_of
from trigreason_graph.triggers.base import is_judge


class JudgeDesk:
    """Makes the calls of one superstep's judges and keeps their books.

    Attributes:
        rows: Ledger rows of the calls made.
        spent: Totals with them.
        notes: Why a judge was passed over, once each.
        large_off: Why the LRM is not tried again.
        fallback_on: Why the fallback stands in for it.
    """

    def __init__(self, kit: Kit, state: State) -> None:
        self.rows: list[LedgerRow] = []
        self.spent: Spent = state["spent"]
        self.notes: list[str] = []
        self.large_off = state["large_off"]
        self.fallback_on = state["fallback_on"]
        self._kit, self._state = kit, state
        self._judge, self._step = "", 0

    async def look(self, bench: Bench, trace: Sequence[Step], draft: Step) -> Verdict:
        """The verdict of all triggers in the policy's order, judges among them.

        A judge costs a call: behind a signal that is served none is asked.
        """
        if draft["kind"] == "tool":
            return Verdict("accept")
        view = View(bench.question, bench.blueprint, trace, draft, True, bench.signals)
        found: list[Signal] = []
        for trigger in self._kit.policy.triggers:
            if is_judge(trigger):
                if self._wanted(trigger, bench, found, len(trace)) and (signal := await self._verdict(trigger, view)):
                    found.append(signal)
            else:
                found += signals_of((trigger,), view)
        return bench.rule(found, len(trace))

    def _wanted(self, judge: Judge, bench: Bench, found: Sequence[Signal], position: int) -> bool:
        """Whether a judge's call could matter: nothing before it is served, and no limit holds it back."""
        if bench.last or held_back(self._kit.policy.limits, judge.name, bench.signals, position):
            return False
        if (
            getattr(judge, "only_rolls_back", False)
            and rollbacks_made(bench.signals) >= self._kit.settings.max_rollbacks
        ):
            return False
        return bench.rule(found, position).action == "accept"

    async def _verdict(self, judge: Judge, view: View) -> Signal | None:
        self._judge, self._step = judge.name, len(view.trace) + 1
        try:
            return await judge.judge(view, self._ask)
        except NoVerdictError as why:
            self.notes.append(f"{judge.name} was passed over: {why}")
            return None

    async def _ask(self, prompt: str, max_tokens: int) -> str:
        if self.rows:
            raise NoVerdictError("a judge has one call a step")  # a resume would repeat the first
        written, fault = await self._asked(prompt, max_tokens)
        if fault and self._kit.fallback is not None:  # a call that failed was not paid
            self._kit, self.fallback_on = self._kit.fallen_back(), fault
            written, fault = await self._asked(prompt, max_tokens)
        if fault:
            self.large_off = fault
            raise NoVerdictError(fault)
        return written

    async def _asked(self, prompt: str, max_tokens: int) -> tuple[str, str]:
        """What the LRM wrote, and why it failed for good; empty when it did not."""
        model = self._kit.large
        messages: list[BaseMessage] = [HumanMessage(prompt)]
        spending: State = {**self._state, "spent": self.spent, "large_off": self.large_off}
        grant = permitted(self._kit, spending, model, "review", messages, max_tokens, step=self._step)
        if grant.reason:
            raise NoVerdictError(grant.reason)
        call = Call(self._state, model, "review", self._judge, self.rows, grant.instruction)
        written: list[str] = []

        def read(piece: Piece) -> bool:
            written.append(piece.text)
            return False

        options = Options(grant.max_tokens, 0.0, effort=grant.effort)  # a verdict is not to be left to chance
        exchange = Exchange("turn", options, read, seconds=seconds_left(self._kit, spending))
        last = await model.write(
            grant.prompt,
            exchange,
            name=f"large:{self._judge}",
            purpose="review",
            trigger=self._judge,
            step=self._step,
        )
        rows, self.spent = call.end(exchange)
        self.rows += rows
        return "".join(written), last.fault if last.status == "error" else ""
