"""Replay of many policies over recorded traces: the same firings as one trigger at a time, and fast."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.views import step
from trigreason_graph.evaluation.recorded_chat import replayed
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.evaluation.replay import fired
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.models.prices import Price
from trigreason_graph.models.resolve import resolve_model
from trigreason_graph.policies import SHIPPED, Policy, random_policy, resolve_policy
from trigreason_graph.policies.resolve import names
from trigreason_graph.state import Signal, Step
from trigreason_graph.triggers import (
    ArithmeticCheck,
    CognitiveOffload,
    Contradiction,
    InterventionRequest,
    Limit,
    RandomChoice,
    View,
    When,
)
from trigreason_graph.triggers.base import is_judge
from trigreason_graph.tuning import Replay, Trace, read_questions
from trigreason_graph.tuning.features import Firing
from trigreason_graph.tuning.replay import Escalated, Span
from trigreason_graph.tuning.traces import write_traces

ROOT = Path(__file__).parent.parent
SURE, UNSURE = [10] * 20, [900] * 20


def one_by_one(policy: Policy, trace: Trace) -> list[Firing | None]:
    triggers = [trigger for trigger in policy.triggers if not is_judge(trigger)]
    return [Firing.of(signal) for signal in fired(triggers, trace.question, trace.steps)]


async def recorded_traces(name: str, policy: Policy, limit: int | None = None) -> list[Trace]:
    store = RecordingStore(ROOT / "benchmarks" / "recordings")
    chat = replayed(EmbeddedChat(source="small"), store, chunk_tokens=64)
    questions = read_questions(ROOT / "benchmarks" / "data" / f"{name}.jsonl", limit=limit)
    return await write_traces(questions, resolve_model(chat, "small"), policy)


TEXTS = (
    "So 3 + 4 = 8.",
    "So x = 5.",
    "Thus x = 5.",
    "Hence y = 6.",
    "Wait, maybe that is not right.",
    "Hmm, perhaps we should look at this again.",
    "Clearly there are 40 apples in the basket.",
    "We go on and on and on and on and on and on and on and on and on and on and on and on and on and on.",
    "The number of apples is twelve.",
    "Answer: 12",
)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    text = draw(st.sampled_from(TEXTS))
    nats = draw(st.none() | st.lists(st.sampled_from([0, 20, 48, 49, 300, 4_000]), max_size=12))
    entropy = draw(st.none() | st.sampled_from([0.1, 0.9, 1.0, 1.4]))
    author = draw(st.sampled_from(["small", "small", "small", "small", "large"]))
    kind = "answer" if text.startswith("Answer") else "reasoning"
    return Step(**{**step(text, author=author, nats=nats), "kind": kind, "entropy": entropy})


OFFLOADS = st.builds(
    CognitiveOffload,
    tau=st.sampled_from([1.02, 1.05, 1.5]),
    rho=st.sampled_from([0.0, 0.4, 0.8, 1.0]),
    min_tokens=st.sampled_from([0, 4]),
    answers=st.booleans(),
    ceiling=st.none() | st.sampled_from([0.05, 1.0]),
    first_token=st.none() | st.sampled_from([0.5, 1.0]),
    text=st.sampled_from(["fallback", "always", "never"]),
    steps=st.sampled_from([1, 2, None]),
)
REQUESTS = st.builds(
    InterventionRequest,
    k=st.sampled_from([None, 1, 2, 3]),
    min_step=st.sampled_from([0, 3]),
    repeats=st.booleans(),
    loops=st.booleans(),
    circles=st.booleans(),
    same_conclusion=st.sampled_from([None, 2, 3]),
    steps=st.sampled_from([1, 3, None]),
)
OTHERS = st.sampled_from([ArithmeticCheck(), ArithmeticCheck(steps=2), Contradiction(), RandomChoice(p=0.3, seed=1)])
POLICIES = st.lists(st.one_of(OFFLOADS, REQUESTS, OTHERS), max_size=3, unique_by=lambda trigger: trigger.name).map(
    lambda triggers: Policy("drawn", tuple(triggers))
)


class TestFired:
    @settings(max_examples=120, deadline=None)
    @given(st.lists(steps(), max_size=14), POLICIES)
    def test_as_one_trigger_at_a_time(self, written: list[Step], policy: Policy) -> None:
        trace = Trace("a", "There are 12 apples and 3 pears. How many?", written)
        assert Replay([trace]).fired(policy) == [one_by_one(policy, trace)]

    @pytest.mark.parametrize("name", names())
    async def test_on_recorded_traces(self, name: str) -> None:
        policy = resolve_policy(name)
        traces = await recorded_traces("svamp_dev_60", policy, limit=12)
        assert Replay(traces).fired(policy) == [one_by_one(policy, trace) for trace in traces]

    def test_a_trigger_of_a_users_own(self) -> None:
        @dataclass(frozen=True)
        class Even:
            name: ClassVar[str] = "even"
            when: ClassVar[When] = "step"

            def check(self, view: View) -> Signal | None:
                if len(view.trace) % 2:
                    return None
                return Signal(trigger=self.name, reason="", evidence={}, route="rewrite", steps=1)

        replay = Replay([Trace("a", "?", [step("One."), step("Two."), step("Three.")])])
        policy = Policy("own", (Even(),))
        assert [one is not None for one in replay.fired(policy)[0]] == [True, False, True]
        with pytest.raises(ValueError, match="'even', whose effect cannot be replayed"):
            replay.escalated(policy)


def escalated(policy: Policy, *written: Step) -> Escalated:
    (found,) = Replay([Trace("a", "?", written)]).escalated(policy)
    return found


def offload(**fields: Any) -> Policy:
    return Policy("p", (CognitiveOffload(**fields),))


class TestEscalated:
    sure, unsure = step("Sure.", nats=SURE), step("Unsure.", nats=UNSURE)

    def test_the_large_models_steps_are_not_judged(self) -> None:
        found = escalated(offload(steps=2), self.unsure, self.sure, self.sure, self.sure, self.unsure)
        assert found.spans == (Span(1, 3), Span(3, 5))
        assert found.steps == 4

    def test_an_intervention_begins_behind_its_step(self) -> None:
        assert escalated(offload(route="intervene"), self.sure, self.unsure).spans == (Span(1, 2),)
        assert escalated(offload(route="intervene"), self.unsure, self.sure).spans == ()

    def test_a_hand_off_goes_to_the_end(self) -> None:
        assert escalated(offload(steps=None), self.unsure, self.sure, self.unsure).spans == (Span(1, 3),)

    def test_limits_hold(self) -> None:
        limited = replace(offload(), limits=(Limit("cognitive_offload", most=2, cooldown=1),))
        found = escalated(limited, *[self.sure] * 7)
        assert (found.spans, found.unserved) == ((Span(0, 1), Span(2, 3)), 5)

    def test_a_second_try_is_taken_to_fail(self) -> None:
        found = escalated(Policy("p", (ArithmeticCheck(),)), step("So 3 + 4 = 8."), step("Done."))
        assert (found.spans, found.retries) == ((Span(0, 1),), 1)


class TestShare:
    policy = offload()
    trace = Trace("a", "?" * 9, [step("Sure.", nats=SURE), step("Unsure.", nats=UNSURE), step("Un.", nats=[900] * 40)])

    def test_of_steps_and_tokens(self) -> None:
        replay = Replay([self.trace])
        tokens = [one["tokens"] for one in self.trace.steps]
        assert replay.share(self.policy) == pytest.approx(1 / 3)
        assert replay.share(self.policy, "large_tokens") == pytest.approx(tokens[0] / sum(tokens))
        assert Replay([]).share(self.policy) == 0.0

    def test_of_dollars_counts_the_prompt_of_each_call(self) -> None:
        replay = Replay([self.trace])
        tokens = sum(one["tokens"] for one in self.trace.steps)
        alone = self.trace.prompt_tokens * 2 + tokens * 3
        paid = self.trace.prompt_tokens * 2 + self.trace.steps[0]["tokens"] * 3
        assert replay.share(self.policy, "usd", Price(2, 3)) == pytest.approx(paid / alone)
        for price in (None, Price(0, 0)):
            with pytest.raises(ValueError, match="price"):
                replay.share(self.policy, "usd", price)

    def test_what_is_in_the_cache_costs_less(self) -> None:
        replay = Replay([Trace("a", "?" * 300, [step("Sure.", nats=SURE)] * 3)])
        assert (
            replay.parts(self.policy, "usd", Price(2, 3, 0.2))[0].large
            < replay.parts(self.policy, "usd", Price(2, 3))[0].large
        )


async def test_a_thousand_settings_on_sixty_problems_take_less_than_a_minute() -> None:
    replay = Replay(await recorded_traces("gsm8k_dev_60", SHIPPED["default"]))
    tried = [
        SHIPPED["default"].with_fields(
            {
                "cognitive_offload": {"tau": tau, "rho": rho / 50, "steps": m},
                "intervention_request": {"k": k, "steps": m},
            }
        )
        for tau in (1.01, 1.05, 1.1)
        for rho in range(12, 50)
        for k in (2, 3, 4)
        for m in (1, 2, None)
    ]
    assert len(tried) >= 1_000
    begun = time.process_time()
    shares = {replay.share(policy) for policy in tried}
    assert time.process_time() - begun < 60
    assert len(shares) > 50
    assert replay.share(random_policy(0.2)) == pytest.approx(0.2, abs=0.06)
