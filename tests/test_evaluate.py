"""The evaluation harness at its public face, with models that solve six sums in known words."""

from __future__ import annotations

import asyncio
import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solvers import CARD, PROBLEMS, Solver, pair, solver

from trigreason_graph import Budget
from trigreason_graph.errors import ModelNotReady, ModelsFailing
from trigreason_graph.evaluation import Evaluation, RunResult, Standing, aevaluate, evaluate, read_results
from trigreason_graph.evaluation.lines import only_writer
from trigreason_graph.evaluation.missing import RecordingMissing
from trigreason_graph.evaluation.problems import ProblemSet, digest
from trigreason_graph.evaluation.recordings import RecordingStore, new_recording
from trigreason_graph.evaluation.subjects import NotRecordable
from trigreason_graph.models.prices import Price

ALONE = ["small_only", "large_only"]
PROBLEM_SET = ProblemSet("problems", tuple(PROBLEMS), digest(PROBLEMS))


def calls(models: dict[str, Solver]) -> tuple[int, int]:
    return len(models["small"].calls), len(models["large"].calls)


def paid() -> dict[str, Solver]:
    """The pair with a large model whose price nobody knows."""
    return {**pair(), "large": Solver(trigreason_card=replace(CARD, name="big", local=False))}


class TestResults:
    async def test_every_policy_on_every_problem(self) -> None:
        models = pair()
        done = await aevaluate(PROBLEMS, [*ALONE, "default"], **models)
        assert done.policies == [*ALONE, "default"]
        assert [run.problem for run in done.of("small_only")] == [problem.id for problem in PROBLEMS]
        assert (done.accuracy("small_only"), done.accuracy("large_only")) == (4 / 6, 5 / 6)
        assert (done.large_tokens("small_only"), done.large_share("large_only")) == (0.0, 1.0)

    async def test_a_run_as_a_line(self) -> None:
        done = await aevaluate(PROBLEMS[:1], ["specreason"], **pair())
        run = done.results[0]
        assert RunResult.from_line(run.to_line()) == run
        assert json.loads(run.to_line())["v"] == 1
        assert (run.answer, run.right_answer, run.right, run.sample, run.seed) == ("2", "2", True, 0, None)
        assert run.outcome == {"kind": "answered", "detail": ""}
        assert [step["author"] for step in run.steps] == ["small"] * 3
        assert [(row["role"], row["purpose"]) for row in run.ledger] == [("small", "continue"), ("large", "review")] * 3
        assert run.discarded == {"small": 0, "large": 0}

    async def test_signals_and_what_was_thrown_away(self) -> None:
        done = await aevaluate(PROBLEMS[:1], ["random(1.0)"], **pair())
        run = done.results[0]
        assert {signal["trigger"] for signal in run.signals} == {"random"}
        assert run.signals[0] == {"trigger": "random", "route": "rewrite", "at": 0, "served": True}
        assert run.discarded["small"] > 0

    async def test_the_mean_of_samples_with_seeds(self) -> None:
        models = pair()
        done = await aevaluate(PROBLEMS[:2], ALONE, samples=3, temperature=0.6, top_p=0.95, seed=0, **models)
        assert [run.seed for run in done.of("small_only")[:3]] == [0, 1, 2]
        assert done.accuracy("small_only") == 4 / 6  # the one with seed 2 is wrong
        asked = models["small"].asked
        assert {(one["temperature"], one["top_p"]) for one in asked} == {(0.6, 0.95)}
        assert sorted(one["seed"] for one in asked) == [0, 0, 1, 1, 2, 2]

    async def test_greedy_runs_are_sent_neither_seed_nor_top_p(self) -> None:
        models = pair()
        await aevaluate(PROBLEMS[:1], ALONE, top_p=0.95, **models)
        assert [one["temperature"] for one in models["small"].asked] == [0.0]
        assert not {"seed", "top_p"} & models["small"].asked[0].keys()

    async def test_the_majority_of_the_small_models_votes(self) -> None:
        models = pair()
        done = await aevaluate(PROBLEMS[:1], ["self_consistency(3)"], **models)
        run = done.results[0]
        assert (run.answer, run.outcome["detail"]) == ("2", "2 of 3 agree")
        assert [one["seed"] for one in models["small"].asked] == [0, 1, 2]
        assert calls(models) == (3, 0)
        assert [row["id"] for row in run.ledger] == [0, 1, 2]
        assert run.discarded["small"] == 2 * sum(step["tokens"] for step in run.steps)

    async def test_costs_are_those_of_the_price_list(self) -> None:
        models = paid()
        prices = {"scripted:big": Price(input=1.0, output=10.0)}
        done = await aevaluate(PROBLEMS[:2], ALONE, prices=prices, **models)
        cost = done.cost("large_only")
        assert done.cost("small_only") == 0.0
        assert cost is not None
        assert cost > 0

    async def test_unknown_prices_are_no_cost_of_zero(self) -> None:
        models = paid()
        done = await aevaluate(PROBLEMS[:1], ALONE, **models)
        assert done.cost("large_only") is None

    async def test_who_did_not_take_part(self) -> None:
        done = await aevaluate(PROBLEMS[:1], ["small_only"], **pair())
        with pytest.raises(ValueError, match="those that did: small_only"):
            done.accuracy("default")


