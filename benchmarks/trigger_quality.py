"""Do the triggers work on the embedded pair? Replayed over recorded traces, against labels that no human made.

    python benchmarks/trigger_quality.py                # reads the recordings only; no model is needed
    python benchmarks/trigger_quality.py --record       # has the embedded pair write what is missing, then the same

Problems: the first 60 each of gsm8k_dev and svamp_dev. The SRM solves them greedily, and each trigger is asked at every
step where it would have fired. A step is "the loss" when the LRM alone reaches the right answer from the steps before
it and no longer from those up to it. See docs/triggers.md for what came out, results/trigger_quality.json for all
figures. Resumable: what is recorded is never written again; --minutes ends a recording run early (exit code 3).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from trigreason_graph.evaluation.advantage_table import effect
from trigreason_graph.evaluation.authors import SOLUTION_TOKENS, Author
from trigreason_graph.evaluation.labels import Advantage, Pair
from trigreason_graph.evaluation.problem import Problem
from trigreason_graph.evaluation.recorded_chat import recorded, replayed
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.evaluation.replay import fired
from trigreason_graph.evaluation.scores import SCORE_OF_TRIGGER, SCORES, wrong_equations
from trigreason_graph.evaluation.statistics import RESAMPLES, bootstrap
from trigreason_graph.evaluation.study import SEED, Material, gather
from trigreason_graph.evaluation.trigger_quality import (
    LabelledTrace,
    base_rate,
    lost_traces,
    miscalculated_traces,
    pooled_auroc,
    quality,
    scores,
    solution_scores,
    tally,
)
from trigreason_graph.evaluation.trigger_report import report
from trigreason_graph.models.embedded.catalog import MODELS
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.models.embedded.server import close_all
from trigreason_graph.policies import Policy
from trigreason_graph.policies.shipped import DEFAULT, PAPER
from trigreason_graph.reasoning.prompts import PROMPTS_VERSION
from trigreason_graph.state import Step
from trigreason_graph.triggers import ArithmeticCheck, Judge

HERE = Path(__file__).parent
DATA = ("gsm8k_dev_60", "svamp_dev_60")
RECORDINGS = HERE / "recordings" / "trigger_quality.jsonl"
RESULTS = HERE / "results"
POLICIES = (DEFAULT, PAPER)
FAST = 64
"""Tokens a chunk on replay: nobody closes a stream early to save any."""
SLICE_OVER = 3


class SliceOver(Exception):
    """What --minutes allows is used up."""


def problems() -> list[Problem]:
    """Both data sets, in turn, so that the beginning of a run has as many of either."""
    sets = [(HERE / "data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines() for name in DATA]
    return [Problem(**json.loads(line)) for lines in zip(*sets, strict=True) for line in lines]


def pair_of(store: RecordingStore, *, record: bool) -> Pair:
    """The embedded pair: recording, or replayed."""

    def author(role: Any) -> Author:
        model = EmbeddedChat(source=role)
        chat = recorded(model, store) if record else replayed(model, store, chunk_tokens=FAST)
        return Author.of(chat, role)

    return Pair(author("small"), author("large"))


async def record(store: RecordingStore, minutes: float) -> None:
    """Have the models write what is missing.

    Raises:
        SliceOver: The time is up.
    """
    begun, seen = time.monotonic(), len(store)

    def progress(what: str) -> None:
        nonlocal seen
        if len(store) != seen:
            seen = len(store)
            print(f"{time.strftime('%H:%M:%S')} {seen} recordings; next: {what}", flush=True)
        if time.monotonic() - begun > 60 * minutes:
            raise SliceOver

    await gather(pair_of(store, record=True), problems(), progress)


async def cuts_of(policy: Policy, store: RecordingStore, known: Material) -> dict[str, Sequence[Step]]:
    """The SRM's solutions, cut into steps the way a policy cuts them."""
    if policy.segment == Author.mode:
        return {id: own.steps for id, own in known.small.items()}
    author = Author.of(replayed(EmbeddedChat(source="small"), store, chunk_tokens=FAST), "small", policy.segment)
    return {id: (await author.write(own.problem.question)).steps for id, own in known.small.items()}


async def measure(store: RecordingStore, *, resamples: int = RESAMPLES) -> dict[str, Any]:
    """All figures, out of recordings alone; without `resamples` no intervals."""
    known = await gather(pair_of(store, record=False), problems())
    cuts = {policy.name: await cuts_of(policy, store, known) for policy in POLICIES}
    lost = {name: lost_traces(known, cut) for name, cut in cuts.items()}
    wrong_sums = {name: miscalculated_traces(known, cut) for name, cut in cuts.items()}
    solved = [(own.steps, own.right) for own in known.small.values()]
    return {
        "sample": sample(known, lost[DEFAULT.name]),
        "triggers": {policy.name: rows(policy, lost[policy.name], resamples) for policy in POLICIES},
        # ArithmeticCheck would be measured against itself there.
        "triggers_at_wrong_sums": {
            policy.name: rows(without(policy, ArithmeticCheck.name), wrong_sums[policy.name], resamples)
            for policy in POLICIES
        },
        "scores": {
            name: {
                "lost step": bootstrap(scores(lost[DEFAULT.name], score), pooled_auroc, resamples=resamples),
                "wrong sum": bootstrap(scores(wrong_sums[DEFAULT.name], score), pooled_auroc, resamples=resamples),
                "wrong solution": bootstrap(solution_scores(solved, score), pooled_auroc, resamples=resamples),
            }
            for name, score in SCORES.items()
        },
        "arithmetic": arithmetic(known),
        "advantage": advantages(known, resamples),
    }


