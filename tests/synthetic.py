"""Synthetic results of an evaluation, for the tests of the report."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from trigreason_graph.evaluation.results import LoggedSignal, RunResult, WrittenStep
from trigreason_graph.evaluation.scenarios import Place, Scenario
from trigreason_graph.state import LedgerRow, Outcome

PLAIN = Scenario(
    name="plain",
    small=Place(input=0, output=0, rtt_seconds=0, prefill_tokens_per_second=1000, decode_tokens_per_second=100),
    large=Place(
        input=1, cached=0.1, output=2, rtt_seconds=1, prefill_tokens_per_second=1000, decode_tokens_per_second=50
    ),
)
"""Round numbers, to count with by hand."""


def call(role: str, tokens_in: int = 100, tokens_out: int = 50, **changed: Any) -> LedgerRow:
    """One row of a ledger."""
    row: dict[str, Any] = {
        "id": 0,
        "role": role,
        "model": f"{role} model",
        "purpose": "continue" if role == "small" else "rewrite",
        "attempt": 1,
        "status": "ok",
        "tokens_in": tokens_in,
        "tokens_cached": 0,
        "tokens_out": tokens_out,
        "tokens_reasoning": 0,
        "estimated": False,
        "seconds": 1.0,
        "cost": 0.0,
        "finish": "stop",
    }
    return LedgerRow(**{**row, **changed})  # type: ignore[typeddict-item]


def step(author: str, tokens: int = 10, kind: str = "reasoning") -> WrittenStep:
    """An accepted step."""
    return WrittenStep(author=author, kind=kind, tokens=tokens)  # type: ignore[typeddict-item]


def signal(trigger: str, route: str = "rewrite", served: bool = True) -> LoggedSignal:
    """A logged signal."""
    return LoggedSignal(trigger=trigger, route=route, at=0, served=served)  # type: ignore[typeddict-item]


def run(
    policy: str,
    problem: str = "p0",
    right: bool = True,
    *,
    data: str = "sums",
    sample: int = 0,
    outcome: str = "answered",
    steps: Sequence[WrittenStep] = (),
    signals: Sequence[LoggedSignal] = (),
    ledger: Sequence[LedgerRow] = (),
    discarded: tuple[int, int] = (0, 0),
) -> RunResult:
    """One run."""
    return RunResult(
        data=data,
        problem=problem,
        policy=policy,
        sample=sample,
        seed=None,
        right_answer="1",
        answer="1" if right else None,
        right=right,
        outcome=Outcome(kind=outcome, detail=""),  # type: ignore[typeddict-item]
        steps=list(steps),
        signals=list(signals),
        discarded={"small": discarded[0], "large": discarded[1]},
        ledger=list(ledger),
        seconds=1.0,
    )


POLICIES = {
    "small_only": (0.3, 0.0),
    "early_only": (0.4, 0.3),
    "random@default": (0.45, 0.35),
    "default": (0.5, 0.4),
    "paper": (0.52, 0.6),
    "specreason": (0.5, 0.7),
    "large_only": (0.6, 1.0),
}
"""Accuracy, and share of the steps that the LRM writes."""


def evaluation(
    problems: int = 20,
    sets: Sequence[str] = ("sums", "words"),
    policies: dict[str, tuple[float, float]] | None = None,
    seed: int = 0,
) -> list[RunResult]:
    """Runs of several policies on problems of several sets; the same seed gives the same runs."""
    chance = random.Random(seed)
    return [
        _run(chance, policy, f"p{index:04}", data, accuracy, share)
        for policy, (accuracy, share) in (policies or POLICIES).items()
        for data in sets
        for index in range(problems)
    ]


def _run(chance: random.Random, policy: str, problem: str, data: str, accuracy: float, share: float) -> RunResult:
    authors = ["large" if chance.random() < share else "small" for _ in range(chance.randint(3, 8))]
    steps = [step(author, chance.randint(8, 40)) for author in authors]
    ledger, known = [], 100
    for one in steps:
        ledger.append(call(one["author"], known, one["tokens"]))
        if policy == "specreason" and one["author"] == "small":
            ledger.append(call("large", known + 60, 1, purpose="review"))
        known += one["tokens"]
    return run(
        policy,
        problem,
        chance.random() < accuracy,
        data=data,
        outcome="budget" if chance.random() < 0.05 else "answered",
        steps=steps,
        signals=[signal("cognitive_offload") for author in authors if author == "large"][:3],
        ledger=ledger,
        discarded=(chance.randint(0, 30), 0),
    )
