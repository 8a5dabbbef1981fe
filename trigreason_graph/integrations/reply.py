"""The answer call of a chat model with bound tools or a schema: it stands in the graph where `answer` does.

It passes the same gate as every call, stands in the ledger and the report, and asks one model: the small one where it
calls tools natively, else the large one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.messages import AIMessage

from trigreason_graph.events import emit
from trigreason_graph.integrations.conversation import without_tools
from trigreason_graph.models.dialects import Options
from trigreason_graph.models.hosted import profile_of
from trigreason_graph.models.pieces import Piece, joined_calls
from trigreason_graph.models.wrapper import Exchange, ReasoningModel
from trigreason_graph.nodes.answer import answer, outcome_of
from trigreason_graph.nodes.bookkeeping import Call
from trigreason_graph.nodes.kit import Kit, handover
from trigreason_graph.nodes.permission import permitted
from trigreason_graph.nodes.prompting import turn_prompt
from trigreason_graph.nodes.report import build_report
from trigreason_graph.reasoning.joined import forget
from trigreason_graph.state import LedgerRow, Spent, State

REPLY_TOKENS = 1_024
"""Output tokens of the answer call where the caller sets no ``max_tokens``. Our choice: a long tool call or a page of
text."""
INSTRUCTIONS = (
    "You write the reply to the user. The reasoning has been done and stands below; the user does not need to see it "
    "again."
)
ASK = "The reasoning ends here. Reply to the user now: call what has to be called, or give the answer."


@dataclass(frozen=True)
class Wanted:
    """What the answer call is given.

    Attributes:
        tools: In OpenAI's form, which every client's ``bind_tools`` takes.
        tool_choice: In LangChain's words ("auto", "any", a tool's name); None: the client's default.
        arguments: Further arguments of ``bind_tools``, such as strict and parallel_tool_calls.
        max_tokens: Of the reply; None: `REPLY_TOKENS`.
        stop: Where the reply's text ends.
    """

    tools: tuple[Mapping[str, Any], ...]
    tool_choice: str | dict[str, Any] | bool | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()

    def for_client(self, model: ReasoningModel) -> dict[str, Any]:
        """The keywords with which a model's client is called.

        Raises:
            ValueError: The client takes no tools.
        """
        choice: dict[str, Any] = {} if self.tool_choice is None else {"tool_choice": self.tool_choice}
        try:
            bound = model.inner.bind_tools([dict(tool) for tool in self.tools], **choice, **self.arguments)
        except NotImplementedError:
            raise ValueError(
                f"{model.card.full_name} takes no tools: use a large model that does, or a small one whose card says "
                "tool_calling=True"
            ) from None
        return dict(getattr(bound, "kwargs", {}))


def takes_tools(model: ReasoningModel) -> bool:
    """Whether a model is known to call tools natively, by its card or its client's profile."""
    return model.card.tool_calling or bool(profile_of(model.inner).get("tool_calling"))


def replier(kit: Kit) -> ReasoningModel:
    """Who makes the answer call: the small model where it is known to call tools, else the large one."""
    return kit.small if takes_tools(kit.small) else kit.large


@dataclass
class _Written:
    """What came of the call: its message, or why there is none; its rows and the totals with them."""

    spent: Spent
    message: AIMessage | None = None
    rows: list[LedgerRow] = field(default_factory=list)
    fault: str = ""


async def reply(state: State, kit: Kit, wanted: Wanted) -> dict[str, Any]:
    """The node: one call with the tools; where that cannot be had, what the reasoning itself has stated."""
    written = _Written(state["spent"])
    if state["finish"] == "error" and replier(kit) is kit.small:
        written.fault = state["why"]
    else:
        await _call(state, kit, wanted, written)
    fallen = ""
    if written.message is None and written.rows and replier(kit) is kit.large and kit.fallback is not None:
        fallen, kit = written.fault, kit.fallen_back()
        await _call(state, kit, wanted, written)
    notes = [*state["notes"], *([written.fault] if written.fault and written.fault not in state["notes"] else [])]
    after: State = {
        **state,
        "ledger": [*state["ledger"], *written.rows],
        "spent": written.spent,
        "notes": notes,
        "fallback_on": fallen or state["fallback_on"],
    }
    if written.message is None:
        stated = await answer(after, kit)
        return {**stated, "fallback_on": after["fallback_on"], "ledger": [*written.rows, *stated["ledger"]]}
    outcome = outcome_of(state, answered=True, concluded=False, faults=[])
    report = build_report(after, outcome, kit)
    emit("outcome", state["run_id"], **outcome, answer=written.message.text, report=report)
    forget(state["trace"])
    return {
        "answer": written.message.text,
        "messages": [written.message],
        "drafts": [],
        "signal": None,
        "ledger": written.rows,
        "spent": written.spent,
        "notes": notes,
        "fallback_on": after["fallback_on"],
        "outcome": outcome,
        "report": report,
    }


async def _call(state: State, kit: Kit, wanted: Wanted, written: _Written) -> None:
    """Make the call, on top of what `written` holds already."""
    state = {**state, "spent": written.spent}
    model = replier(kit)
    given = handover(state, model.role)
    given = replace(given, conversation=without_tools(given.conversation, wanted.tools))
    messages = turn_prompt(model.card, given, ASK, replace(kit.prompts, instructions=INSTRUCTIONS)).messages
    tokens = wanted.max_tokens or REPLY_TOKENS
    grant = permitted(kit, state, model, "conclude", messages, tokens, concluding=True)
    if grant.reason:
        written.fault = grant.reason
        return
    ahead: State = {**state, "ledger": [*state["ledger"], *written.rows]}
    call = Call(ahead, model, "conclude", instruction=grant.instruction)
    text: list[str] = []

    def read(piece: Piece) -> bool:
        if model.card.form == "content" or piece.phase == "answer":
            text.append(piece.text)
            if piece.text and kit.settings.token_events:
                emit("token", state["run_id"], role=model.role, step_id=state["next_id"], text=piece.text)
        return False

    options = Options(grant.max_tokens, kit.settings.temperature, wanted.stop, grant.effort)
    exchange = Exchange("turn", options, read, arguments=wanted.for_client(model))
    last = await model.write(
        grant.prompt, exchange, name=f"{model.role}:reply", purpose="conclude", step=len(state["trace"]) + 1
    )
    rows, written.spent = call.end(exchange)
    written.rows = [*written.rows, *rows]
    written.message = _message("".join(text), exchange)
    written.fault = last.fault or ("" if written.message else "the answer call brought nothing")


def _message(text: str, exchange: Exchange) -> AIMessage | None:
    """The reply, with its tool calls read; None where there is neither text nor a call."""
    from langchain_core.messages import AIMessageChunk

    if exchange.last.status == "error" or not (text.strip() or exchange.tool_calls):
        return None
    whole = AIMessageChunk(content=text.strip(), tool_call_chunks=joined_calls(exchange.tool_calls))
    return AIMessage(
        whole.content,
        id=uuid.uuid4().hex,
        tool_calls=whole.tool_calls,
        invalid_tool_calls=whole.invalid_tool_calls,
        response_metadata={"finish_reason": exchange.last.finish},
    )
