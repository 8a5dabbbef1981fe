"""The way back, as properties: of the channel, of the node, of any sequence of events, and of whole runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from langgraph.checkpoint.memory import InMemorySaver

from tests.graphs import LOCAL_SMALL, PAID_LARGE, Marker, graph, large, policy, small
from tests.views import step
from trigreason_graph import Budget, Settings
from trigreason_graph.channels import fold
from trigreason_graph.models.resolve import resolve_model
from trigreason_graph.nodes.checkpoint_rollback import after_rollback, checkpoint_rollback
from trigreason_graph.nodes.kit import Kit, hints
from trigreason_graph.nodes.large_offload import after_large, large_offload
from trigreason_graph.nodes.migration import migrated
from trigreason_graph.nodes.trigger_router import after_router, trigger_router
from trigreason_graph.settings import Budget as Limits
from trigreason_graph.state import Signal, State, Step, nothing_spent
from trigreason_graph.testing import ScriptedModel
from trigreason_graph.triggers import View

GROWING = ("trace", "signals", "discarded", "ledger")
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
"""All but "explain", which traces every line of a whole graph: minutes where something fails."""
FAR = 10_000
"""Supersteps left, for nodes that are called on their own."""


def kit(script: list[str] | None = None, *, rollbacks: int = 3, budget: Limits | None = None) -> Kit:
    """A kit whose LRM says what the script says, over and over."""
    writer = ScriptedModel(script=[], trigreason_card=LOCAL_SMALL)
    expert = ScriptedModel(script=script or ["x"], loop=True, trigreason_card=PAID_LARGE)
    return Kit(
        resolve_model(writer, "small"),
        resolve_model(expert, "large"),
        POLICY,
        budget or Limits(usd=None, large_calls=None, large_tokens=None, total_tokens=None, seconds=None),
        Settings(max_rollbacks=rollbacks),
    )


MARKERS = (
    Marker("REWRITE", "rewrite", name="rewrite"),
    Marker("RETRY", "retry", name="retry"),
    Marker("WAIT", "intervene", name="wait"),
    Marker("LOOP", "intervene", drop=True, name="loop"),
    *(Marker(f"BACK{wrong}", "rollback", wrong=wrong, name=f"back{wrong}") for wrong in (1, 2, 4)),
)
POLICY = policy(*MARKERS)
WORDS = ("fine", "fine", "REWRITE", "RETRY", "WAIT", "LOOP", "BACK1", "BACK2", "BACK4")
"""What a step of the SRM may hold; each capital word makes a trigger fire."""


def begun(count: int = 0) -> State:
    """A run of which `count` steps are committed."""
    return State(
        run_id="r",
        problem="What is 3 + 4?",
        messages=[],
        trace=[step(f"Step {index}.", id=index) for index in range(count)],
        drafts=[],
        finish="",
        why="",
        signal=None,
        signals=[],
        discarded=[],
        ledger=[],
        spent=nothing_spent(),
        next_id=count,
        large_off="",
        notes=[],
        fallback_on="",
        left_out={},
        blueprint=None,
        remaining=FAR,
    )


def applied(state: State, update: dict[str, Any]) -> State:
    """The state after an update, as LangGraph's channels make it."""
    grown = {name: fold(state[name], [update[name]]) for name in GROWING if name in update}  # type: ignore[literal-required]
    return State(**{**state, **update, **grown})  # type: ignore[typeddict-item]


def ids(steps: list[Step]) -> list[int]:
    return [one["id"] for one in steps]


def gone(state: State) -> list[int]:
    return [number for branch in state["discarded"] for number in ids(branch["steps"])]


def rolled_back(state: State, wrong: int) -> State:
    """After a rollback that was found for free, to before step `wrong`."""
    signal = Signal(
        trigger="back", reason="It is wrong.", evidence={}, route="rollback", wrong=wrong, at=len(state["trace"])
    )
    asked = State(**{**state, "signal": signal})
    return applied(asked, asyncio.run(checkpoint_rollback(asked, kit())))