class TestMatched:
    async def test_early_steps_at_the_cost_of_a_policy(self) -> None:
        done = await aevaluate(PROBLEMS, [*ALONE, "early_only(2)", "early_only@early_only(2)"], **pair())
        assert done.provenance["matched"]["early_only@early_only(2)"]["parameter"] == 2
        assert done.large_tokens("early_only@early_only(2)") == done.large_tokens("early_only(2)")

    async def test_chance_at_the_cost_of_a_policy(self) -> None:
        done = await aevaluate(PROBLEMS, [*ALONE, "random(1.0)", "random@random(1.0)"], **pair())
        chosen = done.provenance["matched"]["random@random(1.0)"]
        assert 0 < chosen["parameter"] <= 1
        assert chosen["expected"] == pytest.approx(chosen["wanted"], rel=0.1) or chosen["parameter"] == 1.0

    async def test_what_costs_nothing_is_matched_by_what_costs_nothing(self) -> None:
        done = await aevaluate(PROBLEMS[:2], [*ALONE, "random@small_only"], **pair())
        assert done.large_tokens("random@small_only") == 0


class TestResuming:
    async def test_what_is_done_is_not_done_again(self, tmp_path: Path) -> None:
        first = await aevaluate(PROBLEMS, ALONE, out=tmp_path, **pair())
        models = pair()
        again = await aevaluate(PROBLEMS, ALONE, out=tmp_path, **models)
        assert calls(models) == (0, 0)
        assert list(again.results) == list(first.results)

    async def test_a_further_policy_and_further_problems(self, tmp_path: Path) -> None:
        await aevaluate(PROBLEMS[:3], ALONE, out=tmp_path, **pair())
        models = pair()
        done = await aevaluate(PROBLEMS, [*ALONE, "specreason"], out=tmp_path, **models)
        assert set(models["large"].calls[:4]) <= {problem.id for problem in PROBLEMS}
        assert calls(models)[0] == 3 + 6 * 3
        assert len(done.results) == 18

    async def test_a_torn_last_line_is_passed_over(self, tmp_path: Path) -> None:
        await aevaluate(PROBLEMS[:3], ALONE, out=tmp_path, **pair())
        file = tmp_path / "results.jsonl"
        file.write_bytes(file.read_bytes()[:-40])
        models = pair()
        done = await aevaluate(PROBLEMS[:3], ALONE, out=tmp_path, **models)
        assert (len(done.results), sum(calls(models))) == (6, 1)
        assert len(read_results(file)) == 6

    async def test_a_damaged_line_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "results.jsonl").write_text('{"v": 1, "data": "x"}\n')
        with pytest.raises(ValueError, match=r"results.jsonl, line 1: this line lacks: problem"):
            await aevaluate(PROBLEMS, ALONE, out=tmp_path, **pair())

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"temperature": 0.6}, "sampling: temperature 0.0 then, 0.6 now"),
            ({"budget": Budget(usd=None, large_calls=3)}, "budget: "),
            ({"small": solver("other")}, "models: small"),
            ({"problems": PROBLEMS[:1]}, "data: 2 problems then, 1 now"),
            ({"problems": PROBLEMS[1:4]}, "data: other problems"),
            (
                {"problems": ProblemSet("other", PROBLEMS[:2], digest(PROBLEMS[:2]))},
                "data: 'problems' then, 'other' now",
            ),
        ],
    )
    async def test_runs_of_other_circumstances_are_refused(
        self, tmp_path: Path, changed: dict[str, Any], told: str
    ) -> None:
        await aevaluate(PROBLEMS[:2], ALONE, out=tmp_path, **pair())
        models = pair()
        arguments = {"problems": PROBLEMS[:2], "policies": ALONE, "out": tmp_path, **models, **changed}
        with pytest.raises(ValueError, match=told):
            await aevaluate(**arguments)
        assert calls(models) == (0, 0)

    async def test_a_stop_from_outside_keeps_what_is_there(self, tmp_path: Path) -> None:
        class Enough(Exception):
            pass

        def stop(run: RunResult, standing: Standing) -> None:
            if standing.made == 3:
                raise Enough

        with pytest.raises(Enough):
            await aevaluate(PROBLEMS, ALONE, out=tmp_path, on_item=stop, concurrency=2, **pair())
        there = len(read_results(tmp_path / "results.jsonl"))
        assert there in (3, 4)  # the other of the two may have been through
        models = pair()
        await aevaluate(PROBLEMS, ALONE, out=tmp_path, **models)
        assert sum(calls(models)) == 12 - there


