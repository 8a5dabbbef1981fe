"""Self-consistency (arXiv 2203.11171): the answer that most of several sampled solutions state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from trigreason_graph.evaluation.problems import Problem, ProblemSet
from trigreason_graph.evaluation.results import RunResult
from trigreason_graph.evaluation.running import Slot
from trigreason_graph.state import LedgerRow, Outcome

Same = Callable[[str, str], bool]
"""Whether two stated answers are the same."""


def same_answers(problems: ProblemSet, problem: Problem) -> Same:
    """The problem's own checker, put to two stated answers; what it cannot read is compared as text."""

    def same(one: str, other: str) -> bool:
        try:
            return problems.is_right(replace(problem, answer=other), one)
        except ValueError:  # the other is no number, for instance
            return one.strip() == other.strip()

    return same


def majority(answers: Sequence[str | None], same: Same) -> int | None:
    """Index of the first run that states the answer of the most; of several such answers, the one stated first.

    Args:
        answers: Of the runs, in order; None: it states none, and has no vote.
        same: Whether two answers are the same.

    Returns:
        None when no run states any.
    """
    counts: dict[int, int] = {}
    for index, answer in enumerate(answers):
        if answer is None:
            continue
        group = next((first for first in counts if same(answer, answers[first] or "")), index)
        counts[group] = counts.get(group, 0) + 1
    return max(counts, key=lambda first: counts[first]) if counts else None


def voted(runs: Sequence[RunResult], slot: Slot, same: Same) -> RunResult:
    """Several runs on one problem as one: their majority's answer, all their calls.

    The trace is that of the first run with that answer; the steps of the others count as thrown away.

    Args:
        runs: In order.
        slot: Which run they are together.
        same: Whether two answers are the same.
    """
    winner = majority([run.answer for run in runs], same)
    chosen = runs[0 if winner is None else winner]
    others = [run for run in runs if run is not chosen]
    failed = next((run for run in runs if run.failed), None)
    agreeing = sum(run.answer is not None and same(run.answer, chosen.answer or "") for run in runs)
    told = Outcome(kind="answered", detail=f"{agreeing} of {len(runs)} agree")
    none_stated = chosen.outcome if winner is None else told
    return replace(
        chosen,
        policy=slot.policy,
        sample=slot.sample,
        seed=slot.seed,
        outcome=none_stated if failed is None else failed.outcome,
        discarded={
            role: sum(run.discarded[role] for run in runs)
            + sum(step["tokens"] for run in others for step in run.steps if step["author"] == role)
            for role in ("small", "large")
        },
        ledger=renumbered([row for run in runs for row in run.ledger]),
        seconds=round(sum(run.seconds for run in runs), 3),
    )


def renumbered(rows: Sequence[LedgerRow]) -> list[LedgerRow]:
    """The rows of several ledgers as one."""
    return [LedgerRow(**{**row, "id": index}) for index, row in enumerate(rows)]
