"""Policies: validation, settings by name, files, and whatever users pass as policy=."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trigreason_graph.policies as face
from tests.views import step, view
from trigreason_graph.policies import (
    SHIPPED,
    Policy,
    dump_policy,
    early_only,
    load_policy,
    paper_policy,
    random_policy,
    read_policy,
    resolve_policy,
)
from trigreason_graph.triggers import (
    ArithmeticCheck,
    CognitiveOffload,
    InterventionRequest,
    Limit,
    RandomChoice,
    Signal,
    StrategicInitiation,
    View,
    When,
)
from trigreason_graph.triggers.base import JudgeCall


@dataclass(frozen=True)
class Grader:
    """A judge."""

    least: int = 7
    name: ClassVar[str] = "grader"

    async def judge(self, view: View, call: JudgeCall) -> Signal | None:
        return None


@dataclass(frozen=True)
class Watcher:
    """A trigger of a user's own that watches a draft grow."""

    limit: int = 3
    name: ClassVar[str] = "watcher"
    when: ClassVar[When] = "partial"

    def check(self, view: View) -> Signal | None:
        return None


class Plain:
    """A trigger that is no dataclass."""

    name = "plain"
    when: When = "step"

    def check(self, view: View) -> Signal | None:
        return None


PAPER_REQUEST = InterventionRequest(
    words="paper", languages=("en",), repeats=False, loops=False, circles=False, same_conclusion=None
)


class TestPolicy:
    def test_from_a_list_of_triggers(self) -> None:
        start, offload = StrategicInitiation(), CognitiveOffload()
        policy = Policy.from_triggers([offload, start, Watcher()], segment="blank_line")
        assert policy.initiation is start
        assert policy.triggers == (offload, Watcher())
        assert (policy.name, policy.segment) == ("custom", "blank_line")
        assert Policy.from_triggers([]).initiation is None

    def test_a_judge_forces_one_step_at_a_time(self) -> None:
        assert Policy("p", (CognitiveOffload(),), commit_every=5).run_length == 5
        assert Policy("p", (CognitiveOffload(), Grader()), commit_every=5).run_length == 1

    def test_growing_drafts_are_watched_only_where_somebody_looks(self) -> None:
        assert Policy("p", (Watcher(),)).watches_growing_drafts
        assert not Policy("p", (CognitiveOffload(), Grader())).watches_growing_drafts

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"name": ""}, "name"),
            ({"commit_every": 0}, "commit_every"),
            ({"commit_every": 1.5}, "commit_every"),
            ({"segment": "lines"}, "segment"),
            ({"answer_by": "both"}, "answer_by"),
            ({"initiation": "blueprint"}, "initiation"),
            ({"probabilities_at": 0}, "probabilities_at"),
            ({"limits": ("cognitive_offload",)}, "limits"),
            ({"limits": (Limit("cognitive_offload"),)}, "limits name a trigger 'cognitive_offload'"),
            ({"triggers": (StrategicInitiation(),)}, "initiation="),
            ({"triggers": (CognitiveOffload,)}, "CognitiveOffload; pass an instance"),
            ({"triggers": ("cognitive_offload",)}, "'cognitive_offload'"),
            ({"triggers": (CognitiveOffload(), CognitiveOffload(rho=0.5))}, "two triggers are called"),
        ],
    )
    def test_bad_fields_are_named(self, fields: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match="Policy") as caught:
            Policy(**{"name": "p", **fields})
        assert said in str(caught.value)

    def test_only_one_initiation(self) -> None:
        with pytest.raises(ValueError, match="only one"):
            Policy.from_triggers([StrategicInitiation(), StrategicInitiation()])