class TestChannel:
    @given(st.lists(st.integers()), st.integers(0, 9), st.integers(0, 9))
    def test_two_cuts_are_the_deeper_one(self, items: list[int], one: int, other: int) -> None:
        assert fold(items, [{"keep": one}, {"keep": other}]) == fold(items, [{"keep": min(one, other)}])

    @given(
        st.lists(st.integers(), max_size=6),
        st.lists(
            st.one_of(
                st.lists(st.integers(), max_size=3),
                st.fixed_dictionaries({"keep": st.integers(0, 8), "add": st.lists(st.integers(), max_size=3)}),
            ),
            max_size=6,
        ),
        st.integers(0, 6),
    )
    def test_writes_can_be_batched_in_any_way(self, items: list[int], writes: list[Any], cut: int) -> None:
        assert fold(fold(items, writes[:cut]), writes[cut:]) == fold(items, writes)


class TestNode:
    @given(st.integers(1, 8), st.integers(1, 9), st.integers(1, 9))
    def test_rollback_after_rollback_equals_one_deeper_rollback(self, count: int, first: int, second: int) -> None:
        first, second = sorted((min(first, count), min(second, count)), reverse=True)
        twice = rolled_back(rolled_back(begun(count), first), second)
        once = rolled_back(begun(count), second)
        assert twice["trace"] == once["trace"]
        assert sorted(gone(twice)) == sorted(gone(once))

    @given(st.integers(0, 8), st.integers(1, 12))
    def test_what_is_kept_and_what_is_gone_are_what_there_was(self, count: int, wrong: int) -> None:
        after = rolled_back(begun(count), wrong)
        assert ids(after["trace"]) + gone(after) == list(range(count))
        assert after["trace"] == begun(count)["trace"][: wrong - 1]

    @given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 3))
    def test_what_was_paid_for_takes_the_place_of_the_wrong_steps(self, count: int, wrong: int, paid: int) -> None:
        wrong = min(wrong, count)
        state = begun(count)
        state["drafts"] = [step(f"Paid {index}.", "large", id=100 + index) for index in range(paid)]
        state["signal"] = Signal(trigger="t", reason="R.", evidence={}, route="rewrite", wrong=wrong, served=True)
        after = applied(state, asyncio.run(checkpoint_rollback(state, kit())))
        assert ids(after["trace"]) == [*range(wrong - 1), *range(100, 100 + paid)]
        assert gone(after) == list(range(wrong - 1, count))
        assert after["drafts"] == []

    def test_the_hint_shows_what_was_wrong_also_where_it_is_the_draft_itself(self) -> None:
        state = begun(1)
        state["drafts"] = [step("It is 9.", id=7)]
        asked = State(**{**state, "signal": Signal(trigger="t", reason="R.", evidence={}, route="rollback", wrong=2)})
        after = applied(asked, asyncio.run(checkpoint_rollback(asked, kit())))
        assert hints(after["discarded"]) == ["R. (it read: It is 9.)"]


Pending = Literal["write", "large", "rollback"]


