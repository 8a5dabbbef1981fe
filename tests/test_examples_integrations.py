"""The examples of each way in, run with scripted models in the place of theirs."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.graphs import STEPS, large, small
from trigreason_graph.testing import Scripted, ScriptedModel

EXAMPLES = Path(__file__).parent.parent / "examples"
PLAN = "Goal: the bags\nKey steps: 1. subtract"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr("sys.argv", ["example", "How many?"])
    return lambda name: runpy.run_path(str(EXAMPLES / name))["main"]


def test_the_chat_model(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call = Scripted(tool_calls=[{"name": "pack", "args": {"bags": 7}}])
    example("chat_model.py")(small(STEPS, loop=True), large(PLAN, PLAN, call))
    said = capsys.readouterr().out
    assert "Another thing is 4." in said
    assert "Tokens: {'input_tokens'" in said
    assert "Calls: [{'name': 'pack', 'args': {'bags': 7}" in said


def test_the_tool_in_an_agent(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call = Scripted(tool_calls=[{"name": "reason", "args": {"question": "How many?"}}])
    agent = ScriptedModel(script=[call, Scripted("There are 7.")])
    example("tool_in_agent.py")(small(STEPS), large(PLAN), agent)
    said = capsys.readouterr().out
    assert "[small] Another thing is 4." in said
    assert "tool: 7" in said
    assert "ai: There are 7." in said


def test_the_middleware_of_an_agent(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lost = [Scripted(tool_calls=[{"name": "count", "args": {"item": item}}]) for item in ("roll", "bun")]
    found = Scripted(tool_calls=[{"name": "count", "args": {"item": "rolls"}}])
    example("agent_middleware.py")(small(*lost, Scripted("There are 19.")), large(found))
    said = capsys.readouterr().out
    assert "The tool calls of the last 2 turns have failed." in said
    assert '[large] [called count({"item": "rolls"})]' in said
    assert "[small] There are 19." in said
    assert "Turns: {'small': 3, 'large': 1}, called for: {'repeated_error': 1}" in said


def test_two_nodes_of_a_parent_graph(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    example("subgraph.py")(small(STEPS, loop=True), large(PLAN, loop=True))
    said = capsys.readouterr().out
    assert "solve [small] Another thing is 4." in said
    assert "desk [small] Another thing is 4." in said
    assert "Answer: 7\nChecked: 7" in said


def test_a_trace_as_a_tree(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    example("observability.py")(small(STEPS), large(PLAN))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "trigreason"
    written = "    small:step_generator (role=small, purpose=continue, step=1): "
    assert any(line.startswith(written) and line.endswith("stop") for line in lines)
    assert lines[-1] == "Answer: 7"


def test_a_person_adds_an_instruction(
    example: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "Use metres.")
    expert = large(PLAN)
    example("approval.py")(small(STEPS), expert)
    assert "Use metres." in str(expert.prompts[0][-1].content)
    said = capsys.readouterr().out
    assert "Answer: 7, told by you: [{'call': 0, 'purpose': 'initiate', 'instruction': 'Use metres.'}]" in said
