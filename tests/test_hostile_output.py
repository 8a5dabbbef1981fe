"""No model output breaks a run: whatever either model writes, the run ends with an honest outcome and a sound trace."""

from __future__ import annotations

import json
from typing import Any

import pytest
from graphs import Marker, full_state, graph, large, small
from langgraph.checkpoint.memory import InMemorySaver

from trigreason_graph import Budget
from trigreason_graph.policies import resolve_policy
from trigreason_graph.triggers import StrategicInitiation

QUESTION = "What is 3 + 4?"
CONFIG: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": 30}

HOSTILE = {
    "empty": "",
    "white space": " \n\t\n  \n\n \r\n",
    "100 kB without a blank line": "3 + 4 = 7 and so on. " * 5_000,
    "100 kB without a space": "7" * 100_000,
    "a thousand blank lines": "x\n\n" * 1_000,
    "Chinese": "首先,我们计算三加四。\n\n等等,让我再想想。\n\n所以答案是 \\boxed{7}。",
    "Arabic and Hebrew": "نجمع ثلاثة وأربعة.\n\nהתשובה היא \\boxed{7}.",
    "emoji and combining": "👩‍👩‍👧‍👦 + 4̸ = 7️⃣\n\n" + "e\u0301" * 500,
    "an unclosed fence": "```python\nprint(3 + 4)\n\n\nprint('more')\n\nand on",
    "unclosed display maths": "\\[ 3 + 4 = \n\n 7 \n\n so \\boxed{7}",
    "JSON": json.dumps({"steps": ["3 + 4 = 7"], "answer": {"boxed": 7}, "wrong": "1"}, indent=2),
    "the prompt repeated": f"{QUESTION}\n\nPlease reason step by step, and put your final answer within \\boxed{{}}.",
    "think tags nested and unclosed": "<think><think>3</think>\n\n</think>4<think>\n\nso \\boxed{7}",
    "only a closing tag": "</think>",
    "half a tag": "so 7 <thi",
    "control characters": "3 \x00+ \x1b[31m4\x1b[0m = \x07 7\n\n\ud800 \\boxed{7}",
    "braces": "\\boxed{" * 3_000 + "}" * 2_999,
    "a header alone": "wrong: 1",
    "a header of nonsense": "wrong: 99999999999999999999\n\nwrong: -1\n\n7",
    "percent and format signs": "{reason} {steps} %s %d {0} {{}}\n\n\\boxed{7}",
    "a million-digit sum": f"{'9' * 3_000} + 1 = {'1' * 3_000}\n\n2^99999999 = 3",
}


@pytest.mark.parametrize("policy", ["default", "paper", "blueprint_handoff"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_every_run_ends(text: str, policy: str) -> None:
    """Either model writes it, for ever; limits end the run, and the trace stays what was accepted."""
    chosen = resolve_policy(policy)
    compiled = graph(
        small(text, loop=True),
        large(text, loop=True),
        *chosen.triggers,
        initiation=chosen.initiation,
        budget=Budget(total_tokens=3_000, usd=None),
        checkpointer=InMemorySaver(),
    )
    result = await compiled.ainvoke({"question": QUESTION}, CONFIG)
    state = await full_state(compiled, CONFIG)
    assert result["report"]["outcome"]["kind"] in ("answered", "budget", "model_error", "unfinished")
    assert bool(result["answer"]) or result["report"]["outcome"]["detail"]
    assert all(step["text"] == step["text"].encode(errors="strict").decode() for step in result["trace"])
    assert not any("\x00" in step["text"] or "\x1b" in step["text"] for step in result["trace"])
    ids = [step["id"] for step in result["trace"]] + [
        step["id"] for branch in state["discarded"] for step in branch["steps"]
    ]
    assert len(ids) == len(set(ids))
    json.dumps([result["trace"], result["report"], state["signals"], state["ledger"]], allow_nan=False)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_what_the_large_model_writes_in_place_of_a_step(text: str) -> None:
    """Unusable replies leave the small model's draft in its place."""
    result = await graph(
        small("Odd.\n\nSo \\boxed{7}.", "So \\boxed{7}.", loop=True), large(text), Marker("Odd")
    ).ainvoke({"question": QUESTION})
    assert result["trace"]
    assert result["report"]["outcome"]["kind"] in ("answered", "unfinished", "budget")


async def test_a_blueprint_of_anything() -> None:
    for text in HOSTILE.values():
        compiled = graph(small("So \\boxed{7}."), large(text), initiation=StrategicInitiation(form="blueprint"))
        assert (await compiled.ainvoke({"question": QUESTION}))["answer"] == "7"
