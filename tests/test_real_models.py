"""Real models of this machine: the small one resumed at every step, and the pair on one problem, end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from tests.graphs import full_state
from trigreason_graph import Budget, Policy, create_trigreason_graph
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS

pytestmark = pytest.mark.real_model

PROBLEMS = (
    "A box holds 6 pens. How many pens are in 7 boxes?",
    "Ana has 15 apples and gives 4 away. How many are left?",
    "A shirt costs $20 and is sold at 25% off. What is the price?",
    "A bottle holds 2 litres. How many bottles are filled from 18 litres?",
    "Mia saves $8 a week. How much has she saved after 6 weeks?",
    "A rope of 45 m is cut into pieces of 5 m. How many pieces?",
)
"""Short enough for a test, long enough for several steps each."""


async def solve(model: EmbeddedChat, question: str, commit_every: int) -> dict[str, Any]:
    builder = create_trigreason_graph(
        small=model,
        large=model,
        policy=Policy("alone", commit_every=commit_every),
        budget=Budget(total_tokens=1_500, usd=None),
    )
    return dict(await builder.compile().ainvoke({"question": question}, {"recursion_limit": 200}))


@pytest.mark.timeout(400)
async def test_a_stream_closed_at_every_boundary_gives_the_same_steps(embedded_pair: tuple[Path, Path]) -> None:
    """Greedy decoding, the prefix in the slot's cache: a resumed trace is the trace."""
    model = EmbeddedChat(source="small")
    await model.aready()
    boundaries = 0
    for question in PROBLEMS:
        # Both runs find the problem in the cache: read anew, a prompt differs from a cached one in its last bits.
        await model.ainvoke([HumanMessage(f"{question}\n\n{DEFAULT_PROMPTS.solve}")], max_tokens=1)
        whole = await solve(model, question, 1_000)
        resumed = await solve(model, question, 1)
        assert [(step["text"], step["sep"]) for step in resumed["trace"]] == [
            (step["text"], step["sep"]) for step in whole["trace"]
        ], question
        assert resumed["answer"] == whole["answer"]
        boundaries += resumed["report"]["totals"]["small"]["calls"] - 1
    assert boundaries >= 20


async def test_the_pair_solves_a_problem_together(embedded_pair: tuple[Path, Path]) -> None:
    compiled = create_trigreason_graph(small="embedded:small", large="embedded:large").compile(
        checkpointer=InMemorySaver()
    )
    config: Any = {"configurable": {"thread_id": "t"}}
    events = [event async for event in compiled.astream({"question": PROBLEMS[2]}, config, stream_mode="custom")]
    state = await full_state(compiled, config)
    assert state["outcome"]["kind"] == "answered"
    assert state["answer"]
    written = {row["role"] for row in state["ledger"] if row["tokens_out"]}
    assert written == {"small", "large"}
    assert [event["text"] for event in events if event["type"] == "step"][-1] == state["trace"][-1]["text"]
    finished = [row for row in state["ledger"] if row["status"] == "ok"]
    assert finished
    assert not any(row["estimated"] for row in finished), "finished calls count what the server counted"
    assert state["spent"]["total_tokens"] == sum(row["tokens_out"] for row in state["ledger"])
    assert state["report"]["cost"] == 0.0
