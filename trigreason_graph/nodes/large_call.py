"""One paid call of the LRM, from the gate to its steps; shared by strategist and large_offload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trigreason_graph.models.dialects import Options
from trigreason_graph.models.wrapper import Exchange, estimate_tokens
from trigreason_graph.nodes.approval import approved
from trigreason_graph.nodes.bookkeeping import Call
from trigreason_graph.nodes.kit import Kit, handover
from trigreason_graph.nodes.paid_gate import grant_large, seconds_left
from trigreason_graph.nodes.progress import show_signal
from trigreason_graph.nodes.reply import UNNATURAL, ReplyReader, with_answer_marked
from trigreason_graph.nodes.writing import StepWriter
from trigreason_graph.reasoning.prompts import ask_for, continuation, question_turn
from trigreason_graph.reasoning.segment import open_block
from trigreason_graph.state import LedgerRow, Purpose, Signal, Spent, State, Step

STEP_TOKENS = 512
"""Cap of one step in tokens (the published code's, PAPER.md section 1)."""
ENDING_TOKENS = 2_048
"""Cap of a call that writes everything to the end."""


@dataclass
class LargeReply:
    """What came of a call.

    Attributes:
        steps: Finished steps, in order.
        wrong: 1-based number of the earliest wrong step the LRM named, or None.
        ended: It ended the reasoning itself.
        refused: Why nothing was called or nothing usable came; empty when there are steps.
        down: The model failed for good: it is not tried again in this run.
        rows, spent: For the ledger; None when nothing was called.
        next_id: Next free step id.
    """

    steps: list[Step] = field(default_factory=list)
    wrong: int | None = None
    ended: bool = False
    refused: str = ""
    down: bool = False
    rows: list[LedgerRow] = field(default_factory=list)
    spent: Spent | None = None
    next_id: int = 0

    def books(self, state: State) -> dict[str, Any]:
        """What every node that made the call writes, whatever came of it."""
        return {
            "ledger": self.rows,
            "spent": self.spent or state["spent"],
            "next_id": self.next_id,
            "large_off": self.refused if self.down else state["large_off"],
        }


async def write_steps(
    kit: Kit, state: State, purpose: Purpose, signal: Signal, trace: Sequence[Step], *, cap: int | None = None
) -> LargeReply:
    """Have the LRM write the next steps after `trace`.

    Args:
        kit: Models, budget and settings in force.
        state: The reasoning state.
        purpose: prime, rewrite or intervene.
        signal: Why; its `steps` says how many (None: all to the end).
        trace: What it continues.
        cap: Output tokens, where the policy sets them.
    """
    limit = signal.get("steps", 1)
    card = kit.large.card
    turn = card.style == "turn"
    given = handover(state, trace)
    review = turn and purpose != "prime" and bool(trace)
    if turn:
        ask = ask_for(purpose, limit, signal["reason"], review=review, tokens=cap, texts=kit.prompts)
        messages = question_turn(given, ask, kit.prompts)
    else:
        messages = continuation(given, "large", kit.prompts, thinks=card.form != "content")
    wanted = cap or (ENDING_TOKENS if limit is None else STEP_TOKENS * limit)
    grant = grant_large(kit, state, messages, wanted)
    refused = grant.reason or approved(kit, purpose, signal, grant, estimate_tokens(messages))
    if refused:
        return LargeReply(refused=refused, next_id=state["next_id"])

    show_signal(state, signal)  # why, before what comes of it
    call = Call(state, kit.large, purpose, signal["trigger"])
    # A reply to a user turn begins a block of its own; a continued text goes on inside an open one.
    block = "" if turn else open_block(trace)
    writer = StepWriter(kit.policy.segment, block, "large", card.full_name, call.id, state["next_id"])
    reader = ReplyReader(
        writer,
        limit=limit,
        header=turn,
        tidy=turn,
        run_id=state["run_id"],
        role="large",
        tokens=kit.settings.token_events,
    )
    exchange = Exchange(
        card.style, Options(grant.max_tokens, kit.settings.temperature), reader, seconds=seconds_left(kit, state)
    )
    last = await kit.large.write(
        messages, exchange, name="large:offload", purpose=purpose, trigger=signal["trigger"], step=len(trace) + 1
    )
    natural = last.status == "ok" and last.finish not in UNNATURAL
    if natural:
        reader.finish()
    rows, spent = call.end(exchange)
    written = fresh(reader.steps, trace, state["problem"])
    steps = with_answer_marked(written, state["problem"])
    # In turn style every reply ends its turn; only an answer, or having been asked for all, ends the reasoning.
    done = natural and (limit is None or not turn)
    ended = done or any(step["kind"] == "answer" for step in steps)
    empty = "only repeated what was there" if reader.steps else "held no finished step"
    refused = "" if steps else last.fault or f"the large model's reply {empty}"
    return LargeReply(
        steps, reader.wrong, ended and bool(steps), refused, last.status == "error", rows, spent, writer.next_id
    )


REPEAT_WINDOW = 20
"""Latest steps that a new one is compared with."""


def fresh(steps: Sequence[Step], trace: Sequence[Step], problem: str) -> list[Step]:
    """The steps that say something new: not the problem restated, nor an earlier step word for word.

    Seen on a 1.5B model in turn style, which restated the problem at every call.
    """
    known = {" ".join(step["text"].split()) for step in trace[-REPEAT_WINDOW:]}
    asked = " ".join(problem.split())
    return [step for step in steps if (text := " ".join(step["text"].split())) not in known and text not in asked]
