"""`trigreason doctor`: what it finds, what it says to type, and what it keeps to itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cli_terminal import Terminal
from trigreason_graph.cli import checks, doctor, embedded
from trigreason_graph.cli.app import app
from trigreason_graph.cli.capabilities import LABELS, told
from trigreason_graph.cli.findings import Finding, can_run, show_findings, verdict
from trigreason_graph.cli.screen import Screen
from trigreason_graph.models import ModelCard, ProbeReport
from trigreason_graph.models.embedded.catalog import MODELS, model_path
from trigreason_graph.models.probe.report import CAPABILITIES, Capability

SECRET = "sk-do-not-show-this"


def examined(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["doctor", *arguments])


def by_topic() -> dict[str, Finding]:
    return {finding.topic: finding for finding in doctor.examine()}


class TestVerb:
    def test_without_models_it_says_what_to_type_and_ends_with_1(self) -> None:
        result = examined()
        assert result.exit_code == 1
        assert "trigreason models pull small" in result.stdout
        assert "trigreason models pull large" in result.stdout
        assert "2 problems keep trigreason solve from running" in result.stdout
        assert "\x1b" not in result.stdout

    def test_json(self) -> None:
        whole = json.loads(examined("--json").stdout)
        assert whole["can_run"] is False
        assert {"Python", "packages", "model small", "disk", "cores", "Ollama", "API keys"} <= {
            finding["topic"] for finding in whole["findings"]
        }

    def test_keys_are_told_by_name_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        for arguments in ((), ("--json",)):
            result = examined(*arguments)
            assert "OPENAI_API_KEY" in result.stdout
            assert SECRET not in result.stdout
        assert "set: OPENAI_API_KEY; not set: ANTHROPIC_API_KEY" in checks.check_keys().text

    def test_all_there_ends_with_0(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(embedded, "check_models", lambda keys: iter([Finding("model small", "ok", "there")]))
        result = examined()
        assert result.exit_code == 0
        assert "Everything that trigreason solve needs is there." in result.stdout


class TestModelsAskedFor:
    """Which models are looked at, what is said of them, and when they are called."""

    @pytest.fixture(autouse=True)
    def all_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(embedded, "check_models", lambda keys: iter([Finding("model small", "ok", "there")]))
        monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")

    def test_the_card_of_each_is_shown_without_asking_anybody(self) -> None:
        result = examined("--small", "ollama:qwen3:0.6b")
        assert result.exit_code == 0
        assert "small: ollama:qwen3:0.6b: known by its name only" in result.stdout
        assert "$ trigreason doctor --probe --small ollama:qwen3:0.6b" in result.stdout
        assert "  static │ reasoning lives in: field" in result.stdout
        assert " unknown │ window: ?" in result.stdout
        assert "   large   embedded:large" in result.stdout

    def test_what_a_model_does_without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        result = examined("--small", "openai:gpt-4o", "--large", "openai:gpt-4o")
        assert result.stdout.count("cannot go on with a prefilled reply") == 1
        assert result.stdout.count("no log-probabilities from openai:gpt-4o") == 1
        assert "told to continue by" not in result.stdout.partition("openai:gpt-4o")[2].partition("large")[0]

    def test_nothing_is_paid_without_being_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        result = examined("--small", "openai:gpt-4o", "--large", "openai:gpt-4o", "--probe")
        assert result.exit_code == 0
        assert "openai:gpt-4o is not local and was not called" in result.stdout
        assert "--paid" in result.stdout
        assert SECRET not in result.stdout

    def test_a_model_whose_server_is_down(self) -> None:
        result = examined("--small", "ollama:qwen3:0.6b", "--large", "ollama:qwen3:4b", "--probe")
        assert result.exit_code == 1
        assert "small: ollama:qwen3:0.6b: no Ollama server answers at http://127.0.0.1:9" in result.stdout
        assert "2 problems keep trigreason solve from running with these models." in result.stdout

    def test_a_model_that_is_none(self) -> None:
        result = examined("--large", "acme:x")
        assert result.exit_code == 1
        assert "unknown provider 'acme'" in result.stdout

    def test_a_probe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        card = ModelCard(provider="ollama", name="m", logprobs=True, top_logprobs=5, local=True, style="prefill")
        findings = (Capability("logprobs", True, "probed"), Capability("window", 8192, "server"))
        report = ProbeReport(card, findings, ("it does without x",), ("a note",), 4, 1_234, 0.0)
        asked: list[tuple[str, bool]] = []

        def probed(spec: str, *, role: str, paid: bool) -> ProbeReport:
            asked.append((spec, paid))
            return report

        monkeypatch.setattr("trigreason_graph.models.probe.probe_model", probed)
        shown = examined("--small", "ollama:m", "--probe", "--paid").stdout
        assert asked == [("ollama:m", True), ("embedded:large", True)]
        assert "small: ollama:m: probed with 4 calls, 1,234 tokens, free of charge" in shown
        assert "  probed │ log-probabilities: yes" in shown
        assert "  server │ window: 8,192 tokens" in shown
        assert " without   it does without x" in shown
        assert "    note   a note" in shown

        whole = json.loads(examined("--small", "ollama:m", "--probe", "--json").stdout)["models"][0]
        assert (whole["role"], whole["model"], whole["calls"], whole["cost"]) == ("small", "ollama:m", 4, 0.0)
        assert whole["card"]["logprobs"] is True
        assert whole["findings"][1] == {"name": "window", "value": 8192, "how": "server"}
        assert whole["degradations"] == ["it does without x"]

    def test_paying_for_nothing(self) -> None:
        result = examined("--paid")
        assert result.exit_code == 2
        assert "--probe" in result.stderr

    @pytest.mark.parametrize(
        ("models", "ends_with"),
        [
            (("--small", "ollama:m", "--large", "ollama:n"), 0),
            (("--small", "ollama:m"), 0),
            (("--small", "embedded:/my/own.gguf"), 0),
            (("--large", "ollama:m"), 1),
        ],
    )
    def test_an_embedded_model_is_no_problem_of_others(
        self, monkeypatch: pytest.MonkeyPatch, models: tuple[str, ...], ends_with: int
    ) -> None:
        monkeypatch.setattr(embedded, "check_models", lambda keys: iter([Finding("model small", "problem", "gone")]))
        assert examined(*models).exit_code == ends_with

    def test_every_capability_has_words(self) -> None:
        assert set(LABELS) == set(CAPABILITIES)
        assert told(Capability("window", None, "unknown")) == "?"
        assert told(Capability("style", "turn", "unknown")) == "turn (assumed)"


class TestPackages:
    def test_this_environment_meets_its_floors(self) -> None:
        core = by_topic()["packages"]
        assert core.status == "ok"
        assert "langgraph " in core.text
        assert all(row["ok"] for row in core.details["packages"])

    def test_a_version_below_its_floor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(metadata, "requires", lambda name: ["langgraph>=99", "typer>=0.15"])
        core = next(checks.check_packages())
        assert core.status == "problem"
        assert core.text.startswith("langgraph 1.")
        assert core.mend == "pip install -U 'langgraph>=99'"

    def test_a_missing_extra_is_a_note_unless_the_pair_needs_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        requires = [
            "not-there-at-all>=1; extra == 'sqlite'",
            "not-there-either>=1; extra == 'embedded'",
            "typer>=0.15",
        ]
        monkeypatch.setattr(metadata, "requires", lambda name: requires)
        found = {finding.topic: finding for finding in checks.check_packages()}
        assert found["extra sqlite"].status == "note"
        assert found["extra embedded"].status == "problem"
        assert found["extra embedded"].mend.endswith("[embedded]'")

    def test_a_checkout_that_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> list[str]:
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "requires", missing)
        assert next(checks.check_packages()).mend == "pip install -e ."


class TestModels:
    def test_a_file_of_the_wrong_size(self) -> None:
        path = model_path("small")
        path.parent.mkdir(parents=True)
        path.write_bytes(b"something else")
        found = next(embedded.check_models())
        assert (found.status, found.details["state"]) == ("problem", "wrong")
        assert "not the official file" in found.text

    def test_too_little_room(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        usage = type("Usage", (), {"free": 1_000_000_000})
        monkeypatch.setattr(embedded.shutil, "disk_usage", lambda path: usage)
        found = embedded.check_disk(["small", "large"])
        assert found.status == "problem"
        assert "1.0 GB free" in found.text
        assert "1.8 GB are needed" in found.text
        assert "TRIGREASON_HOME" in found.mend

    @pytest.mark.parametrize(
        ("specs", "keys"),
        [
            (["embedded:small", "embedded:large"], ["small", "large"]),
            (["embedded:small", "embedded:small"], ["small"]),
            (["embedded:/a/model.gguf", "ollama:qwen3:0.6b"], []),
        ],
    )
    def test_which_models_are_fetched(self, specs: list[str], keys: list[str]) -> None:
        assert embedded.keys_of(specs) == keys
        assert set(keys) <= set(MODELS)


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A server that answers as told, where OLLAMA_HOST points to."""
    replies: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(replies[self.path]).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{server.server_port}")
    yield replies.update
    server.shutdown()
    thread.join()
    server.server_close()


