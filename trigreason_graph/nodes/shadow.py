"""What ``large="shadow"`` did not spend, and where: each signal's call at the most it would have taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from langchain_core.messages import BaseMessage

from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.prices import cost, total
from trigreason_graph.models.wrapper import ReasoningModel, estimate_tokens
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.large_call import steps_prompt, tokens_wanted
from trigreason_graph.nodes.paid_gate import SHADOW
from trigreason_graph.nodes.permission import effort_for
from trigreason_graph.nodes.strategist import BLUEPRINT_TOKENS, plan_prompt
from trigreason_graph.settings import Budget
from trigreason_graph.state import Purpose, Shadow, ShadowCall, Signal, State


def shadow(state: State, kit: Kit) -> Shadow:
    """The calls that triggers asked for, and what they would have taken at most, within the budget.

    Judges are not in it: whether one had asked depends on what it had said before.

    Args:
        state: Of a run under "shadow", at its end.
        kit: For the prompts, the caps, the prices and the budget.
    """
    return within(
        [
            call
            for signal in state["signals"]
            if signal.get("unserved_reason") == SHADOW
            for call in _calls(state, kit, signal)
        ],
        kit.budget,
    )


def within(calls: Sequence[ShadowCall], budget: Budget) -> Shadow:
    """An upper bound for calls that were not made: each at its cap, all within the budget."""
    where = list(calls[: budget.large_calls])
    tokens, dollars = sum(call["max_tokens"] for call in where), total(call["max_cost"] for call in where)
    return Shadow(
        calls=len(where),
        max_tokens=tokens if budget.large_tokens is None else min(tokens, budget.large_tokens),
        max_cost=dollars if dollars is None or budget.usd is None else min(dollars, budget.usd),
        where=where,
    )


def not_made(
    model: ReasoningModel, signal: Signal, purpose: Purpose, messages: Sequence[BaseMessage], most: int, at: int
) -> ShadowCall:
    """A call at the most it would have taken.

    Args:
        model: Who would have been called.
        signal: Why.
        purpose: What for.
        messages: The prompt.
        most: Output tokens, hidden reasoning included.
        at: 0-based position in the trace.
    """
    usage = Usage(tokens_in=estimate_tokens(messages), tokens_out=most)
    return ShadowCall(
        at=at,
        trigger=signal["trigger"],
        purpose=purpose,
        tokens_in=usage.tokens_in,
        max_tokens=most,
        max_cost=cost(model.card, usage, model.prices),
    )


def _calls(state: State, kit: Kit, signal: Signal) -> Iterator[ShadowCall]:
    """The call that serves a signal; two where a blueprint is followed by the first steps."""
    initiation = kit.policy.initiation
    if initiation is None or signal["trigger"] != initiation.name:
        yield _steps(state, kit, signal)
        return
    if signal["evidence"].get("form") == "blueprint":
        cap = initiation.tokens or BLUEPRINT_TOKENS
        yield _call(kit, signal, "initiate", plan_prompt(kit, {**state, "trace": []}, cap), cap, 1)
    if initiation.form != "blueprint":
        yield _steps(state, kit, Signal(**{**initiation.priming(), "at": 0}), "prime", initiation.prime_tokens)


def _steps(
    state: State, kit: Kit, signal: Signal, purpose: Purpose | None = None, cap: int | None = None
) -> ShadowCall:
    purpose = purpose or ("intervene" if signal["route"] == "intervene" else "rewrite")
    stays = purpose == "intervene" and not signal.get("drop")
    trace = state["trace"][: signal.get("at", 0) + stays]
    steps = signal.get("steps", 1)
    messages = steps_prompt(kit, state, purpose, signal, trace, cap).messages
    return _call(kit, signal, purpose, messages, tokens_wanted(steps, cap), steps)


def _call(
    kit: Kit, signal: Signal, purpose: Purpose, messages: list[BaseMessage], wanted: int, steps: int | None
) -> ShadowCall:
    most = wanted + kit.large.card.hidden_at(effort_for(kit, purpose, steps))
    return not_made(kit.large, signal, purpose, messages, most, signal.get("at", 0))