def sample(known: Material, traces: Sequence[LabelledTrace]) -> dict[str, Any]:
    """What there is, and how good the labels are."""
    both = [id for id in known.small if id in known.large]
    return {
        "small_tried": len(known.small),
        "small_right": sum(own.right for own in known.small.values()),
        "large_tried": len(known.large),
        "large_right": sum(own.right for own in known.large.values()),
        "small_right_where_both": sum(known.small[id].right for id in both),
        "problems": len(traces),
        "steps": sum(len(trace.steps) for trace in traces),
        "steps_labelled": sum(trace.labelled for trace in traces),
        "losses": sum(trace.loss is not None for trace in traces),
        "loss_at_step": sorted(trace.loss + 1 for trace in traces if trace.loss is not None),
        "base_rate": base_rate([tally(trace, [False] * len(trace.steps)) for trace in traces]),
        "sound_prefixes_found_sound": [sum(known.sound.values()), len(known.sound)],
        "lost_prefixes_found_sound": [sum(known.later.values()), len(known.later)],
        "not_recorded": len(known.missing),
    }


def rows(policy: Policy, traces: Sequence[LabelledTrace], resamples: int) -> dict[str, Any]:
    """Each trigger of a policy alone, then all in its order."""
    triggers = [trigger for trigger in policy.triggers if not isinstance(trigger, Judge)]
    table = {
        trigger.name: quality([trigger], traces, SCORE_OF_TRIGGER.get(trigger.name), resamples=resamples)
        for trigger in triggers
    }
    table["(all)"] = quality(triggers, traces, None, resamples=resamples)
    return {name: asdict(row) for name, row in table.items()}


def without(policy: Policy, name: str) -> Policy:
    """A policy without one of its triggers."""
    return Policy(policy.name, tuple(trigger for trigger in policy.triggers if trigger.name != name))


def arithmetic(known: Material) -> dict[str, Any]:
    """Steps with an equation that is surely wrong: the one label that needs no model."""
    steps = {id: [bool(wrong_equations([], step)) for step in own.steps] for id, own in known.small.items()}
    wrong = [id for id, own in known.small.items() if not own.right]
    return {
        "steps": sum(map(sum, steps.values())),
        "solutions": sum(map(any, steps.values())),
        "of_them_wrong": sum(any(steps[id]) for id in wrong),
        "wrong_solutions": len(wrong),
        "losses": sum(steps[id][loss] for id, loss in known.losses.items()),
        "steps_of_right_large_solutions": sum(
            bool(wrong_equations([], step)) for own in known.large.values() if own.right for step in own.steps
        ),
    }


def advantages(known: Material, resamples: int) -> dict[str, Any]:
    """What an LRM step changes: at the loss, at random places, and where a trigger fires or is silent."""
    table = {"in place of the lost step": [[one] for one in known.at_loss.values()]}
    everywhere = list(known.at_random.values())
    table["in place of a random step"] = everywhere
    table["… the first"] = _where(everywhere, lambda one: one.at == 0)
    table["… a later one"] = _where(everywhere, lambda one: one.at > 0)
    for trigger in (trigger for trigger in DEFAULT.triggers if not isinstance(trigger, Judge)):
        fires = {
            id: [signal is not None for signal in fired([trigger], own.problem.question, own.steps)]
            for id, own in known.small.items()
        }
        table[f"… where {trigger.name} fires"] = _where(everywhere, lambda one, on=fires: on[one.problem][one.at])
        table[f"… where {trigger.name} is silent"] = _where(
            everywhere, lambda one, on=fires: not on[one.problem][one.at]
        )
    return {name: asdict(effect(tried, resamples=resamples)) for name, tried in table.items()}


def _where(tried: Sequence[Sequence[Advantage]], holds: Callable[[Advantage], bool]) -> list[list[Advantage]]:
    return [[one for one in places if holds(one)] for places in tried]


def circumstances() -> dict[str, Any]:
    """What the figures depend on."""
    packages = ("trigreason-graph", "langchain-core", "xllamacpp")
    return {
        "command": "python benchmarks/trigger_quality.py",
        "models": {role: {"file": MODELS[role].file, "sha256": MODELS[role].sha256} for role in ("small", "large")},
        "sampling": f"greedy, at most {SOLUTION_TOKENS} tokens a solution",
        "data": list(DATA),
        "seed": SEED,
        "prompts": PROMPTS_VERSION,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def write(figures: dict[str, Any], told: str) -> None:
    """Keep the figures beside those of the other benchmarks."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "trigger_quality.json"
    path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(told + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="have the embedded pair write what is missing")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end a recording run after so many")
    arguments = parser.parse_args()
    store = RecordingStore(append_to=RECORDINGS)
    if arguments.record:
        try:
            asyncio.run(record(store, arguments.minutes))
        except SliceOver:
            sys.exit(SLICE_OVER)
        finally:
            close_all()
    around = circumstances()
    figures = {**around, **asyncio.run(measure(store))}
    told = "\n".join(
        [f"`{around['command']}`: {json.dumps({k: around[k] for k in around if k != 'command'})}", "", report(figures)]
    )
    write(figures, told)
    print(told)


if __name__ == "__main__":
    main()
