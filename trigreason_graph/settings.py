"""Run-time settings (the graph's context schema, editable in Studio) and the budget of a run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

LargeMode = Literal["auto", "ask", "shadow", "never"]
Effort = Literal["low", "medium", "high"]
EffortFor = Literal["initiate", "prime", "rewrite", "intervene", "review", "conclude", "handoff"]

CONCLUDE_TOKENS = 256
"""Output tokens every limit keeps in reserve, so that a run can still state its answer."""


MODEL_CALLERS = ("strategist", "step_generator", "large_offload", "answer")
"""Nodes that call a model."""


def _nodes(*names: str) -> JsonDict:
    """At which nodes Studio offers a field."""
    return {"langgraph_nodes": list(names)}


class Budget(BaseModel):
    """Finite limits of one run, each checked before a call against that call's worst case.

    Tokens are output tokens (hidden reasoning included), of all calls, discarded drafts included; input is counted in
    dollars. `seconds` is the sum of the calls' times, so that a resumed run is not over at once. None: no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    large_calls: int | None = Field(default=20, ge=0, title="Large calls", description="Calls of the large model.")
    large_tokens: int | None = Field(
        default=8_000, ge=0, title="Large tokens", description="Output tokens of the large model."
    )
    total_tokens: int | None = Field(
        default=32_000, ge=1, title="All tokens", description="Output tokens of both models."
    )
    seconds: float | None = Field(
        default=600.0, gt=0, title="Seconds", description="Sum of the calls' times in seconds."
    )
    tool_calls: int | None = Field(
        default=10,
        ge=0,
        title="Tool calls",
        description="Calls of tools inside the reasoning, failed ones included; no model is paid for them.",
    )
    tool_seconds: float | None = Field(
        default=30.0, gt=0, title="Tool seconds", description="Longest time of one call of a tool."
    )
    usd: float | None = Field(
        default=0.25, ge=0, title="Dollars", description="Needs a large model whose price is known."
    )


class Settings(BaseModel):
    """What can be changed per run: ``graph.invoke(..., context=Settings(large="never"))``.

    Precedence: fields set in the context, then ``create_trigreason_graph(settings=...)``, then the policy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    large: LargeMode = Field(
        default="auto",
        title="Use of the large model",
        description="auto: when a trigger fires. ask: stop before each paid call until a person approves, denies or "
        "edits it. shadow: triggers run, nothing is paid, and the report says what would have been. never: the large "
        "model is not called.",
        json_schema_extra=_nodes("strategist", "trigger_router", "large_offload", "answer"),
    )
    policy: str | None = Field(
        default=None,
        title="Policy",
        description="Name of a shipped policy that replaces the graph's own for this run; no file.",
        json_schema_extra=_nodes("prepare", "step_generator", "trigger_router"),
    )
    budget: Budget | None = Field(
        default=None,
        title="Budget",
        description="Replaces the graph's budget for this run.",
        json_schema_extra=_nodes(*MODEL_CALLERS),
    )
    triggers: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        title="Trigger settings",
        description='Fields of triggers to change, by trigger name: {"cognitive_offload": {"rho": 0.9}}.',
        json_schema_extra=_nodes("step_generator", "trigger_router"),
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        title="Temperature",
        description="Sampling temperature of both models; None: the model's own.",
        json_schema_extra=_nodes(*MODEL_CALLERS),
    )
    effort: dict[EffortFor, Effort] = Field(
        default_factory=dict,
        title="Reasoning effort",
        description="How long a large model whose reasoning is hidden may think, by purpose. By default high for a "
        "plan (initiate) and for everything to the end (handoff), low for single steps.",
        json_schema_extra=_nodes("strategist", "large_offload", "answer"),
    )
    token_events: bool = Field(
        default=True,
        title="Token events",
        description='Send a "token" event per piece of text.',
        json_schema_extra=_nodes(*MODEL_CALLERS),
    )
    max_rollbacks: int = Field(
        default=3,
        ge=0,
        title="Rollbacks per run",
        description="Further ones are not served.",
        json_schema_extra=_nodes("trigger_router", "large_offload", "checkpoint_rollback"),
    )
    stream_reasoning: bool = Field(
        default=False,
        title="Stream the reasoning as messages",
        description='Let stream_mode="messages" show what both models write while they reason, thrown-away drafts '
        'among it; the metadata say who wrote it ("trigreason_role").',
        json_schema_extra=_nodes(*MODEL_CALLERS),
    )
    reasoning_in_message: bool = Field(
        default=False,
        title="Reasoning in the answer's message",
        description="Put the accepted steps into the answer's message, as a standard reasoning block before the text.",
        json_schema_extra=_nodes("answer"),
    )

    @model_validator(mode="before")
    @classmethod
    def _own_part(cls, given: Any) -> Any:
        """A shared context may hold these settings under the key "trigreason"."""
        if not isinstance(given, dict) or "trigreason" not in given:
            return given
        return {} if given["trigreason"] is None else given["trigreason"]

    def over(self, base: Settings) -> Settings:
        """These settings where they were set explicitly, `base` elsewhere."""
        return base.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})


def settings_from(context: object, base: Settings) -> Settings:
    """The settings of a run out of whatever context LangGraph hands over.

    None and {} mean `base`. A foreign parent's context (a subgraph gets it uncoerced) is ignored except its key or
    attribute "trigreason".
    """
    if context is None:
        return base
    if not isinstance(context, Settings):
        context = context.get("trigreason") if isinstance(context, dict) else getattr(context, "trigreason", None)
    if context is None:
        return base
    if isinstance(context, dict):
        context = Settings.model_validate(context)
    if not isinstance(context, Settings):
        raise TypeError(f'the context key "trigreason" must be Settings or a dict, not {type(context).__name__}')
    return context.over(base)
