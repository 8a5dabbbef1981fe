"""Steps and views to try a trigger on: what models write when all is well, and when it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any

from trigreason_graph.state import Author, Blueprint, Signal, Step
from trigreason_graph.triggers import View

QUESTION = "A shop sells 48 pens in April and half as many in May. How many pens does it sell altogether?"

BLUEPRINT = Blueprint(
    text="Goal: the number of pens. Key steps: 1. Halve the pens of April. 2. Add both months. 3. State the number.",
    goal="the number of pens",
    key_steps=["Halve the pens of April.", "Add both months.", "State the number."],
    pitfalls=[],
)

TEXTS = (
    "In April 48 pens are sold.",
    "Wait, hmm, maybe that is not right. Let me reconsider.",
    "So in May it is 48 / 2 = 26.",
    "In May it is 48 / 2 = 24.",
    "Let x be the number of pens in May, so x = 24.",
    "Alternatively, x = 25? I'm not sure. Perhaps x = 24 after all.",
    "The total is 72 pens.",
    "Hmm, wait. Maybe the total is 70. Let me double-check.",
    "\\[ 48 + 24 = 72 \\]",
    "Clearly, it follows that the result is \\boxed{72}.",
    "again and again and again and again and again and again and again and again",
    "```python\nprint(48 + 24)\n```",
    "| month | pens |\n|---|---|\n| April | 48 |\n| May | 24 |",
    "1. Read.\n2. Halve.\n3. Add.",
    "> Step 1 is wrong: 3 + 4 = 8.",
    "等一下，也许不对。所以 x = 24。",
    "",
    " ",
    "Answer: 72",
)
"""Right and wrong, sure and doubtful, prose, LaTeX, code, a table, a list, a quotation, Chinese, nothing, an answer."""

NATS: tuple[list[int] | None, ...] = (None, [], [0] * 24, [2_000] * 24, [65_535], [10, 10, 900] * 8)

JUNK = (
    "a", " ", "\n", "> ", "(", "\\frac{", "1+", "1,000", "3 + 4 = 8 ", "3 + 4 = 8\n", "wait ", "not sur",
    "Wait, maybe 3. ", "等", "。", "$", "`", "*", "|", "\x00", "\U0001f600", "x = 3\n\n", "total is ", "a b c d e f g ",
)  # fmt: skip
"""What 10 MB of junk is made of: each over and over."""


def make_step(text: str, author: Author = "small", **fields: Any) -> Step:
    """A step by `author`; `fields` are other fields of Step."""
    made: dict[str, Any] = {
        "id": 0,
        "text": text,
        "sep": "\n\n",
        "kind": "tool" if author == "tool" else "reasoning",
        "author": author,
        "model": "sample",
        "call": 0,
        "tokens": max(len(text) // 4, 1),
        "conclusions": [],
        "nats": None,
        "entropy": None,
    }
    return Step(**{**made, **fields})  # type: ignore[typeddict-item]


def make_view(
    trace: Sequence[Step],
    draft: Step | None,
    *,
    complete: bool = True,
    question: str = QUESTION,
    blueprint: Blueprint | None = None,
    signals: Sequence[Signal] = (),
    first: bool = False,
) -> View:
    """A view of `draft` as the next step after `trace`."""
    return View(question, blueprint, trace, draft, complete, signals, first)


def long_trace(length: int) -> list[Step]:
    """A trace of so many steps, all texts, authors and probabilities in turn."""
    authors: list[Author] = ["small", "small", "large", "small", "tool"]
    conclusions = [[], ["x=24"], ["72"], ["x=25", "70"], ["(A)"]]
    parts = zip(cycle(TEXTS), cycle(authors), cycle(NATS), cycle(conclusions), range(length), strict=False)
    return [
        make_step(text, author, id=index, nats=nats if author == "small" else None, conclusions=list(found))
        for text, author, nats, found, index in parts
    ]


def sample_views() -> Iterator[View]:
    """Views of every kind, always the same: the start; growing and finished drafts after traces of many lengths."""
    yield make_view((), None)
    yield make_view((), None, question="2 + 2 = ?")
    trace = long_trace(60)
    for length in (0, 1, 2, 3, 5, 11, 19, 40):
        for index, text in enumerate(TEXTS):
            nats = NATS[(index + length) % len(NATS)]
            draft = make_step(text, id=length, nats=nats, conclusions=["x=24"] if "24" in text else [])
            answer = text.startswith("Answer") or "boxed" in text
            draft["kind"] = "answer" if answer else "reasoning"
            plan = BLUEPRINT if index % 2 else None
            yield make_view(trace[:length], draft, complete=bool(index % 5), blueprint=plan, signals=_signals(length))
    for author in ("large", "tool"):
        yield make_view(trace[:12], make_step("Wait, hmm. 3 + 4 = 8.", author))
    for text in TEXTS:  # the same step over and over
        again = [make_step(text, conclusions=["x=24"], nats=[0] * 9) for _ in range(14)]
        yield make_view(again[:-1], again[-1])


def _signals(length: int) -> list[Signal]:
    served = Signal(trigger="sample", reason="A sample.", evidence={"n": "1"}, route="rewrite", at=0, served=True)
    return list(islice(cycle([served]), min(length, 3)))
