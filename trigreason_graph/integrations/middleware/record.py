"""What a turn of the middleware leaves behind: its state, and the events that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.types import Command

from trigreason_graph.events import emit
from trigreason_graph.integrations.middleware.models import REPLY_TOKENS, reply_limit
from trigreason_graph.integrations.middleware.state import (
    NOTES_KEPT,
    RoutedRun,
    attempt_of,
    booked,
    with_note,
    with_shadow,
    with_signal,
    with_thrown,
    with_turn,
)
from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.wrapper import Attempt, ReasoningModel
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.paid_gate import large_closed
from trigreason_graph.nodes.progress import settled, show_signal
from trigreason_graph.reasoning.conversation import told
from trigreason_graph.reasoning.text import clean
from trigreason_graph.state import InstructionReport, Purpose, Role, Signal, State


@dataclass
class Record:
    """The middleware's part of the agent's state, while it is being written.

    Attributes:
        kit: Models, policy, budget and settings in force.
        run, signals: Replaced, never changed in place.
    """

    kit: Kit
    run: RoutedRun
    signals: list[Signal]

    @property
    def closed(self) -> str:
        """Why the large model cannot be asked; empty when it can."""
        return large_closed(self.kit, self.gate)

    @property
    def gate(self) -> State:
        """What the budget is checked against."""
        return {"large_off": self.run["large_off"], "spent": self.run["spent"]}

    @property
    def events(self) -> State:
        """Whose events these are."""
        return {"run_id": self.run["run_id"]}

    @property
    def latest_refusal(self) -> str:
        """Why the latest signal was not served."""
        return self.signals[-1].get("unserved_reason", "") if self.signals else ""

    def model(self, role: Role) -> ReasoningModel:
        """The model in a role."""
        return self.kit.small if role == "small" else self.kit.large

    def stay(self, turns: int, signal: Signal | None) -> None:
        """The large model writes so many further turns; -1: all."""
        self.run = {**self.run, "staying": turns, "signal": signal if turns else None}

    def note(self, text: str) -> None:
        """Something for the report, said once."""
        self.run = with_note(self.run, text)

    def settle(self, signal: Signal, refused: str) -> None:
        """A signal with its fate: served, or why not."""
        done = settled(signal, refused)
        self.log([done])
        show_signal(self.events, done)

    def log(self, signals: Sequence[Signal]) -> None:
        """Signals whose fate is known and has been told."""
        for signal in signals:
            self.run, self.signals = with_signal(self.run, self.signals, signal)

    def call_begins(self, role: Role, purpose: Purpose, trigger: str, instruction: str = "") -> int:
        """A call of a model is made, with what a person has told it; its number comes back."""
        call = self.run["calls"]
        if instruction:
            told = InstructionReport(call=call, purpose=purpose, instruction=instruction)
            self.run = {**self.run, "instructions": [*self.run["instructions"], told][-NOTES_KEPT:]}
        self._call(role, purpose, trigger, "start", call, **({"instruction": instruction} if instruction else {}))
        return call

    def call_ends(
        self,
        role: Role,
        purpose: Purpose,
        trigger: str,
        prompt: Sequence[BaseMessage],
        reply: AIMessage | None,
        seconds: float,
        fault: str,
    ) -> Attempt:
        """It has ended; with no reply, for `fault`."""
        attempt = attempt_of(self.model(role), prompt, reply, seconds, fault)
        call = self.run["calls"]
        self.run, rows = booked(self.run, self.model(role), purpose, [attempt])
        self._call(role, purpose, trigger, "end", call, rows=rows, spent=self.run["spent"])
        return attempt

    def throw(self, reply: AIMessage, signal: Signal) -> None:
        """A reply of the small model is thrown away."""
        self.run = with_thrown(self.run, self._usage(reply, "small").tokens_out)
        why, by = signal["reason"], signal["trigger"]
        emit("discard", self.run["run_id"], at=self.run["turn"], step_ids=[], why=why, by=by)

    def stand(self, reply: AIMessage, author: Role, signal: Signal | None, call: int) -> None:
        """A reply stands as the turn, and is told as a "step" event.

        Args:
            reply: The message.
            author: Who wrote it.
            signal: Why the large model did; None for the small one.
            call: The number of the call that brought it.
        """
        usage = self._usage(reply, author)
        emit(
            "step",
            self.run["run_id"],
            step_id=call,
            index=self.run["turn"],
            author=author,
            model=self.model(author).card.full_name,
            kind="reasoning" if reply.tool_calls else "answer",
            text=clean(told(reply)),
            tokens=usage.tokens_out,
            trigger=signal["trigger"] if signal else "",
        )
        self.run = with_turn(self.run, author, usage)

    def shadow(self, signal: Signal, prompt: Sequence[BaseMessage]) -> None:
        """Shadow mode did not ask the large model: what that would have taken at most."""
        self.run = with_shadow(self.run, self.kit.large, signal, prompt, reply_limit(self.kit.large, REPLY_TOKENS))

    def update(self) -> dict[str, Any]:
        """The state's update."""
        return {"trigreason": self.run, "escalations": self.signals}

    def command(self, messages: Sequence[BaseMessage] = ()) -> Command[Any]:
        """The same as a command, with further messages."""
        return Command(update={**self.update(), **({"messages": list(messages)} if messages else {})})

    def _usage(self, reply: AIMessage, author: Role) -> Usage:
        return attempt_of(self.model(author), (), reply, 0.0).usage

    def _call(self, role: Role, purpose: Purpose, trigger: str, status: str, call: int, **fields: object) -> None:
        emit(
            "call",
            self.run["run_id"],
            status=status,
            role=role,
            model=self.model(role).card.full_name,
            purpose=purpose,
            trigger=trigger,
            call=call,
            **fields,
        )
