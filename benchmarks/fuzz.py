"""Does any model output bring an exception out of the graph? Mutations of real outputs, and texts of signs that bite.

    python benchmarks/fuzz.py [--outputs 10000] [--seed 1]

Both models write what the seed makes: real texts (tests/data, benchmarks/results) that are cut, doubled, spliced,
shuffled and strewn with tags, fences, braces, headers and odd characters. A run ends honestly or is counted, with the
seed of its outputs. Ends with 1 when there is any. Writes benchmarks/results/fuzz.json.
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
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from trigreason_graph import Budget, ModelCard, create_trigreason_graph  # noqa: E402
from trigreason_graph.testing import Scripted, ScriptedModel  # noqa: E402

SOURCES = ("tests/data/traces.jsonl", "tests/data/right_solutions.jsonl", "tests/data/loops.jsonl")
POLICIES = ("default", "paper", "blueprint_handoff")
STRANGE = (
    "\n\n",
    "\n",
    " ",
    "<think>",
    "</think>",
    "<thi",
    "```",
    "```python\n",
    "\\[",
    "\\]",
    "\\boxed{",
    "}",
    "$$",
    "{",
    "{0}",
    "%s",
    "wrong: 1\n\n",
    "wrong: none\n\n",
    "wrong: 99999\n\n",
    "Step 1. ",
    "Answer: ",
    "Answer: 7",
    "**",
    "> ",
    "|",
    "&",
    "\x00",
    "\x1b[31m",
    "\x1b]0;",
    "\ud800",
    "\r",
    "\u2028",
    "\ufeff",
    "等等,",
    "所以 \\boxed{7}。",
    "e\u0301" * 30,
    "👩‍👩‍👧",
    "9" * 400,
    " = ",
    "1/0 = ",
    "3 + 4 = 8",
    "10^99999",
    "1,000,000.00",
    "50% of ",
    "-",
    "NaN",
    "∞",
    "wait, ",
    "Hmm. ",
    "tool:",
    "[TOOL]",
)
LONGEST = 4_000
OUTPUTS_A_RUN = 4
"""Outputs that a run is given, at least: each model has a few, over and over."""


@cache
def real_texts() -> tuple[str, ...]:
    """What models wrote."""
    rows = [json.loads(line) for name in SOURCES for line in (HERE.parent / name).read_text("utf-8").splitlines()]
    return tuple(row["text"] for row in rows)


def output(chance: random.Random) -> str:
    """One output."""
    text = chance.choice(real_texts())[: chance.choice((200, 800, LONGEST))]
    for _ in range(chance.randrange(6)):
        text = chance.choice(MUTATIONS)(text, chance)[:LONGEST]
    return text


def _cut(text: str, chance: random.Random) -> str:
    begin = chance.randrange(len(text) + 1)
    return text[:begin] + text[begin + chance.randrange(200) :]


def _strew(text: str, chance: random.Random) -> str:
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice(STRANGE) * chance.choice((1, 1, 1, 2, 30)) + text[at:]
    return text


def _double(text: str, chance: random.Random) -> str:
    begin = chance.randrange(len(text) + 1)
    return text[:begin] + text[begin : begin + chance.randrange(1, 300)] * chance.randrange(2, 12)


def _splice(text: str, chance: random.Random) -> str:
    other = chance.choice(real_texts())
    return text[: chance.randrange(len(text) + 1)] + other[chance.randrange(len(other)) :]


def _shuffle(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    chance.shuffle(lines)
    return "\n".join(lines)


def _characters(text: str, chance: random.Random) -> str:
    some = [chr(chance.choice((chance.randrange(0x20, 0x7F), chance.randrange(0x3000)))) for _ in range(20)]
    return "".join(chance.choice(some) if chance.random() < 0.05 else character for character in text)


def _joined(text: str, chance: random.Random) -> str:
    return text.replace(chance.choice(("\n\n", "\n", " ", ". ")), "")


MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    _cut,
    _strew,
    _strew,
    _double,
    _splice,
    _shuffle,
    _characters,
    _joined,
)


def models(seed: int, texts: list[str] | None = None) -> tuple[ScriptedModel, ScriptedModel, int]:
    """Two models that write a seed's outputs, in one of the forms that there are, and how many outputs they have."""
    chance = random.Random(seed)
    scripts: list[list[Scripted]] = []
    for _ in range(2):
        written = texts or [output(chance) for _ in range(OUTPUTS_A_RUN // 2)]
        scripts.append(
            [
                Scripted(
                    text,
                    probability=chance.choice((None, 0.5, 0.99)),
                    thinking=output(chance)[:300] if chance.random() < 0.1 else "",
                    finish=chance.choice(("stop", "stop", "length", "", "content_filter")),
                )
                for text in written
            ]
        )
    small_card = ModelCard(
        provider="scripted",
        name="small",
        style=chance.choice(("prefill", "turn")),
        form=chance.choice(("content", "content", "tags", "field")),
        dialect="openai",
        logprobs=True,
        window=chance.choice((None, None, 4_096)),
        local=True,
    )
    large_card = ModelCard(provider="scripted", name="large", style="turn", dialect="openai", local=True)
    small = ScriptedModel(script=scripts[0], trigreason_card=small_card, loop=True)
    return small, ScriptedModel(script=scripts[1], trigreason_card=large_card, loop=True), OUTPUTS_A_RUN


async def one_run(seed: int, texts: list[str] | None = None) -> tuple[str, str]:
    """The kind of its outcome, and what was wrong with it."""
    small, large, _ = models(seed, texts)
    try:
        graph = create_trigreason_graph(
            small=small,
            large=large,
            policy=POLICIES[seed % len(POLICIES)],
            budget=Budget(total_tokens=1_200, usd=None),
        ).compile()
        result = await graph.ainvoke({"question": "What is 3 + 4?"}, {"recursion_limit": 40})
        json.dumps([result["trace"], result["report"]], allow_nan=False).encode()
        outcome = result["report"]["outcome"]
        honest = bool(result["answer"]) or bool(outcome["detail"])
        return outcome["kind"], "" if honest else f"seed {seed}: no answer and no reason"
    except Exception as fault:
        return "exception", f"seed {seed}: {type(fault).__name__}: {fault}"[:500]


async def campaign(outputs: int, first_seed: int) -> dict[str, Any]:
    """As many runs as it takes for so many outputs."""
    begun, kinds, found = time.monotonic(), Counter[str](), []
    runs = -(-outputs // OUTPUTS_A_RUN)
    for seed in range(first_seed, first_seed + runs):
        kind, fault = await one_run(seed)
        kinds[kind] += 1
        found += [fault] if fault else []
    return {
        "outputs": runs * OUTPUTS_A_RUN,
        "runs": runs,
        "outcomes": dict(kinds),
        "faults": found,
        "seconds": round(time.monotonic() - begun, 1),
    }


def main() -> int:
    """Print what was found, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    result = asyncio.run(campaign(given.outputs, given.seed))
    print(json.dumps({**result, "faults": result["faults"][:20]}, indent=1, ensure_ascii=False))
    if given.outputs >= 10_000:
        (HERE / "results" / "fuzz.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if result["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
