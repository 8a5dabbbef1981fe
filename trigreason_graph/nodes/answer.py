"""answer: one complete answer out of the trace, or the model's conclusion, or none."""

from __future__ import annotations

import uuid
from typing import Any

from langchain_core.messages import AIMessage

from trigreason_graph.events import emit
from trigreason_graph.nodes.approval import DENIED
from trigreason_graph.nodes.conclude import Conclusion, conclude
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.progress import show_steps
from trigreason_graph.nodes.reply import ANSWER_WITHIN
from trigreason_graph.nodes.report import build_report
from trigreason_graph.reasoning.answers import complete_answer
from trigreason_graph.reasoning.content import content_of
from trigreason_graph.reasoning.joined import forget
from trigreason_graph.state import Outcome, OutcomeKind, State, Step


async def answer(state: State, kit: Kit) -> dict[str, Any]:
    """State the answer, the outcome and the report."""
    trace = state["trace"]
    told, text = stated_answer(trace, state["problem"]), ""
    asked = Conclusion(state["spent"])
    if told is None:
        asked = await conclude(state, kit)
        told = asked.answer
        show_steps(state, asked.steps, len(trace))
    else:
        step = next((step for step in reversed(trace) if step["kind"] == "answer"), None)
        text = step["text"].strip() if step and complete_answer(step["text"], state["problem"]) is None else ""
    outcome = outcome_of(state, answered=bool(told), concluded=bool(asked.steps), faults=asked.faults)
    notes = [*state["notes"], *(fault for fault in asked.faults if fault not in state["notes"])]
    final: State = {
        **state,
        "trace": [*trace, *asked.steps],
        "ledger": [*state["ledger"], *asked.rows],
        "spent": asked.spent,
        "notes": notes,
        "fallback_on": asked.fallback_on or state["fallback_on"],
    }
    report = build_report(final, outcome, kit.fallen_back() if asked.fallback_on else kit)
    emit("outcome", state["run_id"], **outcome, answer=told or "", report=report)
    forget(trace)
    return {
        "answer": told or "",
        "next_id": state["next_id"] + len(asked.steps),
        "messages": [_message(text or told, final["trace"], kit)] if told else [],
        "trace": asked.steps,
        "drafts": [],
        "signal": None,
        "ledger": asked.rows,
        "spent": asked.spent,
        "notes": notes,
        "fallback_on": final["fallback_on"],
        "outcome": outcome,
        "report": report,
    }


def _message(text: str, trace: list[Step], kit: Kit) -> AIMessage:
    content: Any = content_of(trace, text) if kit.settings.reasoning_in_message else text
    return AIMessage(content, id=uuid.uuid4().hex)


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


BEST_SO_FAR = "; the answer is the best so far"


def outcome_of(state: State, *, answered: bool, concluded: bool, faults: list[str]) -> Outcome:
    """How the run ended, honestly: a limit or a failure is named even where there is an answer.

    Args:
        state: `finish` says what ended the reasoning, `why` the reason in words.
        answered: Whether there is an answer.
        concluded: Whether it was asked for after the reasoning had ended.
        faults: Why a conclusion could not be had.
    """
    finish, why = state["finish"], state["why"]
    kind = ENDINGS.get(finish, "answered" if answered else "unfinished")
    if kind == "answered":
        return Outcome(kind=kind, detail="concluded on request" if concluded else "")
    if not answered:
        why = "; ".join([why, "no model stated an answer", *faults] if why else ["no model stated an answer", *faults])
        denied = DENIED in faults or any(signal.get("unserved_reason") == DENIED for signal in state["signals"])
        return Outcome(kind="denied" if denied and kind == "unfinished" else kind, detail=why)
    return Outcome(kind=kind, detail=(why or "the reasoning was ended early") + BEST_SO_FAR)


ENDINGS: dict[str, OutcomeKind] = {"error": "model_error", "budget": "budget", "steps": "unfinished"}
"""What `finish` makes of the outcome, whether there is an answer or not."""
