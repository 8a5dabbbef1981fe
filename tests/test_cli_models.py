"""`trigreason models`: list, pull, verify, remove."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.cli_terminal import Terminal
from tests.embedded_index import make_model
from trigreason_graph.cli import fetch_view
from trigreason_graph.cli.app import app
from trigreason_graph.errors import DownloadError
from trigreason_graph.models.embedded import catalog, download, store
from trigreason_graph.models.embedded.download import Progress, ProgressHook

MADE_UP = {key: make_model(key, parts=2) for key in ("small", "large", "tiny")}


@pytest.fixture(autouse=True)
def made_up_models(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (catalog, store):
        monkeypatch.setattr(module, "MODELS", {key: model for key, (model, _) in MADE_UP.items()})


@pytest.fixture(autouse=True)
def fetches(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The keys of each fetch; nothing is really fetched."""
    asked: list[list[str]] = []

    def pull(keys: Sequence[str], *, progress: ProgressHook) -> list[Path]:
        asked.append(list(keys))
        for key in keys:
            progress(Progress(key, "connecting", source="a mirror"))
            for share in range(0, 101, 5):
                progress(Progress(key, "downloading", share * 10**6, 100 * 10**6, "a mirror"))
            progress(Progress(key, "done", 1, 1))
        return [put(key) for key in keys]

    monkeypatch.setattr(download, "pull", pull)
    return asked


def put(key: str, content: bytes | None = None) -> Path:
    """Put a model's file where it belongs."""
    path = catalog.model_path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(MADE_UP[key][1] if content is None else content)
    return path


def models(*arguments: str, answer: str = "") -> Any:
    return CliRunner().invoke(app, ["models", *arguments], input=answer)


class TestList:
    def test_each_model_with_its_state(self) -> None:
        put("small")
        put("large", b"other bytes")
        store.check("small")
        lines = models("list").stdout.splitlines()
        assert re.search(r"^small .*0 MB  there, SHA-256 checked$", lines[0])
        assert re.search(r"^large .* NOT the official file; type: trigreason models pull large$", lines[1])
        assert re.search(r"^tiny .* not fetched; type: trigreason models pull tiny$", lines[2])
        assert lines[3] == f"in {catalog.models_dir()}"


class TestPull:
    def test_the_pair_by_default(self, fetches: list[list[str]]) -> None:
        result = models("pull")
        assert result.exit_code == 0
        assert fetches == [["small", "large"]]
        assert result.stdout.splitlines() == [str(catalog.model_path(key)) for key in ("small", "large")]

    def test_what_is_named_once_each(self, fetches: list[list[str]]) -> None:
        models("pull", "tiny", "pair", "small")
        assert fetches == [["tiny", "small", "large"]]

    def test_an_unknown_name(self, fetches: list[list[str]]) -> None:
        result = models("pull", "huge")
        assert result.exit_code == 2
        assert "huge" in result.stderr
        assert fetches == []

    def test_without_a_terminal_a_line_now_and_then(self) -> None:
        result = models("pull", "tiny")
        lines = result.stderr.splitlines()
        assert lines[0] == "tiny: asking a mirror"
        assert lines[-1] == "tiny: there, SHA-256 checked"
        assert sum("% of 100 MB" in line for line in lines) == 11
        assert re.search(r"50 % of 100 MB, [\d.]+ MB/s, \d+ s left", result.stderr)
        assert "\x1b" not in result.stderr

    def test_on_a_terminal_a_bar(self) -> None:
        terminal = Terminal()
        console = Console(file=terminal, force_terminal=True, width=100, color_system=None)
        with fetch_view._bars(console) as show:
            for share in (20, 60):
                show(Progress("small", "downloading", share, 100, "a mirror"))
            show(Progress("small", "done", 100, 100))
        text = terminal.getvalue()
        assert "small: from a mirror" in text
        assert "20%" in text
        assert "100%" in text

    def test_a_failed_fetch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(keys: Sequence[str], *, progress: ProgressHook) -> list[Path]:
            raise DownloadError("no such luck")

        monkeypatch.setattr(download, "pull", fail)
        result = models("pull")
        assert result.exit_code == 3
        assert "no such luck" in result.stderr


class TestVerify:
    def test_all_that_are_there(self) -> None:
        put("small")
        result = models("verify")
        assert result.exit_code == 0
        assert result.stdout == "small: there, SHA-256 checked\n"

    def test_a_wrong_file_is_removed(self) -> None:
        put("small")
        path = put("large", bytes(MADE_UP["large"][0].bytes))
        result = models("verify")
        assert result.exit_code == 1
        assert "large: NOT the official file, removed; type: trigreason models pull large" in result.stdout
        assert not path.exists()

    @pytest.mark.parametrize("arguments", [(), ("small",)])
    def test_nothing_there(self, arguments: tuple[str, ...]) -> None:
        result = models("verify", *arguments)
        assert result.exit_code == 1
        assert "trigreason models pull" in result.stdout


class TestRemove:
    @pytest.fixture(autouse=True)
    def two_there(self) -> None:
        put("small")
        put("tiny")

    def test_asks_first(self) -> None:
        assert models("remove", answer="n\n").exit_code == 1
        assert models("remove").exit_code == 1
        assert catalog.model_path("small").exists()
        assert models("remove", answer="y\n").exit_code == 0
        assert not catalog.model_path("small").exists()

    def test_only_what_is_named(self) -> None:
        result = models("remove", "--yes", "tiny", "large")
        assert result.stdout == "removed tiny: 0 MB freed\n"
        assert catalog.model_path("small").exists()

    def test_nothing_to_remove(self) -> None:
        assert models("remove", "large").stdout == "nothing to remove\n"
