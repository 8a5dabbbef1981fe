"""Whether a model may be called, how much it may write, and how long it may think: before anything is paid."""

from __future__ import annotations

from dataclasses import replace

from langchain_core.messages import BaseMessage

from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.nodes.approval import DENIED, approval
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.paid_gate import NO_SAVER, Grant, grant_large, grant_small
from trigreason_graph.reasoning.handover import with_instruction
from trigreason_graph.settings import Effort, EffortFor
from trigreason_graph.state import Purpose, Signal, State


def permitted(
    kit: Kit,
    state: State,
    model: ReasoningModel,
    purpose: Purpose,
    messages: list[BaseMessage],
    wanted: int,
    *,
    signal: Signal | None = None,
    steps: int | None = 1,
    step: int | None = None,
    concluding: bool = False,
) -> Grant:
    """The one way to a call: the limits, and for the LRM the effort and the person who has to be asked.

    Args:
        kit: Models, budget and settings in force.
        state: For what was spent.
        model: Who is to be called: the kit's SRM or LRM.
        purpose: What for.
        messages: The prompt.
        wanted: Output tokens asked for.
        signal: Why.
        steps: How many steps it writes; None: all to the end.
        step: 1-based number of the step it is about; None: the one behind the trace.
        concluding: The call states the answer: it may use the reserve.

    Returns:
        What it may, and the prompt to send.
    """
    if model.role == "small":
        return replace(grant_small(kit, state, messages, wanted, concluding=concluding), prompt=messages)
    effort = effort_for(kit, purpose, steps)
    grant = grant_large(kit, state, messages, wanted, effort=effort, concluding=concluding)
    if grant.reason or kit.settings.large != "ask":
        return replace(grant, effort=effort, prompt=messages)
    if not kit.can_wait:
        return Grant(0, NO_SAVER)
    answer = approval(kit, purpose, signal, step or len(state["trace"]) + 1, grant, messages)
    if answer.decision == "deny":
        return Grant(0, DENIED)
    told = with_instruction(messages, answer.instruction, kit.prompts)
    if answer.instruction:  # the prompt is longer than what was granted
        grant = grant_large(kit, state, told, wanted, effort=effort, concluding=concluding)
    return replace(grant, effort=effort, prompt=told, instruction=answer.instruction)


def effort_for(kit: Kit, purpose: Purpose, steps: int | None = 1) -> Effort | None:
    """How long the LRM may think: as set, else high for a plan and for all to the end, low for anything short.

    Args:
        kit: For the model and the settings; a model that takes no effort gets none.
        purpose: What it is called for.
        steps: How many steps it writes; None: all to the end.
    """
    if not kit.large.card.efforts or purpose == "continue":
        return None
    kind: EffortFor = "handoff" if steps is None else purpose
    return kit.settings.effort.get(kind) or ("high" if kind in ("initiate", "handoff") else "low")