class Interleaving(RuleBasedStateMachine):
    """The nodes around a trace, in any order in which their pure routes allow them."""

    @initialize(rollbacks=st.integers(0, 3), calls=st.integers(0, 6) | st.none())
    def start(self, rollbacks: int, calls: int | None) -> None:
        self.rollbacks = rollbacks
        self.budget = Limits(usd=None, large_calls=calls, large_tokens=None, total_tokens=None, seconds=None)
        self.state = begun()
        self.pending: Pending = "write"
        self.committed: set[int] = set()
        self.before: dict[str, list[Any]] = {name: [] for name in GROWING}
        self.large_writes = 0

    def _apply(self, update: dict[str, Any]) -> None:
        self.before = {name: list(self.state[name]) for name in GROWING}  # type: ignore[literal-required]
        self.state = applied(self.state, update)
        self.committed |= set(ids(self.state["trace"])) | set(gone(self.state))

    @precondition(lambda self: self.pending == "write")
    @rule(written=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))
    def small_writes(self, written: list[str]) -> None:
        """step_generator as the router sees it: drafts up to the first that something is seen in."""
        first = next((index for index, word in enumerate(written) if word != "fine"), len(written))
        number = self.state["next_id"]
        drafts = [
            step(f"Step {number + index} is {word}.", id=number + index)
            for index, word in enumerate(written[: first + 1])
        ]
        self.state = State(**{**self.state, "drafts": drafts, "finish": "commit", "next_id": number + len(drafts)})
        self._apply(asyncio.run(trigger_router(self.state, kit(rollbacks=self.rollbacks, budget=self.budget))))
        routes: dict[str, Pending] = {"accept": "write", "escalate": "large", "rollback": "rollback", "finish": "write"}
        self.pending = routes[after_router(self.state)]

    @precondition(lambda self: self.pending == "large")
    @rule(wrong=st.sampled_from(["none", "1", "2", "9"]), count=st.integers(0, 2))
    def large_replies(self, wrong: str, count: int) -> None:
        self.large_writes += 1
        steps = [f"Large step {self.large_writes} {letter}." for letter in "ab"[:count]]
        reply = "\n\n".join([f"wrong: {wrong}", *steps])
        served = kit([reply], rollbacks=self.rollbacks, budget=self.budget)
        self._apply(asyncio.run(large_offload(self.state, served)))
        routes: dict[str, Pending] = {"continue": "write", "rollback": "rollback", "finish": "write"}
        self.pending = routes[after_large(self.state)]

    @precondition(lambda self: self.pending == "rollback")
    @rule()
    def goes_back(self) -> None:
        self._apply(asyncio.run(checkpoint_rollback(self.state, kit(rollbacks=self.rollbacks, budget=self.budget))))
        routes: dict[str, Pending] = {"continue": "write", "escalate": "large", "finish": "write"}
        self.pending = routes[after_rollback(self.state)]

    @invariant()
    def no_step_stands_twice(self) -> None:
        everything = [*ids(self.state["trace"]), *gone(self.state), *ids(self.state["drafts"])]
        assert len(everything) == len(set(everything))

    @invariant()
    def accepted_and_discarded_are_all_that_was_written(self) -> None:
        everything = {*ids(self.state["trace"]), *gone(self.state), *ids(self.state["drafts"])}
        assert everything == set(range(self.state["next_id"]))

    @invariant()
    def nothing_that_was_committed_is_lost(self) -> None:
        assert self.committed == set(ids(self.state["trace"])) | set(gone(self.state))

    @invariant()
    def the_trace_changes_only_by_cutting_its_end_and_adding(self) -> None:
        ordered = ids(self.state["trace"])
        assert ordered == sorted(ordered), "ids grow along the trace: nothing is put between earlier steps"

    @invariant()
    def books_only_grow(self) -> None:
        for name in ("ledger", "signals", "discarded"):
            assert self.state[name][: len(self.before[name])] == self.before[name]  # type: ignore[literal-required]
        assert [row["id"] for row in self.state["ledger"]] == list(range(len(self.state["ledger"])))
        assert self.state["spent"]["total_tokens"] == sum(row["tokens_out"] for row in self.state["ledger"])

    @invariant()
    def the_cap_on_rollbacks_holds(self) -> None:
        made = [signal for signal in self.state["signals"] if signal.get("wrong") and signal.get("served")]
        assert len(made) <= self.rollbacks

    @invariant()
    def branches_say_where_and_why(self) -> None:
        for branch in self.state["discarded"]:
            assert branch["steps"]
            assert branch["why"]
            assert "\n" not in branch["why"]


Interleaving.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None, phases=PHASES)
TestInterleaving = Interleaving.TestCase


