"""RandomChoice: fair dice that always fall the same way for the same draft."""

from __future__ import annotations

from typing import Any

import pytest

from tests.views import step, view
from trigreason_graph.triggers import RandomChoice


def fired(trigger: RandomChoice, question: str = "How many?") -> list[bool]:
    return [trigger.check(view(f"Step {n}.", question=question)) is not None for n in range(2_000)]


def test_it_fires_on_the_given_share() -> None:
    assert 0.17 < sum(fired(RandomChoice(p=0.2))) / 2_000 < 0.23
    assert not any(fired(RandomChoice(p=0.0)))
    assert all(fired(RandomChoice(p=1.0)))


def test_seed_and_question_throw_other_dice() -> None:
    assert fired(RandomChoice()) == fired(RandomChoice())
    assert fired(RandomChoice()) != fired(RandomChoice(seed=1))
    assert fired(RandomChoice()) != fired(RandomChoice(), "Why?")


def test_the_signal() -> None:
    signal = RandomChoice(p=1.0, steps=2).check(view("A step."))
    assert signal is not None
    assert signal["route"] == "rewrite"
    assert signal["steps"] == 2
    assert set(signal["evidence"]) == {"drawn", "p"}


@pytest.mark.parametrize("author", ["large", "tool"])
def test_only_the_small_models_drafts(author: str) -> None:
    assert RandomChoice(p=1.0).check(view(step("A step.", author))) is None


@pytest.mark.parametrize(("fields", "named"), [({"p": 1.1}, "p"), ({"seed": -1}, "seed"), ({"steps": 0}, "steps")])
def test_bad_fields_are_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"RandomChoice: {named}"):
        RandomChoice(**fields)
