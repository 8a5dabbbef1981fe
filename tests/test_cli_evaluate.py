"""`trigreason evaluate` as its users meet it, with two scripted models behind Ollama's wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph.cli.app import app
from trigreason_graph.cli.evaluate_view import line_of, told_time
from trigreason_graph.evaluation import Standing
from trigreason_graph.evaluation.results import read_provenance, read_results
from trigreason_graph.testing import Asked, OllamaServer

Evaluate = Callable[..., Any]
SUMS = [{"id": f"sum-{n}", "question": f"What is {n} + {n}?", "answer": str(2 * n)} for n in (1, 2, 3)]


def adds(slip: int) -> Callable[[Asked], str]:
    """A model that adds, and is wrong by `slip` from 3 on."""

    def reply(asked: Asked) -> str:
        number = next(n for n in (1, 2, 3) if f"What is {n} + {n}?" in asked.messages[-1]["content"])
        whole = f"It is to be doubled.\n\nSo it is \\boxed{{{2 * number + (slip if number == 3 else 0)}}}."
        return whole.removeprefix(asked.prefill or "")

    return reply


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer({"qwen2.5:0.5b": adds(1), "qwen2.5:7b": adds(0)}) as running:
        yield running


@pytest.fixture
def evaluate(server: OllamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Run `trigreason evaluate` on three sums in an empty folder."""
    monkeypatch.chdir(tmp_path)
    Path("sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in SUMS))
    models = ["--small", f"ollama:qwen2.5:0.5b@{server.url}", "--large", f"ollama:qwen2.5:7b@{server.url}"]

    def run(*arguments: str) -> Any:
        given = list(arguments)
        return CliRunner().invoke(app, ["evaluate", *given, *([] if "--report-only" in given else models)])

    return run


def test_from_data_to_table(evaluate: Evaluate, server: OllamaServer) -> None:
    result = evaluate("sums.jsonl", "--policies", "small_only,large_only")
    assert result.exit_code == 0, result.output
    assert "small_only  2/3 (67%)" in result.stdout
    assert "large_only  3/3 (100%)" in result.stdout
    assert "6/6  right: small_only 2/3, large_only 3/3" in result.stderr
    assert {"results.jsonl", "table.md", "summary.json"} <= {path.name for path in Path("evaluation").iterdir()}
    assert len(server.calls) == 6
    told = read_provenance(Path("evaluation/results.jsonl"))
    assert told["data"]["problems"] == 3
    assert all(len(model["digest"]) == 64 for model in told["models"].values())
    assert server.url not in Path("evaluation/results.jsonl").read_text()


def test_again_and_more(evaluate: Evaluate, server: OllamaServer) -> None:
    assert evaluate("sums.jsonl", "--policies", "small_only", "--limit", "2", "-q").exit_code == 0
    result = evaluate("sums.jsonl", "--policies", "small_only", "-q")
    assert result.exit_code == 0
    assert len(server.calls) == 3
    assert len(read_results("evaluation/results.jsonl")) == 3
    assert result.stderr == ""


def test_the_report_alone(evaluate: Evaluate, server: OllamaServer) -> None:
    evaluate("sums.jsonl", "--policies", "small_only,large_only")
    Path("evaluation/table.md").unlink()
    asked = len(server.calls)
    result = evaluate("--report-only", "--scenario", "local")
    assert result.exit_code == 0, result.output
    assert '"local"' in Path("evaluation/table.md").read_text()
    assert len(server.calls) == asked


def test_a_dry_run(evaluate: Evaluate, server: OllamaServer) -> None:
    result = evaluate("sums.jsonl", "--dry-run", "--samples", "2", "--temperature", "0.6")
    assert result.exit_code == 0, result.output
    assert "sums: 3 problems, 18 runs, 18 to be made" in result.stdout
    assert "ollama:qwen2.5:0.5b: ready" in result.stdout
    assert server.calls == []
    assert not Path("evaluation").exists()


def test_recordings_are_replayed_without_a_server(evaluate: Evaluate, server: OllamaServer) -> None:
    asked = ["sums.jsonl", "--policies", "small_only,large_only", "--recordings", "kept"]
    assert evaluate(*asked, "--out", "first").exit_code == 0
    server.stop()
    result = evaluate(*asked, "--out", "again", "--replay-only")
    assert result.exit_code == 0, result.output
    first, again = (read_results(f"{folder}/results.jsonl") for folder in ("first", "again"))
    assert [(run.key, run.answer) for run in first] == [(run.key, run.answer) for run in again]
    result = evaluate(*asked[:2], "default", *asked[3:], "--out", "third", "--replay-only")
    assert result.exit_code == 1
    assert "'default' on the problem 'sum-1': Not recorded" in result.stderr


def test_a_model_that_fails(evaluate: Evaluate, server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sums.jsonl").write_text(json.dumps({"id": "x", "question": "What is 9 + 9?", "answer": "18"}) + "\n")
    result = evaluate("sums.jsonl", "--policies", "small_only")  # the script knows no such sum: its server fails
    assert result.exit_code == 1
    assert "in 1 runs a model failed; the same command tries them again" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "which data?"),
        (("nowhere.jsonl",), "nowhere.jsonl"),
        (("sums.jsonl", "--policies", "nonesuch"), "there is no policy 'nonesuch'"),
        (("sums.jsonl", "--samples", "2"), "temperature"),
        (("sums.jsonl", "--replay-only"), "recordings"),
        (("sums.jsonl", "--report-only"), "takes no DATA"),
        (("--report-only",), "there are no results in evaluation"),
        (("sums.jsonl", "--checker", "nonesuch"), "checker"),
    ],
)
def test_bad_arguments(evaluate: Evaluate, server: OllamaServer, arguments: tuple[str, ...], told: str) -> None:
    result = evaluate(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert server.calls == []


def test_the_line_that_tells_how_things_stand() -> None:
    standing = Standing(total=10, before=2, made=2, failed=1, cost=0.5, by_policy={"default": (1, 2)}, since=0.0)
    told = line_of(standing)
    assert told.startswith("right: default 1/2; $0.5000; 1 failed; ")
    assert told.endswith(" left")
    assert [told_time(seconds) for seconds in (5, 65, 3_720)] == ["5 s", "1 min 5 s", "1 h 2 min"]
