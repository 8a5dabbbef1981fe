"""Calibration: thresholds from a share and the SRM's own traces."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.outputs import ChatGenerationChunk
from pydantic import PrivateAttr
from typer.testing import CliRunner

from tests.test_tuning_replay import recorded_traces
from tests.views import step
from trigreason_graph.cli.app import app
from trigreason_graph.cli.tune import answered
from trigreason_graph.cli.tuning import price_of
from trigreason_graph.evaluation import read_problems
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.models.prices import Price
from trigreason_graph.models.resolve import resolve_model
from trigreason_graph.policies import SHIPPED, Policy, dump_policy, load_policy, resolve_policy
from trigreason_graph.policies.resolve import PAIRS
from trigreason_graph.state import Step
from trigreason_graph.testing import ScriptedModel
from trigreason_graph.triggers import CognitiveOffload, Limit, RandomChoice
from trigreason_graph.tuning import Calibration, Question, Trace, acalibrate, calibrate, fit_policy, read_questions
from trigreason_graph.tuning.knobs import between, cut_at, cuts, knobs_of
from trigreason_graph.tuning.mixture import fit_mixture
from trigreason_graph.tuning.questions import as_questions, hash_of
from trigreason_graph.tuning.traces import write_traces

ROOT = Path(__file__).parent.parent
RECORDINGS = ROOT / "benchmarks" / "recordings" / "trigger_quality.jsonl"
OFFLOAD = Policy("offload", (CognitiveOffload(text="never"),))


def made(problems: int, seed: int = 0, tokens: int = 150) -> list[Trace]:
    """Traces whose steps differ in their share of certain tokens."""
    chance = random.Random(seed)

    def one() -> Step:
        sure = chance.betavariate(8, 3)
        return step("A step.", nats=[10 if chance.random() < sure else 900 for _ in range(tokens)], tokens=tokens)

    return [Trace(str(id), f"Question {id}?", [one() for _ in range(chance.randint(3, 12))]) for id in range(problems)]


class TestCuts:
    def test_between_neighbours(self) -> None:
        assert cuts([0.2, 0.4, 0.4, 0.8]) == [(0.8, 0.0), (0.6, 0.25), (0.3, 0.75), (0.199, 1.0)]
        assert cut_at(cuts([0.2, 0.4, 0.4, 0.8]), 0.3) == 0.6
        assert cuts([]) == []

    def test_the_shortest_decimal(self) -> None:
        assert between(0.84, 0.86) == 0.85
        assert between(0.8571, 0.8572) == 0.85715
        assert between(1.0, 1.0 + 1e-15) > 1.0 or between(1.0, 1.0 + 1e-15) == (1.0 + (1.0 + 1e-15)) / 2


class TestFit:
    @pytest.mark.parametrize(
        ("target", "unit"), [(0.05, "steps"), (0.2, "large_tokens"), (0.5, "steps"), (0.9, "steps")]
    )
    def test_the_target_is_met_on_the_sample(self, target: float, unit: Any) -> None:
        found = fit_policy(made(60), policy=OFFLOAD, escalation=target, unit=unit)
        assert found.share.value == pytest.approx(target, rel=0.1)

    def test_and_on_further_problems_where_that_is_promised(self) -> None:
        from trigreason_graph.tuning import Replay

        found = fit_policy(made(200), policy=OFFLOAD, escalation=0.2)
        assert found.promised
        assert "as replay counts it, will be within 20% of 0.2" in found.verdict
        assert Replay(made(1_000, seed=1)).share(found.policy) == pytest.approx(0.2, rel=0.2)

    def test_a_small_sample_promises_nothing_and_says_how_much_is_needed(self) -> None:
        found = fit_policy(made(12), policy=OFFLOAD, escalation=0.2)
        assert found.promised is False
        assert found.needed is not None
        assert 20 <= found.needed <= 500
        assert "too small to promise" in found.verdict
        assert f"About {found.needed} problems" in found.verdict
        assert found.policy.evidence is not None
        assert found.verdict in found.policy.evidence.notes

    def test_a_step_that_counts_twice_and_limits_are_seen(self) -> None:
        twice = Policy("twice", (CognitiveOffload(text="never", steps=2),))
        assert fit_policy(made(60), policy=twice, escalation=0.3).share.value == pytest.approx(0.3, rel=0.05)
        once = replace(OFFLOAD, limits=(Limit("cognitive_offload", most=1),))
        with pytest.raises(ValueError, match=r"escalation=0.9 is out of the reach of policy 'offload'.*nearest"):
            fit_policy(made(60), policy=once, escalation=0.9)

    def test_tau_falls_where_nearly_all_tokens_are_certain(self) -> None:
        chance = random.Random(0)

        def sure() -> Step:
            return step("A step.", nats=[chance.randint(0, 40) for _ in range(20)])

        traces = [Trace(str(id), "?", [sure() for _ in range(8)]) for id in range(40)]
        found = fit_policy(traces, policy=OFFLOAD, escalation=0.2)
        assert found.thresholds["cognitive_offload.tau"] < 1.05
        assert found.share.value == pytest.approx(0.2, rel=0.2)

    def test_several_thresholds_move_together(self) -> None:
        both = Policy("both", (CognitiveOffload(text="never", ceiling=9.0),))
        found = fit_policy(made(60), policy=both, escalation=0.3)
        assert found.share.value == pytest.approx(0.3, rel=0.05)
        assert set(found.thresholds) == {f"cognitive_offload.{field}" for field in ("tau", "rho", "ceiling")}

    def test_dollars(self) -> None:
        found = fit_policy(made(60), policy=OFFLOAD, escalation=0.2, unit="usd", price=Price(0.28, 0.42, 0.028))
        assert found.share.value == pytest.approx(0.2, rel=0.15)
        assert found.share.value is not None
        assert "dollars" in found.verdict

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"escalation": 0}, "above 0 and below 1"),
            ({"escalation": None}, 'method="mixture" only'),
            ({"unit": "euros"}, "unit must be one of steps, large_tokens, usd"),
            ({"method": "magic"}, "method must be one of quantile, mixture"),
            ({"unit": "usd"}, "needs the price"),
            ({"policy": "small_only"}, "'small_only' has no threshold"),
            ({"policy": Policy("dice", (RandomChoice(),))}, "it needs the trigger cognitive_offload"),
        ],
    )
    def test_what_cannot_be_used(self, options: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError) as caught:
            fit_policy(made(20), **{"policy": OFFLOAD, **options})
        assert said in str(caught.value)

    def test_no_log_probabilities(self) -> None:
        with pytest.raises(ValueError, match="reports no log-probabilities"):
            fit_policy([Trace("a", "?", [step("One.")])], policy=OFFLOAD)
        with pytest.raises(ValueError, match="no problems"):
            fit_policy([], policy=OFFLOAD)


class TestMixture:
    def test_two_kinds_are_told_apart(self) -> None:
        chance = random.Random(0)
        values = [chance.gauss(0.5, 0.05) for _ in range(300)] + [chance.gauss(0.9, 0.03) for _ in range(100)]
        mixture = fit_mixture(values)
        assert 0.6 < mixture.boundary < 0.85
        assert mixture.weights[1] == pytest.approx(0.25, abs=0.03)
        assert mixture.above(mixture.threshold_at(0.1)) == pytest.approx(0.1)

    def test_for_a_share_and_for_the_boundary(self) -> None:
        found = fit_policy(made(60), policy=OFFLOAD, escalation=0.2, method="mixture")
        assert found.share.value == pytest.approx(0.2, rel=0.3)
        bound = fit_policy(made(60), policy=OFFLOAD, escalation=None, method="mixture")
        assert (bound.promised, bound.target, bound.policy.name) == (None, None, "offload-mixture")

    def test_too_few_steps(self) -> None:
        with pytest.raises(ValueError, match="at least 20 judged steps"):
            fit_mixture([0.1, 0.2, 0.3])


class TestSpaces:
    async def test_a_rate_carries_over_where_a_threshold_does_not(self) -> None:
        """The same texts with raw probabilities and at temperature 0.6."""
        from trigreason_graph.tuning import Replay

        policy = SHIPPED["default"]
        cooler = replace(policy, probabilities_at=0.6)
        raw, cool = await recorded_traces("svamp_dev_60", policy), await recorded_traces("svamp_dev_60", cooler)
        assert [one.steps[0]["text"] for one in raw] == [one.steps[0]["text"] for one in cool]
        assert Replay(cool).share(policy) > 1.5 * Replay(raw).share(policy)
        here, there = fit_policy(raw, policy=policy), fit_policy(cool, policy=cooler)
        assert there.thresholds["cognitive_offload.rho"] > here.thresholds["cognitive_offload.rho"]
        assert here.share.value == pytest.approx(0.2, rel=0.05)
        assert there.share.value == pytest.approx(0.2, rel=0.05)


class TestCalibrate:
    def test_what_is_recorded_is_never_written_again(self, tmp_path: Path) -> None:
        texts = ["First we add 2 and 3.\n\nThat is \\boxed{5}."] * 2
        policy = Policy("p", (CognitiveOffload(text="never"),))
        model = ScriptedModel(script=texts)
        with pytest.raises(ValueError, match="out of the reach"):
            calibrate(["2 + 3?", "3 + 2?"], small=model, policy=policy, recordings=tmp_path / "r.jsonl")
        assert len(RecordingStore(tmp_path / "r.jsonl")) == 2
        again = ScriptedModel(script=[])
        with pytest.raises(ValueError, match="out of the reach"):
            calibrate(["2 + 3?", "3 + 2?"], small=again, policy=policy, recordings=tmp_path / "r.jsonl")

    async def test_several_problems_at_once(self) -> None:
        class Meeting(ScriptedModel):
            """Writes nothing before it is asked twice."""

            _asked: asyncio.Barrier = PrivateAttr(default_factory=lambda: asyncio.Barrier(2))

            async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
                async with asyncio.timeout(10):
                    await self._asked.wait()
                async for chunk in super()._astream(*args, **kwargs):
                    yield chunk

        model = Meeting(script=["That is 5.\n\nAnswer: 5"] * 4)
        questions = as_questions(["2 + 3?", "3 + 2?", "4 + 1?", "1 + 4?"])
        begun: list[tuple[int, int]] = []
        traces = await write_traces(
            questions,
            resolve_model(model, "small"),
            OFFLOAD,
            lambda before, of, question: begun.append((before, of)),
            concurrency=2,
        )
        assert [trace.question for trace in traces] == [question.question for question in questions]
        assert begun == [(0, 4), (1, 4), (2, 4), (3, 4)]
        with pytest.raises(ValueError, match="concurrency= must be a whole number from 1, not 0"):
            await acalibrate(["2 + 3?"], small=model, concurrency=0)

    async def test_traces_need_no_model(self) -> None:
        found = await acalibrate(made(60), policy=OFFLOAD)
        assert found.policy.made_for is None
        with pytest.raises(ValueError, match="small= is missing"):
            await acalibrate(["2 + 3?"], policy=OFFLOAD)

    def test_its_file_comes_back(self, tmp_path: Path) -> None:
        found = fit_policy(made(60), policy=OFFLOAD, command="trigreason calibrate x.jsonl", data=["x"])
        (tmp_path / "x.toml").write_text(dump_policy(found.policy))
        assert load_policy(tmp_path / "x.toml") == found.policy
        assert found.policy.name == "offload-20"


class TestShipped:
    async def test_the_pairs_policy_is_derived_again_from_its_recordings(self) -> None:
        """Without a model: by the same code as its command, which stands in the file."""
        shipped = load_policy(PAIRS / "embedded-20.toml")
        assert shipped.evidence is not None
        traces = [trace for name in shipped.evidence.data for trace in await recorded_traces(name, SHIPPED["default"])]
        found: Calibration = fit_policy(
            traces,
            policy="default",
            escalation=0.2,
            made=shipped.made_for,
            command=shipped.evidence.command,
            data=shipped.evidence.data,
            name="embedded-20",
        )
        assert dump_policy(found.policy) == (PAIRS / "embedded-20.toml").read_text(encoding="utf-8")
        assert resolve_policy("embedded-20") == shipped


class TestQuestions:
    def test_answers_are_not_needed(self, tmp_path: Path) -> None:
        path = tmp_path / "p.jsonl"
        path.write_text('{"question": "One?"}\n\n{"id": "b", "question": "Two?", "answer": "2"}\n')
        assert read_questions(path) == [Question("p-0", "One?"), Question("b", "Two?")]
        assert len(read_questions(path, limit=1)) == 1
        assert hash_of(as_questions(["One?"])) == hash_of([Question("1", "One?")])

    def test_a_set_that_must_not_be_published_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "p.jsonl"
        wrong = {f"Incorrect Answer {number}": f"wrong {number}" for number in (1, 2, 3)}
        path.write_text(json.dumps({"Record ID": "r", "Question": "Which?", "Correct Answer": "right", **wrong}))
        for read in (read_questions, answered):
            with pytest.raises(ValueError, match="gpqa_diamond: its questions must not be published"):
                read(f"gpqa_diamond={path}")

    def test_what_evaluate_reads_is_read_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / "p.csv"
        path.write_text("qid,prompt,A,B\n7,Which?,this,that\n")
        asked = "Which?\n\n(A) this\n(B) that\n\nAnswer with the letter of the right option."
        assert read_questions(path) == [Question("7", asked)]
        path.write_text("qid,prompt,A,B,answer\n7,Which?,this,that,B\n")
        (problem,) = read_problems(path).problems
        assert problem.question == asked

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "has no problems in it"),
            ("{", "line 1: this is not JSON"),
            ('{"id": "a"}', "line 1: its question is missing"),
            ('{"id": "a", "question": "x"}\n{"id": "a", "question": "y"}', 'line 2: an earlier problem has the id "a"'),
        ],
    )
    def test_mistakes_name_the_line(self, text: str, said: str, tmp_path: Path) -> None:
        path = tmp_path / "p.jsonl"
        path.write_text(text)
        with pytest.raises(ValueError) as caught:
            read_questions(path)
        assert said in str(caught.value)
        with pytest.raises(ValueError, match="neither a file nor a named set"):
            read_questions(tmp_path / "gone.jsonl")


class TestCommand:
    def run(self, tmp_path: Path, *arguments: str) -> Any:
        copy = tmp_path / "recordings.jsonl"
        copy.write_bytes(RECORDINGS.read_bytes())
        data = str(ROOT / "benchmarks" / "data" / "svamp_dev_60.jsonl")
        env = {"COLUMNS": "140", "TRIGREASON_SMALL": "embedded:small"}
        return CliRunner().invoke(app, ["calibrate", data, "--recordings", str(copy), *arguments], env=env)

    @pytest.fixture(autouse=True)
    def _no_fetching(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Everything is recorded, so that the weights are not needed."""
        import trigreason_graph.cli.embedded

        monkeypatch.setattr(trigreason_graph.cli.embedded, "unfetched", lambda models: [])

    def test_a_policy_file_that_can_be_used(self, tmp_path: Path) -> None:
        out = tmp_path / "mine.toml"
        result = self.run(tmp_path, "--escalation", "0.2", "--out", str(out))
        assert result.exit_code == 0, result.stderr
        assert "cognitive_offload.rho = 0.8" in result.stdout
        assert "too small to promise" in result.stdout
        policy = load_policy(out)
        assert policy.made_for is not None
        assert policy.made_for.small is not None
        assert policy.made_for.small.name == "embedded:small"
        assert policy.made_for.logprobs == "raw"

    def test_as_json(self, tmp_path: Path) -> None:
        told = json.loads(self.run(tmp_path, "--unit", "usd", "--price", "1,4,0.1", "--limit", "20", "--json").stdout)
        assert told["unit"] == "usd"
        assert told["share"]["value"] == pytest.approx(0.2, rel=0.2)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--escalation", "much"], "--escalation much: a share such as 0.2"),
            (["--out", "policy.json"], 'ends in ".toml"'),
            (["--unit", "usd"], "--unit usd needs --large"),
            (["--unit", "usd", "--large", "embedded:large"], "the price of embedded:large is 0"),
            (["--unit", "usd", "--price", "cheap"], "write it as IN,OUT"),
        ],
    )
    def test_mistakes(self, arguments: list[str], said: str, tmp_path: Path) -> None:
        result = self.run(tmp_path, *arguments)
        assert result.exit_code == 2
        assert said in result.stderr

    def test_prices(self) -> None:
        assert price_of("1,2", None) == Price(1, 2)
        assert price_of("1,2,0.1", None) == Price(1, 2, 0.1)
        for wrong in ("1", "1,2,3,4", "a,b", "0,0"):
            with pytest.raises(ValueError, match=f"--price {wrong}"):
                price_of(wrong, None)


def test_knobs_are_the_thresholds_in_force() -> None:
    fields = [knob.name for knob in knobs_of(Policy("p", (CognitiveOffload(rho=1.0, first_token=1.0),)))]
    assert fields == ["cognitive_offload.first_token"]
