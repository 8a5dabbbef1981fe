"""What does tuning find on the embedded pair, what does it cost, and does it hold on problems it has not seen?

    python benchmarks/tune.py                # reads the recordings only; no model is needed
    python benchmarks/tune.py --record       # has the embedded pair write what is missing, then the same

`default` is tuned on gsm8k_dev and svamp_dev, 60 problems each: half of them for the search, a quarter to choose, a
quarter for the test. There the chosen setting is compared with the policy as given, with the paper's, with either
model alone, and with chance at equal cost. For each setting that was run on all problems of the search, the LRM's share
of the real traces is compared with the one that replay had foretold out of the SRM's own. Resumable; writes
results/tune.md, tune.json and tune.svg.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.calibrate import traces_of  # noqa: E402
from benchmarks.policies import BUDGET, RECORDINGS  # noqa: E402
from trigreason_graph.evaluation import Evaluation, aevaluate  # noqa: E402
from trigreason_graph.evaluation.problem import Problem  # noqa: E402
from trigreason_graph.evaluation.problems import read_problems  # noqa: E402
from trigreason_graph.evaluation.recordings import RecordingStore  # noqa: E402
from trigreason_graph.evaluation.results import RunResult  # noqa: E402
from trigreason_graph.evaluation.statistics import Estimate, bootstrap, mean  # noqa: E402
from trigreason_graph.models.embedded.catalog import MODELS  # noqa: E402
from trigreason_graph.models.embedded.server import close_all  # noqa: E402
from trigreason_graph.policies import SHIPPED, Policy  # noqa: E402
from trigreason_graph.tuning import Replay  # noqa: E402
from trigreason_graph.tuning.grid import Grid, Setting  # noqa: E402
from trigreason_graph.tuning.picture import draw  # noqa: E402
from trigreason_graph.tuning.runs import calls_file, file_of  # noqa: E402
from trigreason_graph.tuning.tuner import atune  # noqa: E402
from trigreason_graph.tuning.verifying import FINALISTS, Tuning, split_of  # noqa: E402

DATA = ("gsm8k_dev_60", "svamp_dev_60")
GIVEN = "default"
GRID: Grid = {
    "initiation": (True, False, "prime:1", "prime:2", "prime:4"),
    "arithmetic_check": (True, False),
    "cognitive_offload.rho": (0.7, 0.85, 1.0),
    "cognitive_offload.steps": (1, None),
}
"""60 settings: a blueprint, nothing, or one, two, four steps by the LRM at the start; with and without the checked
sums; offload often, as given, never; for one step or all that follow. Hesitation needs ten steps before it counts,
which hardly any of these traces have."""
RIVALS = ("small_only", "large_only", "paper", GIVEN)
PAIR = {"small": "embedded:small", "large": "embedded:large"}
SECONDS = calls_file(RECORDINGS).with_suffix(".seconds")
"""What the recording sessions took, a line each."""


def problems_of() -> list[Problem]:
    """Those of the data."""
    return [problem for data in DATA for problem in read_problems(HERE / "data" / f"{data}.jsonl").problems]


async def tuned(problems: Sequence[Problem], *, record: bool, concurrency: int) -> Tuning:
    """The tuning, out of recordings as far as they reach. What a recording session took is noted."""

    def told(setting: Setting, problem: Any, done: int, planned: int) -> None:
        if record:
            print(f"{time.strftime('%H:%M:%S')} {done + 1}/{planned}: {setting.name}: {problem.id}", flush=True)

    begun = time.monotonic()
    found = await atune(
        problems,
        **PAIR,
        recordings=RECORDINGS,
        policy=GIVEN,
        grid=GRID,
        budget=BUDGET,
        concurrency=concurrency,
        told=told,
        command="python benchmarks/tune.py",
        data=DATA,
    )
    if record:
        with SECONDS.open("a", encoding="utf-8") as file:
            file.write(f"{time.monotonic() - begun:.0f}\n")
    return found


async def evaluated(
    problems: Sequence[Problem], policies: Sequence[Any], *, record: bool, concurrency: int = 1
) -> Evaluation:
    """Runs of policies on problems; without `record` out of the recordings alone."""
    return await aevaluate(
        problems,
        policies,
        **PAIR,
        budget=BUDGET,
        recordings=RECORDINGS,
        replay_only=not record,
        concurrency=concurrency,
    )


def compared(done: Evaluation, chosen: str) -> list[dict[str, Any]]:
    """On the test part: accuracy and LRM tokens of each policy, and what the chosen one has more, paired."""
    mine = done.of(chosen)
    return [
        {
            "policy": name,
            "accuracy": _told(bootstrap(done.of(name), lambda runs: mean([run.right for run in runs]))),
            "large_tokens": _told(bootstrap(done.of(name), lambda runs: mean([run.large_tokens for run in runs]))),
            "chosen_minus_it": {
                "accuracy": _told(_difference(mine, done.of(name), lambda run: run.right)),
                "large_tokens": _told(_difference(mine, done.of(name), lambda run: run.large_tokens)),
            },
        }
        for name in done.policies
    ]


def _difference(one: Sequence[RunResult], other: Sequence[RunResult], figure: Any) -> Estimate:
    pairs = list(zip(one, other, strict=True))
    return bootstrap(pairs, lambda drawn: mean([figure(mine) - figure(its) for mine, its in drawn]))


def _told(estimate: Estimate) -> list[float | None]:
    return [None if value is None else round(value, 4) for value in estimate]


def foretold(settings: Sequence[Setting], done: Evaluation, problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Of each setting that was run on all problems of the search: the LRM's share of the tokens, real and by replay.

    Replay foretells what triggers hand over; steps that the LRM is given at the start come on top.
    """
    wanted, store = {problem.id for problem in problems}, RecordingStore(RECORDINGS)
    traces = [trace for data in DATA for trace in traces_of(data, store, SHIPPED[GIVEN]) if trace.id in wanted]
    replay, rows = Replay(traces), []
    for setting in settings:
        runs, start = done.of(named(setting).name), setting.policy.initiation
        primed = (start.steps or 0) if start is not None and start.form == "prime" else 0
        every = sum(step["tokens"] for run in runs for step in run.steps)
        by_large = sum(step["tokens"] for run in runs for step in run.steps if step["author"] == "large")
        by_triggers = sum(step["tokens"] for run in runs for step in run.steps[primed:] if step["author"] == "large")
        rows.append(
            {
                "setting": setting.name,
                "accuracy": round(done.accuracy(named(setting).name), 3),
                "replayed": round(replay.share(setting.policy, "large_tokens"), 3),
                "real": round(by_triggers / every, 3),
                "with_start": round(by_large / every, 3),
            }
        )
    return rows


