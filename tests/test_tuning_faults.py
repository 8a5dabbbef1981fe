"""What tuning and calibration do where models fail, prices are unknown, data are odd, or the calls end."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.graphs import large, small
from tests.test_tuning_calibration import OFFLOAD, made
from tests.test_tuning_tune import BARE, DEFAULT, GRID, ONE, PROBLEMS, SOLUTION, World, quiet
from trigreason_graph.cli.app import app
from trigreason_graph.cli.tuning import check_folder, command_line
from trigreason_graph.errors import ModelsFailing
from trigreason_graph.evaluation.problem import Problem
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.prices import Price
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.policies import Policy, resolve_policy
from trigreason_graph.testing import OpenAIServer, ScriptedModel
from trigreason_graph.triggers import StrategicInitiation
from trigreason_graph.tuning import acalibrate, calibrate, fit_policy, read_questions
from trigreason_graph.tuning.grid import default_grid, read_grid, settings_of
from trigreason_graph.tuning.picture import check_picture
from trigreason_graph.tuning.plan import plan
from trigreason_graph.tuning.questions import as_questions
from trigreason_graph.tuning.runs import Meter
from trigreason_graph.tuning.search import Objective
from trigreason_graph.tuning.traces import recording_model, write_traces
from trigreason_graph.tuning.tuner import tune
from trigreason_graph.tuning.verifying import search_and_verify, split_of

NOBODY = "vllm:s@http://127.0.0.1:9/v1"
"""A server that is down."""
BEGUN = Policy("begun", BARE.triggers, initiation=StrategicInitiation())


def pair() -> tuple[ScriptedModel, ScriptedModel]:
    return small(SOLUTION, loop=True), large("Goal: add", loop=True)


class TestModels:
    async def test_what_an_openai_client_writes_is_recorded(self, tmp_path: Path) -> None:
        questions = as_questions(["2 + 3?", "3 + 2?"])
        async with OpenAIServer({"s": "That is 5.\n\nAnswer: 5"}, flavour="vllm") as server:
            for _ in range(2):
                model, _ = recording_model(f"vllm:s@{server.url}/v1", RecordingStore(append_to=tmp_path / "r.jsonl"))
                assert len(await write_traces(questions, model, OFFLOAD)) == 2
            assert len(server.calls) == 2

    def test_a_large_model_that_fails_is_no_run_without_cost(self, tmp_path: Path) -> None:
        silent = ScriptedModel(script=[])
        with pytest.raises(ModelsFailing, match=r"a model failed on .*What is done is kept"):
            tune(ONE, small=pair()[0], large=silent, recordings=tmp_path / "r.jsonl", policy=BEGUN, grid=GRID)

    @pytest.mark.parametrize("verb", ["tune", "calibrate"])
    def test_a_server_that_is_down_is_said_in_a_line(self, verb: str, tmp_path: Path) -> None:
        path = tmp_path / "p.jsonl"
        path.write_text("\n".join(json.dumps({"question": one.question, "answer": one.answer}) for one in ONE))
        models = ["--small", NOBODY] + (["--large", NOBODY, "--policy", "default"] if verb == "tune" else [])
        result = CliRunner().invoke(app, [verb, str(path), *models, "--recordings", str(tmp_path / "r.jsonl")])
        assert result.exit_code == 3, result.output
        assert "vllm:s" in result.stderr
        assert "Traceback" not in result.stderr


class TestPrices:
    def priced(self, **card: Any) -> ReasoningModel:
        return ReasoningModel(inner=large("Goal: add", loop=True), card=ModelCard(provider="p", name="new", **card))

    @pytest.mark.parametrize(("local", "said"), [(False, "price of p:new is unknown"), (True, "price of p:new is 0")])
    def test_dollars_of_which_nobody_knows_are_refused_before_any_call(
        self, local: bool, said: str, tmp_path: Path
    ) -> None:
        first, second = pair()[0], self.priced(local=local)
        wanted = Objective("cost", unit="usd")
        with pytest.raises(ValueError, match=said):
            tune(ONE, small=first, large=second, recordings=tmp_path / "r", policy=BEGUN, grid=GRID, objective=wanted)
        assert first.prompts == []

    def test_with_a_price_they_count(self, tmp_path: Path) -> None:
        tuned = tune(
            ONE,
            small=pair()[0],
            large=self.priced(),
            recordings=tmp_path / "r",
            policy=BEGUN,
            grid={"initiation": [True, False]},
            objective=Objective("cost", unit="usd"),
            prices={"p:new": Price(1, 2)},
        )
        assert tuned.given[1] > 0
        assert tuned.chosen[1] == 0.0
        assert (tuned.better, tuned.cost_gain.low) == (False, None), "three problems in the test part make nothing sure"
        assert tuned.policy.description == "Policy begun with initiation=off."

    async def test_calibration_asks_for_one_before_anything_is_written(self) -> None:
        model = small(SOLUTION, loop=True)
        with pytest.raises(ValueError, match="needs the price"):
            await acalibrate(["2 + 3?"], small=model, policy=OFFLOAD, unit="usd", price=Price(0, 0))
        assert model.prompts == []


class TestCalls:
    def test_those_of_another_tuning_do_not_count(self, tmp_path: Path) -> None:
        path = tmp_path / "r.jsonl"
        for numbers in (range(12), range(12, 24)):
            problems = [Problem(str(number), f"Problem {number}: what is 1 + 0?", "1") for number in numbers]
            first, second = pair()
            tuned = tune(problems, small=first, large=second, recordings=path, policy=BARE, grid=GRID)
            assert (tuned.calls, tuned.exhausted) == (12, False)
        first, second = pair()
        again = plan(problems, small=first, large=second, recordings=path, policy=BARE, grid=GRID)
        assert (again.made, again.recorded) == (12, 12)
        assert again.planned_runs <= again.naive_runs

    async def test_a_winner_that_could_not_be_tested_is_no_verdict(self) -> None:
        class Dear(World):
            """The calls end with the search and the validation."""

            async def run(self, policy: Policy, problem: Any) -> Any:
                if policy != DEFAULT and problem in split.test:
                    return None
                return await super().run(policy, problem)

        split, grid = split_of(PROBLEMS), {"cognitive_offload.steps": [1, 3]}
        objective = Objective("accuracy", limit=1_000)
        tuned = await search_and_verify(split, settings_of(DEFAULT, grid), Dear(), objective, quiet)
        assert tuned.untested is not None
        assert not tuned.better
        assert tuned.verdict.startswith("Not decided: cognitive_offload.steps=3 was best")

    async def test_a_limit_that_is_missed_is_told(self) -> None:
        grid = {"cognitive_offload.steps": [2, 3]}
        tuned = await search_and_verify(
            split_of(PROBLEMS), settings_of(DEFAULT, grid), World(), Objective("accuracy", limit=150), quiet
        )
        assert tuned.setting.index == 0
        tuned = await search_and_verify(
            split_of(PROBLEMS), settings_of(DEFAULT, grid)[1:], World(), Objective("cost", limit=0.99), quiet
        )
        assert "misses the limit of 0.99" in tuned.verdict

    def test_a_meter_reads_its_own_lines(self, tmp_path: Path) -> None:
        Meter(tmp_path / "calls", "a").take("m")
        other = Meter(tmp_path / "calls", "b")
        other.take("m")
        assert (other.made, Meter(tmp_path / "calls", "a").made) == (1, 1)


class TestArguments:
    @pytest.mark.parametrize(
        ("aim", "limit"), [("cost", 90.0), ("accuracy", -1.0), ("accuracy", float("nan")), ("pareto", 3.0)]
    )
    def test_limits(self, aim: Any, limit: float) -> None:
        with pytest.raises(ValueError, match="limit="):
            Objective(aim, limit)

    @pytest.mark.parametrize("name", ["paper", "embedded", "small_only", "large_only", "default"])
    def test_every_policy_has_a_grid_of_its_own(self, name: str) -> None:
        policy = resolve_policy(name)
        assert len(settings_of(policy, default_grid(policy))) > 1

    def test_a_grid_that_says_a_name_twice(self) -> None:
        with pytest.raises(ValueError, match=r"a\.b is there already"):
            read_grid(["a.b=1,2", "a.b=3"])

    @pytest.mark.parametrize(
        "grid",
        [
            {"initiation": ["prime:1"], "strategic_initiation.bogus": [1]},
            {"arithmetic_check": [False], "arithmetic_check.bogus": [3]},
        ],
    )
    def test_fields_of_what_is_off_must_exist_all_the_same(self, grid: Any) -> None:
        with pytest.raises(ValueError, match="bogus"):
            settings_of(DEFAULT, grid)

    def test_fields_that_go_together_are_not_looked_at_alone(self) -> None:
        grid: Any = {
            "initiation": [True, False],
            "strategic_initiation.form": ["prime"],
            "strategic_initiation.steps": [1, 2],
        }
        starts = [setting.policy.initiation for setting in settings_of(DEFAULT, grid)]
        assert [start and start.steps for start in starts] == [None, 1, 2, None]

    def test_answers_are_looked_at_before_anything_is_paid_for(self, tmp_path: Path) -> None:
        first, second = pair()
        problems = [*ONE, Problem("city", "Which city?", "Paris")]
        with pytest.raises(ValueError, match="must be one number, not 'Paris'"):
            tune(problems, small=first, large=second, recordings=tmp_path / "r", policy=BARE, grid=GRID)
        assert first.prompts == []

    def test_one_id_for_one_problem(self) -> None:
        with pytest.raises(ValueError, match="two have the id '1'"):
            split_of([*PROBLEMS, PROBLEMS[1]])

    def test_files_that_could_not_be_written_are_refused_first(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="there is no folder"):
            check_folder("--out", tmp_path / "none" / "x.toml")
        with pytest.raises(ValueError, match=r"must end in one of .*\.svg"):
            check_picture(tmp_path / "x.gifx")
        check_picture(tmp_path / "x.png")

    def test_no_password_stands_in_a_policy_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["trigreason", "tune", "p", "--small", "ollama:s@http://bob:secret@host:1"])
        assert command_line() == "trigreason tune p --small ollama:s@http://host:1"


class TestSamples:
    def test_few_problems_promise_nothing(self) -> None:
        found = fit_policy(made(1), policy=OFFLOAD, escalation=0.2)
        assert (found.promised, found.needed) == (False, 30)

    def test_a_question_counts_once(self) -> None:
        model = small(*["First we add 2 and 3.\n\nThat is \\boxed{5}."] * 2)
        with pytest.raises(ValueError, match="on these 2 problems"):
            calibrate(["2 + 3?", "3 + 2?", "2 + 3?"], small=model, policy=OFFLOAD)
        assert len(model.prompts) == 2

    def test_what_json_allows_in_a_line(self, tmp_path: Path) -> None:
        path = tmp_path / "p.jsonl"
        path.write_text('{"id": 0, "question": "A\u2028B?"}\n{"id": 1, "question": "C?"}\r\n', encoding="utf-8-sig")
        assert [(one.id, one.question) for one in read_questions(path)] == [("0", "A\u2028B?"), ("1", "C?")]
