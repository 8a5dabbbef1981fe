"""Whether the large model may write a turn: the limits, and with ``large="ask"`` a person."""

from __future__ import annotations

from dataclasses import replace

from langchain_core.messages import BaseMessage

from trigreason_graph.integrations.middleware.models import REPLY_TOKENS, reply_limit
from trigreason_graph.integrations.middleware.record import Record
from trigreason_graph.nodes.approval import DENIED, approval
from trigreason_graph.nodes.paid_gate import NO_SAVER, Grant, grant_large
from trigreason_graph.nodes.permission import effort_for
from trigreason_graph.reasoning.handover import with_instruction
from trigreason_graph.state import Purpose, Signal


def permitted(
    record: Record, purpose: Purpose, signal: Signal, prompt: list[BaseMessage], *, told: str | None = None
) -> Grant:
    """How much the large model may write in this turn; 0 with the reason where it may not be asked.

    Args:
        record: Of the run.
        purpose: What for.
        signal: Why.
        prompt: What it is sent.
        told: What a person who has approved already tells it on top ("" for nothing); None: nobody was asked yet.

    Raises:
        GraphInterrupt: A person has to be asked first.
    """
    kit = record.kit
    effort, wanted = effort_for(kit, purpose), reply_limit(kit.large, REPLY_TOKENS)
    grant = grant_large(kit, record.gate, prompt, wanted, effort=effort)
    if grant.reason or kit.settings.large != "ask" or told is not None:
        return replace(grant, effort=effort, instruction=told or "")
    if not kit.can_wait:
        return Grant(0, NO_SAVER)
    answer = approval(kit, purpose, signal, record.run["turn"] + 1, grant, prompt)
    if answer.decision == "deny":
        return Grant(0, DENIED)
    if answer.instruction:  # the prompt is longer than what was granted
        longer = with_instruction(prompt, answer.instruction, kit.prompts)
        grant = grant_large(kit, record.gate, longer, wanted, effort=effort)
    return replace(grant, effort=effort, instruction=answer.instruction)
