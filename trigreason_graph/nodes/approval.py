"""Asking a person before a paid call (``Settings.large="ask"``).

The interrupt is raised before anything is paid, so that a resume repeats no call.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from langchain_core.messages import BaseMessage
from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.prices import cost
from trigreason_graph.models.wrapper import estimate_tokens
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.paid_gate import Grant
from trigreason_graph.reasoning.handover import request_in
from trigreason_graph.reasoning.text import clean
from trigreason_graph.state import Purpose, Signal

DENIED = "the call was denied"
INSTRUCTION_CHARACTERS = 2_000
"""Longest instruction that a person may add. Ours: a page of text; more would be a prompt of its own."""
REQUEST_SHOWN = 600
"""Characters of the request that the interrupt shows, from its end. Ours: all of the default prompts' requests."""
FORMS = 'answer with "approve", "deny", or {"decision": "edit", "instruction": "what to tell the large model"}'

PURPOSES: dict[Purpose, str] = {
    "initiate": "plan the solution",
    "prime": "write the first steps",
    "rewrite": "rewrite step {step}",
    "intervene": "go on from step {step}",
    "review": "judge step {step}",
    "conclude": "state the answer",
}


class Approval(BaseModel):
    """A person's answer to the question whether a call may be made.

    Besides the object itself, "approve" or true and "deny" or false are taken, and each of these as JSON text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    decision: Literal["approve", "deny", "edit"] = Field(
        title="Decision",
        description="approve: make the call. deny: the small model goes on alone. edit: make it with the instruction.",
    )
    instruction: str = Field(
        default="",
        title="Instruction",
        description="With edit: what the large model is told on top of its request, in this call only.",
        max_length=INSTRUCTION_CHARACTERS,
    )

    @model_validator(mode="before")
    @classmethod
    def _in_full(cls, given: Any) -> Any:
        """The short forms written out."""
        if isinstance(given, str):
            given = _read(given)
        if isinstance(given, bool):
            return {"decision": "approve" if given else "deny"}
        if isinstance(given, str) and given in ("approve", "deny"):
            return {"decision": given}
        if isinstance(given, dict | cls):
            return given
        raise ValueError(f"that is no answer to the question whether the large model may be called: {FORMS}")

    @field_validator("instruction", mode="before")
    @classmethod
    def _cleaned(cls, given: Any) -> Any:
        return clean(given).strip() if isinstance(given, str) else given

    @model_validator(mode="after")
    def _agrees(self) -> Approval:
        if self.decision == "edit" and not self.instruction:
            raise ValueError(f"an edit needs an instruction: {FORMS}")
        if self.decision != "edit" and self.instruction:
            raise ValueError(f'an instruction goes with "edit", not with "{self.decision}": {FORMS}')
        return self


def _read(text: str) -> Any:
    """What a field that takes text alone was given: a word, or JSON."""
    word = text.strip()
    try:
        return json.loads(word)
    except (ValueError, RecursionError):
        return word.strip("\"'").lower()


def approval(
    kit: Kit, purpose: Purpose, signal: Signal | None, step: int, grant: Grant, messages: list[BaseMessage]
) -> Approval:
    """Wait for a person's answer.

    Args:
        kit: For the model and its prices.
        purpose: What the call is for.
        signal: Why.
        step: 1-based number of the step it is about.
        grant: How much it may write.
        messages: The prompt.

    Returns:
        The answer. One that cannot be read raises pydantic's ValidationError out of the run, which can then be answered
        again: nothing is saved, nothing repeated.
    """
    prompt, most = estimate_tokens(messages), grant.max_tokens + grant.hidden
    worst = cost(kit.large.card, Usage(tokens_in=prompt, tokens_out=most), kit.large.prices)
    name, task = kit.large.card.full_name, PURPOSES[purpose].format(step=step)
    price = "price unknown" if worst is None else f"${worst:.4g}"
    request = request_in(messages)
    return interrupt(
        {
            "kind": "large_model_call",
            "summary": f"{name} is to {task}: at most {most} tokens, {price}",
            "purpose": purpose,
            "model": name,
            "step": step,
            "trigger": signal["trigger"] if signal else "",
            "reason": signal["reason"] if signal else "",
            "prompt_tokens": prompt,
            "max_tokens": most,
            "max_cost_usd": worst,
            "instruction": request if len(request) <= REQUEST_SHOWN else "…" + request[1 - REQUEST_SHOWN :],
            "answers": ["approve", "deny", "edit"],
        },
        response_schema=Approval,
    )
