"""Killing runs at random points, and the verdict on what was left of them."""

from __future__ import annotations

import multiprocessing
import random
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.kill_child import Job, live, log_lines
from tests.kill_script import SCENARIOS

SECONDS = 60.0
"""Longest life of one process; a scripted run takes less than one second."""

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.kill_child"])


@dataclass(frozen=True)
class Undisturbed:
    """A run nobody killed: its result, and how often each point was reached."""

    result: Any
    points: Counter[str]
    calls: Counter[str]


@dataclass(frozen=True)
class Killed:
    """A run that was killed once or more often and then ended.

    Attributes:
        at: Where it was killed, in order.
        lines: Its log over all its lives.
        result: Its final state.
    """

    at: tuple[tuple[str, int], ...]
    lines: list[dict[str, Any]]
    result: Any


def run(job: Job) -> int:
    """One life in a process of its own; returns its exit code."""
    process = _CONTEXT.Process(target=live, args=(job,))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"a run did not end within {SECONDS:g} s: {job}")
    code = process.exitcode
    process.close()
    return code


def undisturbed(job: Job) -> Undisturbed:
    """Run without a kill."""
    code = run(job)
    lines = log_lines(job.log)
    assert code == 0, f"an undisturbed run ended with {code}: {job}"
    begun = Counter(line["call"] for line in lines if line["label"].endswith(" begins") and line["call"])
    assert max(begun.values()) == 1, "the script makes a call twice, so that a repeated one cannot be told"
    return Undisturbed(lines[-1]["result"], Counter(line["label"] for line in lines[:-1]), begun)


def kill(job: Job, points: list[tuple[str, int]]) -> Killed:
    """Run, kill, resume, kill, ..., and let the last life come to its end."""
    died: list[tuple[str, int]] = []
    for point in points:
        code = run(replace(job, kill_at=point))
        if code == 0:  # the point was not reached in this life
            break
        assert code == -signal.SIGKILL, f"the run ended with {code} at {point}: {job}"
        died.append(point)
    else:
        code = run(job)
        assert code == 0, f"the resumed run ended with {code} after {died}: {job}"
    lines = log_lines(job.log)
    return Killed(tuple(died), lines, lines[-1]["result"])


def points_to_die_at(points: Counter[str], chance: random.Random) -> Iterator[tuple[str, int]]:
    """Without end: each label in random order, at a random one of its times, before any label comes again."""
    while True:
        for label in chance.sample(sorted(points), len(points)):
            yield label, chance.randint(1, points[label])


def faults(run: Killed, expected: Undisturbed) -> list[str]:
    """What was lost, paid twice, or came out differently; empty when nothing was.

    A call may be made again only when the process died before it had ended, or with nothing between its end and the
    death but the writing of its result.
    """
    found = [f"{call} was made again after {why}" for call, why in repeated(run.lines)]
    unknown = {line["call"] for line in run.lines} - set(expected.calls) - {""}
    found += [f"{call} is not made in an undisturbed run" for call in sorted(unknown)]
    if run.result != expected.result:
        found += [
            f"{key} differs: {run.result.get(key)!r} is not {value!r}"
            for key, value in expected.result.items()
            if run.result.get(key) != value
        ]
    return found


def repeated(lines: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Calls that were made again though their result should have been there, and what had come in between."""
    for index, line in enumerate(lines):
        if not (line["call"] and line["label"].endswith(" begins")):
            continue
        ends = [i for i in range(index) if lines[i]["call"] == line["call"] and lines[i]["label"].endswith(" ended")]
        if not ends or lines[ends[-1]].get("fatal"):
            continue
        death = next(i for i in range(ends[-1], len(lines)) if lines[i].get("fatal"))
        between = [one["label"] for one in lines[ends[-1] + 1 : death + 1]]
        later = [label for label in between if label == "put ended" or label.endswith((" begins", " writes"))]
        later = [label for label in later if label not in ("put begins", "put_writes begins")]
        if later:
            yield line["call"], ", ".join(later)


def windows(lines: list[dict[str, Any]]) -> list[float]:
    """Seconds from the last byte of each reply of the LRM to its write being stored."""
    found: list[float] = []
    ended: float | None = None
    for line in lines:
        if line["label"].endswith("large ended"):
            ended = line["at"]
        elif ended is not None and line["label"] == "put ended":
            found.append(line["at"] - ended)
            ended = None
    return found


def campaign(store: str, durability: str, folder: Path, seed: int, kills: int) -> Iterator[tuple[Killed, list[str]]]:
    """Kill runs of all scenarios in turn until `kills` processes have died; yields each run with its faults.

    Args:
        store: "sqlite", or the address of a PostgreSQL database whose tables are there.
        durability: sync or async.
        folder: For logs and files; an empty one.
        seed: Decides where the processes die.
        kills: How many have to.
    """
    kind = "sqlite" if store == "sqlite" else "postgres"
    chance = random.Random(f"{seed} {durability} {kind}")
    expected = {name: _expected(name, folder) for name in SCENARIOS}
    points = {name: points_to_die_at(run.points, chance) for name, run in expected.items()}
    died = 0
    for number, scenario in enumerate(cycle(SCENARIOS)):
        name = f"{kind}-{durability}-{seed}-{number}"
        path = str(folder / f"{name}.sqlite") if kind == "sqlite" else store
        job = Job(scenario, path, durability, name, str(folder / f"{name}.log"))
        deaths = min(chance.choice((1, 1, 2, 3)), kills - died)
        run = kill(job, list(islice(points[scenario], deaths)))
        died += len(run.at)
        yield run, [f"{scenario}, killed at {run.at}: {fault}" for fault in faults(run, expected[scenario])]
        if died >= kills:
            return


@cache
def _expected(scenario: str, folder: Path) -> Undisturbed:
    """The undisturbed run; what comes out of it depends neither on the store nor on the durability."""
    return undisturbed(Job(scenario, "memory", "sync", scenario, str(folder / f"{scenario}.log")))
