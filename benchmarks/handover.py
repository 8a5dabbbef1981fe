"""Does the text go on as if one author had written it? Real hand-overs of the embedded pair, before and after tidying.

    python benchmarks/handover.py [--problems 12]

Each step of the SRM goes to the LRM with probability 0.5. Counted are the LRM's replies (as the model wrote them, and
as they entered the trace) that greet, restate the problem, repeat an earlier step, or begin with a step number. Both
styles: the LRM asked in a user turn, and the LRM going on with the trace. Writes benchmarks/results/handover.json.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from langchain_core.outputs import ChatGenerationChunk
from pydantic import Field

from trigreason_graph import Budget, create_trigreason_graph
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.models.known import card_of
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.nodes.reply import GREETING, HEADER, NUMBERING
from trigreason_graph.policies.shipped import random_policy

HERE = Path(__file__).parent
SHARE = 0.5


class Listening(EmbeddedChat):
    """Keeps what the model wrote, as it wrote it."""

    heard: list[str] = Field(default_factory=list)

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        self.heard.append("")
        async for chunk in super()._astream(*args, **kwargs):
            self.heard[-1] += chunk.text
            yield chunk


def flaws(text: str, question: str, earlier: str) -> list[str]:
    """What of `text` would not stand there if one author had written the whole trace."""
    found = []
    if (greeting := GREETING.match(text)) and greeting.end():
        found.append("greeting")
    opening = " ".join(text.split())[:80]
    if len(opening) > 20 and opening in " ".join(question.split()):
        found.append("problem restated")
    if len(opening) > 20 and opening in " ".join(earlier.split()):
        found.append("step repeated")
    if NUMBERING.match(text):
        found.append("step number")
    return found


def run(style: Any, questions: list[str]) -> dict[str, Any]:
    """Counts of flawed replies in one style."""
    raw: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    replies = accepted = 0
    large = Listening(source="large")
    graph = create_trigreason_graph(
        small="embedded:small",
        large=ReasoningModel(inner=large, card=replace(card_of(large), style=style)),
        policy=random_policy(SHARE, seed=1),
        budget=Budget(large_calls=6, usd=None),
    ).compile()
    for question in questions:
        large.heard.clear()
        trace = graph.invoke({"question": question})["trace"]
        for reply in large.heard:
            header = HEADER.match(reply)
            raw.update(flaws(reply[header.end() :] if header else reply, question, ""))
        replies += len(large.heard)
        for position, step in enumerate(trace):
            if step["author"] == "large":
                accepted += 1
                kept.update(flaws(step["text"], question, "\n".join(other["text"] for other in trace[:position])))
        print(f"{style}: {replies} replies {dict(raw)}, {accepted} steps accepted {dict(kept)}", flush=True)
    return {"replies": replies, "as written": dict(raw), "steps accepted": accepted, "in the trace": dict(kept)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=12)
    problems = parser.parse_args().problems
    lines = (HERE / "data" / "gsm8k_dev_60.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines[:problems]]
    result = {
        "command": f"python benchmarks/handover.py --problems {problems}",
        "versions": {name: version(name) for name in ("langgraph", "langchain-core", "xllamacpp")},
        "problems": len(questions),
        **{style: run(style, questions) for style in ("turn", "prefill")},
    }
    (HERE / "results" / "handover.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
