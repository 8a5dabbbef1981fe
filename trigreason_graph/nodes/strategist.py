"""strategist: strategic initiation. The LRM writes a blueprint, or the first steps of the trace."""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.messages import BaseMessage

from trigreason_graph.events import emit
from trigreason_graph.models.dialects import Options
from trigreason_graph.models.pieces import Piece
from trigreason_graph.models.wrapper import Exchange
from trigreason_graph.nodes.bookkeeping import Call
from trigreason_graph.nodes.endings import ending, onward
from trigreason_graph.nodes.kit import Kit, handover
from trigreason_graph.nodes.large_call import LargeReply, with_fallback, write_steps
from trigreason_graph.nodes.paid_gate import seconds_left
from trigreason_graph.nodes.permission import permitted
from trigreason_graph.nodes.progress import settled, show_signal, show_steps
from trigreason_graph.nodes.prompting import turn_prompt
from trigreason_graph.reasoning.blueprint import parse_blueprint
from trigreason_graph.reasoning.prompts import ask_for
from trigreason_graph.state import Signal, State

BLUEPRINT_TOKENS = 120
"""Cap of a blueprint where the policy sets none (StrategicInitiation's default)."""


async def strategist(state: State, kit: Kit) -> dict[str, Any]:
    """Serve the initiation signal; without the LRM the run goes on without a blueprint."""
    signal, initiation = state["signal"], kit.policy.initiation
    if signal is None or initiation is None:
        return {"signal": None}
    planned = signal["evidence"].get("form") == "blueprint"
    if planned:
        reply = await _plan(state, kit, signal, initiation.tokens or BLUEPRINT_TOKENS)
    else:
        reply = await write_steps(kit, state, "prime", signal, state["trace"], cap=initiation.prime_tokens)
    primes = planned and initiation.form == "both" and not reply.refused
    signal = settled(signal, reply.refused)
    show_signal(state, signal)
    show_steps(state, reply.steps, 0, signal["trigger"])
    return {
        "blueprint": reply.blueprint if planned else state.get("blueprint"),
        "trace": reply.steps,
        "signal": Signal(**{**initiation.priming(), "at": 0}) if primes else None,
        "signals": [signal],
        **ending(state, "end" if reply.ended else ""),
        **reply.books(state),
    }


async def _plan(state: State, kit: Kit, signal: Signal, cap: int) -> LargeReply:
    async def call(kit: Kit, state: State) -> LargeReply:
        return await _write_blueprint(kit, state, signal, cap)

    return await with_fallback(kit, state, call)


async def _write_blueprint(kit: Kit, state: State, signal: Signal, cap: int) -> LargeReply:
    messages = plan_prompt(kit, state, cap)
    grant = permitted(kit, state, kit.large, "initiate", messages, cap, signal=signal)
    if grant.reason:
        return LargeReply(refused=grant.reason, next_id=state["next_id"])
    show_signal(state, signal)
    call = Call(state, kit.large, "initiate", signal["trigger"], instruction=grant.instruction)
    written: list[str] = []

    def read(piece: Piece) -> bool:
        written.append(piece.text)
        if kit.settings.token_events:
            emit("token", state["run_id"], role="large", step_id=-1, text=piece.text)
        return False

    options = Options(grant.max_tokens, kit.settings.temperature, effort=grant.effort)
    exchange = Exchange("turn", options, read, seconds=seconds_left(kit, state), shown=kit.settings.stream_reasoning)
    last = await kit.large.write(
        grant.prompt,
        exchange,
        name="large:strategist",
        purpose="initiate",
        trigger=signal["trigger"],
        step=0,
    )
    rows, spent = call.end(exchange)
    blueprint = parse_blueprint("".join(written))
    refused = "" if blueprint else last.fault or "the large model wrote no plan"
    return LargeReply(
        blueprint=blueprint,
        refused=refused,
        down=last.status == "error",
        rows=rows,
        spent=spent,
        next_id=state["next_id"],
    )


def plan_prompt(kit: Kit, state: State, cap: int) -> list[BaseMessage]:
    """What the LRM gets to write a blueprint of at most `cap` tokens."""
    ask = ask_for("initiate", tokens=cap, texts=kit.prompts)
    return turn_prompt(kit.large.card, handover(state, "large"), ask, kit.prompts).messages


def after_strategist(state: State) -> Literal["prime", "continue", "tools", "finish"]:
    """Pure route: after a blueprint the first steps may be wanted too; these may already hold the whole solution."""
    if state.get("signal"):
        return "prime"
    return onward(state, "continue")
