"""Signs of overload that need no log-probabilities: what the text of a step asserts without having worked for it.

All are extensions of ours; the article that this project implements names them (sudden certainty, skipped steps). They
are made to be right rather than frequent: on the greedy GSM8K traces in tests/data none fires on a right solution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trigreason_graph.reasoning.blueprint import covered, untouched
from trigreason_graph.reasoning.numbers import numbers_in, unfounded
from trigreason_graph.reasoning.terms import same_script
from trigreason_graph.state import Step
from trigreason_graph.triggers.base import View
from trigreason_graph.triggers.phrases import phrase_in
from trigreason_graph.triggers.window import LOOK_BACK, TEXT_LIMIT, model_steps, own_text

MIN_KEY_STEPS = 3
"""Key steps a blueprint must have before an early answer is suspicious: a plan of two is solved in a line."""
MIN_PASSED = 2
"""Key steps in a row that must be uncovered before one that is covered. Words tell coverage only roughly: one may be
done in other words."""
MIN_GIVEN = 2
"""Numbers the problem must have: where it gives them elsewhere (a picture, an earlier turn), all seem to come out of
nowhere."""
RECENT = 16
"""Steps before the draft whose numbers count as known."""
LANGUAGES = ("en", "zh")


class Sign(NamedTuple):
    """A sentence for people, and the numbers behind it."""

    reason: str
    evidence: dict[str, str]


def text_sign(view: View, draft: Step) -> Sign | None:
    """The first sign in the SRM's complete draft: an early answer, a number out of nowhere, a key step passed over."""
    return _early_answer(view, draft) or _from_nowhere(view, draft) or _passed_over(view, draft)


def _early_answer(view: View, draft: Step) -> Sign | None:
    """Sudden certainty: an answer while most of the plan is uncovered, after fewer steps than half of it."""
    key_steps = view.blueprint["key_steps"] if view.blueprint else []
    if view.blueprint is None or draft["kind"] != "answer" or len(key_steps) < MIN_KEY_STEPS:
        return None
    if 2 * len(view.trace) >= len(key_steps) or not same_script(view.blueprint["text"], draft["text"][:TEXT_LIMIT]):
        return None
    steps = [*_newest(view, len(key_steps)), draft]
    done = sum(covered(view.blueprint, steps))
    if 2 * done >= len(key_steps):
        return None
    return Sign(
        f"An answer is asserted after {len(steps)} of {len(key_steps)} planned steps, and most of the plan was "
        "passed over.",
        {"sign": "sudden certainty", "key_steps": str(len(key_steps)), "covered": str(done)},
    )


def _from_nowhere(view: View, draft: Step) -> Sign | None:
    """A number without ground in an answer (sudden certainty), or with "clearly" and the like (a skipped step)."""
    if numbers_in(view.question) < MIN_GIVEN:
        return None
    text = own_text(draft)
    said = "" if draft["kind"] == "answer" else phrase_in(text, "certainty", LANGUAGES)
    if draft["kind"] != "answer" and not said:
        return None
    number = unfounded(text, [view.question, *(step["text"] for step in _window(view, RECENT))])
    if not number:
        return None
    if said:
        reason = f'The step says "{said}" and asserts {number}, which nothing before leads to.'
        return Sign(reason, {"sign": "skipped step", "said": said, "number": number})
    reason = f"The answer asserts {number}, which nothing before leads to."
    return Sign(reason, {"sign": "sudden certainty", "number": number})


def _passed_over(view: View, draft: Step) -> Sign | None:
    """The draft does a key step although several before it are not done."""
    if view.blueprint is None or len(view.blueprint["key_steps"]) < MIN_KEY_STEPS or draft["kind"] == "answer":
        return None
    steps = _newest(view, LOOK_BACK)
    if len(view.trace) > LOOK_BACK or not same_script(view.blueprint["text"], draft["text"][:TEXT_LIMIT]):
        return None  # what came before cannot be told from the newest steps alone
    before, now = covered(view.blueprint, steps), covered(view.blueprint, [*steps, draft])
    reached = next((index for index in range(len(now) - 1, -1, -1) if now[index]), None)
    if reached is None or before[reached]:
        return None
    missing = next((length for length in range(reached) if now[reached - 1 - length]), reached)
    if missing < MIN_PASSED or not all(untouched(view.blueprint, [*steps, draft])[reached - missing : reached]):
        return None
    first = reached - missing + 1
    return Sign(
        f"The step goes on to key step {reached + 1} of the plan, and key steps {first} to {reached} were passed over.",
        {"sign": "key steps passed over", "reached": str(reached + 1), "passed": str(missing)},
    )


def _newest(view: View, count: int) -> list[Step]:
    return model_steps(view.trace, count)[::-1]


def _window(view: View, count: int) -> Sequence[Step]:
    """The newest steps, tools among them: what a tool found is known."""
    length = len(view.trace)
    return [view.trace[position] for position in range(max(length - count, 0), length)]
