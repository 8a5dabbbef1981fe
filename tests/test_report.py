"""The report's branches: what each discarded branch held, and its share of what its calls cost."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from tests.graphs import Marker, full_state, graph, large, small
from tests.views import step
from trigreason_graph import Price, create_trigreason_graph
from trigreason_graph.cli.report import BRANCHES_SHOWN, branch_line, discarded_line
from trigreason_graph.nodes.report import branch_report, role_totals, step_cost
from trigreason_graph.state import Branch, BranchReport, LedgerRow, Step


def row(call: int, tokens: int, cost: float | None, *, attempt: int = 1, reasoning: int = 0) -> LedgerRow:
    return LedgerRow(
        id=call,
        role="large",
        model="m",
        purpose="rewrite",
        attempt=attempt,
        status="ok",
        tokens_in=0,
        tokens_cached=0,
        tokens_out=tokens,
        tokens_reasoning=reasoning,
        estimated=False,
        seconds=1.0,
        cost=cost,
        finish="stop",
    )


def written(call: int, tokens: int, author: str = "large") -> Step:
    return step("text", author, call=call, tokens=tokens)


@pytest.mark.parametrize(
    ("ledger", "spent", "cost"),
    [
        ([row(0, 40, 0.04)], written(0, 10), 0.01),
        ([row(0, 100, 0.04, reasoning=60)], written(0, 10), 0.01),
        ([row(0, 0, 0.01), row(1, 40, 0.03, attempt=2), row(2, 7, 5.0)], written(0, 10), 0.01),
        ([row(0, 7, 5.0), row(1, 40, 0.04)], written(1, 40), 0.04),
        ([row(0, 0, 0.04)], written(0, 10), 0.04),
        ([row(0, 5, 0.04)], written(0, 10), 0.04),
        ([row(0, 40, 0.0)], written(0, 10, "small"), 0.0),
        ([row(0, 40, None)], written(0, 10), None),
        ([], written(3, 10), None),
        ([], written(-1, 10, "tool"), 0.0),
    ],
    ids=[
        "a quarter of the call", "hidden reasoning is shared out", "all attempts", "the second call", "no count",
        "a count that is too low", "local", "price unknown", "no such row", "a tool's",
    ],
)  # fmt: skip
def test_a_steps_share_of_its_call(ledger: list[LedgerRow], spent: Step, cost: float | None) -> None:
    assert step_cost(spent, ledger) == (None if cost is None else pytest.approx(cost))


def test_attempts_are_no_calls_of_their_own() -> None:
    totals = role_totals([row(0, 0, 0.01), row(1, 40, 0.03, attempt=2), row(2, 7, 5.0)], "large")
    assert (totals["calls"], totals["tokens_out"], totals["cost"]) == (2, 47, pytest.approx(5.04))


def test_a_branch_sums_its_steps() -> None:
    branch = Branch(at=2, steps=[written(0, 10), written(1, 5)], why="wrong.", by="large", mistake=True)
    assert branch_report(branch, [row(0, 40, 0.04), row(1, 5, 0.02)]) == BranchReport(
        at=2, steps=2, tokens=15, why="wrong.", by="large", cost=pytest.approx(0.03)
    )
    assert branch_report(branch, [row(0, 40, 0.04), row(1, 5, None)])["cost"] is None


async def test_the_report_of_a_run_shows_each_branch() -> None:
    builder = create_trigreason_graph(
        small=small("Fine.\n\nWrong one.\n\nBAD.\n\nx", "Worse.\n\nBAD.\n\nx", "So \\boxed{7}."),
        large=large("wrong: 2\n\nOf the large one.", "wrong: 2\n\nRight one."),
        policy=[Marker("BAD")],
        prices={"scripted:large": Price(input=0.0, output=100.0)},
    )
    compiled = builder.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "t"}}
    report = (await compiled.ainvoke({"question": "What is 3 + 4?"}, config))["report"]
    state = await full_state(compiled, config)
    assert [branch["at"] for branch in report["branches"]] == [branch["at"] for branch in state["discarded"]]
    assert sum(branch["steps"] for branch in report["branches"]) == report["discarded_steps"]
    assert sum(branch["tokens"] for branch in report["branches"]) == report["discarded_tokens"]
    paid = [branch["cost"] for branch in report["branches"]]
    assert paid[:3] == [0.0, 0.0, 0.0], "what the small model wrote costs nothing"
    assert 0 < paid[3] < report["cost"], "a step of the large model was thrown away as well"


async def test_without_a_price_the_cost_of_a_branch_is_unknown() -> None:
    compiled = graph(
        small("A.\n\nBAD.\n\nx", "B.\n\nBAD.\n\nx", "\\boxed{7}"),
        large("wrong: 1\n\nC.", "wrong: 1\n\nD."),
        Marker("BAD"),
    )
    report = (await compiled.ainvoke({"question": "q"}))["report"]
    assert [branch["cost"] for branch in report["branches"]] == [0.0, 0.0, 0.0, None]


class TestOnTheScreen:
    def test_a_branch_in_a_line(self) -> None:
        found = BranchReport(at=1, steps=2, tokens=30, why="It is 24.\nNot 26.", by="arithmetic_check", cost=0.0)
        assert branch_line(found) == "steps 2-3 (30 tokens, $0), arithmetic check: It is 24. Not 26."
        named = BranchReport(at=4, steps=1, tokens=1, why="w" * 200, by="large", cost=None)
        line = branch_line(named)
        assert line.startswith("step 5 (1 token, price unknown), LRM: www")
        assert line.endswith("…")

    def test_only_the_latest_of_many_are_shown(self) -> None:
        branch = BranchReport(at=1, steps=1, tokens=1, why="w", by="x", cost=0.0)
        report: Any = {
            "discarded_steps": 9, "discarded_tokens": 9, "rollbacks": 1, "branches": [branch] * (BRANCHES_SHOWN + 1),
        }  # fmt: skip
        lines = discarded_line(report).split("\n")
        assert lines[:2] == ["9 steps, 9 tokens, 1 rollback", "1 earlier branch not shown"]
        assert len(lines) == BRANCHES_SHOWN + 2
