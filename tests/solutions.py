"""Solutions that models wrote, with a right final answer: text in which an alarm must have a reason."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = (
    Path(__file__).parent / "data" / "right_solutions.jsonl",
    ROOT / "benchmarks" / "results" / "stepwise.jsonl",
)
"""Greedy Qwen2.5-Coder 0.5B and 1.5B; problems of gsm8k, svamp and MATH."""

TRULY_WRONG = {
    "$8,000 * 1.012 = $8,080": "it is 8,096; the answer came out right all the same",
    r"\$40.00 - \$200.00 = \$20.00": "it is -160",
    "50 - (12.50 + 15 + 6) = 50 - 33": "it is 50 - 33.50",
}
"""Equations in them that are wrong, looked at one by one."""


def right_solutions() -> list[str]:
    """The texts, each once."""
    rows = [json.loads(line) for path in FILES if path.exists() for line in path.read_text("utf-8").splitlines()]
    return list(dict.fromkeys(row["text"] for row in rows if row["right"]))