class TestRecordings:
    async def test_a_second_policy_costs_only_what_differs(self, tmp_path: Path) -> None:
        await aevaluate(PROBLEMS, ["small_only"], recordings=tmp_path, **pair())
        models = pair()
        done = await aevaluate(PROBLEMS, ["specreason"], recordings=tmp_path, **models)
        assert calls(models) == (0, 18)  # every step is the one that small_only wrote; only the scores are new
        assert done.accuracy("specreason") == 4 / 6

    async def test_a_replay_needs_no_model(self, tmp_path: Path) -> None:
        first = await aevaluate(PROBLEMS, [*ALONE, "default"], recordings=tmp_path, **pair())
        models = pair(down=tuple(problem.id for problem in PROBLEMS))
        again = await aevaluate(PROBLEMS, [*ALONE, "default"], recordings=tmp_path, replay_only=True, **models)
        assert calls(models) == (0, 0)
        assert [(run.key, run.answer, run.large_tokens) for run in again.results] == [
            (run.key, run.answer, run.large_tokens) for run in first.results
        ]

    async def test_a_replay_says_what_is_not_recorded(self, tmp_path: Path) -> None:
        await aevaluate(PROBLEMS[:2], ["small_only"], recordings=tmp_path, **pair())
        with pytest.raises(
            RecordingMissing, match=r"'small_only' on the problem 'sum-3': Not recorded: what scripted:l"
        ):
            await aevaluate(PROBLEMS[:3], ["small_only"], recordings=tmp_path, replay_only=True, **pair())

    async def test_a_recording_that_ends_too_soon_is_missing_and_no_broken_reply(self, tmp_path: Path) -> None:
        await aevaluate(PROBLEMS[:1], ["small_only"], recordings=tmp_path, **pair())
        (whole,) = RecordingStore(tmp_path)
        begun = new_recording(
            whole.prompt, whole.start, [next(whole.rest(whole.start))], ended=False, tokens_in=1, unseen=0
        )
        assert begun is not None
        torn = RecordingStore(append_to=tmp_path / "torn.jsonl")
        torn.add(begun)
        with pytest.raises(RecordingMissing, match=f"'small_only' on the problem {PROBLEMS[0].id!r}: Not recorded"):
            await aevaluate(PROBLEMS[:1], ["small_only"], recordings=torn.append_to, replay_only=True, **pair())

    async def test_samples_are_told_apart_by_their_seeds(self, tmp_path: Path) -> None:
        models = pair()
        for _ in range(2):
            await aevaluate(
                PROBLEMS[:1], ["small_only"], samples=2, temperature=0.6, recordings=tmp_path / "r.jsonl", **models
            )
        assert calls(models) == (2, 0)

    async def test_a_model_of_unknown_weights(self, tmp_path: Path) -> None:
        models = {**pair(), "large": Solver(trigreason_card=replace(CARD, name="big"))}
        done = await aevaluate(PROBLEMS[:1], ALONE, recordings=tmp_path, **models)
        assert done.notes == (
            "what scripted:big writes is not recorded: digest=: what scripted:big writes is kept under the SHA-256 of "
            "its weights; give it",
        )
        with pytest.raises(NotRecordable, match="large= cannot be replayed"):
            await aevaluate(PROBLEMS[:1], ALONE, recordings=tmp_path, replay_only=True, **models)


