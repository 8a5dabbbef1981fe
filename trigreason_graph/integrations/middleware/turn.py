"""One turn of an agent: who is asked, and what is thrown away."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain.agents.middleware.types import ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, RemoveMessage

from trigreason_graph.integrations.middleware.asking import permitted
from trigreason_graph.integrations.middleware.drive import Extended, Moves, Request, Response
from trigreason_graph.integrations.middleware.messages import (
    for_model,
    history,
    marked,
    named,
    never_came,
    steps_of,
    without_reply,
)
from trigreason_graph.integrations.middleware.models import (
    keeps_logprobs,
    labelled,
    large_arguments,
    small_arguments,
    with_text,
)
from trigreason_graph.integrations.middleware.record import Record
from trigreason_graph.integrations.middleware.state import TO_THE_END, Pending
from trigreason_graph.models.faults import describe_fault, secrets_of
from trigreason_graph.nodes.judging import Bench
from trigreason_graph.nodes.paid_gate import SHADOW
from trigreason_graph.nodes.progress import show_signal
from trigreason_graph.nodes.verdicts import Verdict
from trigreason_graph.state import Purpose, Role, Signal, Step
from trigreason_graph.triggers import signals_of

SHOWN = "the reply had been shown"


@dataclass(frozen=True)
class Reply:
    """What a model said, and the number of its call."""

    response: Response
    message: AIMessage
    call: int


class Turn:
    """A turn that is under way.

    Args:
        request: The agent's.
        record: What the middleware keeps.
        stays: Turns that the large model writes after a signal, at least; None: to the end.
        discard: Whether a reply of the small model is held back until it is judged.
    """

    def __init__(self, request: Request, record: Record, *, stays: int | None, discard: bool) -> None:
        self._request, self._record, self._stays, self._discard = request, record, stays, discard
        self._kit, self._turn = record.kit, record.run["turn"]
        waiting = record.run["pending"]
        pending = waiting["ids"] if waiting else []
        self._messages, self._waiting = without_reply(request.messages, pending)
        past, self._replaced = without_reply(request.state["messages"], pending)
        self._history = history(past, record.run["question"], self._kit.small, self._kit.policy.segment)
        self._shadowed: Signal | None = None

    def go(self) -> Moves:
        """The large model where it is due, else the small one, and the large one where that reply shows it."""
        pending = self._record.run["pending"]
        if pending is not None and pending["granted"]:
            return (yield from self._in_its_place(pending))
        signal = self._due()
        reply = None if signal is None else (yield from self._large(signal))
        if reply is not None:
            return self._accepted(reply, "large", signal)
        return (yield from self._small())

    def _due(self) -> Signal | None:
        """Why the large model writes this turn whatever the small one would say; None where it does not."""
        signal = self._record.run["signal"]
        if signal is not None and not self._record.closed:
            return Signal(**{**signal, "at": self._turn})
        self._record.stay(0, None)
        return self._look(None, ()).signal

    def _small(self, *, again: bool = False) -> Moves:
        held = self._discard and not self._record.closed
        try:
            reply = yield from self._ask("small", self._small_request(held), "continue")
        except Exception as fault:
            return (yield from self._without_small(fault))
        if never_came(reply.message):
            return (yield from self._without_small(reply))
        verdict = self._judge(reply.message)
        signal = verdict.signal
        if signal is None:
            return self._accepted(reply, "small", None)
        if not held:
            return self._next_time(reply, signal)
        if verdict.action == "retry" and not again:
            self._record.settle(signal, "")
            self._record.throw(reply.message, signal)
            return (yield from self._small(again=True))
        if self._kit.settings.large == "ask":
            return self._put_off(reply, signal)
        better = yield from self._large(signal)
        if better is None:
            return self._accepted(reply, "small", None)
        self._record.throw(reply.message, signal)
        return self._accepted(better, "large", signal)

    def _without_small(self, fault: Exception | Reply) -> Moves:
        """The small model is down: the large one writes this turn where it may, else it is as without us."""
        why = str(fault.message.text) if isinstance(fault, Reply) else self._said(fault, "small")
        signal = Signal(trigger="small_model_failed", reason=why, evidence={}, route="rewrite", steps=1, at=self._turn)
        self._record.note(why)
        closed = self._record.closed
        if closed:
            self._record.settle(signal, closed)
        reply = None if closed else (yield from self._large(signal))
        if reply is not None:
            return self._accepted(reply, "large", signal)
        if isinstance(fault, Exception):
            fault.add_note(f"TrigReasonMiddleware could not ask the large model instead: {self._record.latest_refusal}")
            raise fault
        return Extended(fault.response, self._record.command())

    def _next_time(self, reply: Reply, signal: Signal) -> Extended:
        """A reply that was shown stays; the large model writes the turns after it, if any follow."""
        if reply.message.tool_calls:
            self._record.stay(self._turns_of(signal), signal)
        else:
            self._record.settle(signal, SHOWN)
        return self._accepted(reply, "small", None)

    def _put_off(self, reply: Reply, signal: Signal) -> Extended:
        """The reply stands until a person has said whether the large model is paid for another one.

        It is kept in the state and not asked for again: an interrupt here would have the turn begin anew.
        """
        result = self._marked(reply, "small", None)
        pending = Pending(
            signal=signal, ids=[str(message.id) for message in result], call=reply.call, granted=False, instruction=""
        )
        self._record.run = {**self._record.run, "pending": pending}
        return Extended(ModelResponse(result, reply.response.structured_response), self._record.command())

    def _in_its_place(self, pending: Pending) -> Moves:
        """A person has approved: the large model's reply in place of the one that waits."""
        signal = pending["signal"]
        reply = yield from self._large(signal, told=pending["instruction"])
        waiting = next((message for message in self._waiting if isinstance(message, AIMessage)), None)
        if reply is None:
            structured = cast("Any", self._request.state).get("structured_response")
            if waiting is not None:
                self._record.stand(waiting, "small", None, pending["call"])
            return Extended(ModelResponse(list(self._waiting), structured), self._record.command())
        if waiting is not None:
            self._record.throw(waiting, signal)
        return self._accepted(reply, "large", signal, [RemoveMessage(id=str(message.id)) for message in self._replaced])

    def _large(self, signal: Signal, *, told: str | None = None) -> Generator[Request, Response, Reply | None]:
        """A turn of the large model; None where that is refused, or fails. Why then stands in the signal."""
        kit, record = self._kit, self._record
        staying = record.run["staying"]
        purpose: Purpose = "intervene" if staying else "rewrite"
        grant = permitted(record, purpose, signal, self._prompt("large"), told=told)
        why = grant.reason
        if not why:
            show_signal(record.events, signal)  # why, before what comes of it
            arguments = large_arguments(kit.large, grant.max_tokens, kit.settings.temperature, grant.effort)
            try:
                request = self._large_request(signal, purpose, grant.instruction, arguments)
                reply = yield from self._ask("large", request, purpose, signal, grant.instruction)
            except Exception as fault:
                why = self._said(fault, "large")
                # A reply that only has the wrong form was paid for, and the next one may be right.
                down = getattr(fault, "ai_message", None) is None
            else:
                down = never_came(reply.message)
                if not down:
                    record.settle(signal, "")
                    turns = staying or self._turns_of(signal)
                    record.stay(turns if turns == TO_THE_END else turns - 1, signal)
                    return reply
                why = str(reply.message.text)
            record.note(why)
            record.run = {**record.run, "large_off": why if down else ""}
        record.settle(signal, why)
        record.stay(0, None)
        return None

    def _ask(
        self, role: Role, request: Request, purpose: Purpose, signal: Signal | None = None, instruction: str = ""
    ) -> Generator[Request, Response, Reply]:
        """One call, in events and ledger."""
        trigger = signal["trigger"] if signal else ""
        call = self._record.call_begins(role, purpose, trigger, instruction)
        prompt = self._prompt(role)
        begun = time.monotonic()

        def ended(message: AIMessage | None, fault: str) -> None:
            self._record.call_ends(role, purpose, trigger, prompt, message, time.monotonic() - begun, fault)

        try:
            response = yield request
        except Exception as fault:
            ended(getattr(fault, "ai_message", None), self._said(fault, role))
            raise
        message = next((each for each in response.result if isinstance(each, AIMessage)), None)
        if message is None:
            ended(None, "there was no reply")
            raise ValueError(f"{self._record.model(role).card.full_name} gave no reply")
        ended(None if never_came(message) else message, "")
        return Reply(response, message, call)

    def _judge(self, message: AIMessage) -> Verdict:
        """The verdict on a reply of the small model: of its first step that shows something."""
        mode, first = self._kit.policy.segment, len(self._history.trace)
        steps = steps_of(message, "small", self._kit.small, mode, self._turn, first)
        verdicts = (self._look(step, steps[:index]) for index, step in enumerate(steps))
        return next((verdict for verdict in verdicts if verdict.signal), Verdict("accept"))

    def _look(self, draft: Step | None, written: Sequence[Step]) -> Verdict:
        """What the policy says to a step, or to the beginning of the turn; what is not served is remembered."""
        record, plan = self._record, self._record.run["plan"]
        view = self._history.view(draft, written, plan, record.signals)
        told = {signal["trigger"] for signal in record.signals if signal["at"] == self._turn and not signal["served"]}
        found = [_within_reach(signal) for signal in signals_of(self._kit.policy.triggers, view)]
        bench = Bench(self._kit, view.question, plan, record.signals, record.closed)
        verdict = bench.rule([signal for signal in found if signal["trigger"] not in told], self._turn)
        for signal in verdict.unserved:
            why = signal["unserved_reason"]
            if why == SHADOW:
                self._shadowed = self._shadowed or signal
            record.settle(signal, why)
        return verdict

    def _accepted(
        self, reply: Reply, author: Role, signal: Signal | None, gone: Sequence[BaseMessage] = ()
    ) -> Extended:
        """The turn's end: the reply enters the state."""
        if self._shadowed is not None:
            self._record.shadow(self._shadowed, self._prompt("large"))
        result = self._marked(reply, author, signal)
        self._record.stand(reply.message, author, signal, reply.call)
        return Extended(ModelResponse(result, reply.response.structured_response), self._record.command(gone))

    def _marked(self, reply: Reply, author: Role, signal: Signal | None) -> list[BaseMessage]:
        lean = author == "small" and not keeps_logprobs(self._request.model, self._request.model_settings)
        mark = marked(reply.message, self._turn, author, signal, without_logprobs=lean)
        return [named(mark if message is reply.message else message) for message in reply.response.result]

    def _turns_of(self, signal: Signal) -> int:
        """Turns that the large model writes for a signal; -1: to the end."""
        asked = signal.get("steps", 1)
        return TO_THE_END if asked is None or self._stays is None else max(asked, self._stays)

    def _small_request(self, held: bool) -> Request:
        asked = small_arguments(self._kit.small, self._kit.settings.temperature)
        return self._request.override(
            model=labelled(self._request.model, "small", "continue", trigger="", turn=self._turn, hidden=held),
            messages=for_model(self._messages, "small"),
            system_message=self._system,
            model_settings={**asked, **self._request.model_settings},
        )

    def _large_request(self, signal: Signal, purpose: Purpose, told: str, arguments: dict[str, Any]) -> Request:
        inner = self._kit.large.inner
        return self._request.override(
            model=labelled(inner, "large", purpose, trigger=signal["trigger"], turn=self._turn, hidden=False),
            messages=for_model(self._messages, "large"),
            system_message=with_text(self._system, told, self._kit.prompts.person),
            model_settings={**self._request.model_settings, **arguments},
        )

    def _prompt(self, role: Role) -> list[BaseMessage]:
        return [*([self._system] if self._system else []), *for_model(self._messages, role)]

    @property
    def _system(self) -> Any:
        plan = self._record.run["plan"]
        return with_text(self._request.system_message, plan["text"] if plan else "", self._kit.prompts.plan)

    def _said(self, fault: Exception, role: Role) -> str:
        model = self._record.model(role)
        return describe_fault(fault, model.card, secrets_of(model.inner))


def _within_reach(signal: Signal) -> Signal:
    """An agent's turns cannot be taken back, since tools were called: a rollback rewrites this one."""
    return Signal(**{**signal, "route": "rewrite"}) if signal["route"] == "rollback" else signal
