"""answer: one complete answer out of the trace, or the model's conclusion, or none."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage

from trigreason_graph.events import emit
from trigreason_graph.models.dialects import Options
from trigreason_graph.models.pieces import Piece
from trigreason_graph.models.wrapper import Exchange, ReasoningModel, estimate_tokens
from trigreason_graph.nodes.approval import approved
from trigreason_graph.nodes.bookkeeping import Call
from trigreason_graph.nodes.kit import Kit, handover
from trigreason_graph.nodes.paid_gate import all_spent, grant_large, grant_small
from trigreason_graph.nodes.progress import show_steps
from trigreason_graph.nodes.reply import ANSWER_WITHIN
from trigreason_graph.nodes.report import build_report
from trigreason_graph.nodes.writing import StepWriter
from trigreason_graph.reasoning.answers import complete_answer
from trigreason_graph.reasoning.prompts import continuation, question_turn
from trigreason_graph.settings import CONCLUDE_TOKENS
from trigreason_graph.state import LedgerRow, Outcome, Role, Spent, State, Step


async def answer(state: State, kit: Kit) -> dict[str, Any]:
    """State the answer, the outcome and the report."""
    trace, rows, spent, notes = state["trace"], [], state["spent"], list(state["notes"])
    told, text = stated_answer(trace, state["problem"]), ""
    added: list[Step] = []
    if told is None:
        concluded = await _conclude(state, kit)
        told, added, rows, spent = concluded.answer, concluded.steps, concluded.rows, concluded.spent or spent
        notes += [fault for fault in concluded.faults if fault not in notes]
        show_steps(state, added, len(trace))
    else:
        step = next((step for step in reversed(trace) if step["kind"] == "answer"), None)
        text = step["text"].strip() if step and complete_answer(step["text"], state["problem"]) is None else ""
    outcome = outcome_of(state, kit, spent, answered=bool(told), concluded=bool(added), notes=notes)
    final = {**state, "trace": [*trace, *added], "ledger": [*state["ledger"], *rows], "spent": spent, "notes": notes}
    report = build_report(final, outcome, kit)  # type: ignore[arg-type]
    emit("outcome", state["run_id"], **outcome, answer=told or "", report=report)
    return {
        "answer": told or "",
        "messages": [AIMessage(text or told, id=uuid.uuid4().hex)] if told else [],
        "trace": added,
        "drafts": [],
        "signal": None,
        "ledger": rows,
        "spent": spent,
        "notes": notes,
        "outcome": outcome,
        "report": report,
    }


def stated_answer(trace: list[Step], question: str) -> str | None:
    """The complete answer a model has written near the end of the trace, or None. Tool text is not asked."""
    written = [step for step in trace if step["kind"] != "tool"][-ANSWER_WITHIN:]
    for step in reversed(written):
        stated = complete_answer(step["text"], question)
        if stated is not None:
            return stated
        if step["kind"] == "answer":  # a thinking model's answer phase
            return step["text"].strip()
    return None


@dataclass
class _Concluded:
    answer: str | None = None
    steps: list[Step] = field(default_factory=list)
    rows: list[LedgerRow] = field(default_factory=list)
    spent: Spent | None = None
    faults: list[str] = field(default_factory=list)


async def _conclude(state: State, kit: Kit) -> _Concluded:
    """One short call: by the SRM, or the LRM where the policy says so; the other one when that fails."""
    first: Role = "large" if kit.policy.answer_by == "large" else "small"
    order: tuple[Role, Role] = (first, "small" if first == "large" else "large")
    result = _Concluded()
    for role in order:
        if role == "small" and state["finish"] == "error":
            continue
        await _ask(state, kit, kit.small if role == "small" else kit.large, result)
        if result.answer:
            break
    return result


async def _ask(state: State, kit: Kit, model: ReasoningModel, result: _Concluded) -> None:
    given = handover(state)
    style = model.card.style
    if style == "prefill":
        messages = continuation(
            given, model.role, kit.prompts, lead=kit.prompts.lead, thinks=model.card.form != "content"
        )
    else:
        messages = question_turn(given, kit.prompts.conclude, kit.prompts)
    spending: State = {**state, "spent": result.spent or state["spent"]}
    if model.role == "small":
        grant = grant_small(kit, spending, messages, CONCLUDE_TOKENS, concluding=True)
        refused = grant.reason
    else:
        grant = grant_large(kit, spending, messages, CONCLUDE_TOKENS, concluding=True)
        refused = grant.reason or approved(kit, "conclude", None, grant, estimate_tokens(messages))
    if refused:
        result.faults.append(refused)
        return
    call = Call(spending, model, "conclude", earlier=result.rows)
    written = [kit.prompts.lead] if style == "prefill" else []
    if written and kit.settings.token_events:
        emit("token", state["run_id"], role=model.role, step_id=state["next_id"], text=kit.prompts.lead)
    pieces: list[Piece] = []

    def read(piece: Piece) -> bool:
        written.append(piece.text)
        pieces.append(piece)
        if kit.settings.token_events:
            emit("token", state["run_id"], role=model.role, step_id=state["next_id"], text=piece.text)
        return "\n" in piece.text and complete_answer("".join(written)) is not None

    exchange = Exchange(style, Options(grant.max_tokens, kit.settings.temperature), read)
    last = await model.write(
        messages, exchange, name=f"{model.role}:answer", purpose="conclude", step=len(state["trace"]) + 1
    )
    rows, result.spent = call.end(exchange)
    result.rows += rows
    if last.fault:
        result.faults.append(last.fault)
    text = "".join(written).strip()
    result.answer = complete_answer(text)
    if result.answer:
        result.steps = [_answer_step(text, pieces, model, call.id, state["next_id"])]


def _answer_step(text: str, pieces: list[Piece], model: ReasoningModel, call: int, step_id: int) -> Step:
    writer = StepWriter("blank_line", "", model.role, model.card.full_name, call, step_id)
    for piece in pieces:
        writer.feed(Piece(piece.text, piece.tokens, "answer"))
    steps = writer.finish()
    return Step(**{**steps[0], "text": text, "kind": "answer"})


def outcome_of(state: State, kit: Kit, spent: Spent, *, answered: bool, concluded: bool, notes: list[str]) -> Outcome:
    """How the run ended, honestly: a limit or a failure is named even where there is an answer."""
    finish = state["finish"]
    fault = notes[-1] if notes else ""
    if finish == "error":
        detail = f"the small model failed: {fault}"
        return Outcome(kind="model_error", detail=detail + ("; the answer is the best so far" if answered else ""))
    if finish == "budget":
        reason = all_spent(kit.budget, spent) or fault
        return Outcome(kind="budget", detail=reason + ("; the answer is the best so far" if answered else ""))
    if state["remaining"] <= 1 or (finish != "end" and state.get("remaining", 9) <= 2):
        return Outcome(kind="unfinished", detail="the graph's recursion limit was reached before the reasoning ended")
    if not answered:
        return Outcome(
            kind="unfinished", detail=f"no model stated an answer: {fault}" if fault else "no model stated an answer"
        )
    if finish != "end":
        return Outcome(kind="unfinished", detail="the reasoning was ended early; the answer is the best so far")
    return Outcome(kind="answered", detail="concluded on request" if concluded else "")
