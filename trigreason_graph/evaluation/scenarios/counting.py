"""Recorded runs under a scenario: what each call would have cost there, and how long it would have taken.

Only the ledger is read: tokens, roles, purposes and the order of the calls. Calls follow one another, as they do in the
graph; what a policy could have asked for at the same time is not credited to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trigreason_graph.evaluation.results import RunResult
from trigreason_graph.evaluation.scenarios.prompt_cache import PromptCache
from trigreason_graph.evaluation.scenarios.scenario import Scenario
from trigreason_graph.state import LedgerRow, Role


class CountedCall(NamedTuple):
    """One attempt of a call under a scenario.

    Attributes:
        role: Whose.
        cached, uncached: Input tokens, from the prompt cache and read anew.
        output: Output tokens.
        seconds, dollars: What it takes and costs there.
    """

    role: Role
    cached: int
    uncached: int
    output: int
    seconds: float
    dollars: float


def counted(ledger: Sequence[LedgerRow], scenario: Scenario) -> list[CountedCall]:
    """Every row of a run's ledger under a scenario, in order."""
    caches = {role: PromptCache(role, scenario.place(role), ledger) for role in ("small", "large")}
    calls: list[CountedCall] = []
    now = 0.0
    for index, row in enumerate(ledger):
        role, place = row["role"], scenario.place(row["role"])
        cached = caches[role].take(index, now)
        uncached, output = row["tokens_in"] - cached, row["tokens_out"]
        seconds = place.seconds(uncached, output)
        now += seconds
        caches[role].keep(index, now)
        calls.append(CountedCall(role, cached, uncached, output, seconds, place.dollars(uncached, cached, output)))
    return calls


def retime(result: RunResult, scenario: Scenario) -> float:
    """Seconds that the calls of a run would take: of each, RTT + uncached prefill + decoding."""
    return sum(call.seconds for call in counted(result.ledger, scenario))


def reprice(result: RunResult, scenario: Scenario) -> float:
    """Dollars that the calls of a run would cost."""
    return sum(call.dollars for call in counted(result.ledger, scenario))
