"""Does a share of the work carry over to problems that were not calibrated on? Replay of recordings; no model.

    python benchmarks/calibrate.py              # prints the tables, writes results/calibrate.json and calibrate.md
    python benchmarks/calibrate.py --record     # has the embedded small model write what is missing first

Each data set is halved, thresholds are set on one half and tried on the other, and the halves are swapped; then the
same for random halves. A hit is a share within 20 % of the target. See docs/tuning.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trigreason_graph.evaluation.recorded_chat import recorded, replayed
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.evaluation.statistics import Estimate, bootstrap, quantile
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.models.embedded.server import close_all
from trigreason_graph.models.resolve import resolve_model
from trigreason_graph.policies import SHIPPED, Policy
from trigreason_graph.tuning import Replay, Trace, fit_policy, read_questions
from trigreason_graph.tuning.fitting import TOLERANCE, Method, QuantileFitter, fitter
from trigreason_graph.tuning.replay import Unit, share_of
from trigreason_graph.tuning.traces import write_traces

HERE = Path(__file__).parent
DATA = ("gsm8k_dev_240", "svamp_dev_500")
RECORDINGS = HERE / "recordings"
TARGET = 0.2
SPLITS = 200
"""Random halvings."""
AT = 0.6
"""The other space: probabilities at the paper's temperature."""


def traces_of(
    name: str, store: RecordingStore, policy: Policy, *, record: bool = False, concurrency: int = 1
) -> list[Trace]:
    """The SRM's traces of a data set, recorded, as a policy cuts them and wants their probabilities."""
    model = EmbeddedChat(source="small")
    chat = recorded(model, store) if record else replayed(model, store, chunk_tokens=64)
    questions = read_questions(HERE / "data" / f"{name}.jsonl")
    return asyncio.run(write_traces(questions, resolve_model(chat, "small"), policy, concurrency=concurrency))


def tried(policy: Policy, traces: Sequence[Trace], unit: Unit = "steps") -> Estimate:
    """The share a policy has on traces, with the interval of these."""
    return bootstrap(Replay(traces).parts(policy, unit), share_of)


def halves(traces: Sequence[Trace]) -> list[tuple[list[Trace], list[Trace]]]:
    """Every second problem, and the others; both ways round."""
    one, other = list(traces[::2]), list(traces[1::2])
    return [(one, other), (other, one)]


def swapped(policy: Policy, traces: Sequence[Trace], unit: Unit, method: Method) -> list[dict[str, Any]]:
    """Calibrated on one half, tried on the other, and swapped."""
    rows = []
    for seen, unseen in halves(traces):
        found = fit_policy(seen, policy=policy, escalation=TARGET, unit=unit, method=method)
        share = tried(found.policy, unseen, unit)
        rows.append(
            {
                "thresholds": found.thresholds,
                "on_seen": found.share.value,
                "promised": found.promised,
                "needed": found.needed,
                "expected": [found.share.low, found.share.high],
                "on_unseen": list(share),
                "hit": hit(share.value),
            }
        )
    return rows


def hit(share: float | None) -> bool:
    """Whether a share is within the tolerance of the target."""
    return share is not None and abs(share / TARGET - 1) <= TOLERANCE


