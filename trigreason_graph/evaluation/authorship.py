"""Who wrote which part of the traces, and what the LRM was called for: the counts behind two of the pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from trigreason_graph.evaluation.results import RunResult, WrittenStep
from trigreason_graph.state import Author

AUTHORS: tuple[Author, ...] = ("small", "large", "tool")
BINS = 20
"""Parts of a trace."""
FREE = "free"
"""Behind a trigger's name: what was served without a call of the LRM."""


def shares_along(results: Sequence[RunResult], bins: int = BINS) -> dict[str, dict[Author, list[float]]]:
    """By policy and author, the mean share of each part of the trace, from its beginning to its end.

    A trace is cut into `bins` parts of equally many tokens; each run counts the same. Runs without an accepted token
    are left out; the shares of the others add up to 1 in each part.
    """
    traces: dict[str, list[dict[Author, list[float]]]] = defaultdict(list)
    for result in results:
        if sum(step["tokens"] for step in result.steps) > 0:
            traces[result.policy].append(_along(result.steps, bins))
    return {
        policy: {
            author: [sum(trace[author][part] for trace in found) / len(found) for part in range(bins)]
            for author in AUTHORS
        }
        for policy, found in sorted(traces.items())
    }


def _along(steps: Sequence[WrittenStep], bins: int) -> dict[Author, list[float]]:
    """Of one trace: the share of each author in each part."""
    shares: dict[Author, list[float]] = {author: [0.0] * bins for author in AUTHORS}
    whole = sum(step["tokens"] for step in steps)
    end = 0
    for step in steps:
        start, end = end, end + step["tokens"]
        low, high = start * bins / whole, end * bins / whole
        for part in range(int(low), min(bins, int(high) + 1)):
            shares[step["author"]][part] += max(0.0, min(high, part + 1) - max(low, part))
    return shares


def interventions(results: Sequence[RunResult]) -> dict[str, dict[str, float]]:
    """By policy and trigger: served signals a run. Those that cost no call of the LRM are told apart by `FREE`."""
    runs: Counter[str] = Counter()
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        runs[result.policy] += 1
        for signal in result.signals:
            if signal["served"]:
                paid = signal["route"] in ("rewrite", "intervene")
                found[result.policy][signal["trigger"] if paid else f"{signal['trigger']} ({FREE})"] += 1
    return {
        policy: {name: count / runs[policy] for name, count in sorted(found[policy].items())} for policy in sorted(runs)
    }
