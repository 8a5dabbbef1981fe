"""Time of one look of each trigger at a step of 100 kB, in milliseconds: the slowest of many shapes of text.

Run: python benchmarks/trigger_speed.py
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache

from trigreason_graph.reasoning.blueprint import parse_blueprint
from trigreason_graph.reasoning.conclusions import conclusions
from trigreason_graph.state import Step
from trigreason_graph.triggers import (
    ArithmeticCheck,
    CognitiveOffload,
    InterventionRequest,
    RandomChoice,
    StrategicInitiation,
    Trigger,
    View,
)

SIZE = 100_000
"""Characters of the step."""
TRIGGERS: Mapping[str, Trigger] = {
    "strategic_initiation": StrategicInitiation(skip_trivial=True),
    "cognitive_offload, tokens": CognitiveOffload(ceiling=9.0),
    "cognitive_offload, text": CognitiveOffload(text="always"),
    "intervention_request": InterventionRequest(),
    "intervention_request, paper": InterventionRequest(
        words="paper", languages=("en",), repeats=False, loops=False, circles=False, same_conclusion=None
    ),
    "arithmetic_check": ArithmeticCheck(),
    "random": RandomChoice(p=0.5),
}
UNITS = {
    "one letter": "a",
    "spaces": " ",
    "line ends": "\n",
    "digits": "7",
    "numbers": "12, 345.6 and 78% or ",
    "words": "we then look at it once more and ",
    "sums": "3 + 4 = 7. ",
    "LaTeX": "\\[ \\frac{12}{5} \\times 3 = 7.2 \\]\n",
    "list": "1. Take the eggs.\n",
    "table": "| 1 | 2 | 3 |\n",
    "hesitation": "wait, hmm, maybe ",
    "certainty": "Clearly it is 123.456, ",
    "certainty, in order": "Clearly 12 and 345.6 make 357.6, or 333.6; ",
    "Chinese": "显然等等我们再想想",
    "brackets": "((((",
    "quotation": "> ",
}


def step(text: str, *, found: bool = True) -> Step:
    """A small model's step; `found`: with its conclusions, which are worked out when it is written."""
    return Step(
        id=0,
        text=text,
        sep="\n\n",
        kind="reasoning",
        author="small",
        model="m",
        call=0,
        tokens=len(text) // 4,
        conclusions=conclusions(text) if found else [],
        nats=[20] * (len(text) // 4),
        entropy=0.1,
    )


@cache
def views(unit: str) -> list[View]:
    """A step of that shape behind a short and behind a long trace of the same, complete and growing."""
    text = (unit * (SIZE // len(unit) + 1))[:SIZE]
    plan = parse_blueprint("Key steps: 1. Take the eggs. 2. Look at the price. 3. Multiply both.")
    long, short = step(text), step("We have 12 eggs and 345 more.")
    question = "There are 12 eggs, 345.6 pears and 78 plums. How many in all?"
    return [
        View(question, plan, trace, long, complete, ())
        for trace in ([], [short] * 70, [step(text + "!")] * 70)
        for complete in (True, False)
    ]


def slowest(trigger: Trigger, unit: str, repeats: int = 3) -> float:
    """Seconds of the slowest look, each the best of some repeats."""
    return max(min(_seconds(trigger, view) for _ in range(repeats)) for view in views(unit))


def _seconds(trigger: Trigger, view: View) -> float:
    began = time.perf_counter()
    trigger.check(view)
    return time.perf_counter() - began


def main() -> None:
    """Print a table: trigger, slowest shape, milliseconds."""
    print(f"{'trigger':30}{'slowest shape':16}{'ms':>8}")
    for name, trigger in TRIGGERS.items():
        seconds, shape = max((slowest(trigger, unit), shape) for shape, unit in UNITS.items())
        print(f"{name:30}{shape:16}{1_000 * seconds:8.1f}")


if __name__ == "__main__":
    main()