def random_halves(policy: Policy, traces: Sequence[Trace], unit: Unit) -> dict[str, float]:
    """How often random halves hit, by quantiles; and how far the share of the other half strays."""
    replay = Replay(traces)
    fitting = fitter(replay, policy, TARGET, unit, None, "quantile")
    assert isinstance(fitting, QuantileFitter)
    chance, shares = random.Random(0), []
    for _ in range(SPLITS):
        order = chance.sample(range(len(traces)), len(traces))
        seen, unseen = order[: len(order) // 2], order[len(order) // 2 :]
        parts = fitting.fit(seen).parts
        shares.append(share_of([parts[index] for index in unseen]))
    shares.sort()
    return {
        "hits": sum(map(hit, shares)) / SPLITS,
        "mean": sum(shares) / SPLITS,
        "low": quantile(shares, 0.025),
        "high": quantile(shares, 0.975),
    }


def transfer(traces: dict[str, list[Trace]], policy: Policy) -> list[dict[str, Any]]:
    """Raw thresholds in the tempered space, and ones that were calibrated there; halves swapped."""
    rows = []
    cooler = replace(policy, probabilities_at=AT)
    for (seen, unseen), (seen_cool, unseen_cool) in zip(halves(traces["raw"]), halves(traces["tempered"]), strict=True):
        raw = fit_policy(seen, policy=policy, escalation=TARGET)
        cool = fit_policy(seen_cool, policy=cooler, escalation=TARGET)
        rows.append(
            {
                "raw": {"thresholds": raw.thresholds, "on_unseen": list(tried(raw.policy, unseen))},
                "raw thresholds in the tempered space": {
                    "thresholds": raw.thresholds,
                    "on_unseen": list(tried(raw.policy, unseen_cool)),
                },
                "calibrated in the tempered space": {
                    "thresholds": cool.thresholds,
                    "on_unseen": list(tried(cool.policy, unseen_cool)),
                },
            }
        )
    return rows


def speed(traces: Sequence[Trace]) -> dict[str, Any]:
    """How long it takes to try 1,080 settings on 60 problems."""
    settings = [
        SHIPPED["default"].with_fields(
            {
                "cognitive_offload": {"tau": tau, "rho": rho / 60, "steps": m},
                "intervention_request": {"k": k, "steps": m},
            }
        )
        for tau in (1.01, 1.03, 1.05, 1.1)
        for rho in range(30, 60)
        for k in (2, 3, 4)
        for m in (1, 2, None)
    ]
    begun = time.perf_counter()
    replay = Replay(traces)
    for policy in settings:
        replay.escalated(policy)
    return {"settings": len(settings), "problems": len(traces), "seconds": round(time.perf_counter() - begun, 2)}


def measure(store: RecordingStore) -> dict[str, Any]:
    """All figures."""
    policy = SHIPPED["default"]
    traces = {name: traces_of(name, store, policy) for name in DATA}
    samples = {**traces, "both": [trace for listed in traces.values() for trace in listed]}
    units: tuple[Unit, ...] = ("steps", "large_tokens")
    methods: tuple[Method, ...] = ("quantile", "mixture")
    figures: dict[str, Any] = {
        "halves_swapped": {
            f"{name}, {unit}, {method}": swapped(policy, traces[name], unit, method)
            for name in DATA
            for unit in units
            for method in methods
        },
        "random_halves": {
            f"{name}, {unit}": random_halves(policy, listed, unit) for name, listed in samples.items() for unit in units
        },
        "all_problems": {},
    }
    for name, listed in samples.items():
        found = fit_policy(listed, policy=policy, escalation=TARGET)
        figures["all_problems"][name] = {
            "thresholds": found.thresholds,
            "share": list(found.share),
            "promised": found.promised,
            "needed": found.needed,
        }
    # Most of gsm8k was recorded without alternatives, so that its probabilities cannot be converted.
    cooler = traces_of(DATA[1], store, replace(policy, probabilities_at=AT))
    figures["transfer"] = transfer({"raw": traces[DATA[1]], "tempered": cooler}, policy)
    figures["as_shipped"] = {
        "raw": list(tried(policy, traces[DATA[1]])),
        "tempered": list(tried(policy, cooler)),
    }
    figures["speed"] = speed(traces[DATA[0]][:60])
    return figures


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        f"Target: {TARGET:.2f} of the work, policy default, embedded pair, greedy. Intervals: 95 %, by problem.",
        "",
        "| thresholds set on one half | tau, rho | share on that half | share on the other half | within 20 % |",
        "|---|---|---|---|---|",
    ]
    for name, rows in figures["halves_swapped"].items():
        for row in rows:
            tau, rho = row["thresholds"].values()
            lines.append(
                f"| {name} | {tau:g}, {rho:g} | {row['on_seen']:.2f} | {Estimate(*row['on_unseen'])} | "
                f"{'yes' if row['hit'] else 'no'} |"
            )
    lines += [
        "",
        f"| {SPLITS} random halves | within 20 % | share on the other half: mean, 95 % of them |",
        "|---|---|---|",
    ]
    for name, row in figures["random_halves"].items():
        lines.append(f"| {name} | {row['hits']:.0%} | {row['mean']:.2f}, {row['low']:.2f} to {row['high']:.2f} |")
    lines += ["", "| set on all problems of | tau, rho | share, expected elsewhere | promised |", "|---|---|---|---|"]
    for name, row in figures["all_problems"].items():
        tau, rho = row["thresholds"].values()
        promise = "yes" if row["promised"] else f"no, about {row['needed']} problems are needed"
        lines.append(f"| {name} | {tau:g}, {rho:g} | {Estimate(*row['share'])} | {promise} |")
    lines += ["", "| space (svamp, halves swapped) | tau, rho | share on the other half |", "|---|---|---|"]
    for rows in figures["transfer"]:
        for name, row in rows.items():
            tau, rho = row["thresholds"].values()
            lines.append(f"| {name} | {tau:g}, {rho:g} | {Estimate(*row['on_unseen'])} |")
    for name, share in figures["as_shipped"].items():
        lines.append(f"| the default's own thresholds, {name}, all of svamp | 1.05, 0.85 | {Estimate(*share)} |")
    told = figures["speed"]
    lines += ["", f"Replay: {told['settings']} settings on {told['problems']} problems in {told['seconds']} s."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--concurrency", type=int, default=1)
    given = parser.parse_args()
    if given.record:
        growing = RecordingStore(RECORDINGS, append_to=RECORDINGS / "calibrate.jsonl")
        for name in DATA:
            traces_of(name, growing, SHIPPED["default"], record=True, concurrency=given.concurrency)
        close_all()
    figures = measure(RecordingStore(RECORDINGS))
    text = report(figures)
    (HERE / "results" / "calibrate.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (HERE / "results" / "calibrate.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
