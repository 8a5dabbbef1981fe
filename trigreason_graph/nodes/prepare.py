"""prepare: checks the input and the models, and clears what an earlier question left on the thread."""

from __future__ import annotations

import secrets
from typing import Any, Literal

from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.runtime import get_runtime

from trigreason_graph.errors import InputError, ModelNotReady
from trigreason_graph.events import emit
from trigreason_graph.models.pieces import text_of
from trigreason_graph.models.wrapper import ReasoningModel, estimate_tokens
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.migration import problem_text
from trigreason_graph.nodes.paid_gate import NO_SAVER, large_closed
from trigreason_graph.nodes.progress import settled, show_signal
from trigreason_graph.policies.matching import warn_of_mismatches
from trigreason_graph.reasoning.conversation import as_turns
from trigreason_graph.reasoning.handover import Handover, continuation
from trigreason_graph.reasoning.text import clean
from trigreason_graph.settings import CONCLUDE_TOKENS, Settings, settings_from
from trigreason_graph.state import STATE_VERSION, Signal, State, nothing_spent
from trigreason_graph.triggers import View

WORKING_ROOM = CONCLUDE_TOKENS
"""Tokens a model's window must have left beside the problem, or nothing can be written."""


async def prepare(state: State, kit: Kit) -> dict[str, Any]:
    """Validate, reset, and set the initiation signal.

    Raises:
        InputError: No question, or one that does not fit a model's window.
        ModelNotReady: A model that cannot be called; before anything is paid.
    """
    message, is_new = find_question(state)
    problem = problem_text(message)
    if not problem and not isinstance(message.content, str) and message.content:
        raise InputError("the question has no text: an image or file needs a text block beside it that asks something")
    if not problem:
        raise InputError('the question is empty: pass {"question": "..."} or messages that end in a human message')
    earlier = state.get("messages", [])
    conversation = as_turns([*earlier, message] if is_new else earlier)
    prompt = continuation(Handover(conversation, problem, None, ()), "small", kit.prompts)
    await kit.small.aready()
    check_window(kit.small, prompt)
    asked = kit.policy.needs_large and kit.settings.large not in ("never", "shadow")
    fallback_on = await large_ready(kit) if asked else ""
    if fallback_on:
        kit = kit.fallen_back()
    if kit.settings.large not in ("never", "shadow"):
        check_window(kit.large, prompt)
    if kit.settings.policy:  # the graph's own was looked at when it was built
        warn_of_mismatches(kit.policy, kit.small.card, kit.large.card, kit.prompts.version)
    run_id = secrets.token_hex(8)  # short, as all that is constant: SQLite stores it with every checkpoint
    fresh = State(problem=problem, spent=nothing_spent(), large_off="", trace=[], signals=[])
    signal = initiation(kit, fresh)
    closed = large_closed(kit, fresh) if signal else ""
    emit(
        "run",
        run_id,
        question=problem,
        small=kit.small.card.full_name,
        large=kit.large.card.full_name,
        policy=kit.policy.name,
        prompts=kit.prompts.version,
    )
    refused = settled(signal, closed) if signal and closed else None
    if refused:
        show_signal({"run_id": run_id}, refused)
    nothing = {"keep": 0}
    return {
        "version": STATE_VERSION,
        "run_id": run_id,
        "policy": kit.policy.name,
        "turn": message.id,
        "messages": [message] if is_new else [],
        "blueprint": None,
        "trace": nothing,
        "drafts": [],
        "finish": "",
        "why": "",
        "settings": settings_from(get_runtime(Settings).context, Settings()).model_dump(
            mode="json", exclude_unset=True
        ),
        "signal": None if closed else signal,
        "signals": {"keep": 0, "add": [refused] if refused else []},
        "discarded": nothing,
        "ledger": nothing,
        "spent": nothing_spent(),
        "next_id": 0,
        "large_off": "",
        "fallback_on": fallback_on,
        "left_out": {},
        "notes": [*kit.notes, *([NO_SAVER] if kit.settings.large == "ask" and not kit.can_wait else [])],
        "outcome": None,
        **({"answer": ""} if state["answer"] else {}),
    }


async def large_ready(kit: Kit) -> str:
    """Make sure the LRM can be called, or else its fallback.

    Returns:
        Why the fallback has to stand in; empty when it has not.

    Raises:
        ModelNotReady: Neither can be called.
    """
    try:
        await kit.large.aready()
    except ModelNotReady as fault:
        if kit.fallback is None:
            raise
        await kit.fallback.aready()
        return str(fault)
    return ""


def find_question(state: State) -> tuple[BaseMessage, bool]:
    """The message that holds the problem, and whether it is new: the given field, else the last human message."""
    messages = state.get("messages", [])
    last = next((message for message in reversed(messages) if isinstance(message, HumanMessage)), None)
    given = state.get("question")
    if given is not None and not isinstance(given, str):
        raise InputError(f"the question must be text, not {type(given).__name__}")
    if given is not None and not given.strip():
        raise InputError("the question is empty")
    if given:
        if last is not None and last is messages[-1] and text_of(last)[0].strip() == given.strip():
            return last, False
        return HumanMessage(clean(given), id=secrets.token_hex(8)), True
    if last is None:
        raise InputError('there is no question: pass {"question": "..."} or messages that end in a human message')
    if last.id is not None and last.id == state.get("turn") and state.get("outcome"):
        raise InputError("there is no new question: the last human message of this thread has been answered")
    return last, False


def check_window(model: ReasoningModel, messages: list[BaseMessage]) -> None:
    """Raise InputError when the problem leaves `model` no room to write."""
    window = model.card.window
    needed = estimate_tokens(messages) + WORKING_ROOM
    if window is not None and needed > window:
        raise InputError(
            f"the question is too long for {model.card.full_name}: with room for an answer it needs about {needed} "
            f"tokens, and the context window has {window}. Shorten it, or use a model with a larger window"
        )


def initiation(kit: Kit, state: State) -> Signal | None:
    """The signal to start with the LRM; None where the policy has no initiation."""
    if kit.policy.initiation is None:
        return None
    signal = kit.policy.initiation.check(View(state["problem"], None, (), None, False, ()))
    return Signal(**{**signal, "at": 0}) if signal else None


def after_prepare(state: State) -> Literal["initiate", "go"]:
    """Pure route: to the strategist when there is an initiation signal."""
    return "initiate" if state.get("signal") else "go"
