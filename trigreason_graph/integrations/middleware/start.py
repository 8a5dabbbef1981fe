"""The beginning of an agent's run: a fresh state, and the large model's plan where the policy wants one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import BaseMessage, HumanMessage

from trigreason_graph.errors import InputError
from trigreason_graph.events import emit
from trigreason_graph.integrations.conversation import as_problem
from trigreason_graph.integrations.middleware.messages import question_at
from trigreason_graph.integrations.middleware.record import Record
from trigreason_graph.integrations.middleware.state import KEPT, new_run, with_rows
from trigreason_graph.models.degradations import degradations
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.paid_gate import NO_SAVER
from trigreason_graph.nodes.report import instructions_given
from trigreason_graph.nodes.strategist import strategist
from trigreason_graph.policies import Policy
from trigreason_graph.reasoning.text import clean
from trigreason_graph.settings import Settings
from trigreason_graph.state import Signal, State
from trigreason_graph.triggers import View
from trigreason_graph.triggers.window import TEXT_LIMIT

ROOM = 1_000
"""Supersteps that the strategist is told are left: an agent's recursion limit is not that of a graph around it."""


def checked_policy(policy: Policy) -> None:
    """Refuse what an agent has no place for.

    Raises:
        ValueError: A judge, which calls a model for every step.
    """
    if policy.judges:
        raise ValueError(
            f"policy=: {policy.judges[0].name!r} calls a model for every step, and an agent's replies cannot wait for "
            "that; use triggers that are pure, or the graph as a tool (as_tool)"
        )


def begun(state: Mapping[str, Any], kit: Kit, settings: Settings) -> Record:
    """The state of a run before its first turn.

    Args:
        state: The agent's.
        kit: Models, policy, budget and settings in force.
        settings: What the run's context set.
    """
    checked_policy(kit.policy)
    asked = question_at(state["messages"])
    question = "" if asked is None else clean(str(state["messages"][asked].text))[:TEXT_LIMIT]
    run = new_run(question, settings.model_dump(mode="json", exclude_unset=True), notes_of(kit))
    emit(
        "run",
        run["run_id"],
        question=question,
        small=kit.small.card.full_name,
        large=kit.large.card.full_name,
        policy=kit.policy.name,
        prompts=kit.prompts.version,
    )
    return Record(kit, run, [])


def notes_of(kit: Kit) -> list[str]:
    """What the run does without, in words. What only concerns a reasoning trace is left out."""
    of_traces = {*degradations(kit.small.card, "small"), *degradations(kit.large.card, "large")}
    notes = [note for note in kit.notes if note not in of_traces]
    if not kit.small.card.logprobs:
        notes.append(f"no log-probabilities from {kit.small.card.full_name}: how sure it is cannot be seen")
    if kit.settings.large == "ask" and not kit.can_wait:
        notes.append(NO_SAVER)
    return notes


def initiation(record: Record) -> Signal | None:
    """The signal to begin with the large model; None where the policy has no initiation."""
    first = record.kit.policy.initiation
    signal = first.check(View(record.run["question"], None, (), None, False, ())) if first else None
    return Signal(**{**signal, "at": 0}) if signal else None


async def planned(record: Record, messages: Sequence[BaseMessage], signal: Signal) -> None:
    """Serve the initiation: the plan, by the graph's own strategist; and with "prime" or "both" the first turn.

    Args:
        record: Of the run; it is changed.
        messages: The agent's.
        signal: Of the initiation.

    Raises:
        GraphInterrupt: With ``large="ask"``: a person has to approve first; nothing has been paid.
    """
    first = record.kit.policy.initiation
    primed = first is not None and first.form in ("prime", "both")
    if closed := record.closed:
        record.settle(signal, closed)
        return
    if signal["evidence"].get("form") == "blueprint":
        await _plan(record, messages, signal)
    if primed and first is not None:
        record.stay(1, Signal(**{**first.priming(), "at": 0}))


async def _plan(record: Record, messages: Sequence[BaseMessage], signal: Signal) -> None:
    run = record.run
    try:
        conversation = as_problem(messages)
    except InputError:
        return
    asked = HumanMessage(conversation[-1].content, id=uuid.uuid4().hex)
    state = State(
        run_id=run["run_id"],
        problem=run["question"],
        messages=cast("Any", [*conversation[:-1], asked]),
        turn=str(asked.id),
        blueprint=None,
        trace=[],
        drafts=[],
        finish="",
        why="",
        signal=signal,
        signals=[],
        discarded=[],
        ledger=[],
        spent=run["spent"],
        next_id=0,
        large_off="",
        fallback_on="",
        left_out={},
        notes=[],
        remaining=ROOM,
    )
    written = await strategist(state, record.kit)
    record.run = {
        **with_rows(run, written["ledger"]),
        "instructions": instructions_given(written["ledger"]),
        "plan": written["blueprint"],
        "large_off": written["large_off"],
    }
    record.note(written["large_off"])
    record.log(written["signals"][:KEPT])