class TestOllama:
    def test_a_server_with_models(self, ollama: Callable[[dict[str, Any]], None]) -> None:
        ollama({"/api/version": {"version": "0.13.0"}, "/api/tags": {"models": [{"name": "qwen3:0.6b"}]}})
        found = checks.check_ollama()
        assert found.status == "ok"
        assert "qwen3:0.6b" in found.text
        assert found.details["logprobs"] is True

    def test_one_that_is_too_old(self, ollama: Callable[[dict[str, Any]], None]) -> None:
        ollama({"/api/version": {"version": "0.12.10"}, "/api/tags": {"models": [{"name": "qwen3:0.6b"}]}})
        found = checks.check_ollama()
        assert found.status == "note"
        assert "0.12.11" in found.text

    def test_one_without_models(self, ollama: Callable[[dict[str, Any]], None]) -> None:
        ollama({"/api/version": {"version": "0.12.11"}, "/api/tags": {"models": None}})
        assert checks.check_ollama().mend.startswith("ollama pull")

    @pytest.mark.parametrize("body", [{}, {"version": None}, []])
    def test_something_else_at_that_port(self, ollama: Callable[[dict[str, Any]], None], body: Any) -> None:
        ollama({"/api/version": body, "/api/tags": []})
        assert checks.check_ollama().status == "note"

    def test_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
        found = checks.check_ollama()
        assert found.status == "note"
        assert "none answers at http://127.0.0.1:9" in found.text

    def test_an_address_that_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OLLAMA_HOST", "::1")
        assert checks.check_ollama().status == "note"

    def test_a_password_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OLLAMA_HOST", "http://user:secret@127.0.0.1:9")
        found = checks.check_ollama()
        assert "none answers at http://127.0.0.1:9" in found.text
        assert "secret" not in str(found)

    def test_one_built_from_source(self, ollama: Callable[[dict[str, Any]], None]) -> None:
        ollama({"/api/version": {"version": "0.0.0"}, "/api/tags": {"models": [{"name": "qwen3:0.6b"}]}})
        assert checks.check_ollama().status == "ok"


class TestFindings:
    def test_a_narrow_screen_holds_them(self) -> None:
        terminal = Terminal(50)
        findings = [Finding("packages", "ok", "word " * 30), Finding("model small", "problem", "not there", "do this")]
        show_findings(Screen(terminal.console), findings)
        assert max(map(len, terminal.lines())) <= 50
        assert "$ do this" in terminal.text()

    def test_one_problem_is_said_in_the_singular(self) -> None:
        findings = [Finding("x", "problem", "y"), Finding("z", "note", "y")]
        assert verdict(findings).startswith("1 problem keeps")
        assert not can_run(findings)