class TestFailures:
    async def test_a_provider_that_fails_is_a_row_and_is_tried_again(self, tmp_path: Path) -> None:
        done = await aevaluate(PROBLEMS, ["large_only"], out=tmp_path, **pair(down=("sum-2",)))
        failed = done.of("large_only")[1]
        assert failed.outcome["kind"] == "model_error"
        assert "the server says no" in failed.outcome["detail"]
        models = pair()
        again = await aevaluate(PROBLEMS, ["large_only"], out=tmp_path, **models)
        assert models["large"].calls == ["sum-2"]
        assert again.of("large_only")[1].right

    async def test_also_where_the_small_model_went_on_alone(self) -> None:
        models = {**pair(), "large": solver("big", down=("sum-1",))}
        done = await aevaluate(PROBLEMS[:1], ["early_only(1)"], **models)
        run = done.results[0]
        assert (run.answer, run.outcome["kind"]) == ("2", "model_error")

    async def test_a_model_that_is_down_ends_the_evaluation(self, tmp_path: Path) -> None:
        models = pair(down=tuple(problem.id for problem in PROBLEMS))
        with pytest.raises(ModelsFailing, match="a model failed in 5 runs in a row"):
            await aevaluate(PROBLEMS, ALONE, out=tmp_path, **models)
        assert len(read_results(tmp_path / "results.jsonl")) == 5

    async def test_a_fault_of_a_trigger_says_where(self) -> None:
        class Broken:
            name, when = "broken", "step"

            def check(self, view: Any) -> Any:
                raise RuntimeError("oh")

        from trigreason_graph import Policy

        with pytest.raises(RuntimeError, match="oh") as raised:
            await aevaluate(PROBLEMS, [Policy("mine", (Broken(),))], **pair())  # type: ignore[arg-type]
        assert "in the run of 'mine' on the problem 'sum-1'" in raised.value.__notes__

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ({"problems": []}, "holds no problem"),
            ({"problems": [PROBLEMS[0], PROBLEMS[0]]}, "two problems have the id 'sum-1'"),
            ({"policies": []}, "must be a list"),
            ({"policies": "default"}, "must be a list"),
            ({"policies": ["nonesuch"]}, "there is no policy 'nonesuch'"),
            ({"policies": ["default", "default"]}, "two are called 'default'"),
            ({"policies": ["random@default"]}, "needs 'default' among the policies"),
            ({"policies": ["default", "random@default"]}, "needs 'small_only'"),
            ({"policies": [*ALONE, "paper@small_only"]}, "only random and early_only can be matched"),
            ({"policies": [*ALONE, "random@small_only", "random@random@small_only"]}, "itself matched"),
            ({"policies": ["paper(3)"]}, "'paper' takes no parameter"),
            ({"policies": ["random(2)"]}, r"'random\(2\)': .*p"),
            ({"policies": ["early_only(x)"]}, "early_only"),
            ({"policies": ["self_consistency(1)"]}, "votes must be from 2"),
            ({"samples": 0}, "samples="),
            ({"samples": 2}, "samples=2 at temperature 0"),
            ({"temperature": 3}, "temperature="),
            ({"top_p": 0.0}, "top_p="),
            ({"seed": -1}, "seed="),
            ({"concurrency": 0}, "concurrency="),
            ({"replay_only": True}, "needs recordings="),
            ({"replay_only": True, "recordings": "nowhere"}, "nothing at that place"),
            ({"small": None}, "small= is missing"),
            ({"large": "nonesuch:model"}, "unknown provider"),
            ({"budget": Budget(usd=0.01), "large": paid()["large"]}, "budget="),
        ],
        ids=str,
    )
    async def test_bad_arguments_before_any_call(self, arguments: dict[str, Any], told: str) -> None:
        models = pair()
        with pytest.raises(ValueError, match=told):
            await aevaluate(**{"problems": PROBLEMS, "policies": ALONE, **models, **arguments})
        assert calls(models) == (0, 0)

    async def test_questions_of_a_private_set_are_not_recorded(self, tmp_path: Path) -> None:
        private = ProblemSet("gpqa", PROBLEMS, digest(PROBLEMS), private=True)
        with pytest.raises(ValueError, match="must not be written down"):
            await aevaluate(private, ALONE, recordings=tmp_path, **pair())
        done = await aevaluate(private, ["small_only"], out=tmp_path, **pair())
        assert done.accuracy("small_only") == 4 / 6
        assert "What is" not in (tmp_path / "results.jsonl").read_text()

    async def test_a_model_that_is_not_there(self) -> None:
        with pytest.raises(ModelNotReady):
            await aevaluate(PROBLEMS, ALONE, small="embedded:small", large="embedded:large")


