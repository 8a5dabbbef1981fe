"""The example of tools inside the reasoning: scripted, and for real."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.graphs import large, small

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr("sys.argv", ["tools.py"])
    return runpy.run_path(str(EXAMPLES / "tools.py"))


def test_with_a_scripted_model(example: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    model = small(
        'The price is needed.\n\n<tool>{"name": "search_files", "args": {"word": "zorvik"}}</tool>',
        '<tool>{"name": "calculator", "args": {"expression": "37 * 23"}}</tool>',
        "They cost \\boxed{851} dollars.",
    )
    result = example["main"](model, large())
    assert result["answer"] == "851"
    said = capsys.readouterr().out
    assert "[tool] > search_files: lamps.txt: Zorvik lamp: 23" in said
    assert "[tool] > calculator: 851" in said


@pytest.mark.parametrize(
    ("expression", "value"), [("2 + 3 * 4", "14"), ("-(1 - 0.5) / 2", "-0.25"), ("37 * 23 - 100", "751")]
)
def test_the_calculator_calculates(example: dict[str, Any], expression: str, value: str) -> None:
    assert example["calculator"].invoke({"expression": expression}) == value


@pytest.mark.parametrize("expression", ["__import__('os')", "2 ** 9", "x", "'a' * 9"])
def test_the_calculator_runs_nothing_else(example: dict[str, Any], expression: str) -> None:
    with pytest.raises(ValueError, match="only numbers"):
        example["calculator"].invoke({"expression": expression})


@pytest.mark.real_model
def test_for_real(example: dict[str, Any], embedded_pair: tuple[Path, Path]) -> None:
    """What is asked can only be known from the files: a model that makes no call cannot give it."""
    result = example["main"]()
    said = [step["text"] for step in result["trace"] if step["author"] == "tool"]
    assert any("lamps.txt: Zorvik lamp: 23" in text for text in said)
    assert result["report"]["tool_calls"]["search_files"] >= 1
    assert result["answer"], "the run ends in an answer; whether it is right is the model's business"
