"""One short call that states the answer, where the trace ends without one."""

from __future__ import annotations

from dataclasses import dataclass, field

from trigreason_graph.events import emit
from trigreason_graph.models.dialects import Options
from trigreason_graph.models.pieces import Piece
from trigreason_graph.models.wrapper import Exchange, ReasoningModel
from trigreason_graph.nodes.bookkeeping import Call
from trigreason_graph.nodes.kit import Kit, handover
from trigreason_graph.nodes.permission import permitted
from trigreason_graph.nodes.prompting import trace_prompt, turn_prompt
from trigreason_graph.nodes.writing import StepWriter
from trigreason_graph.reasoning.answers import complete_answer
from trigreason_graph.reasoning.prompts import ask_for
from trigreason_graph.settings import CONCLUDE_TOKENS
from trigreason_graph.state import LedgerRow, Role, Spent, State, Step


@dataclass
class Conclusion:
    """What came of it.

    Attributes:
        answer: The stated answer; None when nobody stated one.
        steps: The step that states it.
        rows, spent: For the books.
        faults: Why a model could not be asked, or failed.
        fallback_on: Why the fallback stood in for the LRM; empty when it did not.
    """

    spent: Spent
    answer: str | None = None
    steps: list[Step] = field(default_factory=list)
    rows: list[LedgerRow] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    fallback_on: str = ""


async def conclude(state: State, kit: Kit) -> Conclusion:
    """Ask the SRM, or the LRM where the policy says so; the other one when that fails.

    Under large="ask" the LRM is not asked behind the SRM: an approval after the first call would repeat it.
    """
    first: Role = "large" if kit.policy.answer_by == "large" else "small"
    order: list[Role] = [first, "small" if first == "large" else "large"]
    if state["finish"] == "error":
        order.remove("small")
    if kit.settings.large == "ask" and order[0] == "small":
        del order[1:]
    result = Conclusion(state["spent"])
    for role in order:
        down = await _ask(state, kit, kit.small if role == "small" else kit.large, result)
        if down and role == "large" and kit.fallback is not None:  # what failed was not paid
            result.fallback_on, kit = down, kit.fallen_back()
            await _ask(state, kit, kit.large, result)
        if result.answer:
            break
    return result


async def _ask(state: State, kit: Kit, model: ReasoningModel, result: Conclusion) -> str:
    """Ask one model; returns why it is down, empty when it is not."""
    given, style = handover(state, model.role), model.card.style
    lead = kit.prompts.lead if style == "prefill" else ""
    if lead:
        messages = trace_prompt(model.card, given, model.role, kit.prompts, lead=lead).messages
    else:
        messages = turn_prompt(model.card, given, ask_for("conclude", texts=kit.prompts), kit.prompts).messages
    spending: State = {**state, "spent": result.spent}
    grant = permitted(kit, spending, model, "conclude", messages, CONCLUDE_TOKENS, concluding=True)
    if grant.reason:
        result.faults.append(grant.reason)
        return ""
    call = Call(state, model, "conclude", earlier=result.rows, instruction=grant.instruction)
    pieces: list[Piece] = []

    def show(text: str) -> None:
        if text and kit.settings.token_events:
            emit("token", state["run_id"], role=model.role, step_id=state["next_id"], text=text)

    def stated() -> str | None:
        # A lead makes the model's text an answer, also where the problem itself has the same words.
        text = lead + "".join(piece.text for piece in pieces)
        return complete_answer(text, "" if lead else state["problem"])

    def read(piece: Piece) -> bool:
        pieces.append(piece)
        show(piece.text)
        return "\n" in piece.text and stated() is not None

    show(lead)
    options = Options(grant.max_tokens, kit.settings.temperature, effort=grant.effort)
    exchange = Exchange(style, options, read, shown=kit.settings.stream_reasoning)
    last = await model.write(
        grant.prompt, exchange, name=f"{model.role}:answer", purpose="conclude", step=len(state["trace"]) + 1
    )
    rows, result.spent = call.end(exchange)
    result.rows += rows
    if last.fault:
        result.faults.append(last.fault)
    result.answer = stated()
    if result.answer:
        result.steps = [_answer_step(lead, pieces, model, call.id, state["next_id"])]
    return last.fault if last.status == "error" else ""


def _answer_step(lead: str, pieces: list[Piece], model: ReasoningModel, call: int, step_id: int) -> Step:
    writer = StepWriter("blank_line", "", model.role, model.card.full_name, call, step_id)
    for piece in pieces:
        writer.feed(Piece(piece.text, piece.tokens, "answer"))
    step = writer.finish()[0]
    text = (lead + "".join(piece.text for piece in pieces)).strip()
    return Step(**{**step, "text": text, "kind": "answer"})
