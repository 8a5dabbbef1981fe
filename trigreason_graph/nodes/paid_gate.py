"""The one place where a call of the large model is allowed, bounded or refused, before anything is paid."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from langchain_core.messages import BaseMessage

from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.prices import cost
from trigreason_graph.models.wrapper import ReasoningModel, estimate_tokens
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.settings import CONCLUDE_TOKENS, Budget, Effort
from trigreason_graph.state import Spent, State

NO_SAVER = "large=ask needs a checkpointer to wait for an approval; without one each paid call is refused"
SHADOW = "shadow mode: nothing is paid"
UNBOUNDED = 1_000_000_000
Limit = Literal["", "budget", "dollars", "window"]
USEFUL_TOKENS = 32
"""A call that may write less than this is not worth its input."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A call may write up to `max_tokens`; 0 means it is refused, for `reason`.

    Attributes:
        limit: What allows no more than that: the budget, the model's window, or neither.
        hidden: Output tokens that its hidden reasoning may take on top.
        effort: How long it may think; None: its own default.
        prompt: What may be sent: the prompt that was asked for, with a person's instruction at its end.
        instruction: That instruction; empty without.
    """

    max_tokens: int
    reason: str = ""
    limit: Limit = ""
    hidden: int = 0
    effort: Effort | None = None
    prompt: list[BaseMessage] = field(default_factory=list)
    instruction: str = ""

    def __bool__(self) -> bool:
        return self.max_tokens > 0


def large_closed(kit: Kit, state: State) -> str:
    """Why the LRM cannot be called at all at this point; empty when it can."""
    if state.get("large_off"):
        return state["large_off"]
    if kit.settings.large == "never":
        return "the large model is switched off (large=never)"
    if kit.settings.large == "ask" and not kit.can_wait:
        return NO_SAVER
    if kit.settings.large == "shadow":
        return SHADOW
    return large_spent(kit.budget, state["spent"], CONCLUDE_TOKENS if kit.policy.answer_by == "large" else 0)


def large_spent(budget: Budget, spent: Spent, reserve: int = 0) -> str:
    """Which of the LRM's limits is used up; empty when none is. `reserve`: output tokens kept for the conclusion."""
    calls_kept = 1 if reserve else 0
    if budget.large_calls is not None and spent["large_calls"] + calls_kept >= budget.large_calls:
        return f"the budget of {budget.large_calls} large-model calls is used up"
    if budget.large_tokens is not None and budget.large_tokens - spent["large_tokens"] - reserve < USEFUL_TOKENS:
        return f"the budget of {budget.large_tokens} large-model tokens leaves no room for a call"
    if budget.usd is not None and spent["usd"] >= budget.usd > 0:
        return f"the budget of ${budget.usd:g} is used up"
    return all_spent(budget, spent)


def all_spent(budget: Budget, spent: Spent, reserve: int = CONCLUDE_TOKENS) -> str:
    """Which limit of the whole run is used up, the conclusion's reserve apart; empty when none is."""
    if budget.total_tokens is not None and budget.total_tokens - spent["total_tokens"] - reserve < USEFUL_TOKENS:
        return f"the budget of {budget.total_tokens} tokens is used up"
    if budget.seconds is not None and spent["seconds"] >= budget.seconds:
        return f"the budget of {budget.seconds:g} s is used up"
    return ""


