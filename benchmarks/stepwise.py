"""Does closing and resuming the stream cost accuracy? Free-running against stepwise, greedy, the same prompt.

    python benchmarks/stepwise.py [--models small,large] [--items 60]

"free": one request of the bare client. "stepwise": through the graph with no triggers, the stream closed and resumed at
every single step (commit_every=1), a harder case than any policy. Resumable: a row in results/stepwise.jsonl is never
made again. Prints accuracy with a Wilson 95 % interval, and how many texts are the same to the letter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage

from trigreason_graph import Budget, Policy, create_trigreason_graph
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.models.embedded.server import close_all
from trigreason_graph.reasoning.answers import complete_answer
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS
from trigreason_graph.settings import CONCLUDE_TOKENS
from trigreason_graph.state import trace_text

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "stepwise.jsonl"
MAX_TOKENS = 2_048
BUDGET = Budget(total_tokens=MAX_TOKENS + CONCLUDE_TOKENS, usd=None)


async def free(model: EmbeddedChat, question: str) -> str:
    """The model's whole solution in one request."""
    prompt = [HumanMessage(f"{question}\n\n{DEFAULT_PROMPTS.solve}")]
    return str((await model.ainvoke(prompt, max_tokens=MAX_TOKENS)).content)


async def stepwise(model: EmbeddedChat, question: str) -> str:
    """The same through the graph, resumed after every step."""
    graph = create_trigreason_graph(
        small=model, large=model, policy=Policy("resumed", commit_every=1), budget=BUDGET
    ).compile()
    result = await graph.ainvoke({"question": question}, {"recursion_limit": 500})
    return trace_text(result["trace"])


def same_number(answer: str | None, gold: str) -> bool:
    """GSM8K's answers are integers."""
    try:
        return answer is not None and math.isclose(
            float(answer.strip("$ .").replace(",", "")), float(gold.replace(",", ""))
        )
    except ValueError:
        return False


def wilson(right: int, of: int) -> tuple[float, float]:
    """95 % interval of a share."""
    z, share = 1.96, right / of
    centre, spread = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (centre - spread) / (1 + z * z / of), (centre + spread) / (1 + z * z / of)


async def run(models: list[str], items: list[dict[str, Any]]) -> None:
    done = {(row["model"], row["way"], row["id"]) for row in rows()}
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a") as out:
        for key in models:
            model = EmbeddedChat(source=key)
            # All of one way before the other: a problem that was just asked is in the cache, and a cached prompt
            # differs from one read anew in its last bits, which is enough to turn a greedy choice.
            for way, solve in (("free", free), ("stepwise", stepwise)):
                for number, item in enumerate(items, 1):
                    if (key, way, item["id"]) in done:
                        continue
                    begun = time.monotonic()
                    text = await solve(model, item["question"])
                    answer = complete_answer(text, item["question"])
                    row = {
                        "model": key,
                        "way": way,
                        "id": item["id"],
                        "right": same_number(answer, item["answer"]),
                        "answer": answer,
                        "gold": item["answer"],
                        "seconds": round(time.monotonic() - begun, 2),
                        "text": text,
                    }
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
                    out.flush()
                    verdict = "right" if row["right"] else "wrong"
                    print(f"{key:6} {way:8} {number:3}/{len(items)} {verdict} {row['seconds']:6.1f} s", flush=True)


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def table(items: list[dict[str, Any]]) -> str:
    """The comparison, as Markdown."""
    wanted = {item["id"] for item in items}
    lines = ["| model | way | right | of | accuracy, 95 % | same text as free |", "|---|---|---|---|---|---|"]
    for key in ("small", "large"):
        ways = {
            way: {r["id"]: r for r in rows() if r["model"] == key and r["way"] == way and r["id"] in wanted}
            for way in ("free", "stepwise")
        }
        for way, found in ways.items():
            if not found:
                continue
            right = sum(row["right"] for row in found.values())
            low, high = wilson(right, len(found))
            both = [name for name in found if name in ways["free"]]
            same = sum(found[name]["text"].strip() == ways["free"][name]["text"].strip() for name in both)
            share = f"{right / len(found):.2f} ({low:.2f}-{high:.2f})"
            lines.append(f"| {key} | {way} | {right} | {len(found)} | {share} | {same}/{len(both)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="small,large")
    parser.add_argument("--items", type=int, default=60)
    arguments = parser.parse_args()
    items = [json.loads(line) for line in (HERE / "data" / "gsm8k_dev_60.jsonl").read_text().splitlines()][
        : arguments.items
    ]
    try:
        asyncio.run(run(arguments.models.split(","), items))
    finally:
        close_all()
    packages = ("langgraph", "langchain-core", "langchain-openai", "xllamacpp")
    print(f"\npython {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in packages))
    print(f"greedy, gsm8k_dev 0-{len(items) - 1}, at most {MAX_TOKENS} tokens\n\n{table(items)}")


if __name__ == "__main__":
    main()
