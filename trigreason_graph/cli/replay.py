"""What is saved of a run, shown again: its state as the events a view and a tally know."""

from __future__ import annotations

from collections.abc import Iterator

from trigreason_graph.cli.job import Job
from trigreason_graph.cli.tally import Event, Tally
from trigreason_graph.cli.view import BLUEPRINT
from trigreason_graph.events import EVENT_VERSION
from trigreason_graph.nodes.migration import problem_of
from trigreason_graph.state import State, nothing_spent


def recount(tally: Tally, state: State) -> None:
    """Let `tally` stand where the saved run stands; steps come with the events."""
    tally.rows = list(state.get("ledger", []))
    tally.spent = state.get("spent") or nothing_spent()


def replayed(state: State, job: Job) -> Iterator[Event]:
    """The run, its plan and its steps so far. What was thrown away on the way is not told again."""
    run_id = state.get("run_id", "")
    yield _event(
        "run",
        run_id,
        question=problem_of(state) or job.question,
        small=job.small,
        large=job.large,
        policy=state.get("policy") or job.policy or "default",
    )
    if blueprint := state.get("blueprint"):
        yield _event("token", run_id, role="large", step_id=BLUEPRINT, text=blueprint["text"])
    for index, step in enumerate(state.get("trace", [])):
        shown = {key: step[key] for key in ("author", "model", "kind", "text", "tokens")}
        yield _event("step", run_id, step_id=step["id"], index=index, trigger="", **shown)


def _event(kind: str, run_id: str, /, **fields: object) -> Event:
    return {"v": EVENT_VERSION, "type": kind, "run_id": run_id, **fields}