@dataclass
class Seen:
    """Fires never; keeps the ids of the finished drafts that were judged."""

    ids: set[int] = field(default_factory=set)
    name: str = "seen"
    when: Literal["step"] = "step"

    def check(self, view: View) -> Signal | None:
        if view.draft is not None and view.complete:
            self.ids.add(view.draft["id"])
        return None


def replies(author: str, words: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """Replies of one to four steps, all different texts."""
    written = st.lists(st.lists(st.sampled_from(words), min_size=1, max_size=4), min_size=1, max_size=6)
    return written.map(
        lambda lists: [
            "\n\n".join(f"{author} {number}.{index} {word}." for index, word in enumerate(each))
            for number, each in enumerate(lists)
        ]
    )


HEADERS = ["", "wrong: none\n\n", "wrong: 1\n\n", "wrong: 2\n\n", "wrong: 3\n\n", "wrong: 99\n\n"]


@given(
    written=replies("Small", (*WORDS, "so \\boxed{7}")),
    asked=replies("Large", ("fine", "REWRITE", "so \\boxed{7}")),
    headers=st.lists(st.sampled_from(HEADERS), min_size=6, max_size=6),
    empty=st.booleans(),
    calls=st.integers(0, 6),
    rollbacks=st.integers(0, 3),
    commit_every=st.integers(1, 4),
    mode=st.sampled_from(["auto", "auto", "auto", "never", "shadow"]),
    supersteps=st.sampled_from([12, 40, 120]),
)
@settings(max_examples=50, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
def test_any_run_ends_and_loses_nothing(
    written: list[str],
    asked: list[str],
    headers: list[str],
    empty: bool,
    calls: int,
    rollbacks: int,
    commit_every: int,
    mode: Any,
    supersteps: int,
) -> None:
    spoken = [header + reply for header, reply in zip(headers, asked, strict=False)] + ([""] if empty else [])
    seen = Seen()
    compiled = graph(
        small(*written, loop=True),
        large(*spoken, loop=True),
        seen,
        *MARKERS,
        budget=Budget(large_calls=calls, total_tokens=1_500, usd=None),
        settings=Settings(large=mode, max_rollbacks=rollbacks),
        commit_every=commit_every,
        checkpointer=InMemorySaver(),
    )
    asyncio.run(_run_and_check(compiled, seen, rollbacks, supersteps))


async def _run_and_check(compiled: Any, seen: Seen, rollbacks: int, supersteps: int) -> None:
    config: Any = {"configurable": {"thread_id": "t"}, "recursion_limit": supersteps}
    shown: list[int] = []
    events = [event async for event in compiled.astream({"question": "What is 3 + 4?"}, config, stream_mode="custom")]
    for event in events:  # a client that knows only "step" and "discard"
        if event["type"] == "discard":
            shown = [number for number in shown if number not in event["step_ids"]]
        elif event["type"] == "step":
            assert event["index"] == len(shown), "indices are contiguous"
            shown.append(event["step_id"])
    assert events[-1]["type"] == "outcome"

    state = migrated((await compiled.aget_state(config)).values)
    trace, discarded = ids(state["trace"]), gone(state)
    assert shown == trace
    assert len({*trace, *discarded}) == len(trace) + len(discarded)
    assert seen.ids <= {*trace, *discarded}, "what was judged is accepted or discarded"
    assert max([-1, *trace, *discarded]) < state["next_id"]
    assert not state["drafts"]
    assert state.get("signal") is None

    report = state["report"]
    assert report["rollbacks"] <= rollbacks
    assert sum(branch["steps"] for branch in report["branches"]) == len(discarded)
    kept = sum(one["tokens"] for one in state["trace"])
    assert kept + report["discarded_tokens"] <= sum(row["tokens_out"] for row in state["ledger"])

    earlier: dict[str, list[Any]] = {"ledger": [], "signals": [], "discarded": []}
    history = [point async for point in compiled.aget_state_history(config)]
    for point in reversed(history):
        for name, before in earlier.items():
            now = point.values.get(name) or []
            assert now[: len(before)] == before, f"{name} shrank or changed"
            earlier[name] = now