class TestWithFields:
    policy = Policy.from_triggers(
        [StrategicInitiation(), CognitiveOffload(), InterventionRequest(), Watcher(), Grader()]
    )

    def test_fields_change_by_name(self) -> None:
        changed = self.policy.with_fields(
            {
                "cognitive_offload": {"rho": 0.9, "steps": None},
                "strategic_initiation": {"tokens": 60},
                "intervention_request": {"extra": ["oh dear"]},
                "watcher": {"limit": 4},
                "grader": {"least": 9},
            }
        )
        assert changed.triggers[0] == CognitiveOffload(rho=0.9, steps=None)
        assert changed.triggers[1] == InterventionRequest(extra=("oh dear",))
        assert changed.triggers[2:] == (Watcher(limit=4), Grader(least=9))
        assert changed.initiation == StrategicInitiation(tokens=60)
        assert self.policy.triggers[0] == CognitiveOffload()
        assert changed.name == self.policy.name

    def test_nothing_to_change(self) -> None:
        assert self.policy.with_fields({}) is self.policy

    @pytest.mark.parametrize(
        ("overrides", "said"),
        [
            ({"nope": {}}, "has no trigger 'nope'; it has: strategic_initiation, cognitive_offload"),
            ({"cognitive_offload": {"roh": 0.9}}, "has no field 'roh'; it has: tau, rho"),
            ({"cognitive_offload": {"name": "x"}}, "has no field 'name'"),
            ({"cognitive_offload": {"rho": 2}}, "cannot have rho=2: CognitiveOffload: rho"),
            ({"cognitive_offload": {"rho": "high"}}, "cannot have rho='high'"),
        ],
    )
    def test_mistakes_are_named(self, overrides: dict[str, dict[str, Any]], said: str) -> None:
        with pytest.raises(ValueError, match=r"^triggers: ") as caught:
            self.policy.with_fields(overrides)
        assert said in str(caught.value)

    def test_a_trigger_that_is_no_dataclass(self) -> None:
        with pytest.raises(ValueError, match="'plain' is not a dataclass"):
            Policy("p", (Plain(),)).with_fields({"plain": {"limit": 1}})
        assert Policy("p", (Plain(), Watcher())).with_fields({"watcher": {"limit": 1}}).triggers[1] == Watcher(1)

    def test_a_policy_without_triggers(self) -> None:
        with pytest.raises(ValueError, match="it has: none"):
            SHIPPED["small_only"].with_fields({"cognitive_offload": {}})


class TestShipped:
    def test_names(self) -> None:
        assert list(SHIPPED) == [
            "default",
            "paper",
            "paper-qwen3-0.6b",
            "small_only",
            "large_only",
            "one_way_handoff",
            "blueprint_handoff",
            "specreason",
            "glimprouter",
            "random",
            "early_only",
        ]
        assert all(name == policy.name for name, policy in SHIPPED.items())
        assert all(policy.description and policy.source for policy in SHIPPED.values())

    def test_the_default_keeps_the_papers_three_triggers_behind_the_free_check(self) -> None:
        default = SHIPPED["default"]
        assert default.initiation == StrategicInitiation(form="blueprint", tokens=120)
        assert [trigger.name for trigger in default.triggers] == [
            "arithmetic_check",
            "cognitive_offload",
            "intervention_request",
        ]

    def test_the_papers_values(self) -> None:
        paper = SHIPPED["paper"]
        assert paper.initiation == StrategicInitiation(form="prime", tokens=None, steps=20)
        offload, request = paper.triggers
        assert isinstance(offload, CognitiveOffload)
        assert (offload.tau, offload.rho, offload.min_tokens, offload.ceiling, offload.steps) == (
            1.05,
            0.85,
            0,
            None,
            1,
        )
        assert isinstance(request, InterventionRequest)
        assert (request.k, request.min_step, request.words, request.steps) == (3, 10, "paper", 1)
        assert (request.repeats, request.circles, request.same_conclusion) == (False, False, None)
        assert (request.loops, offload.text, offload.first_token, offload.route) == (False, "never", None, "rewrite")
        assert (paper.segment, paper.stop_on_repeat, paper.limits) == ("blank_line", True, ())
        assert paper.probabilities_at == 0.6

    def test_the_papers_numbers_for_the_other_small_model(self) -> None:
        assert SHIPPED["paper-qwen3-0.6b"].triggers == (CognitiveOffload(rho=0.75, text="never"), PAPER_REQUEST)
        assert paper_policy() == SHIPPED["paper"]
        with pytest.raises(ValueError, match="llama"):
            paper_policy("llama")

    def test_the_papers_order_and_verdicts(self) -> None:
        paper = SHIPPED["paper"]
        hesitant = [step("Wait, maybe.", nats=[10] * 9) for _ in range(11)]
        assert [one.name for one in paper.triggers if one.check(view(*hesitant))] == [  # type: ignore[union-attr]
            "cognitive_offload",
            "intervention_request",
        ]

    def test_baselines(self) -> None:
        small = SHIPPED["small_only"]
        assert (small.triggers, small.initiation) == ((), None)
        large = SHIPPED["large_only"]
        assert large.initiation == StrategicInitiation(form="prime", tokens=None, steps=None)
        assert (large.triggers, large.answer_by) == ((), "large")
        assert all(trigger.steps is None for trigger in SHIPPED["one_way_handoff"].triggers)  # type: ignore[union-attr]
        assert random_policy(p=0.5, seed=3).triggers == (RandomChoice(p=0.5, seed=3),)
        assert early_only(5).initiation == StrategicInitiation(form="prime", tokens=None, steps=5)


