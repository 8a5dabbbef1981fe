"""Every row of docs/models.md that has a server: the real client in a whole graph, as SRM and as LRM."""

from __future__ import annotations

from typing import Any

import pytest
from graphs import Marker, full_state, graph, small
from langgraph.checkpoint.memory import InMemorySaver
from matrix import ANSWER, PAGE, ROWS, SOLUTION, Row, card, with_table

from trigreason_graph import Budget, create_trigreason_graph

RUN = [row for row in ROWS if row.server is not None]
QUESTION = {"question": "What is 3 + 4?"}
CONFIG: Any = {"configurable": {"thread_id": "1"}}
UNLIMITED = Budget(large_tokens=None, usd=None)


def test_the_table_in_the_docs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "run tests/matrix.py"


@pytest.fixture(params=RUN, ids=lambda row: row.id)
def row(request: pytest.FixtureRequest) -> Row:
    return request.param  # type: ignore[no-any-return]


async def test_as_the_small_model(row: Row) -> None:
    """Its own steps, with log-probabilities where there are any, counted as its server counted."""
    assert row.server is not None
    assert row.model is not None
    with row.server() as server:
        model = row.model(server.url)
        compiled = create_trigreason_graph(small=model, large=small(), policy="small_only", budget=UNLIMITED).compile(
            checkpointer=InMemorySaver()
        )
        result = await compiled.ainvoke(QUESTION, CONFIG)
        state = await full_state(compiled, CONFIG)
        assert server.wait_until_idle()
        known = card(model)
        assert (known.style, known.form, known.logprobs) == (row.style, row.form, row.logprobs)
        assert [step["text"] for step in result["trace"]] == [*SOLUTION, ANSWER]
        assert result["answer"] == "7"
        assert [step["nats"] is not None for step in result["trace"]] == [row.logprobs] * 4
        assert counted(state, "small") == [(call.tokens_in, call.tokens_out) for call in server.calls]


async def test_as_the_large_model(row: Row) -> None:
    """It writes the flagged step in the small model's trace, and no more of its reasoning than that gets in."""
    assert row.server is not None
    assert row.model is not None
    with row.server() as server:
        leading = small("One is 3.\n\nOdd.\n\n", ANSWER)
        compiled = graph(leading, row.model(server.url), Marker("Odd"), budget=UNLIMITED, checkpointer=InMemorySaver())
        result = await compiled.ainvoke(QUESTION, CONFIG)
        state = await full_state(compiled, CONFIG)
        assert await server.idle()
        written = [(step["author"], step["text"]) for step in result["trace"]]
        assert written == [("small", SOLUTION[0]), ("large", SOLUTION[1]), ("small", ANSWER)]
        assert [row["status"] for row in state["ledger"] if row["role"] == "large"] == ["cut"]


def counted(state: dict[str, Any], role: str) -> list[tuple[int, int]]:
    return [(entry["tokens_in"], entry["tokens_out"]) for entry in state["ledger"] if entry["role"] == role]
