"""`trigreason solve --large-mode ask`: the person at the terminal approves, denies or edits each paid call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from typer.testing import CliRunner

from tests import cli_scripted, graphs
from trigreason_graph import Settings
from trigreason_graph.cli import approving
from trigreason_graph.cli import solve as solve_module
from trigreason_graph.cli.app import app
from trigreason_graph.testing import Scripted, ScriptedModel

Run = Callable[..., Any]
QUESTION = "What is 3 + 4?"


@pytest.fixture
def models() -> tuple[ScriptedModel, ScriptedModel]:
    return (
        graphs.small(Scripted(cli_scripted.FIRST), Scripted(cli_scripted.REST)),
        graphs.large(Scripted("Another thing is 4.\n\n")),
    )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, models: tuple[ScriptedModel, ScriptedModel]) -> Run:
    """Run `trigreason VERB` on scripted models at a terminal where these lines are typed."""
    monkeypatch.setattr(approving, "_is_terminal", lambda: True)

    def build(job: Any) -> Any:
        return graphs.graph(*models, graphs.Marker("BAD"), settings=job.settings, checkpointer=InMemorySaver())

    monkeypatch.setattr(solve_module, "build_graph", build)

    def typed(*arguments: str, lines: str) -> Any:
        return CliRunner().invoke(app, list(arguments), input=lines)

    return typed


@pytest.fixture
def solve(run: Run) -> Run:
    def solved(*arguments: str, lines: str) -> Any:
        return run("solve", *cli_scripted.MODELS, "--large-mode", "ask", QUESTION, *arguments, lines=lines)

    return solved


def test_the_question_says_what_for_why_and_how_dear(solve: Run) -> None:
    asked = solve(lines="approve\n").stderr
    assert "scripted:large is to rewrite step 2: at most 512 tokens, price unknown" in asked
    assert "The step says 'BAD'." in asked
    assert "Request: The next step is hard for the small model." in asked
    assert "Allow this call? (approve, deny, edit):" in asked


@pytest.mark.parametrize("word", ["approve", "a", "APP"])
def test_approve(solve: Run, models: Any, word: str) -> None:
    result = solve(lines=f"{word}\n")
    assert result.exit_code == 0
    assert "LRM 2 │ Another thing is 4." in result.stdout
    assert models[1].calls == 1


def test_deny(solve: Run, models: Any) -> None:
    result = solve(lines="deny\n")
    assert "not served: the call was denied" in result.stdout
    assert models[1].calls == 0


def test_edit(solve: Run, models: Any) -> None:
    result = solve(lines="edit\nUse the other number.\n")
    assert "told by you: Use the other number." in result.stdout
    assert "told   Use the other number." in result.stdout
    assert models[1].prompts[0][-1].text.endswith("Use the other number.")


def test_what_cannot_be_used_is_asked_for_again(solve: Run, models: Any) -> None:
    result = solve(lines=f"maybe\nedit\n{'x' * 2_001}\nUse 4.\n")
    assert "type approve, deny or edit" in result.stderr
    assert "at most 2000 characters" in result.stderr
    assert models[1].prompts[0][-1].text.endswith("Use 4.")


def test_the_output_of_json_stays_clean(solve: Run) -> None:
    whole = json.loads(solve("--json", lines="e\nUse 4.\n").stdout)
    assert whole["report"]["instructions"] == [{"call": 1, "purpose": "rewrite", "instruction": "Use 4."}]


def test_no_answer_leaves_the_run_waiting_and_resume_asks_again(solve: Run, run: Run, models: Any) -> None:
    """The end of the input, as with Ctrl-D; Ctrl-C comes the same way."""
    stopped = solve("--thread", "it", lines="")
    assert stopped.exit_code == 130
    assert "trigreason resume it" in stopped.stdout
    assert models[1].calls == 0
    result = run("resume", "it", lines="approve\n")
    assert result.exit_code == 0
    assert "LRM 2 │ Another thing is 4." in result.stdout
    assert (models[0].calls, models[1].calls) == (2, 1)


def test_without_a_terminal_it_says_so_before_anything_is_done(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["solve", *cli_scripted.MODELS, "--large-mode", "ask", QUESTION])
    assert result.exit_code == 2
    assert "--large-mode ask needs a terminal" in result.stderr
    assert result.stderr.count("\n") == 1


def test_shadow_is_reported(run: Run) -> None:
    result = run("solve", *cli_scripted.MODELS, "--large-mode", "shadow", QUESTION, lines="")
    assert "shadow   not made: 1 call, at most 512 tokens, price unknown; at step 2 (marker)" in result.stdout


def test_other_modes_need_no_terminal() -> None:
    approving.check_can_be_asked(Settings(large="auto"))
