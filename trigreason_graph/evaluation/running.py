"""One run of one policy on one problem, and what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from langchain_core.callbacks import AsyncCallbackHandler

from trigreason_graph.evaluation.missing import RecordingMissing, misses
from trigreason_graph.evaluation.problems import Problem, ProblemSet
from trigreason_graph.evaluation.results import LoggedSignal, RunResult, WrittenStep
from trigreason_graph.graph import RECURSION_LIMIT
from trigreason_graph.state import LedgerRow, Outcome, Step

KEPT = ["answer", "trace", "signals", "discarded", "ledger", "outcome"]
"""Of the graph's state: what a result is made of."""
SHOWN_OF_PRIVATE = 3
"""Characters of an answer that may be kept of a private data set: a letter in brackets, not an option's text."""


class Faults(AsyncCallbackHandler):
    """Collects what went wrong in the calls of a run, in the words of the wrapper, which keeps keys out."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        """LangChain's callback."""
        self.told.append(str(error))


@dataclass(frozen=True, slots=True)
class Slot:
    """Which run it is.

    Attributes:
        policy: The entrant's name.
        problem: What is to be solved.
        sample, seed: As in the result.
    """

    policy: str
    problem: Problem
    sample: int
    seed: int | None


async def solved(graph: Any, slot: Slot, problems: ProblemSet) -> RunResult:
    """Run a compiled graph on a problem.

    Raises:
        RecordingMissing: On a replay, where something was not recorded.
        Exception: A fault that is no model's, such as that of a user's trigger; with a note which run it was.
    """
    faults = Faults()
    with misses() as vain:
        try:
            state = await graph.ainvoke(
                {"question": slot.problem.question},
                {"callbacks": [faults], "recursion_limit": RECURSION_LIMIT},
                output_keys=KEPT,
            )
        except Exception as fault:
            fault.add_note(f"in the run of {slot.policy!r} on the problem {slot.problem.id!r}")
            raise
    if vain:
        raise RecordingMissing(f"{slot.policy!r} on the problem {slot.problem.id!r}: {vain[0]}")
    return await asyncio.to_thread(result_of, state, slot, problems, faults.told)  # LaTeX takes its time


def result_of(state: dict[str, Any], slot: Slot, problems: ProblemSet, faults: Sequence[str]) -> RunResult:
    """What is kept of a run.

    Args:
        state: Of the graph, at the end; it holds only what is not its default.
        slot: Which run it was.
        problems: The set, which knows how answers are compared.
        faults: What went wrong in its calls.
    """
    answer, ledger = state.get("answer") or None, list(state.get("ledger", ()))
    return RunResult(
        data=problems.name,
        problem=slot.problem.id,
        policy=slot.policy,
        sample=slot.sample,
        seed=slot.seed,
        right_answer=slot.problem.answer,
        answer=answer,
        right=problems.is_right(slot.problem, answer),
        outcome=outcome_of(state["outcome"], ledger, faults),
        steps=[
            WrittenStep(author=one["author"], kind=one["kind"], tokens=one["tokens"]) for one in state.get("trace", ())
        ],
        signals=[
            LoggedSignal(
                trigger=one["trigger"], route=one["route"], at=one.get("at", 0), served=bool(one.get("served"))
            )
            for one in state.get("signals", ())
        ],
        discarded=thrown_away([step for branch in state.get("discarded", ()) for step in branch["steps"]]),
        ledger=ledger,
        seconds=round(sum(row["seconds"] for row in ledger), 3),
    )


def thrown_away(steps: Sequence[Step]) -> dict[str, int]:
    """Tokens by role of steps that are not in the trace."""
    return {role: sum(step["tokens"] for step in steps if step["author"] == role) for role in ("small", "large")}


def shown_answer(answer: str | None, problems: ProblemSet) -> str | None:
    """The answer as it may be kept: of a private set, no text of an option."""
    if answer is None or not problems.private or len(answer) <= SHOWN_OF_PRIVATE:
        return answer
    return "(not shown)"


def outcome_of(outcome: Outcome, ledger: Sequence[LedgerRow], faults: Sequence[str]) -> Outcome:
    """The run's own outcome; "model_error" also where a call failed for good and the run went on without it."""
    failed = outcome["kind"] == "model_error" or calls_failed(ledger)
    if not failed:
        return Outcome(kind=outcome["kind"], detail=outcome["detail"])
    return Outcome(kind="model_error", detail=next(iter(faults), outcome["detail"]))


def calls_failed(ledger: Sequence[LedgerRow]) -> bool:
    """Whether the last try of any call failed."""
    return any(
        row["status"] == "error" and (after is None or after["attempt"] == 1)
        for row, after in zip_longest(ledger, ledger[1:])
    )
