"""Asking a person before a paid call (``Settings.large="ask"``).

The interrupt is raised before anything is paid, so that a resume repeats no call.
"""

from __future__ import annotations

from langchain_core.messages import BaseMessage
from langgraph.types import interrupt

from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.prices import cost
from trigreason_graph.models.wrapper import estimate_tokens
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.paid_gate import NO_SAVER, Grant
from trigreason_graph.state import Purpose, Signal

DENIED = "the call was denied"


def approved(kit: Kit, purpose: Purpose, signal: Signal | None, grant: Grant, messages: list[BaseMessage]) -> str:
    """Why the call is not approved; empty when it is, or when nobody has to be asked.

    The interrupt's value says what the call is for and what it costs at most. It is answered with "approve" or "deny".
    """
    if kit.settings.large != "ask":
        return ""
    if not kit.can_wait:
        return NO_SAVER
    most = grant.max_tokens + grant.hidden
    worst = cost(kit.large.card, Usage(tokens_in=estimate_tokens(messages), tokens_out=most), kit.large.prices)
    answer = interrupt(
        {
            "kind": "large_model_call",
            "purpose": purpose,
            "model": kit.large.card.full_name,
            "trigger": signal["trigger"] if signal else "",
            "reason": signal["reason"] if signal else "",
            "max_tokens": most,
            "max_cost_usd": worst,
            "answers": ["approve", "deny"],
        }
    )
    return "" if answer == "approve" or answer is True else DENIED
