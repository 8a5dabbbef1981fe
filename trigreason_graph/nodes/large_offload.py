"""large_offload: the LRM writes the flagged step, or the next ones, and may name an earlier wrong step."""

from __future__ import annotations

from typing import Any, Literal

from trigreason_graph.nodes.checkpoint_rollback import rollbacks_made
from trigreason_graph.nodes.endings import OVER, ending, onward
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.large_call import write_steps
from trigreason_graph.nodes.progress import settled, show_discard, show_signal, show_steps, told
from trigreason_graph.reasoning.tool_calls import after_call
from trigreason_graph.state import Branch, Purpose, Signal, State, Step


async def large_offload(state: State, kit: Kit) -> dict[str, Any]:
    """Serve the signal. One that cannot be served, for whatever reason, accepts the draft: nothing is lost."""
    signal = state["signal"]
    if signal is None:
        return {}
    purpose: Purpose = "intervene" if signal["route"] == "intervene" else "rewrite"
    reply = await write_steps(kit, state, purpose, signal, state["trace"])
    books = reply.books(state)
    fate = settled(signal, reply.refused)
    show_signal(state, fate)
    if reply.refused:
        return {**books, **_unserved(state, fate)}
    branches = _flagged(state, fate)
    for branch in branches:
        show_discard(state, branch)
    ended = "end" if reply.ended else ""
    wrong = reply.wrong
    if wrong is not None and 1 <= wrong <= len(state["trace"]) and _may_roll_back(state, kit):
        # The paid steps wait in `drafts` and take the place of step `wrong` and all after it.
        waiting = Signal(**{**fate, "wrong": wrong})
        return {**books, "drafts": reply.steps, "signal": waiting, "finish": ended, "discarded": branches}
    show_steps(state, reply.steps, len(state["trace"]), signal["trigger"])
    return {
        **books,
        "trace": reply.steps,
        "drafts": [],
        "discarded": branches,
        "signal": after_call(signal, reply.steps, len(state["trace"])),
        "signals": [fate],
        **ending(state, ended),
    }


def _unserved(state: State, fate: Signal) -> dict[str, Any]:
    """The draft is accepted, unless it was cut while it was written: then it is written anew."""
    unfinished = state["finish"] == "partial"
    accepted: list[Step] = [] if unfinished else state["drafts"]
    branches = _flagged(state, fate) if unfinished else []
    for branch in branches:
        show_discard(state, branch)
    show_steps(state, accepted, len(state["trace"]))
    return {
        "trace": accepted,
        "drafts": [],
        "discarded": branches,
        "signal": None,
        "signals": [fate],
        **ending(state, state["finish"] if state["finish"] in OVER else "", state["why"]),
    }


def _flagged(state: State, signal: Signal) -> list[Branch]:
    if not state["drafts"]:
        return []
    why = told(signal["reason"], state["drafts"][0])
    position = len(state["trace"])
    mistake = any(earlier["route"] == "retry" and earlier.get("at") == position for earlier in state["signals"])
    return [Branch(at=position, steps=state["drafts"], why=why, by=signal["trigger"], mistake=mistake)]


def _may_roll_back(state: State, kit: Kit) -> bool:
    return rollbacks_made(state["signals"]) < kit.settings.max_rollbacks


def after_large(state: State) -> Literal["continue", "rollback", "tools", "finish"]:
    """Pure route."""
    signal = state.get("signal")
    if signal is not None and signal.get("wrong"):
        return "rollback"
    return onward(state, "continue")