class TestProgress:
    async def test_how_things_stand(self, tmp_path: Path) -> None:
        await aevaluate(PROBLEMS[:1], ALONE, out=tmp_path, **pair())
        told: list[Standing] = []
        await aevaluate(PROBLEMS, ALONE, out=tmp_path, on_item=lambda run, standing: told.append(standing), **pair())
        assert [(one.done, one.total) for one in told] == [(count, 12) for count in range(3, 13)]
        assert told[-1].by_policy == {"small_only": (3, 5), "large_only": (4, 5)}
        assert (told[-1].right, told[-1].failed, told[-1].seconds_left) == (7, 0, 0)
        assert told[0].seconds_left is not None
        assert told[0].seconds_left > 0

    async def test_so_many_runs_at_once_and_so_many_calls(self) -> None:
        running: set[int] = set()
        most: list[int] = []

        class Counting(Solver):
            async def _astream(self, *arguments: Any, **options: Any) -> Any:
                running.add(id(options))
                most.append(len(running))
                await asyncio.sleep(0.01)
                async for chunk in super()._astream(*arguments, **options):
                    yield chunk
                running.discard(id(options))

        from trigreason_graph.models import ReasoningModel

        models = pair()
        counting = Counting(trigreason_card=models["small"].trigreason_card)
        await aevaluate(PROBLEMS, ["small_only"], small=counting, large=models["large"], concurrency=3)
        assert max(most) == 3
        most.clear()
        bounded = ReasoningModel(inner=counting, max_concurrency=1)
        await aevaluate(PROBLEMS, ["small_only"], small=bounded, large=models["large"], concurrency=3)
        assert max(most) == 1


