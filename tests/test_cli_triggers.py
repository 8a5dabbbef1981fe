"""`trigreason triggers`: list, explain, and test on a saved trace."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from typer.testing import CliRunner

from tests import cli_scripted
from tests.graphs import Marker, graph, large, small
from trigreason_graph.cli import solve as solve_module
from trigreason_graph.cli.app import app
from trigreason_graph.cli.saved_trace import parse_trace
from trigreason_graph.cli.trial import counts, try_policy
from trigreason_graph.cli.trigger_facts import KINDS, all_facts, facts_of, read_docstring
from trigreason_graph.cli.trigger_view import notes
from trigreason_graph.policies import Policy
from trigreason_graph.policies.files import KNOWN_TRIGGERS
from trigreason_graph.state import Signal
from trigreason_graph.triggers import ArithmeticCheck, View

STEPS = ["There are 3 and 4.", "So 3 + 4 = 8.", "Answer: 8"]


def triggers(*arguments: str, input: str | None = None) -> Any:
    return CliRunner().invoke(app, ["triggers", *arguments], input=input, env={"COLUMNS": "120"})


def tried(path: Path, *arguments: str) -> dict[str, Any]:
    result = triggers("test", str(path), "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "run.json"
    written = {"question": "What is 3 + 4?", "trace": STEPS}
    path.write_text(json.dumps(written))
    return path


class TestList:
    def test_every_trigger_with_its_fields(self) -> None:
        shown = triggers("list").stdout
        for name in KINDS:
            assert name in shown
        assert "rho = 0.85" in shown
        assert "\x1b" not in shown

    def test_as_json(self) -> None:
        listed = json.loads(triggers("list", "--json").stdout)["triggers"]
        assert [each["name"] for each in listed] == list(KINDS)
        assert {"name", "default", "meaning", "policies"} == set(listed[1]["fields"][0])

    def test_what_a_policy_file_can_name_is_listed(self) -> None:
        assert set(KNOWN_TRIGGERS) < set(KINDS)


class TestExplain:
    @pytest.mark.parametrize("name", KINDS)
    def test_each_field_is_explained(self, name: str) -> None:
        result = triggers("explain", name)
        assert result.exit_code == 0
        facts = facts_of(name)
        assert all(field.meaning for field in facts.fields), "every field has a line in the docstring"
        assert facts.summary.split()[0] in result.stdout

    def test_values_of_the_policies(self) -> None:
        shown = " ".join(triggers("explain", "cognitive-offload").stdout.split())
        assert "Paper: 0.85; 0.75 for Qwen3-0.6B." in shown
        assert "Set to 8 in default" in shown

    def test_an_unknown_name(self) -> None:
        result = triggers("explain", "offload")
        assert result.exit_code == 2
        assert "there is no trigger 'offload'; there are: strategic_initiation, arithmetic_check" in result.stderr

    def test_docstrings(self) -> None:
        text, fields = read_docstring(
            "Does it.\n\nMore\nof it.\n\nAttributes:\n    a, b: Both\n        of them.\n    c: One."
        )
        assert text == "Does it.\n\nMore of it."
        assert fields == {"a": "Both of them.", "b": "Both of them.", "c": "One."}
        assert read_docstring("Alone.") == ("Alone.", {})

    def test_facts_are_json(self) -> None:
        json.dumps([each.as_dict() for each in all_facts()])


class TestTest:
    def test_a_table_with_reason_evidence_and_route(self, trace: Path) -> None:
        result = triggers("test", str(trace))
        assert result.exit_code == 0, result.stderr
        shown = " ".join(result.stdout.split())
        assert "▲ arithmetic_check → retry, the SRM drafts the step anew" in shown
        assert '"3 + 4 = 8", but it comes to 7, not 8.' in shown
        assert "expected 7, found 8" in shown
        assert "▲ strategic_initiation" in shown
        assert "policy default: a trigger fires on 1 of 3 judged steps" in shown
        assert "no log-probabilities" in shown

    def test_as_json(self, trace: Path) -> None:
        whole = tried(trace)
        start, _, wrong, _ = whole["steps"]
        assert start["step"] == 0
        assert (wrong["step"], wrong["author"], wrong["judged"]) == (2, "small", True)
        (signal,) = wrong["signals"]
        assert signal["evidence"] == {"equation": "3 + 4 = 8", "expected": "7", "found": "8"}
        assert (signal["first"], signal["after_characters"]) == (True, None)
        assert whole["fired"]["arithmetic_check"] == 1

    @pytest.mark.parametrize(
        ("written", "steps"),
        [
            (json.dumps(STEPS), 3),
            (json.dumps([{"text": text} for text in STEPS]), 3),
            (json.dumps({"question": "q", "trace": [{"text": STEPS[1], "author": "small"}]}), 1),
            ("\n\n".join(STEPS), 3),
            ("[ 3 + 4 = 8 ] is in brackets.", 1),
            ("{3 + 4 = 8}", 1),
        ],
        ids=["texts", "objects", "question and trace", "plain text", "text in brackets", "text in braces"],
    )
    def test_forms_of_a_file(self, tmp_path: Path, written: str, steps: int) -> None:
        path = tmp_path / "trace"
        path.write_text(written)
        found = [step for step in tried(path)["steps"] if step["step"]]
        assert len(found) == steps
        assert found[-1]["author"] == "small"

    def test_standard_input(self) -> None:
        assert "3 judged steps" in triggers("test", "-", input=json.dumps(STEPS)).stdout

    def test_the_answer_of_plain_text_is_an_answer(self) -> None:
        assert [step["kind"] for step in parse_trace("\n\n".join(STEPS)).steps] == ["reasoning", "reasoning", "answer"]

    def test_what_a_model_did_not_write_is_not_judged(self, tmp_path: Path) -> None:
        path = tmp_path / "run.json"
        path.write_text(json.dumps([{"text": "3 + 4 = 8", "author": author} for author in ("large", "tool", "small")]))
        expert, tool, writer = tried(path, "--policy", "default")["steps"][-3:]
        assert (expert["judged"], expert["why_not"]) == (False, "the large model wrote it")
        assert (tool["judged"], tool["signals"]) == (False, [])
        assert [signal["trigger"] for signal in writer["signals"]] == ["arithmetic_check"]
        assert "not judged: a tool wrote it" in " ".join(triggers("test", str(path)).stdout.split())

    def test_another_policy_and_other_fields(self, tmp_path: Path) -> None:
        path = tmp_path / "run.json"
        path.write_text(json.dumps([{"text": "So it is 7.", "nats": [0] * 9 + [900]}]))
        fired = {
            rho: tried(path, "--policy", "paper", "--set", f"cognitive_offload.rho={rho}")["fired"]
            for rho in (0.85, 0.95)
        }
        assert fired[0.85]["cognitive_offload"] == 1
        assert fired[0.95]["cognitive_offload"] == 0

    def test_all_that_would_fire_are_shown_and_the_first_is_marked(self, tmp_path: Path) -> None:
        path = tmp_path / "run.json"
        path.write_text(json.dumps([{"text": "Therefore, clearly, so 3 + 4 = 8.", "nats": [0] * 12}]))
        signals = tried(path)["steps"][-1]["signals"]
        assert [(signal["trigger"], signal["first"]) for signal in signals[:2]] == [
            ("arithmetic_check", True),
            ("cognitive_offload", False),
        ]

    def test_what_solve_writes_can_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        writer = small("Fine.\n\n3 + 4 = 8.\n\nBAD.\n\nx", "So \\boxed{7}.")
        compiled = graph(writer, large("wrong: 2\n\n3 + 4 = 7."), Marker("BAD"), checkpointer=InMemorySaver())
        monkeypatch.setattr(solve_module, "build_graph", lambda job: compiled)
        path = tmp_path / "run.json"
        path.write_text(CliRunner().invoke(app, ["solve", *cli_scripted.MODELS, "q", "--json"]).stdout)
        steps = tried(path)["steps"][1:]
        assert [(step["step"], step["text"], step["discarded"]) for step in steps] == [
            (1, "Fine.", False),
            (2, "3 + 4 = 8.", True),
            (2, "3 + 4 = 7.", False),
            (3, "BAD.", True),
            (3, "So \\boxed{7}.", False),
        ]
        assert [bool(step["signals"]) for step in steps] == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "it is empty; it may hold what"),
        (" \n", "it is empty"),
        ('{"question": "q"', "begins like JSON and is none"),
        ('{"question": "q"}', 'no list "trace"'),
        ('{"trace": "no"}', 'no list "trace"'),
        ('["a", 3]', 'step 2 is neither a text nor an object with a text "text"'),
        ('[{"text": 3}]', "step 1 is neither"),
        ('[{"text": "a", "author": "me"}]', "step 1: author must be one of small, large, tool, not 'me'"),
        ('[{"text": "a", "kind": "x"}]', "step 1: kind must be one of"),
        ('[{"text": "a", "nats": ["b"]}]', "step 1: nats must be whole numbers"),
        ('[{"text": "a", "conclusions": "7"}]', "step 1: conclusions must be"),
        ('[{"text": "a", "tokens": "7"}]', "step 1: tokens must be"),
        ('{"trace": [], "question": 3}', '"question" must be a text'),
        ('{"trace": [], "discarded": 3}', '"discarded" must be a list'),
        ('{"trace": [], "discarded": [{"at": 0}]}', 'discarded branch 1 has no list "steps"'),
        ('{"trace": [], "discarded": [{"at": -1, "steps": []}]}', 'discarded branch 1: "at" must be'),
        ('["' + "[" * 50 + '"', "begins like JSON"),
    ],
)
def test_files_that_are_none(tmp_path: Path, written: str, said: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(written)
    result = triggers("test", str(path))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"trigreason: {path}: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy", "nonsense"], "there is no policy 'nonsense'; shipped are default"),
        (["--set", "rho=0.9"], 'write it as TRIGGER.FIELD=VALUE, for example "cognitive_offload.rho=0.9"'),
        (["--set", "cognitive_offload.rho"], "write it as TRIGGER.FIELD=VALUE"),
        (["--set", "offload.rho=1"], "has no trigger 'offload'; it has: strategic_initiation"),
        (["--set", "cognitive_offload.rhoo=1"], "has no field 'rhoo'; it has: tau, rho"),
        (["--set", "cognitive_offload.rho=high"], "rho must be a number"),
    ],
)
def test_arguments_that_make_no_sense(trace: Path, arguments: list[str], said: str) -> None:
    result = triggers("test", str(trace), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "No such file" in triggers("test", str(tmp_path / "absent")).stderr
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    assert "no UTF-8 text" in triggers("test", str(tmp_path / "bytes")).stderr
    assert triggers("test", str(tmp_path)).exit_code == 2


@dataclass(frozen=True)
class Growing:
    """Fires while a step grows, after 100 characters."""

    name: str = "growing"
    when: Any = "partial"

    def check(self, view: View) -> Signal | None:
        if view.draft is None or len(view.draft["text"]) < 100:
            return None
        return Signal(trigger=self.name, reason="Long.", evidence={}, route="rewrite")


class Scorer:
    name = "scorer"

    async def judge(self, view: View, call: Any) -> None:
        return None


def test_a_growing_draft_is_looked_at_as_in_a_run() -> None:
    policy = Policy("mine", triggers=(Growing(), Scorer(), ArithmeticCheck()))
    saved = parse_trace(json.dumps([{"text": "a" * 300, "nats": [1] * 60}, "short"]))
    first, second = try_policy(policy, saved)
    assert [fired.after for fired in first.fired] == [144]
    assert second.fired == ()
    assert counts(policy, [first, second]) == {"growing": 1, "arithmetic_check": 0}
    assert "scorer calls a model and was not asked" in list(notes(policy, saved))


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(["\x1b[31m3 + 4 = 8\x07 [bold]x[/bold]"]))
    shown = triggers("test", str(path)).stdout
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[bold]" in shown