def grant_large(
    kit: Kit,
    state: State,
    messages: list[BaseMessage],
    wanted: int,
    *,
    effort: Effort | None = None,
    concluding: bool = False,
) -> Grant:
    """Whether the LRM may be called with `messages`, and how much it may write.

    The worst case (the whole prompt uncached, all hidden reasoning used, `max_tokens` written) must fit every limit;
    what does not fit is cut down, and a call cut below usefulness is refused.

    Args:
        kit: Models, budget and settings in force.
        state: For what was spent.
        messages: The prompt.
        wanted: Output tokens asked for.
        effort: How long it may think in private.
        concluding: The call states the answer: it may use the reserve.
    """
    mode = kit.settings.large
    if concluding and (state.get("large_off") or mode in ("never", "shadow")):
        return Grant(0, state.get("large_off") or f"large={mode}")
    if not concluding and (reason := large_closed(kit, state)):
        return Grant(0, reason)
    budget, spent = kit.budget, state["spent"]
    if budget.large_calls is not None and spent["large_calls"] >= budget.large_calls:
        return Grant(0, f"the budget of {budget.large_calls} large-model calls is used up")
    room = _room(kit, kit.large, state, messages, concluding=concluding)
    if budget.large_tokens is not None:
        reserve = CONCLUDE_TOKENS if kit.policy.answer_by == "large" and not concluding else 0
        room["budget"] = min(room["budget"], budget.large_tokens - spent["large_tokens"] - reserve)
    return _granted(kit.large, wanted, room, effort)


def grant_small(kit: Kit, state: State, messages: list[BaseMessage], wanted: int, *, concluding: bool = False) -> Grant:
    """How much the SRM may write."""
    if not concluding and (reason := all_spent(kit.budget, state["spent"])):
        return Grant(0, reason)
    return _granted(kit.small, wanted, _room(kit, kit.small, state, messages, concluding=concluding), None)


def _room(
    kit: Kit, model: ReasoningModel, state: State, messages: list[BaseMessage], *, concluding: bool
) -> dict[Limit, int]:
    """Output tokens that the limits of every call leave."""
    budget, spent, window = kit.budget, state["spent"], model.card.window
    room: dict[Limit, int] = {"budget": UNBOUNDED, "window": UNBOUNDED}
    if budget.total_tokens is not None:
        room["budget"] = budget.total_tokens - spent["total_tokens"] - (0 if concluding else CONCLUDE_TOKENS)
    if budget.usd is not None:
        room["dollars"] = _affordable(model, messages, budget.usd - spent["usd"])
    if window is not None:
        room["window"] = window - estimate_tokens(messages)
    return room


def _granted(model: ReasoningModel, wanted: int, room: dict[Limit, int], effort: Effort | None) -> Grant:
    # What a model thinks in private is written and billed on top of what it was asked for.
    hidden = model.card.hidden_at(effort)
    tightest: Limit = min(room, key=lambda name: room[name])
    allowed = min(wanted, room[tightest] - hidden)
    if allowed >= min(USEFUL_TOKENS, wanted):
        return Grant(allowed, limit=tightest if allowed < wanted else "", hidden=hidden)
    what = "what is left of the budget"
    if tightest == "dollars":
        what += " in dollars"
    elif tightest == "window":
        what = f"the window of {model.card.full_name} ({model.card.window} tokens)"
    thinking = f", {hidden} tokens of hidden reasoning included," if hidden else ""
    return Grant(0, f"a call of {wanted} tokens{thinking} does not fit {what}", tightest)


def _affordable(model: ReasoningModel, messages: list[BaseMessage], dollars: float) -> int:
    """Output tokens that `dollars` buy on top of the prompt."""
    prompt = cost(model.card, Usage(tokens_in=estimate_tokens(messages)), model.prices)
    million = cost(model.card, Usage(tokens_out=1_000_000), model.prices)
    if prompt is None or million is None:
        return UNBOUNDED  # of unknown price, for which only the default limit is there (`check_dollars`)
    if not million:  # local, or an output that is free
        return UNBOUNDED if prompt <= dollars else 0
    return max(math.floor((dollars - prompt) / million * 1_000_000), 0)


def seconds_left(kit: Kit, state: State) -> float | None:
    """How long a call may take; None without a limit. A conclusion is not bound by it."""
    limit = kit.budget.seconds
    return None if limit is None else max(limit - state["spent"]["seconds"], 0.0)
