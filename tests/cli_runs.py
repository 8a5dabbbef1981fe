"""Recorded-like event sequences for tests of the CLI's view."""

from __future__ import annotations

from typing import Any

from trigreason_graph.state import BranchReport, LargeAlone, LedgerRow, Outcome, Report, RoleTotals, Spent

Event = dict[str, Any]

QUESTION = "48 clips in April, half as many in May. How many altogether?"
RIGHT = "In May 48 / 2 = 24 clips were sold."
WRONG = "In May 48 / 2 = 26 clips were sold."


def event(kind_: str, **fields: Any) -> Event:
    return {"v": 1, "type": kind_, "run_id": "r", **fields}


def run() -> Event:
    return event("run", question=QUESTION, small="embedded:small", large="embedded:large", policy="default")


def start(role: str, purpose: str, call: int, trigger: str = "") -> Event:
    return event(
        "call", status="start", role=role, model=f"embedded:{role}", purpose=purpose, trigger=trigger, call=call
    )


def end(
    role: str, purpose: str, call: int, spent: Spent, trigger: str = "", *, tokens: int = 10, cost: float | None = 0.0
) -> Event:
    return event(
        "call",
        status="end",
        role=role,
        model=f"embedded:{role}",
        purpose=purpose,
        trigger=trigger,
        call=call,
        rows=[row(role, purpose, call, tokens=tokens, cost=cost)],
        spent=spent,
    )


def row(role: str, purpose: str, call: int, *, tokens: int = 10, cost: float | None = 0.0) -> LedgerRow:
    return LedgerRow(
        id=call,
        role=role,  # type: ignore[typeddict-item]
        model=f"embedded:{role}",
        purpose=purpose,  # type: ignore[typeddict-item]
        attempt=1,
        status="ok",
        tokens_in=100,
        tokens_cached=0,
        tokens_out=tokens,
        tokens_reasoning=0,
        estimated=False,
        seconds=2.5,
        cost=cost,
        finish="stop",
    )


def spent(total: int, large: int = 0, calls: int = 0, seconds: float = 2.5) -> Spent:
    return Spent(large_calls=calls, large_tokens=large, total_tokens=total, seconds=seconds, usd=0.0)


def tokens(role: str, step: int, text: str, size: int = 4) -> list[Event]:
    pieces = [text[place : place + size] for place in range(0, len(text), size)]
    return [event("token", role=role, step_id=step, text=piece) for piece in pieces]


def step(step_id: int, index: int, author: str, text: str, trigger: str = "", kind: str = "reasoning") -> Event:
    return event(
        "step",
        step_id=step_id,
        index=index,
        author=author,
        model=f"embedded:{author}",
        kind=kind,
        text=text,
        tokens=10,
        trigger=trigger,
    )


def signal(at: int, *, served: bool | None = None, refused: str = "", route: str = "rewrite") -> Event:
    return event(
        "signal",
        trigger="arithmetic_check",
        reason="48 / 2 is 24, not 26.",
        evidence={"written": "26", "right": "24"},
        route=route,
        at=at,
        served=served,
        unserved_reason=refused,
    )


def discard(at: int, ids: list[int], why: str = "48 / 2 is 24, not 26.") -> Event:
    return event("discard", at=at, step_ids=ids, why=why, by="arithmetic_check")


def outcome(kind: str = "answered", detail: str = "") -> Event:
    return event("outcome", kind=kind, detail=detail, answer="72", report=report(kind, detail))


def rewritten() -> list[Event]:
    """The SRM writes two steps and a bit; the second is wrong; the LRM rewrites it; the SRM ends."""
    return [
        run(),
        start("small", "continue", 0),
        *tokens("small", 0, "In April 48 clips were sold.\n\n"),
        *tokens("small", 1, WRONG + "\n\n"),
        *tokens("small", 2, "Alto"),
        end("small", "continue", 0, spent(30), tokens=30),
        step(0, 0, "small", "In April 48 clips were sold."),
        signal(1),
        start("large", "rewrite", 1, "arithmetic_check"),
        *tokens("large", 3, RIGHT),
        end("large", "rewrite", 1, spent(44, 14, 1, 5.0), "arithmetic_check", tokens=14),
        signal(1, served=True),
        discard(1, [1]),
        step(3, 1, "large", RIGHT, "arithmetic_check"),
        start("small", "continue", 2),
        *tokens("small", 4, "Answer: 72"),
        end("small", "continue", 2, spent(50, 14, 1, 7.5), tokens=6),
        step(4, 2, "small", "Answer: 72", kind="answer"),
        outcome(),
    ]


def report(kind: str = "answered", detail: str = "", **fields: Any) -> Report:
    whole = Report(
        outcome=Outcome(kind=kind, detail=detail),  # type: ignore[typeddict-item]
        steps={"small": 2, "large": 1},
        tokens={"small": 16, "large": 14},
        interventions={"arithmetic_check": 1},
        unserved={},
        discarded_steps=1,
        discarded_tokens=12,
        rollbacks=0,
        branches=[BranchReport(at=1, steps=1, tokens=12, why="48 / 2 is 24, not 26.", by="arithmetic_check", cost=0.0)],
        totals={"small": totals(2, 36), "large": totals(1, 14)},
        cost=0.0,
        seconds=7.5,
        large_alone=LargeAlone(tokens_in=90, tokens_out=30, cost=0.0, seconds=5.4),
        notes=[],
    )
    return Report(**{**whole, **fields})  # type: ignore[typeddict-item]


def totals(calls: int, tokens_out: int, *, cost: float | None = 0.0, estimated: bool = False) -> RoleTotals:
    return RoleTotals(
        calls=calls,
        tokens_in=100 * calls,
        tokens_cached=0,
        tokens_out=tokens_out,
        tokens_reasoning=0,
        seconds=2.5 * calls,
        cost=cost,
        estimated=estimated,
    )