class TestFiles:
    @pytest.mark.parametrize("policy", SHIPPED.values(), ids=lambda policy: policy.name)
    def test_round_trip_of_what_ships(self, policy: Policy, tmp_path: Path) -> None:
        path = tmp_path / "policy.toml"
        path.write_text(dump_policy(policy), encoding="utf-8")
        assert load_policy(path) == policy
        assert load_policy(str(path)) == policy

    @given(
        st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
        st.floats(1.001, 5),
        st.integers(1, 99) | st.none(),
        st.lists(st.sampled_from(["oh dear", 'quo"te', "back\\slash", "等一下", "tab\there"]), max_size=3),
    )
    def test_round_trip_of_anything(self, text: str, tau: float, steps: int | None, extra: list[str]) -> None:
        policy = Policy(
            name=text,
            triggers=(CognitiveOffload(tau=tau, steps=steps), InterventionRequest(extra=tuple(extra))),
            description=text,
            limits=(Limit("cognitive_offload", most=steps, cooldown=2),),
            probabilities_at=None if steps else tau / 3,
        )
        assert read_policy(dump_policy(policy)) == policy

    def test_what_is_left_out_keeps_its_default(self, tmp_path: Path) -> None:
        path = tmp_path / "p.toml"
        path.write_text('schema = 1\nname = "mine"\n[[triggers]]\nname = "cognitive_offload"\nsteps = "none"\n')
        assert load_policy(path) == Policy("mine", (CognitiveOffload(steps=None),))
        path.write_text('schema = 1\nname = "mine"\n[initiation]\n')
        assert load_policy(path) == Policy("mine", initiation=StrategicInitiation())

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('name = "x"', "schema must be 1, not 'missing'"),
            ('schema = 2\nname = "x"', "schema must be 1, not 2"),
            ("schema = 1", "the key 'name' is missing"),
            ('schema = 1\nname = "x"\nsegmant = "adaptive"', "unknown key 'segmant'; known: schema, name"),
            ('schema = 1\nname = "x"\nsegment = "lines"', "segment must be"),
            ('schema = 1\nname = "x"\ninitiation = "prime"', "[initiation]"),
            ('schema = 1\nname = "x"\n[initiation]\nform = "plan"', "form must be"),
            ('schema = 1\nname = "x"\n[initiation]\ntoken = 3', "has no field 'token'; it has: form, tokens"),
            ('schema = 1\nname = "x"\n[triggers]\nrho = 1', "[[triggers]]"),
            ('schema = 1\nname = "x"\n[[triggers]]\nrho = 1', "unknown trigger None"),
            ('schema = 1\nname = "x"\n[[triggers]]\nname = "nope"', "unknown trigger 'nope'; known: arithmetic_check"),
            ('schema = 1\nname = "x"\n[[triggers]]\nname = ["nope"]', "unknown trigger ['nope']"),
            ('schema = 1\nname = "x"\n[[triggers]]\nname = "strategic_initiation"', "[initiation]"),
            ('schema = 1\nname = "x"\n[[triggers]]\nname = "cognitive_offload"\nroh = 1', "has no field 'roh'"),
            ('schema = 1\nname = "x"\n[[triggers]]\nname = "cognitive_offload"\nrho = 3', "rho must be"),
            ('schema = 1\nname = "x"\n[limits]\nmost = 1', "[[limits]]"),
            ('schema = 1\nname = "x"\n[[limits]]\nmost = 1', "a limit must name its trigger"),
            ('schema = 1\nname = "x"\n[[limits]]\ntriger = "a"', "no field 'triger'; it has: trigger, most, cooldown"),
            ('schema = 1\nname = "x"\n[[limits]]\ntrigger = "a"', "limits name a trigger 'a'"),
            ('schema = 1\nname = "x"\ncommit_every = "none"', "commit_every"),
            ("schema = ", "no valid TOML"),
        ],
    )
    def test_mistakes_name_file_and_key(self, text: str, said: str, tmp_path: Path) -> None:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"mine\.toml") as caught:
            load_policy(path)
        assert said in str(caught.value)

    def test_files_that_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"gone\.toml.*No such file"):
            load_policy(tmp_path / "gone.toml")
        binary = tmp_path / "binary.toml"
        binary.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ValueError, match="no valid TOML"):
            load_policy(binary)

    @pytest.mark.parametrize("trigger", [Watcher(), Grader()])
    def test_a_trigger_that_files_do_not_know(self, trigger: Any) -> None:
        with pytest.raises(ValueError, match=f"{trigger.name}.*a file cannot name"):
            dump_policy(Policy("p", (trigger,)))


