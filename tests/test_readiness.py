"""Names, keys and servers, looked at before anything is paid."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from graphs import small
from typer.testing import CliRunner

from trigreason_graph import acheck_models, check_models
from trigreason_graph.cli.app import app
from trigreason_graph.models.resolve import resolve_model
from trigreason_graph.testing import OllamaServer, OpenAIServer

EXAMPLES = Path(__file__).parent.parent / "examples"
KEY = "sk-planted0123456789abcdef"


def test_a_model_that_is_there() -> None:
    with OllamaServer({"llama3.2": "7"}) as server:
        (found,) = check_models(resolve_model(f"ollama:llama3.2@{server.url}", "small").inner)
        assert (found.model, found.state) == ("ollama:llama3.2", "ready")
        assert not server.calls


async def test_a_model_that_is_not_pulled() -> None:
    with OllamaServer({"llama3.2": "7"}) as server:
        (found,) = await acheck_models(resolve_model(f"ollama:qwen3:0.6b@{server.url}", "small").inner)
        assert not found
        assert "ollama pull qwen3:0.6b" in found.detail


@pytest.mark.parametrize(
    ("name", "key", "state", "detail"),
    [
        ("gpt-4.1", KEY, "ready", "is listed"),
        ("gpt-4.2", KEY, "not ready", "does not list 'gpt-4.2'; it has: gpt-4.1"),
        ("gpt-4.1", "sk-wrong", "not ready", "refused the API key"),
    ],
)
def test_a_hosted_model(name: str, key: str, state: str, detail: str) -> None:
    from langchain_openai import ChatOpenAI

    with OpenAIServer({"gpt-4.1": "7", "gpt-4.1-mini": "7"}, key=KEY) as server:
        (found,) = check_models(ChatOpenAI(model=name, api_key=key, base_url=f"{server.url}/v1"))  # type: ignore[arg-type]
        assert found.state == state
        assert detail in found.detail
        assert key not in found.detail
        assert not server.calls


def test_a_server_that_is_down() -> None:
    (found,) = check_models("vllm:qwen@http://127.0.0.1:9/v1")
    assert found.state == "not ready"
    assert "cannot be reached" in found.detail


def test_what_cannot_be_asked_is_not_called_ready() -> None:
    (found,) = check_models(small("7"))
    assert found.state == "unchecked"
    assert found


class TestCommand:
    def test_dry_run(self) -> None:
        with OllamaServer({"a": "7"}) as server:
            pair = ["--small", f"ollama:a@{server.url}", "--large", f"ollama:b@{server.url}"]
            done = CliRunner().invoke(app, ["solve", "--dry-run", *pair])
            assert done.exit_code == 1
            assert "ollama:a: ready" in done.output
            assert "ollama:b: not ready" in done.output
            assert CliRunner().invoke(app, ["solve", "--dry-run", *pair[:2], "--large", pair[1]]).exit_code == 0
            assert not server.calls


@pytest.fixture(params=sorted(EXAMPLES.glob("[a-z]*.py")), ids=lambda path: path.stem)
def dry_run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs an example with --dry-run; gives what it printed, the text it exited with among it."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr("sys.argv", [str(request.param), "--dry-run"])
    for name in ("HTTPS_PROXY", "https_proxy"):  # nobody listens there
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    def run() -> str:
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(request.param), run_name="__main__")
        assert left.value.code != 0
        return f"{capsys.readouterr().out}{left.value.code}"

    return run


def test_an_example_says_what_is_missing(dry_run: Any) -> None:
    said = dry_run()
    assert any(remedy in said for remedy in ("ollama serve", "_API_KEY", "cannot be reached", "models pull"))


def test_an_example_with_keys_looks_at_each_model(dry_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may leave this machine here, so that the hosted ones are found unreachable, each by name."""
    for name in ("OPENAI", "ANTHROPIC", "GOOGLE", "DEEPSEEK", "OPENROUTER"):
        monkeypatch.setenv(f"{name}_API_KEY", KEY)
    said = dry_run()
    assert said.count(": not ready: ") >= 2
    assert KEY not in said
