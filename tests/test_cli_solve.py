"""`trigreason solve` as its users meet it: output, exit codes, Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langgraph.checkpoint.memory import InMemorySaver
from typer.testing import CliRunner

from tests import cli_scripted, graphs
from tests.processes import read_until
from trigreason_graph import Budget, Signal, View
from trigreason_graph.cli import embedded, models
from trigreason_graph.cli import solve as solve_module
from trigreason_graph.cli.app import app
from trigreason_graph.cli.examples import find_example, load_examples
from trigreason_graph.errors import DownloadError, ModelNotReady
from trigreason_graph.testing import Scripted, ScriptedModel

Solve = Callable[..., Any]
ROOT = Path(__file__).parent.parent


@pytest.fixture
def solve(monkeypatch: pytest.MonkeyPatch) -> Solve:
    """Run `trigreason solve` in this process on a scripted graph; returns typer's result."""

    def run(*arguments: str, graph: Any = None, input: str | None = None) -> Any:
        monkeypatch.setattr(solve_module, "build_graph", lambda job: graph or cli_scripted.scripted_graph())
        return CliRunner().invoke(app, ["solve", *cli_scripted.MODELS, *arguments], input=input)

    return run


class TestOutput:
    def test_the_whole_story(self, solve: Solve) -> None:
        result = solve("What is 3 + 4?")
        assert result.exit_code == 0
        story = (
            "loading embedded:",
            "What is 3 + 4?",
            "SRM 1 │ One thing is 3.",
            "SRM 2 │ BAD thing is 5.",
            "LRM called: marker at step 2",
            "The step says 'BAD'.",
            "LRM 2 │ Another thing is 4.",
            "discarded SRM 2, marker: BAD thing is 5.",
            "SRM 3 │ So the result is 7.",
            "SRM 4 │ Answer: 7",
            "Answer   7",
            "outcome   answered",
            "triggers   marker 1",
            "(estimate)",
        )
        places = [result.stdout.find(part) for part in story]
        assert -1 not in places, f"{story[places.index(-1)]!r} is missing in:\n{result.stdout}"
        assert result.stderr == ""

    def test_no_step_takes_words_of_another(self, solve: Solve) -> None:
        lines = solve("What is 3 + 4?").stdout.splitlines()
        said = {line.split(" │ ")[0].strip(): line.split(" │ ")[1] for line in lines if " │ " in line}
        assert said["SRM 1"] == "One thing is 3."
        assert said["LRM 2"] == "Another thing is 4."
        assert said["SRM 3"] == "So the result is 7."

    def test_no_control_codes_where_there_is_no_terminal(self, solve: Solve) -> None:
        assert "\x1b" not in solve("What is 3 + 4?").stdout

    def test_json_is_the_whole_result_and_nothing_else(self, solve: Solve) -> None:
        result = solve("What is 3 + 4?", "--json")
        whole = json.loads(result.stdout)
        assert whole["answer"] == "7"
        assert whole["question"] == "What is 3 + 4?"
        assert whole["outcome"]["kind"] == "answered"
        assert [step["author"] for step in whole["trace"]] == ["small", "large", "small", "small"]
        assert [branch["steps"][0]["text"] for branch in whole["discarded"]] == ["BAD thing is 5."]
        assert [row["role"] for row in whole["ledger"]] == ["small", "large", "small"]
        assert whole["signals"][0]["trigger"] == "marker"
        assert whole["report"]["interventions"] == {"marker": 1}
        assert result.stderr == ""

    def test_quiet_is_the_answer_alone(self, solve: Solve) -> None:
        assert solve("What is 3 + 4?", "--quiet").stdout == "7\n"

    def test_standard_input(self, solve: Solve) -> None:
        result = solve("-", "--json", input="What is\n3 + 4?\n")
        assert json.loads(result.stdout)["question"] == "What is\n3 + 4?"

    def test_without_a_question_a_built_in_problem(self, solve: Solve) -> None:
        assert json.loads(solve("--json").stdout)["question"] == find_example(None).question

    def test_an_example_by_name(self, solve: Solve) -> None:
        assert json.loads(solve("--json", "--example", "tank").stdout)["question"].startswith("A tank holds")

    def test_examples_are_listed(self, solve: Solve) -> None:
        listed = solve("--example", "list").stdout
        assert all(f"{name}: {example.answer}" in listed for name, example in load_examples().items())


