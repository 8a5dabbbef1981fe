"""A policy's triggers tried on a saved trace: which would fire where. Pure; no model is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trigreason_graph.cli.saved_trace import SavedTrace
from trigreason_graph.nodes.step_generator import PARTIAL_EVERY
from trigreason_graph.policies import Policy
from trigreason_graph.reasoning.segment import HARD_CAP
from trigreason_graph.state import Branch, Signal, Step
from trigreason_graph.triggers import Judge, Trigger, View

NOT_JUDGED = {"large": "the large model wrote it", "tool": "a tool wrote it"}


@dataclass(frozen=True)
class Fired:
    """A trigger that fires.

    Attributes:
        signal: What it says.
        first: Whether it is the first in the policy's order: the one that a run acts upon.
        after: Characters of the draft after which it fires, where that is before its end; else None.
    """

    signal: Signal
    first: bool
    after: int | None = None


@dataclass(frozen=True)
class Judged:
    """One step, and what fires on it.

    Attributes:
        number: 1-based place in the trace; 0: the start of the run.
        step: None at the start.
        discarded: The step was thrown away in the saved run.
        passed_over: Why it is not judged; empty when it is.
        fired: In the policy's order.
    """

    number: int
    step: Step | None
    discarded: bool = False
    passed_over: str = ""
    fired: tuple[Fired, ...] = ()


def try_policy(policy: Policy, saved: SavedTrace) -> list[Judged]:
    """Every step under every trigger of `policy`, discarded ones at the place where they stood.

    The signals that earlier steps gave count as served, as in a run, for triggers that look back at their own. Judges
    are passed over, since they call a model.
    """
    judged: list[Judged] = []
    if policy.initiation is not None:
        signal = policy.initiation.check(View(saved.question, None, (), None, False, ()))
        judged.append(Judged(0, None, fired=(Fired(signal, True),) if signal else ()))
    for number, draft, before, gone in _in_order(saved):
        if draft["author"] != "small" or draft["kind"] == "tool":
            why = NOT_JUDGED.get(draft["author"], NOT_JUDGED["tool"])
            judged.append(Judged(number, draft, gone, why))
            continue
        earlier = _signals(judged, number)
        fired = tuple(_fired(policy, saved, draft, before, earlier))
        judged.append(Judged(number, draft, gone, fired=fired))
    return judged


def counts(policy: Policy, judged: Sequence[Judged]) -> dict[str, int]:
    """How often each trigger fires, in the policy's order, the initiation first."""
    names = [policy.initiation.name] if policy.initiation else []
    names += [trigger.name for trigger in policy.triggers if not isinstance(trigger, Judge)]
    found = [fired.signal["trigger"] for each in judged for fired in each.fired]
    return {name: found.count(name) for name in names}


def _fired(
    policy: Policy, saved: SavedTrace, draft: Step, before: Sequence[Step], signals: Sequence[Signal]
) -> Iterator[Fired]:
    first = True
    for trigger in policy.triggers:
        if isinstance(trigger, Judge):
            continue
        for part, complete in _moments(trigger, draft):
            view = View(saved.question, saved.blueprint, before, part, complete, signals, trigger.when == "first_token")
            signal = trigger.check(view)
            if signal is not None:
                yield Fired(signal, first, None if complete else len(part["text"]))
                first = False
                break


def _moments(trigger: Trigger, draft: Step) -> Iterator[tuple[Step, bool]]:
    """The drafts that a trigger would be shown while this one is written: parts of it, and the whole."""
    if trigger.when == "first_token":
        yield _beginning(draft, 1), False
    if trigger.when == "partial":
        for end in range(PARTIAL_EVERY, min(len(draft["text"]), HARD_CAP), PARTIAL_EVERY):
            yield _beginning(draft, end), False
    if trigger.when in ("step", "partial"):
        yield draft, True


def _beginning(draft: Step, end: int) -> Step:
    """A draft's first characters, and about as many of its probabilities; its conclusions were not reached yet."""
    nats = draft["nats"]
    if nats:
        nats = nats[: max(round(len(nats) * end / max(len(draft["text"]), 1)), 1)]
    return Step(**{**draft, "text": draft["text"][:end], "nats": nats, "conclusions": []})


def _signals(judged: Sequence[Judged], number: int) -> list[Signal]:
    """What a run would have logged by now: each step's first signal, with its place."""
    return [
        Signal(**{**fired.signal, "at": each.number - 1, "served": True})
        for each in judged
        for fired in each.fired
        if fired.first and 0 < each.number <= number
    ]


def _in_order(saved: SavedTrace) -> Iterator[tuple[int, Step, Sequence[Step], bool]]:
    """Each step with its number, the steps before it, and whether it was discarded, in the order of the trace."""
    branches = _with_prefixes(saved)
    for position, step in enumerate([*saved.steps, None]):
        for branch, prefix in branches:
            if branch["at"] == position or (step is None and branch["at"] > position):
                for index, gone in enumerate(branch["steps"]):
                    yield branch["at"] + index + 1, gone, [*prefix, *branch["steps"][:index]], True
        if step is not None:
            yield position + 1, step, saved.steps[:position], False


def _with_prefixes(saved: SavedTrace) -> list[tuple[Branch, Sequence[Step]]]:
    """Each branch with the steps that stood before it when it was thrown away: the run undone, from its end."""
    standing = saved.steps
    found: list[tuple[Branch, Sequence[Step]]] = []
    for branch in reversed(saved.discarded):
        prefix = standing[: branch["at"]]
        found.append((branch, prefix))
        standing = [*prefix, *branch["steps"]]
    return found[::-1]
