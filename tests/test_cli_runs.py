"""Stored runs: `trigreason resume` and `trigreason runs`, and what solve keeps for them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests import cli_killable, cli_scripted
from tests.processes import read_until
from trigreason_graph.cli import keeping, runs, store
from trigreason_graph.cli import solve as solve_module
from trigreason_graph.cli.app import app
from trigreason_graph.cli.job import Job
from trigreason_graph.cli.store import Store, store_path
from trigreason_graph.settings import Budget, Settings

ROOT = Path(__file__).parent.parent
Run = Callable[..., Any]
MODELS = cli_scripted.MODELS
QUESTION = "How many marks?"


@pytest.fixture
def trigreason(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in this process; returns typer's result."""
    monkeypatch.setattr(solve_module, "build_graph", cli_killable.build_graph)
    cli_killable.CALLS.clear()

    def run(*arguments: str) -> Any:
        models = MODELS if arguments[0] == "solve" else ()
        return CliRunner().invoke(app, [*arguments, *models])

    return run


def program(delay: float, *arguments: str) -> subprocess.Popen[str]:
    """`trigreason solve` as a process of its own; it finds the store through TRIGREASON_HOME."""
    command = [sys.executable, "-m", "tests.cli_killable", str(delay), "solve", *MODELS, *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    )


def only_run() -> store.StoredRun:
    (run,) = Store(store_path()).runs()
    return run


def made(name: str, age_days: float = 0.0, outcome: str = "answered") -> None:
    """A stored run without a thread behind it."""
    kept = Store(store_path())
    kept.begin(name, Job(QUESTION, "a:b", "c:d", None, None, None, Settings()))
    kept.end(name, outcome)
    with closing(sqlite3.connect(kept.path)) as connection, connection:
        connection.execute(
            "UPDATE trigreason_runs SET changed = ? WHERE thread_id = ?", (time.time() - 86_400 * age_days, name)
        )