class TestResolve:
    def test_what_is_taken(self, tmp_path: Path) -> None:
        assert resolve_policy() is SHIPPED["default"]
        assert resolve_policy(None) is SHIPPED["default"]
        assert resolve_policy(SHIPPED["paper"]) is SHIPPED["paper"]
        assert resolve_policy("paper") is SHIPPED["paper"]
        path = tmp_path / "mine.toml"
        path.write_text(dump_policy(SHIPPED["paper"]), encoding="utf-8")
        assert resolve_policy(path) == resolve_policy(str(path)) == SHIPPED["paper"]
        assert resolve_policy([ArithmeticCheck(), StrategicInitiation()]) == Policy(
            "custom", (ArithmeticCheck(),), StrategicInitiation()
        )

    @pytest.mark.parametrize(
        ("policy", "said"),
        [
            ("papr", "there is no policy 'papr'; shipped are default, paper"),
            ("gone.toml", "gone.toml"),
            (Path("gone.toml"), "gone.toml"),
            (3, "not int"),
            ({"name": "x"}, "not dict"),
            ([CognitiveOffload], "pass an instance"),
            (["paper"], "'paper'"),
        ],
    )
    def test_what_is_not(self, policy: Any, said: str) -> None:
        with pytest.raises(ValueError, match=r"^policy=: ") as caught:
            resolve_policy(policy)
        assert said in str(caught.value)


def test_the_modules_face() -> None:
    assert all(hasattr(face, name) for name in face.__all__)


def test_the_embedded_pairs_file_leaves_out_what_was_no_better_than_chance() -> None:
    policy = resolve_policy("embedded")
    assert [trigger.name for trigger in policy.triggers] == ["arithmetic_check", "intervention_request"]
    assert policy.initiation == SHIPPED["default"].initiation
    assert "cognitive_offload" in [trigger.name for trigger in SHIPPED["default"].triggers]


def test_a_name_with_a_path_in_it_is_no_pair() -> None:
    with pytest.raises(ValueError, match="there is no policy"):
        resolve_policy("../pairs/nothing")
