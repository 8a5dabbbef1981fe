"""Precision and recall of `looping` on texts that end in a loop and on texts that only look like it.

Run: python benchmarks/loops.py [-v]

Each text of tests/data/loops.jsonl is fed 48 characters at a time, as a stream is: a loop counts as found when it is
seen anywhere, and what is no loop must be silent all the way.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from trigreason_graph.reasoning.loops import looping

CASES = Path(__file__).parent.parent / "tests" / "data" / "loops.jsonl"
CHUNK = 48
"""Characters between two looks, as in the graph (`PARTIAL_EVERY`)."""


@dataclass(frozen=True)
class Case:
    """A text, whether it ends in a loop (as a person reads it), what it is, and where it comes from."""

    text: str
    loop: bool
    kind: str
    source: str


@dataclass(frozen=True)
class Verdict:
    """What was seen in a case: after how many characters, or None."""

    case: Case
    seen: int | None


def cases() -> list[Case]:
    """All cases of the corpus."""
    return [Case(**json.loads(line)) for line in CASES.read_text(encoding="utf-8").splitlines()]


def verdict(case: Case) -> Verdict:
    """What is seen when the text is written chunk by chunk."""
    ends = [*range(CHUNK, len(case.text), CHUNK), len(case.text)]
    return Verdict(case, next((end for end in ends if looping(case.text[:end])), None))


def precision(verdicts: Sequence[Verdict]) -> float:
    """Share of loops among what was seen as one."""
    seen = [one for one in verdicts if one.seen is not None]
    return sum(one.case.loop for one in seen) / len(seen) if seen else 1.0


def recall(verdicts: Sequence[Verdict]) -> float:
    """Share of the loops that were seen."""
    loops = [one for one in verdicts if one.case.loop]
    return sum(one.seen is not None for one in loops) / len(loops) if loops else 1.0


def main() -> None:
    """Print the figures; -v also what was missed and what was seen in error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-v", "--verbose", action="store_true", help="list the mistakes")
    verbose = parser.parse_args().verbose
    verdicts = [verdict(case) for case in cases()]
    loops = [one for one in verdicts if one.case.loop]
    others = [one for one in verdicts if not one.case.loop]
    found = [one for one in loops if one.seen is not None]
    print(f"loops {len(loops)}, no loops {len(others)}")
    print(f"precision {precision(verdicts):.3f} ({sum(one.seen is not None for one in others)} false alarms)")
    print(f"recall    {recall(verdicts):.3f} ({len(found)} of {len(loops)})")
    if found:
        print(f"seen after {median(one.seen or 0 for one in found):.0f} characters (median)")
        saved = sum(len(one.case.text) - (one.seen or 0) for one in found) / sum(len(one.case.text) for one in found)
        print(f"of a looping text {saved:.0%} need not be awaited")
    if verbose:
        for one in verdicts:
            if one.case.loop != (one.seen is not None):
                print(f"{'missed' if one.case.loop else 'false alarm'}: {one.case.kind} ({one.case.source})")
                print(f"    {one.case.text[-100:]!r}")


if __name__ == "__main__":
    main()
