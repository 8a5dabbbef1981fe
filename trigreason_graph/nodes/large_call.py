"""One paid call of the LRM, from the gate to its steps; shared by strategist and large_offload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trigreason_graph.models.dialects import Options
from trigreason_graph.models.wrapper import Exchange
from trigreason_graph.nodes.bookkeeping import Call
from trigreason_graph.nodes.kit import Kit, handover
from trigreason_graph.nodes.paid_gate import seconds_left
from trigreason_graph.nodes.permission import permitted
from trigreason_graph.nodes.progress import show_signal
from trigreason_graph.nodes.prompting import Prompt, trace_prompt, turn_prompt
from trigreason_graph.nodes.reply import UNNATURAL, ReplyReader, fresh, with_answer_marked
from trigreason_graph.nodes.writing import step_writer
from trigreason_graph.reasoning.prompts import ask_for
from trigreason_graph.reasoning.tool_calls import waiting_call
from trigreason_graph.state import Blueprint, LedgerRow, Purpose, Signal, Spent, State, Step

STEP_TOKENS = 512
"""Cap of one step in tokens (the published code's, PAPER.md section 1)."""
ENDING_TOKENS = 2_048
"""Cap of a call that writes everything to the end."""


@dataclass
class LargeReply:
    """What came of a call.

    Attributes:
        steps: Finished steps, in order.
        blueprint: The plan, where that was asked for.
        wrong: 1-based number of the earliest wrong step the LRM named, or None.
        ended: It ended the reasoning itself.
        refused: Why nothing was called or nothing usable came; empty when there are steps.
        down: The model failed for good: it is not tried again in this run.
        fallback_on: Why the fallback stood in for it; empty when it did not.
        left_out: First steps that its window did not hold.
        rows, spent: For the ledger; None when nothing was called.
        next_id: Next free step id.
    """

    steps: list[Step] = field(default_factory=list)
    wrong: int | None = None
    ended: bool = False
    refused: str = ""
    down: bool = False
    fallback_on: str = ""
    blueprint: Blueprint | None = None
    left_out: int = 0
    rows: list[LedgerRow] = field(default_factory=list)
    spent: Spent | None = None
    next_id: int = 0

    def books(self, state: State) -> dict[str, Any]:
        """What every node that made the call writes, whatever came of it."""
        left_out = {**state["left_out"], "large": self.left_out} if self.left_out else state["left_out"]
        return {
            "ledger": self.rows,
            "spent": self.spent or state["spent"],
            "next_id": self.next_id,
            "large_off": self.refused if self.down else state["large_off"],
            "fallback_on": self.fallback_on or state["fallback_on"],
            "left_out": left_out,
        }


async def with_fallback(kit: Kit, state: State, call: Callable[[Kit, State], Awaitable[LargeReply]]) -> LargeReply:
    """Make a call; where the LRM is down, make it once more with the model that stands in for it.

    A call that failed was not paid, so that a resumed approval of the second repeats nothing that cost money.
    """
    reply = await call(kit, state)
    if not reply.down or kit.fallback is None:
        return reply
    fallen: State = {
        **state,
        "ledger": [*state["ledger"], *reply.rows],
        "spent": reply.spent or state["spent"],
        "next_id": reply.next_id,
    }
    second = await call(kit.fallen_back(), fallen)
    return replace(
        second, fallback_on=reply.refused, rows=[*reply.rows, *second.rows], spent=second.spent or fallen["spent"]
    )


async def write_steps(
    kit: Kit, state: State, purpose: Purpose, signal: Signal, trace: Sequence[Step], *, cap: int | None = None
) -> LargeReply:
    """Have the LRM, or its fallback, write the next steps after `trace`.

    Args:
        kit: Models, budget and settings in force.
        state: The reasoning state.
        purpose: prime, rewrite or intervene.
        signal: Why; its `steps` says how many (None: all to the end).
        trace: What it continues.
        cap: Output tokens, where the policy sets them.
    """

    async def call(kit: Kit, state: State) -> LargeReply:
        return await _write(kit, state, purpose, signal, trace, cap)

    return await with_fallback(kit, state, call)


async def _write(
    kit: Kit, state: State, purpose: Purpose, signal: Signal, trace: Sequence[Step], cap: int | None
) -> LargeReply:
    limit = signal.get("steps", 1)
    turn = kit.large.card.style == "turn"
    prompt = steps_prompt(kit, state, purpose, signal, trace, cap)
    wanted = tokens_wanted(limit, cap)
    grant = permitted(kit, state, kit.large, purpose, prompt.messages, wanted, signal=signal, steps=limit)
    if grant.reason:
        return LargeReply(refused=grant.reason, next_id=state["next_id"])

    show_signal(state, signal)  # why, before what comes of it
    call = Call(state, kit.large, purpose, signal["trigger"], instruction=grant.instruction)
    writer = step_writer(kit, state, kit.large, trace, call.id)
    reader = ReplyReader(
        writer,
        limit=limit,
        header=turn,
        tidy=turn,
        run_id=state["run_id"],
        role="large",
        tokens=kit.settings.token_events,
    )
    options = Options(grant.max_tokens, kit.settings.temperature, effort=grant.effort)
    exchange = Exchange(
        kit.large.card.style,
        options,
        reader,
        seconds=seconds_left(kit, state),
        shown=kit.settings.stream_reasoning,
    )
    last = await kit.large.write(
        grant.prompt,
        exchange,
        name="large:offload",
        purpose=purpose,
        trigger=signal["trigger"],
        step=len(trace) + 1,
    )
    natural = last.status == "ok" and last.finish not in UNNATURAL
    if natural:
        reader.finish()
    rows, spent = call.end(exchange)
    steps = fresh(reader.steps, trace, state["problem"])
    if not waiting_call(steps):  # else nothing has ended yet
        steps = with_answer_marked(steps, state["problem"])
    # In turn style every reply ends its turn; only an answer, or having been asked for all, ends the reasoning.
    done = natural and (limit is None or not turn)
    ended = waiting_call(steps) is None and (done or any(step["kind"] == "answer" for step in steps))
    empty = "only repeated what was there" if reader.steps or reader.looped else "held no finished step"
    return LargeReply(
        steps=steps,
        wrong=reader.wrong if (reader.wrong or 0) > prompt.left_out else None,  # it can only judge what it saw
        ended=ended and bool(steps),
        refused="" if steps else last.fault or f"the large model's reply {empty}",
        down=last.status == "error",
        left_out=prompt.left_out,
        rows=rows,
        spent=spent,
        next_id=writer.next_id,
    )


def tokens_wanted(steps: int | None, cap: int | None = None) -> int:
    """Output tokens that a call for `steps` steps (None: all to the end) asks for; `cap` where the policy sets them."""
    return cap or (ENDING_TOKENS if steps is None else STEP_TOKENS * steps)


def steps_prompt(
    kit: Kit, state: State, purpose: Purpose, signal: Signal, trace: Sequence[Step], cap: int | None = None
) -> Prompt:
    """What the LRM gets to write the next steps after `trace`; arguments as of `write_steps`."""
    card, given = kit.large.card, handover(state, "large", trace)
    if card.style == "prefill":
        return trace_prompt(card, given, "large", kit.prompts)
    review = purpose != "prime" and bool(trace)
    ask = ask_for(purpose, signal.get("steps", 1), signal["reason"], review=review, tokens=cap, texts=kit.prompts)
    return turn_prompt(card, given, ask, kit.prompts)
