"""Tuning: fewer calls than a grid, estimates marked, resumable, and honest about what it found."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.graphs import large, small
from trigreason_graph.cli.app import app
from trigreason_graph.cli.tune import answered
from trigreason_graph.evaluation.problem import Problem
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.policies import SHIPPED, Policy, dump_policy, read_policy
from trigreason_graph.testing import ScriptedModel
from trigreason_graph.triggers import ArithmeticCheck, CognitiveOffload, StrategicInitiation
from trigreason_graph.tuning import tune
from trigreason_graph.tuning.grid import DEFAULT_GRID, read_grid, settings_of, with_values
from trigreason_graph.tuning.picture import draw, surface_of
from trigreason_graph.tuning.plan import plan
from trigreason_graph.tuning.runs import Answered, GraphRunner, Meter, Run
from trigreason_graph.tuning.search import Objective, Search, front, planned_runs
from trigreason_graph.tuning.verifying import Tuning, search_and_verify, split_of

DEFAULT = SHIPPED["default"]
PROBLEMS = [Problem(str(number), f"What is {number} + 0?", str(number)) for number in range(80)]
STEPS_GRID = {"cognitive_offload.rho": [0.8, 0.85, 0.9], "cognitive_offload.steps": [1, 2, 3]}


def offload(policy: Policy) -> CognitiveOffload:
    return next(trigger for trigger in policy.triggers if isinstance(trigger, CognitiveOffload))


@dataclass
class World:
    """Stands for models: how likely a policy is right, and what it costs, is known. Each run takes four calls once."""

    gains: bool = True
    meter: Meter = field(default_factory=Meter)
    seen: set[tuple[Policy, str]] = field(default_factory=set)

    async def run(self, policy: Policy, problem: Answered) -> Run | None:
        mine = offload(policy)
        if (policy, problem.id) not in self.seen:
            if self.meter.granted is not None and self.meter.made + 4 > self.meter.granted:
                return None
            self.meter.made += 4
            self.seen.add((policy, problem.id))
        luck = hashlib.blake2b(problem.id.encode(), digest_size=2).digest()[0] / 256
        skill = 0.3 + (0.25 * (mine.steps or 4) if self.gains else 0.0)
        return Run(luck < skill, large_tokens=100 * (mine.steps or 4), calls=4)


def quiet(*_: Any) -> None:
    """Nobody follows."""


async def found(world: World, objective: Objective, grid: Any = STEPS_GRID, problems: Any = PROBLEMS) -> Tuning:
    return await search_and_verify(split_of(problems), settings_of(DEFAULT, grid), world, objective, quiet)


class TestGrid:
    def test_the_default_grid_has_at_least_27_settings(self) -> None:
        settings = settings_of(DEFAULT, DEFAULT_GRID)
        assert len(settings) >= 27
        assert settings[0].policy == DEFAULT
        assert len({setting.policy for setting in settings}) == len(settings)

    def test_fields_and_switches(self) -> None:
        made = with_values(DEFAULT, {"initiation": False, "arithmetic_check": False, "cognitive_offload.rho": 0.9})
        assert made.initiation is None
        assert offload(made).rho == 0.9
        assert not any(isinstance(trigger, ArithmeticCheck) for trigger in made.triggers)
        primed = with_values(DEFAULT, {"strategic_initiation.form": "prime"})
        assert primed.initiation == StrategicInitiation(form="prime", tokens=120)

    def test_the_form_of_the_start_and_its_length(self) -> None:
        written = read_grid(["initiation=on,off,prime:2,blueprint:60"])
        starts = [setting.policy.initiation for setting in settings_of(DEFAULT, written)]
        assert starts == [
            DEFAULT.initiation,
            None,
            StrategicInitiation(form="prime", tokens=None, steps=2),
            StrategicInitiation(form="blueprint", tokens=60),
        ]
        fields = {"initiation": "prime:2", "strategic_initiation.tokens": 240}
        assert with_values(DEFAULT, fields).initiation == starts[2], "a field of the start that it stands in place of"
        assert with_values(Policy("bare"), {"initiation": "prime:2"}).initiation == starts[2]

    def test_what_is_off_has_no_fields_and_no_limits(self) -> None:
        made = with_values(DEFAULT, {"cognitive_offload": False, "cognitive_offload.rho": 0.9})
        assert [limit.trigger for limit in made.limits] == ["intervention_request"]
        grid = {"cognitive_offload": [True, False], "cognitive_offload.rho": [0.85, 0.9]}
        assert len(settings_of(DEFAULT, grid)) == 3, "off is off, whatever its rho"

    def test_as_written(self) -> None:
        assert read_grid(["a.rho=0.85,0.9", "b=on,off", "c.k=none,3", "d.form=prime"]) == {
            "a.rho": [0.85, 0.9],
            "b": [True, False],
            "c.k": [None, 3],
            "d.form": ["prime"],
        }

    @pytest.mark.parametrize(
        ("grid", "said"),
        [
            ({}, "at least one name"),
            ({"nobody": [True]}, "no trigger 'nobody'"),
            ({"nobody.rho": [1]}, "no trigger 'nobody'"),
            ({"cognitive_offload.roh": [1]}, "no field 'roh'"),
            ({"cognitive_offload.rho": [3]}, "rho must be"),
            ({"arithmetic_check": [2]}, '"on" or "off"'),
            ({"initiation": ["prime"]}, "prime:STEPS"),
            ({"initiation": ["prime:0"]}, "not 'prime:0'"),
            ({"initiation": ["both:3"]}, "not 'both:3'"),
            ({"initiation": [1]}, "not 1"),
        ],
    )
    def test_mistakes(self, grid: Any, said: str) -> None:
        with pytest.raises(ValueError) as caught:
            settings_of(DEFAULT, grid)
        assert said in str(caught.value)
        with pytest.raises(ValueError, match="NAME=VALUE"):
            read_grid(["rho"])


@dataclass
class SlowWorld(World):
    """One in which runs take their time; knows how many there were at once, of all and on one problem."""

    under_way: list[str] = field(default_factory=list)
    most: int = 0
    most_on_one: int = 0

    async def run(self, policy: Policy, problem: Answered) -> Run | None:
        self.under_way.append(problem.id)
        self.most = max(self.most, len(self.under_way))
        self.most_on_one = max(self.most_on_one, self.under_way.count(problem.id))
        await asyncio.sleep(0)
        self.under_way.remove(problem.id)
        return await super().run(policy, problem)


class TestSideBySide:
    async def test_so_many_problems_at_once_and_the_same_result(self) -> None:
        world, objective = SlowWorld(), Objective("accuracy", limit=1_000)
        settings, split = settings_of(DEFAULT, STEPS_GRID), split_of(PROBLEMS)
        tuned = await search_and_verify(split, settings, world, objective, quiet, concurrency=4)
        alone = await found(World(), objective)
        assert (world.most, world.most_on_one) == (4, 1)
        assert (tuned.setting, tuned.chosen, tuned.calls) == (alone.setting, alone.chosen, alone.calls)

    async def test_a_model_that_fails_ends_it_with_its_own_error(self) -> None:
        class Failing(World):
            async def run(self, policy: Policy, problem: Answered) -> Run | None:
                raise RuntimeError("a model failed")

        with pytest.raises(RuntimeError, match="a model failed"):
            await search_and_verify(
                split_of(PROBLEMS), settings_of(DEFAULT, STEPS_GRID), Failing(), Objective(), quiet, concurrency=4
            )

    async def test_none_is_begun_after_the_calls_are_made(self) -> None:
        world = SlowWorld(meter=Meter(granted=8))
        search = Search(settings_of(DEFAULT, STEPS_GRID), PROBLEMS, world, Objective(), concurrency=4)
        await search.go(quiet)
        assert search.exhausted
        assert len(search.runs) == 2

    def test_at_least_one(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="concurrency= must be a whole number from 1, not 0"):
            tune(PROBLEMS, small=small(), large=large(), recordings=tmp_path / "r.jsonl", concurrency=0)


class TestSearch:
    async def test_less_than_six_times_the_calls_of_one_run(self) -> None:
        world = World()
        tuned = await found(world, Objective("accuracy", limit=1_000), DEFAULT_GRID)
        assert tuned.calls == world.meter.made < 6 * tuned.one_run
        assert len(tuned.scored) >= 27
        assert tuned.one_run == 4 * len(PROBLEMS)

    async def test_what_was_not_run_is_an_estimate_from_the_nearest_setting(self) -> None:
        settings = settings_of(DEFAULT, STEPS_GRID)
        search = Search(settings, PROBLEMS[:2], World(), Objective())
        near, far = settings[1], settings[-1]
        search.runs = {(near.index, "0"): Run(True, 5, 1), (far.index, "0"): Run(False, 50, 1)}
        beside = min(settings[2:-1], key=near.away)
        score = search.score(beside)
        assert (score.accuracy, score.cost, score.run, score.problems) == (1.0, 5.0, 0, 1)
        assert score.estimated
        assert not search.score(near).estimated

    async def test_the_policy_as_given_is_always_run_and_never_an_estimate(self) -> None:
        tuned = await found(World(), Objective("cost", limit=0.0))
        assert not tuned.scored[0].estimated
        assert any(one.estimated for one in tuned.scored)

    async def test_where_the_calls_end_the_search_ends(self) -> None:
        world = World(meter=Meter(granted=8))
        search = Search(settings_of(DEFAULT, STEPS_GRID), PROBLEMS, world, Objective())
        await search.go(quiet)
        assert search.exhausted
        assert len(search.runs) == 2
        assert planned_runs(9, 90) == 9 * 10 + 4 * 20 + 3 * 60

    def test_the_front(self) -> None:
        settings = settings_of(DEFAULT, STEPS_GRID)
        search = Search(settings, PROBLEMS[:1], World(), Objective())
        for setting, (right, tokens) in zip(
            settings, [(False, 5), (True, 10), (True, 20), (False, 1)] + [(False, 9)] * 5, strict=True
        ):
            search.runs[setting.index, "0"] = Run(right, tokens, 1)
        assert [one.cost for one in front([search.score(one) for one in settings])] == [1, 10]


class TestVerdict:
    async def test_a_better_setting_is_found_and_tested_on_problems_it_has_not_seen(self) -> None:
        tuned = await found(World(), Objective("accuracy", limit=1_000))
        assert offload(tuned.policy).steps in (2, 3)
        assert tuned.better
        assert tuned.accuracy_gain.low is not None
        assert tuned.accuracy_gain.low > 0
        assert tuned.verdict.startswith("cognitive_offload.rho=")

    async def test_at_the_cost_of_the_policy_as_given_there_is_nothing_better(self) -> None:
        tuned = await found(World(), Objective("accuracy"))
        assert not tuned.better
        assert tuned.verdict.startswith("No")

    async def test_cost_at_a_floor(self) -> None:
        dear = with_values(DEFAULT, {"cognitive_offload.steps": 3})
        tuned = await search_and_verify(
            split_of(PROBLEMS), settings_of(dear, STEPS_GRID), World(), Objective("cost", limit=0.3), quiet
        )
        assert tuned.setting.index != 0
        assert tuned.cost_gain.high is not None
        assert tuned.cost_gain.high < 0

    async def test_noise_is_not_sold_as_a_gain(self) -> None:
        tuned = await found(World(gains=False), Objective("accuracy", limit=1_000))
        assert not tuned.better
        assert tuned.verdict.startswith("No")

    async def test_the_same_seed_splits_the_same_way(self) -> None:
        split = split_of(PROBLEMS, seed=3)
        assert split.all == split_of(PROBLEMS, seed=3).all != split_of(PROBLEMS).all
        assert (len(split.train), len(split.validation), len(split.test)) == (40, 20, 20)
        assert {problem.id for problem in split.all} == {problem.id for problem in PROBLEMS}
        with pytest.raises(ValueError, match="at least 12 problems"):
            split_of(PROBLEMS[:11])


SOLUTION = "There is one number.\n\nNothing is added to it.\n\nSo it is \\boxed{1}."
GRID = {"cognitive_offload.rho": [0.85, 0.4]}
ONE = [Problem(str(number), f"Problem {number}: what is 1 + 0?", "1") for number in range(12)]
BARE = Policy("bare", (CognitiveOffload(),))


class TestWithGraphs:
    def models(self) -> tuple[ScriptedModel, ScriptedModel]:
        return small(SOLUTION, loop=True), large("Goal: add", loop=True)

    def test_killed_and_called_again_nothing_is_written_twice(self, tmp_path: Path) -> None:
        path = tmp_path / "tune.jsonl"

        class Killed(Exception):
            pass

        def kill(setting: Any, problem: Any, done: int, planned: int) -> None:
            if done == 7:
                raise Killed

        first, second = self.models()
        with pytest.raises(Killed):
            tune(ONE, small=first, large=second, recordings=path, policy=BARE, grid=GRID, told=kill)
        assert len(first.prompts) == 7
        again, other = self.models()
        tuned = tune(ONE, small=again, large=other, recordings=path, policy=BARE, grid=GRID)
        assert len(again.prompts) == 5, "the other setting leads to the same calls"
        assert tuned.calls == 12
        assert not tuned.better
        assert tuned.given[0] == 1.0
        third, fourth = self.models()
        assert tune(ONE, small=third, large=fourth, recordings=path, policy=BARE, grid=GRID).calls == 12
        assert third.prompts == []
        assert read_policy(dump_policy(tuned.policy)) == tuned.policy
        assert tuned.policy.evidence is not None
        assert tuned.policy.made_for is not None

    def test_a_folder_of_recordings_is_read_whole_and_added_to(self, tmp_path: Path) -> None:
        first, second = self.models()
        tune(ONE, small=first, large=second, recordings=tmp_path / "a.jsonl", policy=BARE, grid=GRID)
        third, fourth = self.models()
        tuned = tune(ONE, small=third, large=fourth, recordings=tmp_path, policy=BARE, grid=GRID)
        assert (third.prompts, tuned.calls) == ([], 0)
        more = [*ONE, Problem("new", "Problem 12: what is 1 + 0?", "1")]
        tune(more, small=third, large=fourth, recordings=tmp_path, policy=BARE, grid=GRID)
        assert len(third.prompts) == 1
        assert len((tmp_path / "tune.calls").read_bytes().splitlines()) == 1
        assert len(RecordingStore(tmp_path / "tune.jsonl")) == 1

    async def test_a_call_that_is_not_granted_reaches_no_model(self, tmp_path: Path) -> None:
        first, second = self.models()
        runner = GraphRunner.of(first, second, RecordingStore(), Meter(granted=1))
        done = await runner.run(BARE, ONE[0])
        assert done is not None
        assert (done.right, done.large_tokens, done.calls) == (True, 0, 1)
        assert await runner.run(BARE, ONE[1]) is None
        assert len(first.prompts) == 1
        assert await runner.run(BARE, ONE[0]) is not None, "it is recorded"
        beside = await asyncio.gather(runner.run(BARE, ONE[0]), runner.run(BARE, ONE[1]))
        assert [run is None for run in beside] == [False, True], "one that is refused does not count against another"

    def test_a_plan_calls_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "tune.jsonl"
        first, second = self.models()
        told = plan(ONE, small=first, large=second, recordings=path, policy=BARE, grid=GRID)
        assert (told.settings, told.train, told.validation, told.test, told.recorded) == (2, 6, 3, 3, 0)
        assert told.calls > 0
        assert told.large_tokens is None
        assert first.prompts == second.prompts == []

    def test_the_picture(self, tmp_path: Path) -> None:
        first, second = self.models()
        tuned = tune(ONE, small=first, large=second, recordings=tmp_path / "r", policy=BARE, grid=GRID)
        draw(tuned, tmp_path / "front.png")
        assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")

    async def test_the_surface_shows_every_combination(self) -> None:
        grid = {"arithmetic_check": [True, False], **STEPS_GRID}
        tuned = await found(World(), Objective("accuracy", limit=1_000), grid)
        surface = surface_of(tuned.scored)
        assert len(surface) == 2 * 3 * 3
        assert surface[(True, 0.85, 1)].setting.index == 0, "the policy as given"
        assert surface[(False, 0.9, 3)].setting.values["cognitive_offload.rho"] == 0.9

    async def test_combinations_that_come_to_the_same_share_a_setting(self) -> None:
        grid = {
            "cognitive_offload.steps": [1, 2],
            "initiation": [True, False],
            "strategic_initiation.tokens": [60, 120],
        }
        tuned = await found(World(), Objective("accuracy", limit=1_000), grid)
        surface = surface_of(tuned.scored)
        assert len(surface) == 8
        assert surface[(1, False, 60)] is surface[(1, False, 120)]


class TestCommand:
    def test_a_dry_run(self, tmp_path: Path) -> None:
        path = tmp_path / "p.jsonl"
        path.write_text("\n".join(json.dumps({"question": one.question, "answer": one.answer}) for one in ONE))
        result = CliRunner().invoke(
            app,
            [
                *("tune", str(path), "--recordings", str(tmp_path / "r.jsonl"), "--dry-run"),
                *("--grid", "cognitive_offload.rho=0.85,0.9", "--grid", "arithmetic_check=on,off"),
            ],
        )
        assert result.exit_code == 0, result.stderr
        assert "4 settings; 6 problems to search on, 3 to validate, 3 to test." in result.stdout
        assert "Probably at most 575 calls" in result.stdout, "nothing is recorded: 8 calls a problem are a guess"
        assert not (tmp_path / "r.calls").exists()

    def test_answers_are_needed(self, tmp_path: Path) -> None:
        path = tmp_path / "p.jsonl"
        path.write_text('{"id": "a", "question": "One?"}\n')
        told = CliRunner().invoke(app, ["tune", str(path)])
        assert told.exit_code == 2
        assert "p.jsonl, line 1: its answer is missing" in told.stderr

    def test_answers_of_any_kind(self, tmp_path: Path) -> None:
        path = tmp_path / "p.csv"
        path.write_text('problem,solution\n"Half of 1?","So \\boxed{\\frac{1}{2}}."\n')
        problems, checker = answered(str(path))
        assert [(one.id, one.question, one.answer) for one in problems] == [("p-0", "Half of 1?", "\\frac{1}{2}")]
        assert checker("0.5", "\\frac{1}{2}")
        path.write_text("question,answer\nOne?,1\nWhere?,north of it\n")
        with pytest.raises(ValueError, match=r"several kinds \(number, text\)"):
            answered(str(path))
