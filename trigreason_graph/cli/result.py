"""The result of a run as one object, whether it came to its end or was interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trigreason_graph.cli.job import Job
from trigreason_graph.cli.partial import report_so_far
from trigreason_graph.cli.run import Ended
from trigreason_graph.cli.tally import Tally
from trigreason_graph.nodes.migration import migrated, problem_of
from trigreason_graph.state import Outcome, State, Step, nothing_spent

INTERRUPTED = Outcome(kind="unfinished", detail="interrupted by Ctrl-C")


def whole_result(state: State, tally: Tally, thread: str | None = None) -> dict[str, Any]:
    """What ``--json`` prints; JSON primitives only.

    Args:
        state: Final, or completed by `interrupted_state`.
        tally: For the names in the "run" event.
        thread: The name under which the run is stored; None when it is not.
    """
    run = tally.run or {}
    return {
        "thread": thread,
        "run_id": state.get("run_id", ""),
        "question": problem_of(state),
        "small": run.get("small"),
        "large": run.get("large"),
        "policy": run.get("policy"),
        "answer": state.get("answer", ""),
        "outcome": state.get("outcome"),
        "report": state.get("report"),
        "blueprint": state.get("blueprint"),
        "trace": state.get("trace", []),
        "signals": state.get("signals", []),
        "discarded": state.get("discarded", []),
        "ledger": state.get("ledger", []),
        "notes": state.get("notes", []),
    }


def interrupted_state(ended: Ended, tally: Tally, job: Job) -> State:
    """What is known of a run that was cut off: its saved state, with the calls that only their events tell of.

    Finished steps that no trigger has judged yet stay at the end of the trace, and a note says so.
    """
    tally.close()
    saved = ended.state
    trace = list(saved.get("trace", []))
    drafts = [] if saved.get("signal") else list(saved.get("drafts", []))  # with a signal they are flagged
    state: State = {
        **saved,
        "problem": problem_of(saved) or job.question,
        "trace": [*trace, *drafts],
        "signals": list(saved.get("signals", [])),
        "discarded": list(saved.get("discarded", [])),
        "ledger": tally.rows,
        "spent": tally.spent if tally.rows else nothing_spent(),
        "notes": [*saved.get("notes", []), *_unjudged(drafts)],
        "outcome": INTERRUPTED,
        "answer": saved.get("answer", ""),
    }
    state["report"] = report_so_far(migrated(state), INTERRUPTED, job)
    return state


def _unjudged(drafts: Sequence[Step]) -> list[str]:
    if not drafts:
        return []
    which = "last step was" if len(drafts) == 1 else f"last {len(drafts)} steps were"
    return [f"the {which} kept, though no trigger had looked at that yet"]
