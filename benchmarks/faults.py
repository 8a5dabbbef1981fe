"""Does every run end honestly when a fifth of all calls goes wrong? Over the stand-in servers.

    python benchmarks/faults.py [--runs 2000] [--seed 1]

A fifth of the calls of either model suffers a fault: a 5xx, a connection that goes, a stream that is cut, ends without
saying why, stalls, or brings garbage. Counted are crashes, runs without an honest outcome, accepted steps that are
not in the final trace, and ledger rows that differ from what the servers counted for calls that finished.
Ends with 1 when there is any. Writes benchmarks/results/faults.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks._crowd import client, crowd_graph, large_says, small_says  # noqa: E402
from trigreason_graph.state import Signal  # noqa: E402
from trigreason_graph.testing import Fault, OpenAIServer  # noqa: E402
from trigreason_graph.triggers import View  # noqa: E402

SHARE = 0.2
GAP = 0.5
"""Seconds a client waits for a token here, so that stalls cost little."""
KINDS: dict[str, Callable[[random.Random], Fault]] = {
    "500": lambda chance: Fault(status=500),
    "503": lambda chance: Fault(status=503),
    "429": lambda chance: Fault(status=429, retry_after=0.01),
    "refused before a byte": lambda chance: Fault(then="cut"),
    "time-out": lambda chance: Fault(delay=3 * GAP),
    "cut stream": lambda chance: Fault(after=chance.randrange(1, 40), then="cut"),
    "silent end": lambda chance: Fault(after=chance.randrange(1, 40), then="end"),
    "stall": lambda chance: Fault(after=chance.randrange(1, 40), then="stall", seconds=3 * GAP),
    "garbage": lambda chance: Fault(after=chance.randrange(1, 40), then="garbage"),
    "error in the stream": lambda chance: Fault(after=chance.randrange(1, 40), then="error"),
    "empty reply": lambda chance: Fault(empty=True),
}
AT_ONCE = 20


class Sixth:
    """Fires on every sixth step, so that the large model has work."""

    name, when = "sixth", "step"

    def check(self, view: View) -> Signal | None:
        if view.draft is None or len(view.trace) % 6 != 2:
            return None
        return Signal(trigger=self.name, reason="It is a sixth step.", evidence={}, route="rewrite", steps=1)


def faults_by(seed: int, struck: Counter[str]) -> Callable[[Any], Fault | None]:
    """A fault for a fifth of the calls, chosen by the call's number; counted by kind."""

    def choose(record: Any) -> Fault | None:
        chance = random.Random(f"{seed}:{record.number}")
        if not record.number or chance.random() >= SHARE:
            return None
        kind = chance.choice(list(KINDS))
        struck[kind] += 1
        return KINDS[kind](chance)

    return choose


async def one_run(graph: Any, number: int) -> dict[str, Any]:
    """A run, followed by its events; what is wrong with it stands in `faults`."""
    shown: dict[int, int] = {}
    result: dict[str, Any] = {}
    try:
        question = {"question": f"How many units are in {number} batches?"}
        async for mode, data in graph.astream(question, {"recursion_limit": 200}, stream_mode=["custom", "values"]):
            if mode == "values":
                result = data
            elif data["type"] == "step":
                shown[data["step_id"]] = data["index"]
            elif data["type"] == "discard":
                shown = {step: at for step, at in shown.items() if step not in data["step_ids"]}
    except Exception as crash:
        return {"faults": [f"run {number} crashed: {crash!r}"], "kind": "crash"}
    report = result["report"]
    found = []
    kept = {step["id"] for step in result["trace"]}
    if lost := set(shown) - kept:
        found.append(f"run {number} lost the accepted steps {sorted(lost)}")
    kind = report["outcome"]["kind"]
    if kind == "answered" and not result["answer"]:
        found.append(f"run {number} says it answered, and there is no answer")
    if kind != "answered" and not report["outcome"]["detail"]:
        found.append(f"run {number} ended as {kind} without a reason")
    return {"faults": found, "kind": kind, "totals": report["totals"]}


async def campaign(runs: int, seed: int) -> dict[str, Any]:
    """All runs, `AT_ONCE` at a time, and the ledger's sums against the server's."""
    struck: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    begun = time.monotonic()
    async with OpenAIServer(
        {"s": small_says, "l": large_says}, flavour="vllm", faults=faults_by(seed, struck)
    ) as server:
        patience = {"first_token_seconds": 2 * GAP, "token_gap_seconds": GAP}
        graph = crowd_graph(client(server, "s", **patience), client(server, "l", "turn", **patience), Sixth())
        compiled = recorded(graph, rows).compile()
        gate = asyncio.Semaphore(AT_ONCE)

        async def gated(number: int) -> dict[str, Any]:
            async with gate:
                return await one_run(compiled, number)

        ended = await asyncio.gather(*(gated(number) for number in range(runs)))
        idle = await server.idle(5 * GAP)
        calls = server.calls
    found = [fault for run in ended for fault in run["faults"]]
    if not idle:
        found.append("a request was still open at the end")
    found += ledger_faults(rows, calls)
    return {
        "runs": runs,
        "calls": len(calls),
        "struck": dict(sorted(struck.items())),
        "outcomes": dict(Counter(run["kind"] for run in ended)),
        "faults": found,
        "seconds": round(time.monotonic() - begun, 1),
    }


def recorded(graph: Any, rows: list[dict[str, Any]]) -> Any:
    """The graph, with every ledger row it writes copied to `rows`."""
    for node in graph.nodes.values():
        inner = node.runnable.function

        async def noting(state: Any, inner: Any = inner) -> Any:
            update = await inner(state)
            ledger = (update or {}).get("ledger")
            rows.extend(ledger if isinstance(ledger, list) else ())
            return update

        node.runnable.function = noting
    return graph


def ledger_faults(rows: list[dict[str, Any]], calls: list[Any]) -> list[str]:
    """Where the ledger's exact rows and the calls that the server finished differ.

    Of a call that did not finish the ledger has an estimate; a call of which the client took the end but for which the
    server was struck is told by both.
    """
    found = []
    for role, model in (("small", "s"), ("large", "l")):
        mine = Counter(
            (row["tokens_in"], row["tokens_out"])
            for row in rows
            if row["role"] == role and row["status"] == "ok" and not row["estimated"]
        )
        theirs = Counter(
            (call.tokens_in, call.tokens_out)
            for call in calls
            if call.body["model"] == model and call.outcome == "finished" and call.status == 200
        )
        if unknown := mine - theirs:
            found.append(f"{role}: the ledger has {sum(unknown.values())} calls that the server did not finish")
        # One that the server finished and the client had closed, or had given up, is in the ledger with an estimate.
        others = sum(row["role"] == role for row in rows) - mine.total()
        if (missing := (theirs - mine).total()) > others:
            found.append(f"{role}: the ledger lacks {missing - others} calls that the server finished")
    # A client whose time is up before the server has read its request is told by the ledger alone, as an error.
    answered, failed = len([row for row in rows if row["status"] != "error"]), len(rows)
    if not answered <= len(calls) <= failed:
        found.append(f"the ledger has {failed} attempts, {answered} of them answered; the server {len(calls)} calls")
    return found


def main() -> int:
    """Print what was found, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    result = asyncio.run(campaign(given.runs, given.seed))
    print(json.dumps({**result, "faults": result["faults"][:20]}, indent=1))
    if given.runs >= 2_000:
        (HERE / "results" / "faults.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if result["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