class TestFetching:
    def test_missing_models_are_fetched_before_the_run(self, solve: Solve, monkeypatch: pytest.MonkeyPatch) -> None:
        fetched: list[list[str]] = []
        monkeypatch.setattr(models, "pull", fetched.append)
        result = solve("q", "--small", "embedded:small", "--large", "embedded:large")
        assert result.exit_code == 0
        assert fetched == [["small", "large"]]

    def test_a_fetch_that_fails_ends_with_3(self, solve: Solve, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(keys: list[str]) -> None:
            raise DownloadError("the disk is full; set TRIGREASON_HOME to a folder on a larger one")

        monkeypatch.setattr(models, "pull", fail)
        result = solve("q", "--json", "--small", "embedded:small")
        assert result.exit_code == 3
        assert (result.stdout, result.stderr.count("\n")) == ("", 1)
        assert "the disk is full" in result.stderr

    def test_ctrl_c_while_fetching(self, solve: Solve, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(keys: list[str]) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(models, "pull", interrupt)
        result = solve("q", "--small", "embedded:small")
        assert (result.exit_code, result.stderr) == (130, "trigreason: interrupted\n")

    def test_nothing_is_fetched_for_wrong_arguments(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(models, "pull", lambda keys: pytest.fail("fetched"))
        assert CliRunner().invoke(app, ["solve", "q", "--policy", "nope"]).exit_code == 2

    def test_without_llama_cpp_it_says_what_to_type(self, solve: Solve, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(embedded, "find_spec", lambda name: None)
        result = solve("q")
        assert result.exit_code == 3
        assert "pip install" in result.stderr


class TestExitCodes:
    def test_a_run_without_a_full_answer(self, solve: Solve) -> None:
        steps = "".join(f"Step number {number} is longer than the one before.\n\n" for number in range(90))
        graph = graphs.graph(
            graphs.small(steps, Scripted("\n")),
            budget=Budget(total_tokens=300, usd=None),
            checkpointer=InMemorySaver(),
        )
        result = solve("q", graph=graph)
        assert result.exit_code == 1
        assert "the budget is used up" in result.stdout

    def test_quiet_says_on_standard_error_why_there_is_no_answer(self, solve: Solve) -> None:
        dead = graphs.graph(graphs.small(*[Scripted(None, error=ValueError("no"))] * 9), checkpointer=InMemorySaver())
        result = solve("q", "-q", graph=dead)
        assert result.exit_code == 1
        assert result.stderr.startswith("trigreason: ")
        assert result.stderr.count("\n") == 1

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((" ",), "the question is empty"),
            (("q", "--json", "--quiet"), "exclude each other"),
            (("q", "--example", "tank"), "not both"),
            (("--example", "nope"), "known are coat"),
            (("q", "--seconds", "0"), "seconds"),
        ],
    )
    def test_bad_input_is_one_clear_line(self, solve: Solve, arguments: tuple[str, ...], said: str) -> None:
        result = solve(*arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert said in result.stderr
        assert result.stderr.count("\n") == 1

    def test_empty_standard_input(self, solve: Solve) -> None:
        result = solve("-", input=" \n")
        assert result.exit_code == 2
        assert "standard input is empty" in result.stderr

    def test_binary_standard_input(self, solve: Solve) -> None:
        result = solve("-", input=b"\xff\xfe\x00")
        assert result.exit_code == 2
        assert "UTF-8" in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--small", "what"), "small='what' is not a model: write \"provider:model\""),
            (("--large", "nobody:x"), "unknown provider 'nobody'"),
            (("--policy", "nope"), "nope"),
        ],
    )
    def test_bad_models_and_policies_are_named(self, arguments: tuple[str, ...], said: str) -> None:
        result = CliRunner().invoke(app, ["solve", *cli_scripted.MODELS, *arguments, "q"])
        assert result.exit_code == 2
        assert said in result.stderr

    def test_a_model_that_is_not_ready(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def not_ready(job: object) -> Any:
            raise ModelNotReady("the Ollama server does not answer; start it with: ollama serve")

        monkeypatch.setattr(solve_module, "build_graph", not_ready)
        result = CliRunner().invoke(app, ["solve", *cli_scripted.MODELS, "q"])
        assert result.exit_code == 3
        assert "ollama serve" in result.stderr

    def test_debug_shows_the_error_itself(self, solve: Solve) -> None:
        result = solve(" ", "--debug")
        assert isinstance(result.exception, ValueError)

    def test_help_documents_them(self) -> None:
        text = " ".join(CliRunner().invoke(app, ["solve", "--help"]).stdout.split())
        for part in ("0 answered", "1 ended without a full answer", "2 usage", "3 a model is not ready", "130 Ctrl-C"):
            assert part in text


def program(delay: str, *arguments: str, **streams: Any) -> subprocess.Popen[str]:
    """`trigreason solve` as a process of its own."""
    command = [sys.executable, "-m", "tests.cli_scripted", delay, "solve", *cli_scripted.MODELS, *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TERM": "xterm-256color"}
    return subprocess.Popen(
        command,
        stdout=streams.get("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    )


class Hanging(ScriptedModel):
    """Sends this process `interrupts` Ctrl-C when it is called, a tenth of a second apart, and does not answer."""

    interrupts: int = 1

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        for _ in range(self.interrupts):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.1)
        await asyncio.sleep(60)
        yield ChatGenerationChunk(message=AIMessageChunk(content="too late"))


@dataclass(frozen=True)
class InterruptAt:
    """Sends this process a Ctrl-C when it sees a step with `word`."""

    word: str
    name: str = "interrupt"
    when: Literal["step"] = "step"

    def check(self, view: View) -> Signal | None:
        if view.draft and self.word in view.draft["text"]:
            os.kill(os.getpid(), signal.SIGINT)
        return None


def interrupted_graph(interrupts: int) -> Any:
    """Ctrl-C while the LRM is called for the second step."""
    expert = Hanging(script=[], trigreason_card=graphs.PAID_LARGE, interrupts=interrupts)
    writer = graphs.small(cli_scripted.FIRST)
    return graphs.graph(writer, expert, graphs.Marker("BAD"), checkpointer=InMemorySaver())


class TestInterrupt:
    def test_the_small_models_stream_is_closed_and_its_steps_are_kept(self, solve: Solve) -> None:
        text = "One thing is 3.\n\nAnother thing is 4.\n\n" + "And so on. " * 3_000
        graph = graphs.graph(graphs.small(text), None, InterruptAt("Another"), checkpointer=InMemorySaver())
        result = solve("q", "--json", graph=graph)
        assert result.exit_code == 130
        whole = json.loads(result.stdout)
        assert [step["text"] for step in whole["trace"]] == ["One thing is 3.", "Another thing is 4."]
        assert whole["ledger"][0]["status"] == "cut"
        assert whole["report"]["notes"] == ["the last 2 steps were kept, though no trigger had looked at that yet"]

    def test_a_call_that_does_not_end_is_cancelled(self, solve: Solve) -> None:
        begun = time.monotonic()
        result = solve("q", "--json", graph=interrupted_graph(1))
        assert time.monotonic() - begun < 4
        assert result.exit_code == 130
        whole = json.loads(result.stdout)
        assert whole["outcome"] == {"kind": "unfinished", "detail": "interrupted by Ctrl-C"}
        assert [step["text"] for step in whole["trace"]] == ["One thing is 3."]
        assert [(row["role"], row["status"]) for row in whole["ledger"]] == [("small", "ok"), ("large", "cut")]
        assert whole["report"]["totals"]["large"]["calls"] == 1

    def test_a_second_one_does_not_wait(self, solve: Solve, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("trigreason_graph.cli.run.GRACE", 20.0)
        begun = time.monotonic()
        assert solve("q", "-q", graph=interrupted_graph(2)).exit_code == 130
        assert time.monotonic() - begun < 10

    def test_the_partial_result_is_shown(self, solve: Solve) -> None:
        text = solve("q", graph=interrupted_graph(2)).stdout
        assert "SRM 1 │ One thing is 3." in text
        assert "so far   no answer" in text
        assert "not finished: interrupted by Ctrl-C" in text

    def test_a_process_of_its_own_ends_with_130_and_no_traceback(self) -> None:
        process = program("0.05", "What is 3 + 4?")
        read_until(process, "One thing is 3.")
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        rest, errors = process.communicate(timeout=20)
        assert time.monotonic() - begun < 5
        assert (process.returncode, errors) == (130, "")
        assert "interrupted by Ctrl-C" in rest


def test_a_closed_output_ends_the_run_without_a_traceback() -> None:
    process = program("0.02", "What is 3 + 4?")
    read_until(process, "SRM 1")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=20) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.parametrize("verb", [(), ("solve",), ("tune",)])
def test_a_closed_output_ends_a_help_text_as_it_ends_a_run(verb: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "trigreason_graph", *verb, "--help"]
    with open(writing, "wb") as closed:
        ended = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_a_terminal_gets_a_status_line_that_is_gone_at_the_end() -> None:
    leader, follower = pty.openpty()
    process = program("0.02", "What is 3 + 4?", stdout=follower)
    os.close(follower)
    written = b""
    while select.select([leader], [], [], 20)[0]:
        try:
            block = os.read(leader, 65_536)
        except OSError:  # Linux: the other side is closed
            break
        if not block:
            break
        written += block
    os.close(leader)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    text = written.decode()
    assert re.search(r"SRM writes · \d", text)
    assert "so far" not in text
    assert "\x1b[36m   SRM 1" in text
    assert "SRM writes" not in text[text.rindex("Answer") :]


class TestDefaults:
    """Which models and policy are taken: the option, else the environment, else the embedded pair."""

    @pytest.fixture
    def jobs(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        taken: list[Any] = []
        monkeypatch.setattr(solve_module, "solve_job", lambda job, *_: taken.append(job) or 0)
        return taken

    def test_the_embedded_pair(self, jobs: list[Any]) -> None:
        CliRunner().invoke(app, ["solve", "What?"], env={"TRIGREASON_SMALL": None, "TRIGREASON_LARGE": None})
        assert (jobs[0].small, jobs[0].large, jobs[0].policy) == ("embedded:small", "embedded:large", None)

    def test_the_environment_and_over_it_the_option(self, jobs: list[Any]) -> None:
        environment = {"TRIGREASON_SMALL": "ollama:a", "TRIGREASON_LARGE": "openai:b", "TRIGREASON_POLICY": "paper"}
        CliRunner().invoke(app, ["solve", "What?", "--large", "openai:c"], env=environment)
        assert (jobs[0].small, jobs[0].large, jobs[0].policy) == ("ollama:a", "openai:c", "paper")


@pytest.mark.parametrize("redirection", ["> /dev/full", "--json > /dev/full", "- <&-"])
def test_unusable_streams_end_in_one_line(redirection: str) -> None:
    command = f"{sys.executable} -m trigreason_graph solve --example list {redirection}"
    if "<&-" in redirection:
        command = f"{sys.executable} -m trigreason_graph solve {redirection}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