class TestSolve:
    def test_a_run_is_stored_for_its_owner_alone(self, trigreason: Run) -> None:
        result = trigreason("solve", QUESTION, "--json")
        assert result.exit_code == 0
        run = only_run()
        assert json.loads(result.stdout)["thread"] == run.thread
        assert (run.outcome, run.job.question, run.job.small) == ("answered", QUESTION, MODELS[1])
        for path in store_path().parent.rglob("runs*"):
            assert path.stat().st_mode & 0o077 == 0, path
        with closing(sqlite3.connect(store_path())) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def test_one_that_could_not_begin_is_not_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made("earlier")
        monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
        for name in ("new", "earlier"):
            asked = [
                "solve",
                "And now?",
                "--thread",
                name,
                "--small",
                "ollama:qwen3:0.6b",
                "--large",
                "ollama:qwen3:8b",
            ]
            result = CliRunner().invoke(app, asked)
            assert result.exit_code == 3, result.output
            assert (only_run().thread, only_run().outcome) == ("earlier", "answered")

    def test_its_name_is_told(self, trigreason: Run) -> None:
        told = trigreason("solve", QUESTION).stdout
        assert f"stored   trigreason runs show {only_run().thread}" in told
        assert "stored" not in trigreason("solve", QUESTION, "-q").output

    def test_no_store(self, trigreason: Run) -> None:
        result = trigreason("solve", QUESTION, "--no-store", "--json")
        assert json.loads(result.stdout)["thread"] is None
        assert not store_path().exists()

    def test_without_the_extra_it_works_in_memory_and_says_so_once(
        self, trigreason: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "can_store", lambda: False)
        result = trigreason("solve", QUESTION, "--quiet")
        assert (result.exit_code, result.stdout) == (0, "13\n")
        assert result.stderr.count("\n") == 1
        assert "kept in memory only" in result.stderr
        assert "sqlite" in result.stderr
        for arguments in (("runs", "list"), ("resume", "x")):
            missing = trigreason(*arguments)
            assert missing.exit_code == 3
            assert "pip install" in missing.stderr

    def test_a_name_of_the_users_own(self, trigreason: Run) -> None:
        trigreason("solve", QUESTION, "--thread", "homework.1")
        assert only_run().thread == "homework.1"
        again = trigreason("solve", "And now?", "--thread", "homework.1", "--json")
        assert json.loads(again.stdout)["question"] == "And now?"
        assert only_run().job.question == "And now?"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--thread", "../x"), "a name is up to 64 letters"),
            (("--thread", "open"), "trigreason resume open"),
            (("--thread", "x", "--no-store"), "exclude each other"),
        ],
    )
    def test_a_name_that_cannot_be_used(self, trigreason: Run, arguments: tuple[str, ...], said: str) -> None:
        made("open", outcome="unfinished")
        result = trigreason("solve", QUESTION, *arguments)
        assert result.exit_code == 2
        assert said in result.stderr

    def test_keys_are_not_stored(self, trigreason: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-secret")
        trigreason("solve", QUESTION)
        assert all(
            b"planted-secret" not in path.read_bytes() for path in store_path().parent.rglob("*") if path.is_file()
        )

    def test_wrong_arguments_leave_nothing_in_the_store(self) -> None:
        CliRunner().invoke(app, ["solve", QUESTION, *MODELS, "--policy", "nope"])
        assert Store(store_path()).runs() == []


class TestResume:
    def test_after_ctrl_c(self, trigreason: Run) -> None:
        process = program(0.03, QUESTION)
        read_until(process, "mark 3")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
        run = only_run()
        assert (process.returncode, errors, run.outcome) == (130, "", "unfinished")
        assert f"trigreason resume {run.thread}" in rest

        resumed = trigreason("resume", run.thread)
        assert resumed.exit_code == 0
        assert "Here mark 1 follows" in resumed.stdout  # what was there is shown again
        assert "Answer   13" in " ".join(resumed.stdout.split("\n"))
        self.check(trigreason, run.thread)

    def test_after_kill_9(self, trigreason: Run) -> None:
        process = program(0.03, QUESTION, "--thread", "killed")
        read_until(process, "mark 5")
        assert [row["outcome"] for row in json.loads(trigreason("runs", "list", "--json").stdout)] == ["running"]
        assert "another process" in trigreason("resume", "killed").stderr
        assert trigreason("runs", "prune", "--keep", "0").stdout.startswith("removed 0 runs")
        process.kill()
        process.communicate(timeout=20)

        shown = trigreason("runs", "show", "killed")
        assert "mark 2 is settled by the large model" in shown.stdout
        assert "trigreason resume killed" in shown.stdout
        resumed = trigreason("resume", "killed", "--quiet")
        assert (resumed.exit_code, resumed.stdout) == (0, "13\n")
        self.check(trigreason, "killed")

    def check(self, trigreason: Run, thread: str) -> None:
        """The thread is that of an undisturbed run, and this process paid only for what was missing."""
        resumed = json.loads(trigreason("runs", "show", thread, "--json").stdout)
        paid = cli_killable.CALLS.count("large")
        whole = json.loads(trigreason("solve", QUESTION, "--json").stdout)
        for key in ("answer", "blueprint", "signals"):
            assert resumed[key] == whole[key], key
        assert [step["text"] for step in resumed["trace"]] == [step["text"] for step in whole["trace"]]
        assert [branch["why"] for branch in resumed["discarded"]] == [branch["why"] for branch in whole["discarded"]]
        assert resumed["outcome"]["kind"] == "answered"
        assert 0 < paid < [row["role"] for row in whole["ledger"]].count("large")

    def test_its_options_are_those_it_was_started_with_unless_given(
        self, trigreason: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = Job(QUESTION, "a:b", "c:d", None, "paper", Budget(large_calls=7), Settings(temperature=0.5))
        Store(store_path()).begin("it", job)
        taken: list[Job] = []
        monkeypatch.setattr(solve_module, "solve_job", lambda job, form, kept: taken.append(job) or 0)
        trigreason("resume", "it")
        trigreason("resume", "it", "--large", "e:f", "--usd", "1", "--large-mode", "never")
        assert taken[0] == job
        assert (taken[1].small, taken[1].large, taken[1].policy) == ("a:b", "e:f", "paper")
        assert taken[1].budget == Budget(large_calls=7, usd=1)
        assert taken[1].settings == Settings(temperature=0.5, large="never")

    def test_what_is_known_of_one_whose_models_cannot_be_set_up_here(
        self, trigreason: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        process = program(0.03, QUESTION, "--thread", "killed")
        read_until(process, "mark 5")
        process.kill()
        process.communicate(timeout=20)
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        job = Job(QUESTION, "ollama:a", "openai:gpt-5", None, None, None, Settings())
        with closing(sqlite3.connect(store_path())) as connection, connection:
            connection.execute("UPDATE trigreason_runs SET job = ?", (job.as_text(),))
        shown = json.loads(trigreason("runs", "show", "killed", "--json").stdout)
        assert (shown["small"], shown["large"], shown["policy"]) == ("ollama:a", "openai:gpt-5", "kill")
        assert shown["report"]["totals"]["large"]["calls"] > 0
        assert shown["report"]["large_alone"]["cost"] is None or shown["report"]["large_alone"]["cost"] > 0

    def test_a_run_that_cannot_be_read_is_nobody_elses_business(self, trigreason: Run) -> None:
        made("broken")
        with closing(sqlite3.connect(store_path())) as connection, connection:
            connection.execute("UPDATE trigreason_runs SET job = '{}'")
        assert trigreason("solve", QUESTION, "--thread", "mine", "-q").stdout == "13\n"
        listed = trigreason("runs", "list")
        assert (listed.exit_code, "a stored run cannot be read" in listed.stderr) == (2, True)

    def test_a_store_that_is_none(self, trigreason: Run) -> None:
        store_path().parent.mkdir(parents=True, exist_ok=True)
        store_path().write_text("something else entirely, and long enough not to be taken for an empty one" * 20)
        told = trigreason("runs", "list")
        assert told.exit_code == 1
        assert "file is not a database" in told.stderr
        assert "Traceback" not in told.output

    def test_killed_before_anything_was_saved(self, trigreason: Run) -> None:
        Store(store_path()).begin("early", Job(QUESTION, MODELS[1], MODELS[3], None, None, None, Settings()))
        shown = trigreason("runs", "show", "early")
        assert shown.exit_code == 0
        assert QUESTION in shown.stdout
        assert trigreason("resume", "early", "-q").stdout == "13\n"

    @pytest.mark.parametrize(("thread", "said"), [("nobody", "there is no run 'nobody'"), ("ended", "has ended")])
    def test_nothing_to_resume(self, trigreason: Run, thread: str, said: str) -> None:
        made("ended")
        result = trigreason("resume", thread)
        assert result.exit_code == 2
        assert said in result.stderr


class TestRuns:
    def test_list_and_show(self, trigreason: Run) -> None:
        assert "no run is stored" in trigreason("runs", "list").stdout
        trigreason("solve", QUESTION, "--thread", "one")
        listed = trigreason("runs", "list").stdout
        assert listed.startswith("one ")
        assert "answered" in listed
        assert QUESTION in listed
        shown = trigreason("runs", "show", "one").stdout
        for part in (QUESTION, "LRM plan", "SRM 1", "LRM 2", "Answer   13", "outcome   answered", "triggers   "):
            assert part in shown
        assert trigreason("runs", "show", "two").exit_code == 2

    def test_prune_removes_whole_threads_and_nothing_else(self, trigreason: Run) -> None:
        for name in ("one", "two"):
            trigreason("solve", QUESTION, "--thread", name)
        made("old", age_days=40)
        assert trigreason("runs", "prune", "--older-than", "30d").stdout == "removed 1 run\n  old\n"
        assert trigreason("runs", "prune", "--keep", "1").stdout == "removed 1 run\n  one\n"
        with closing(sqlite3.connect(store_path())) as connection:
            for table in ("checkpoints", "writes", "trigreason_runs"):
                assert connection.execute(f"SELECT DISTINCT thread_id FROM {table}").fetchall() == [("two",)]
        assert json.loads(trigreason("runs", "show", "two", "--json").stdout)["answer"] == "13"

    def test_prune_with_both_options_removes_what_both_allow(self, trigreason: Run) -> None:
        for name, age in (("a", 50), ("b", 40), ("c", 1)):
            made(name, age_days=age)
        assert trigreason("runs", "prune", "--older-than", "4w", "--keep", "2").stdout == "removed 1 run\n  a\n"

    @pytest.mark.parametrize(("arguments", "said"), [((), "say which"), (("--older-than", "soon"), "30d")])
    def test_prune_wants_to_know_what(self, trigreason: Run, arguments: tuple[str, ...], said: str) -> None:
        result = trigreason("runs", "prune", *arguments)
        assert result.exit_code == 2
        assert said in result.stderr

    def test_ages(self) -> None:
        assert [runs.seconds_of(age) for age in ("12h", "30d", " 2 w ")] == [43_200, 2_592_000, 1_209_600]


def test_four_processes_at_once(trigreason: Run) -> None:
    """They make the store together, too."""
    processes = [program(0.001, QUESTION, "--quiet", "--thread", f"p{number}") for number in range(4)]
    ended = [(*process.communicate(timeout=60), process.returncode) for process in processes]
    assert ended == [("13\n", "", 0)] * 4
    rows = json.loads(trigreason("runs", "list", "--json").stdout)
    assert sorted((row["thread"], row["outcome"]) for row in rows) == [(f"p{n}", "answered") for n in range(4)]


def test_a_job_is_read_as_it_was_written(tmp_path: Path) -> None:
    budget = Budget(usd=None, seconds=5)
    job = Job(
        "q “é”", "ollama:a", "openai:b", "c:d", "paper", budget, Settings(large="shadow", effort={"prime": "low"})
    )
    read = Job.from_text(job.as_text())
    assert read == job
    assert read.budget is not None
    assert read.budget.model_fields_set == {"usd", "seconds"}


def test_files_are_named_so_that_they_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.toml").touch()
    (tmp_path / "m.gguf").touch()
    monkeypatch.chdir(tmp_path)
    job = Job("q", "embedded:m.gguf", "embedded:large", None, "my.toml", None, Settings()).settled()
    assert (job.small, job.large, job.policy) == (
        f"embedded:{tmp_path / 'm.gguf'}",
        "embedded:large",
        str(tmp_path / "my.toml"),
    )


def test_the_extra_is_named_as_it_is_called() -> None:
    assert "[sqlite]" in keeping.missing_extra()


def test_a_password_in_an_address_is_not_stored() -> None:
    from trigreason_graph.cli.job import Job
    from trigreason_graph.settings import Settings

    job = Job("?", "vllm:m@http://user:secret@host/v1", "openai:gpt-4.1", None, None, None, Settings())
    assert "secret" not in job.as_text()
    assert Job.from_text(job.as_text()).small == "vllm:m@http://host/v1"
