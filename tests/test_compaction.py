"""What of a long trace is still shown."""

from __future__ import annotations

from golden_prompts import step
from hypothesis import given
from hypothesis import strategies as st

from trigreason_graph.reasoning.compaction import established, first_shown

COSTS = st.lists(st.floats(1, 100), max_size=200)
ROOM = st.floats(0, 2_000)


@given(COSTS, ROOM)
def test_what_is_shown_fits_unless_it_is_a_single_step(costs: list[float], room: float) -> None:
    start = first_shown(costs, room)
    assert sum(costs[start:]) <= room + 1e-6 or start >= len(costs) - 1


@given(COSTS, ROOM)
def test_a_longer_trace_never_shows_older_steps_again(costs: list[float], room: float) -> None:
    starts = [first_shown(costs[:count], room) for count in range(len(costs) + 1)]
    assert starts == sorted(starts)


@given(st.integers(20, 400))
def test_the_start_moves_rarely(count: int) -> None:
    starts = [first_shown([10.0] * length, 400.0) for length in range(count)]
    assert len(set(starts)) <= 2 + count // 10


def test_everything_fits() -> None:
    assert first_shown([10.0, 10.0], 20.0) == 0
    assert first_shown([], 0.0) == 0


def test_the_newest_conclusions_are_kept_once_and_in_order() -> None:
    steps = [step("", "small", ["a = 1"]), step("", "small", ["b = 2", "a = 1"]), step("", "small", ["c = 3"])]
    assert established(steps, 100, len) == ["b = 2", "a = 1", "c = 3"]
    assert established(steps, 12, len) == ["a = 1", "c = 3"]
    assert established(steps, 3, len) == []


@given(COSTS, st.lists(st.floats(500, 560), min_size=200, max_size=200))
def test_room_that_varies_a_little_moves_the_start_forward_only(costs: list[float], rooms: list[float]) -> None:
    starts = [0]
    for count in range(1, len(costs) + 1):
        starts.append(first_shown(costs[:count], rooms[count - 1], starts[-1]))
    assert starts == sorted(starts)


def test_a_trace_rolled_back_to_before_the_start_is_looked_at_anew() -> None:
    assert first_shown([10.0] * 5, 100.0, 8) == 0
    assert first_shown([10.0] * 9, 100.0, 8) == 8
