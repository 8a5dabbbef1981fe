"""`trigreason policy`: list, show, check and diff; and the warning where a policy meets other models."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.graphs import STEPS, graph, large, small
from trigreason_graph import create_trigreason_graph
from trigreason_graph.cli.app import app
from trigreason_graph.errors import PolicyMismatch
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.policies import SHIPPED, dump_policy, load_policy, read_policy, resolve_policy
from trigreason_graph.policies.differences import ABSENT, differences
from trigreason_graph.policies.matching import mismatches
from trigreason_graph.policies.origin import Evidence, Figure, MadeFor, ModelId
from trigreason_graph.policies.resolve import names

SHA, OTHER = "ab" * 32, "cd" * 32
SMALL = ModelCard("ollama", "qwen3:0.6b", logprobs=True, digest=SHA)
LARGE = ModelCard("openai", "gpt-5")
MADE = MadeFor(ModelId("ollama:qwen3:0.6b", SHA), ModelId("openai:gpt-5"), "raw", None, "2")
FOUND = Evidence(
    command="trigreason calibrate problems.jsonl --escalation 0.2",
    data=("problems",),
    sha256=OTHER,
    problems=60,
    steps=742,
    figures=(Figure("share of steps", 0.2, 0.17, 0.23), Figure("tau", 1.05)),
    notes=('a "quoted" note',),
)


def policy(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["policy", *arguments], env={"COLUMNS": "140"})


class TestFile:
    def test_origin_and_evidence_come_back(self) -> None:
        made = replace(SHIPPED["default"], name="mine", made_for=MADE, evidence=FOUND)
        assert read_policy(dump_policy(made)) == made

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ('[made_for]\nlogprob = "raw"', "[made_for] has no key 'logprob'; known: small, large, logprobs"),
            ('[made_for]\nlogprobs = "cooked"', 'must be "raw" or "tempered", not \'cooked\''),
            ('[made_for]\nlogprobs = "raw"\ntemperature = 0.6', 'temperature goes with logprobs = "tempered"'),
            ('[made_for]\nlogprobs = "tempered"\ntemperature = 3', "temperature must be"),
            ('[made_for]\nsmall = "qwen"', "'made_for.small' must be a table"),
            ('[made_for.small]\nsha256 = ""', "[made_for.small] missing 1 required positional argument: 'name'"),
            ('[made_for.small]\nname = "a"\nsha256 = "xyz"', "sha256 must be 64 digits"),
            ("[evidence]\nproblems = 3", "[evidence] missing 1 required positional argument: 'command'"),
            ('[evidence]\ncommand = "x"\nproblems = -1', "problems must be a whole number from 0"),
            ('[evidence]\ncommand = "x"\ndata = "gsm8k"', "data must be an array of texts"),
            ('[evidence]\ncommand = "x"\n[evidence.figures]\nshare = [0.2, 0.1]', "must be [value, low, high]"),
            ("made_for = 3", "'made_for' must be a table"),
        ],
    )
    def test_mistakes_name_the_key(self, table: str, said: str) -> None:
        with pytest.raises(ValueError) as caught:
            read_policy(f'schema = 1\nname = "x"\n{table}')
        assert said in str(caught.value)


class TestMismatch:
    def made(self, **changes: Any) -> Any:
        return replace(SHIPPED["default"], made_for=replace(MADE, **changes))

    def test_what_it_was_made_for_fits(self) -> None:
        assert mismatches(self.made(), SMALL, LARGE, "2") == []
        assert mismatches(SHIPPED["default"], SMALL, LARGE, "1") == []

    def test_weights_are_told_apart_by_digest_else_by_name(self) -> None:
        assert mismatches(self.made(), replace(SMALL, name="renamed"), LARGE, "2") == []
        assert mismatches(self.made(), replace(SMALL, digest=""), LARGE, "2") == []
        (said,) = mismatches(self.made(), replace(SMALL, digest=OTHER), LARGE, "2")
        assert (
            said == "the small model is ollama:qwen3:0.6b (sha256 cdcdcdcd…), not ollama:qwen3:0.6b (sha256 abababab…)"
        )
        (said,) = mismatches(self.made(), SMALL, replace(LARGE, name="gpt-6"), "2")
        assert said == "the large model is openai:gpt-6, not openai:gpt-5"

    def test_the_space_of_the_log_probabilities(self) -> None:
        tempered = replace(SMALL, logprob_space="tempered")
        assert mismatches(self.made(), tempered, LARGE, "2") == ["log-probabilities are tempered, not raw"]
        (said,) = mismatches(self.made(), replace(SMALL, logprobs=False), LARGE, "2")
        assert said == "ollama:qwen3:0.6b reports no log-probabilities, and the thresholds need raw ones"
        at_half = replace(self.made(logprobs="tempered", temperature=0.6), probabilities_at=0.5)
        (said,) = mismatches(at_half, SMALL, LARGE, "2")
        assert said == "log-probabilities are tempered at 0.5, not at 0.6"
        assert mismatches(replace(at_half, probabilities_at=0.6), SMALL, LARGE, "2") == []

    def test_the_prompts(self) -> None:
        assert mismatches(self.made(), SMALL, LARGE, "3") == ["the prompts are version 3, not 2"]

    def test_a_graph_warns_once_and_points_at_its_builder(self) -> None:
        with pytest.warns(PolicyMismatch, match="the small model is .*, not ollama:qwen3:0.6b") as told:
            create_trigreason_graph(small=small(STEPS), large=large("x"), policy=self.made())
        assert len(told) == 1
        assert told[0].filename == __file__

    async def test_a_policy_of_the_context_warns_when_the_run_begins(self) -> None:
        compiled = graph(small(STEPS), large("x"))
        with pytest.warns(PolicyMismatch) as told:
            await compiled.ainvoke({"question": "What is 3 + 4?"}, context={"policy": "embedded"})
        assert len(told) == 1

    async def test_a_context_names_no_file_of_the_server(self, tmp_path: Path) -> None:
        path, writer = tmp_path / "made.toml", small(STEPS)
        path.write_text(dump_policy(SHIPPED["small_only"]))
        with pytest.raises(
            ValueError, match=r"the run's settings: there is no policy '.*made.toml'; shipped are default"
        ):
            await graph(writer, large("x")).ainvoke({"question": "What is 3 + 4?"}, context={"policy": str(path)})
        assert not writer.prompts

    def test_solve_says_it_in_one_line_on_standard_error(self, tmp_path: Path) -> None:
        path = tmp_path / "made.toml"
        path.write_text(dump_policy(self.made()))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run = CliRunner().invoke(app, ["solve", "--dry-run", "--policy", str(path), "1 + 1?"])
        said = [line for line in run.stderr.splitlines() if "was made for something else" in line]
        assert len(said) == 1
        assert "the small model is embedded:small" in said[0]
        assert "trigreason calibrate" in said[0]


class TestOddFiles:
    def test_what_would_steer_a_terminal_is_left_out(self, tmp_path: Path) -> None:
        path = tmp_path / "p.toml"
        path.write_text('schema = 1\nname = "a\\u001b]0;title\\u0007b"\ndescription = "\\u001b[2Jx"\n')
        shown = [policy("show", str(path)), policy("check", str(path)), policy("show", str(path), "--json")]
        assert [run.exit_code for run in shown] == [0, 0, 0]
        assert not any("\x1b" in run.output or "\\u001b" in run.output for run in shown)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ('stop_on_repeat = "no"', "stop_on_repeat must be true or false"),
            ("description = 5", "must be a text"),
            (
                '[[triggers]]\nname = "cognitive_offload"\n'
                + '[[limits]]\ntrigger = "cognitive_offload"\nmost = 1\n' * 2,
                "limits name the trigger 'cognitive_offload' twice",
            ),
            ("source = " + "[" * 2_000, "nested too deeply"),
        ],
    )
    def test_fields_of_the_wrong_type(self, line: str, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            read_policy(f'schema = 1\nname = "x"\n{line}\n')

    def test_a_byte_order_mark_and_a_home_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "p.toml").write_text(dump_policy(SHIPPED["small_only"]), encoding="utf-8-sig")
        assert load_policy("~/p.toml") == SHIPPED["small_only"]


class TestList:
    def test_every_policy_is_there(self) -> None:
        shown = policy("list").stdout
        assert all(name in shown for name in names())
        listed = json.loads(policy("list", "--json").stdout)["policies"]
        assert [entry["name"] for entry in listed] == names()


class TestShow:
    def test_all_fields(self) -> None:
        shown = policy("show", "embedded").stdout
        assert "made_for.small" in shown
        assert "0.39 (0.28 to 0.5)" in shown
        assert json.loads(policy("show", "paper", "--json").stdout)["cognitive_offload.rho"] == 0.85

    def test_a_file_to_begin_with(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.toml"
        path.write_text(policy("show", "default", "--toml").stdout)
        assert load_policy(path) == SHIPPED["default"]

    def test_an_unknown_name(self) -> None:
        result = policy("show", "nope")
        assert result.exit_code == 2
        assert "there is no policy 'nope'; shipped are default, paper" in result.stderr


class TestCheck:
    def test_the_pair_it_was_made_for(self) -> None:
        result = policy("check", "embedded", "--small", "embedded:small", "--large", "embedded:large")
        assert (result.exit_code, "as they are here" in result.stdout) == (0, True)
        assert policy("check", "default").exit_code == 0

    def test_another_model(self) -> None:
        result = policy("check", "embedded", "--small", "embedded:tiny", "--json")
        assert result.exit_code == 1
        (differs,) = json.loads(result.stdout)["differs"]
        assert differs.startswith("the small model is embedded:tiny")

    def test_a_broken_file(self, tmp_path: Path) -> None:
        path = tmp_path / "broken.toml"
        path.write_text('schema = 1\nname = "x"\n[[triggers]]\nname = "cognitive_offload"\nrho = 3')
        result = policy("check", str(path))
        assert result.exit_code == 2
        assert "broken.toml" in result.stderr
        assert "rho must be" in result.stderr


class TestDiff:
    def test_field_by_field(self) -> None:
        found = differences(SHIPPED["paper"], SHIPPED["paper-qwen3-0.6b"])
        assert found == [("cognitive_offload.rho", 0.85, 0.75)]
        shown = policy("diff", "paper", "paper-qwen3-0.6b").stdout.split()
        assert shown[-3:] == ["cognitive_offload.rho", "0.85", "0.75"]

    def test_what_one_of_them_does_not_have(self) -> None:
        pairs = differences(SHIPPED["default"], resolve_policy("embedded"))
        found = {each.field: (each.first, each.second) for each in pairs}
        assert found["cognitive_offload.rho"] == (0.85, ABSENT)
        assert "intervention_request.k" not in found
        assert "source" not in found

    def test_nothing_differs(self, tmp_path: Path) -> None:
        path = tmp_path / "same.toml"
        path.write_text(dump_policy(replace(SHIPPED["paper"], name="same")))
        assert "act the same" in policy("diff", "paper", str(path)).stdout
        (entry,) = json.loads(policy("diff", "paper", str(path), "--all", "--json").stdout)["differences"]
        assert entry == {"field": "name", "paper": "paper", str(path): "same"}