def written(store: RecordingStore) -> dict[str, int]:
    """Tokens that each model wrote for it."""
    return {
        role: sum(len(one.tokens) for one in store if one.prompt.model == MODELS[role].sha256)
        for role in ("small", "large")
    }


def named(setting: Setting) -> Policy:
    """The setting's policy under a name of its own."""
    return replace(setting.policy, name=f"setting {setting.index}")


async def measure(*, record: bool = False, concurrency: int = 1) -> dict[str, Any]:
    """All figures; draws the picture."""
    problems = problems_of()
    split = split_of(problems)
    found = await tuned(problems, record=record, concurrency=concurrency)
    chosen = replace(found.setting.policy, name="chosen")
    rivals = [*RIVALS, chosen, f"random@{chosen.name}"]
    test = await evaluated(split.test, rivals, record=record, concurrency=concurrency)
    run = [one.setting for one in found.scored if not one.estimated]
    search = await evaluated(split.train, [named(setting) for setting in run], record=False)
    draw(found, HERE / "results" / "tune.svg")
    later = FINALISTS * len(split.validation) + len(split.test)
    plain = found.one_run / len(problems) * (len(found.scored) * len(split.train) + later)
    return {
        "problems": {"search": len(split.train), "validation": len(split.validation), "test": len(split.test)},
        "settings": len(found.scored),
        "verdict": found.verdict,
        "chosen": found.setting.name,
        "exhausted": found.exhausted,
        "test": compared(test, chosen.name),
        "front": [
            {
                "setting": one.setting.name,
                "accuracy": round(one.accuracy, 3),
                "large_tokens": round(one.cost, 1),
                "run": one.run,
            }
            for one in found.front
        ],
        "foretold": await asyncio.to_thread(foretold, run, search, split.train),
        "cost": {
            "calls": found.calls,
            "calls_of_one_run": found.one_run,
            "calls_of_the_plain_grid": round(plain),
            "tokens": written(RecordingStore(file_of(RECORDINGS))),
            "minutes": round(sum(map(float, SECONDS.read_text(encoding="utf-8").split())) / 60, 1),
        },
    }


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    parts, cost = figures["problems"], figures["cost"]
    lines = [
        f"{figures['settings']} settings around `{GIVEN}`, embedded pair, greedy; {parts['search']} problems for the "
        f"search, {parts['validation']} to choose, {parts['test']} for the test (drawn from {' and '.join(DATA)}).",
        "",
        figures["verdict"],
        "",
        f"On the {parts['test']} problems of the test; intervals 95 %, by problem, differences paired:",
        "",
        "| policy | right | LRM tokens a problem | right, chosen minus it | LRM tokens, chosen minus it |",
        "|---|---|---|---|---|",
    ]
    for row in figures["test"]:
        more = row["chosen_minus_it"]
        shown = (row["accuracy"], row["large_tokens"], more["accuracy"], more["large_tokens"])
        lines.append(f"| {row['policy']} | {' | '.join(str(Estimate(*one)) for one in shown)} |")
    lines += [
        "",
        "| front on the search part | right | LRM tokens a problem | run on, else estimated |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['setting']} | {row['accuracy']:.2f} | {row['large_tokens']:.0f} | {row['run']} of {parts['search']} |"
        for row in figures["front"]
    ]
    lines += [
        "",
        f"Settings that were run on all {parts['search']} problems of the search, and the LRM's share of their tokens:",
        "",
        "| setting | right | by triggers, as replay foretold | by triggers, real | with the start, real |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['setting']} | {row['accuracy']:.2f} | {row['replayed']:.2f} | {row['real']:.2f} | "
        f"{row['with_start']:.2f} |"
        for row in figures["foretold"]
    ]
    lines += [
        "",
        f"Cost: {cost['calls']:,} calls, {cost['calls'] / cost['calls_of_one_run']:.2f} times those of one run of the "
        f"policy as given (a plain grid: about {cost['calls_of_the_plain_grid']:,}); {cost['tokens']['small']:,} "
        f"tokens of the SRM and {cost['tokens']['large']:,} of the LRM; {cost['minutes']:g} minutes. The runs of the "
        "policy as given were recorded before.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Record where that is asked for; write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--concurrency", type=int, default=1)
    given = parser.parse_args()
    try:
        figures = asyncio.run(measure(record=given.record, concurrency=given.concurrency))
    finally:
        close_all()
    text = report(figures)
    (HERE / "results" / "tune.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (HERE / "results" / "tune.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
