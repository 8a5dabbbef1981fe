"""trigger_router: judges the drafts, commits what is accepted, and routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from trigreason_graph.nodes.endings import ending, onward, repeats
from trigreason_graph.nodes.judges import JudgeDesk
from trigreason_graph.nodes.judging import Bench
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.progress import show_discard, show_signal, show_steps, told
from trigreason_graph.nodes.verdicts import ACCEPTED, Verdict
from trigreason_graph.state import Branch, Signal, State, Step


async def trigger_router(state: State, kit: Kit) -> dict[str, Any]:
    """Accept the drafts up to the first that needs something, and say what it needs."""
    bench = Bench.of(kit, state)
    trace, drafts = list(state["trace"]), state["drafts"]
    start = len(trace)
    log: list[Signal] = []
    verdict, flagged = ACCEPTED, None
    desk = JudgeDesk(kit, state) if kit.policy.judges else None
    known = () if desk else kit.verdicts.take(state["run_id"], bench.under, drafts)
    for index, draft in enumerate(drafts):
        complete = not (state["finish"] == "partial" and index == len(drafts) - 1)
        if desk and complete:
            verdict = await desk.look(bench, trace, draft)
        elif index < len(known):
            verdict = known[index]
        else:
            verdict = bench.look(trace, draft, complete=complete, first=not complete)
        log += verdict.unserved
        if verdict.action != "accept":
            flagged = draft
            break
        if complete:
            trace.append(draft)
    update = _decided(state, verdict, flagged, trace)
    if flagged is None and state["finish"] == "error":
        verdict = bench.rule([_small_model_failed(state)], len(trace))
        update["signal"] = verdict.signal
        log += verdict.unserved
    elif not drafts and state["signal"]:
        update["signal"] = state["signal"]  # nobody's but a person's: update_state put it there
    elif flagged is None and kit.policy.stop_on_repeat and repeats(trace):
        update["finish"] = "end"
    if update["signal"] is None:
        update |= ending(state, update.get("finish", state["finish"]), state["why"])
    accepted = [*trace[start:], *update.pop("also", ())]
    if verdict.signal and update["signal"] is None:  # a retry, served at once
        log.append(verdict.signal)
    show_steps(state, accepted, start)
    for signal in log:
        show_signal(state, signal)
    for branch in update.get("discarded", ()):
        show_discard(state, branch)
    if desk:
        update |= {"ledger": desk.rows, "spent": desk.spent}
        update |= {"large_off": desk.large_off, "fallback_on": desk.fallback_on}
        update["notes"] = [*state["notes"], *(note for note in desk.notes if note not in state["notes"])]
    return {"trace": accepted, "signals": log, **update}


def _decided(state: State, verdict: Verdict, flagged: Step | None, trace: Sequence[Step]) -> dict[str, Any]:
    """Where the flagged draft goes: it waits, is accepted too, or is thrown away."""
    signal = verdict.signal
    if flagged is None or signal is None:
        return {"drafts": [], "signal": None}
    if verdict.action == "retry":
        why = told(signal["reason"], flagged)
        branch = Branch(at=len(trace), steps=[flagged], why=why, by=signal["trigger"], mistake=True)
        return {"drafts": [], "signal": None, "discarded": [branch], "finish": "retry"}
    if verdict.action == "intervene" and not signal.get("drop") and state["finish"] != "partial":
        return {"drafts": [], "signal": signal, "also": [flagged]}
    return {"drafts": [flagged], "signal": signal}


def _small_model_failed(state: State) -> Signal:
    reason = state["why"] or "it gave no usable text"
    return Signal(
        trigger="small_model_failed",
        reason=f"The small model cannot go on: {reason}.",
        evidence={},
        route="intervene",
        steps=None,
    )


def after_router(state: State) -> Literal["accept", "escalate", "rollback", "tools", "finish"]:
    """Pure route."""
    signal = state.get("signal")
    if signal is not None:
        return "rollback" if signal["route"] == "rollback" else "escalate"
    return onward(state, "accept")