def test_a_gate_in_ones_own_ci() -> None:
    """What a user's test may look like."""
    done: Evaluation = evaluate(PROBLEMS, ["small_only", "large_only", "default"], **pair())
    assert done.accuracy("default") >= done.accuracy("small_only")
    assert (done.large_share("default") or 0) < 1.5
    assert done.cost("default") == 0


async def test_answers_compared_otherwise_do_not_stand_beside_each_other(tmp_path: Path) -> None:
    texts = tuple(replace(one, kind="text") for one in PROBLEMS[:2])
    as_text = ProblemSet("problems", texts, digest(texts))
    await aevaluate(as_text, ALONE, out=tmp_path, **pair())
    with pytest.raises(ValueError, match="answers: compared as text then, as number now"):
        await aevaluate(PROBLEM_SET, ALONE, out=tmp_path, **pair())
    own = replace(PROBLEM_SET, checker=lambda stated, right: stated == right)
    with pytest.raises(ValueError, match=r"compared as text then, as .*lambda.* now"):
        await aevaluate(own, ALONE, out=tmp_path, **pair())
    assert (await aevaluate(as_text, ALONE, out=tmp_path, **pair())).open == 0


async def test_two_processes_do_not_pay_for_the_same_runs(tmp_path: Path) -> None:
    models = pair()
    with only_writer(tmp_path) as ours:
        assert ours
        with pytest.raises(ValueError, match="out=: another evaluation is at work in"):
            await aevaluate(PROBLEMS[:1], ALONE, out=tmp_path, **models)
    assert calls(models) == (0, 0)
    assert (await aevaluate(PROBLEMS[:1], ALONE, out=tmp_path, **models)).open == 0


async def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    with only_writer(tmp_path) as ours:
        assert ours


def test_a_dry_run_leaves_nothing_behind(tmp_path: Path) -> None:
    evaluate(PROBLEMS[:1], ALONE, out=tmp_path, dry_run=True, **pair())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"out=: .* cannot be written to"):
        evaluate(PROBLEMS[:1], ALONE, out="/proc/nowhere/here", **pair())


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_folder_that_cannot_be_written_to_is_found_first(tmp_path: Path, dry_run: bool) -> None:
    file, models = tmp_path / "file", pair()
    file.write_text("mine")
    with pytest.raises(ValueError, match=r"out=: .*file cannot be written to: "):
        await aevaluate(PROBLEMS[:1], ALONE, out=file, dry_run=dry_run, **models)
    assert calls(models) == (0, 0)


async def test_circumstances(tmp_path: Path) -> None:
    command = [
        "trigreason",
        "evaluate",
        "/home/me/data.jsonl",
        "--large",
        "vllm:m@http://host:1/v1",
        "--key=sk-abcdefghij12",
    ]
    done = await aevaluate(PROBLEMS[:1], ALONE, out=tmp_path, command=command, **pair())
    first = json.loads((tmp_path / "results.jsonl").read_text().splitlines()[0])["provenance"]
    assert first == done.provenance
    assert first["command"] == "trigreason evaluate data.jsonl --large vllm:m --key=[key]"
    assert first["models"]["small"] == {
        "name": "scripted:little",
        "digest": pair()["small"].trigreason_card.digest,
        "style": "prefill",
    }
    assert first["data"] == {"name": "problems", "sha256": digest(PROBLEMS[:1]), "problems": 1, "compared": "number"}
    assert first["sampling"] == {"temperature": 0.0, "top_p": None, "samples": 1, "seed": 0}
    assert set(first["policies"]) == set(ALONE)
    assert {"python", "trigreason-graph", "langgraph"} <= set(first["versions"])
    assert set(first["machine"]) == {"system", "processor", "cores"}
