"""How well triggers find the steps at which traces are lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from trigreason_graph.evaluation.replay import fired
from trigreason_graph.evaluation.scores import Score, wrong_equations
from trigreason_graph.evaluation.statistics import RESAMPLES, Estimate, auroc, bootstrap, share
from trigreason_graph.evaluation.study import Material
from trigreason_graph.state import Step
from trigreason_graph.triggers import RandomChoice, Trigger, View

CHANCE_SEEDS = 200
"""Random triggers that a trigger is compared with: a p-value's smallest step is 1/200."""


@dataclass(frozen=True)
class LabelledTrace:
    """One SRM solution.

    Attributes:
        question: The problem's text.
        steps: As cut in the mode of the policy under test.
        loss: Index of the step that is wrong, and at which it was lost; None: there is none.
        labelled: How many of its steps, from the first, have a label: all of a right solution, those up to the loss of
            a lost one, none of one about which nothing is known.
    """

    question: str
    steps: Sequence[Step]
    loss: int | None
    labelled: int


Cuts = Mapping[str, Sequence[Step]]
"""The steps of the SRM's solutions, by problem id."""


def lost_traces(known: Material, cuts: Cuts) -> list[LabelledTrace]:
    """The SRM's solutions of the decided problems, labelled by where the LRM could no longer save them.

    Args:
        known: The study's material.
        cuts: The solutions, perhaps cut into other steps than in `known`: the label goes to the step that holds the end
            of the step at which the solution was lost.
    """
    traces = []
    for id in known.decided:
        own, steps, loss = known.small[id], cuts[id], known.losses.get(id)
        if loss is not None:
            end = sum(len(step["text"]) + len(step["sep"]) for step in own.steps[:loss]) + len(own.steps[loss]["text"])
            loss = holding(steps, end - 1)
        labelled = len(steps) if own.right else 0 if loss is None else loss + 1
        traces.append(LabelledTrace(own.problem.question, steps, loss, labelled))
    return traces


def miscalculated_traces(known: Material, cuts: Cuts) -> list[LabelledTrace]:
    """All the SRM's solutions, labelled by the first step that holds a surely wrong equation. Needs no LRM."""
    traces = []
    for id, own in known.small.items():
        steps = cuts[id]
        wrong = next((index for index, step in enumerate(steps) if wrong_equations([], step)), None)
        labelled = len(steps) if wrong is None else wrong + 1
        traces.append(LabelledTrace(own.problem.question, steps, wrong, labelled))
    return traces


def holding(steps: Sequence[Step], place: int) -> int:
    """Index of the step that holds the character at `place` of the trace's text."""
    ends = accumulate(len(step["text"]) + len(step["sep"]) for step in steps)
    return next((index for index, end in enumerate(ends) if place < end), len(steps) - 1)


@dataclass(frozen=True, slots=True)
class Tally:
    """One trace, counted for one trigger."""

    steps: int
    fired: int
    labelled: int
    fired_labelled: int
    lost: bool
    caught: bool
    """It fired on the very step at which the trace was lost."""
    lead: int | None
    """Steps from the first firing to the loss: 0 at it, negative behind it; None: never fired, or nothing was lost."""


def tally(trace: LabelledTrace, verdicts: Sequence[bool]) -> Tally:
    """Count one trace.

    Args:
        trace: The trace.
        verdicts: For each of its steps, whether the trigger fired.
    """
    first = next((index for index, verdict in enumerate(verdicts) if verdict), None)
    return Tally(
        steps=len(verdicts),
        fired=sum(verdicts),
        labelled=trace.labelled,
        fired_labelled=sum(verdicts[: trace.labelled]),
        lost=trace.loss is not None,
        caught=trace.loss is not None and verdicts[trace.loss],
        lead=trace.loss - first if trace.loss is not None and first is not None else None,
    )


def firing_rate(tallies: Sequence[Tally]) -> float | None:
    """Share of all steps on which it fires."""
    return share(sum(one.fired for one in tallies), sum(one.steps for one in tallies))


def precision(tallies: Sequence[Tally]) -> float | None:
    """Share of its firings on labelled steps that hit the step at which the trace was lost."""
    return share(sum(one.caught for one in tallies), sum(one.fired_labelled for one in tallies))


def recall(tallies: Sequence[Tally]) -> float | None:
    """Share of the losses on which it fires."""
    return share(sum(one.caught for one in tallies), sum(one.lost for one in tallies))


def base_rate(tallies: Sequence[Tally]) -> float | None:
    """Share of the labelled steps that are losses: the precision of a trigger that does not look."""
    return share(sum(one.lost for one in tallies), sum(one.labelled for one in tallies))


@dataclass(frozen=True)
class Quality:
    """One row of the table.

    Attributes:
        firing: Share of all SRM steps on which it fires.
        precision, recall: See the functions.
        auroc: Of the score its threshold is put to; of its firing where there is none.
        fired: Firings on labelled steps.
        caught: Losses on which it fires.
        lead: In how many lost traces the first firing came before, at or after the loss, or never.
        chance_precision, chance_recall: Means of Random at the same firing rate.
        p: Share of random triggers that caught at least as many losses at this firing rate: below 0.05 is better than
            chance. None for a trigger that never fires.
    """

    firing: Estimate
    precision: Estimate
    recall: Estimate
    auroc: Estimate
    fired: int
    caught: int
    lead: Mapping[str, int]
    chance_precision: float | None
    chance_recall: float | None
    p: float | None


def quality(
    triggers: Sequence[Trigger], traces: Sequence[LabelledTrace], score: Score | None, *, resamples: int = RESAMPLES
) -> Quality:
    """Replay triggers (one alone, or a whole policy's) over labelled traces.

    Args:
        triggers: Asked in this order.
        traces: The SRM's solutions.
        score: What the threshold is put to; None: the firing itself is scored.
        resamples: Of the bootstrap over problems; 0: no intervals.
    """
    verdicts = [[signal is not None for signal in fired(triggers, trace.question, trace.steps)] for trace in traces]
    tallies = [tally(trace, verdict) for trace, verdict in zip(traces, verdicts, strict=True)]
    scored = (
        scores(traces, score)
        if score
        else [
            scored_by(trace, [float(one) for one in verdict]) for trace, verdict in zip(traces, verdicts, strict=True)
        ]
    )
    rate = firing_rate(tallies) or 0.0
    dice = [chance(traces, rate, seed) for seed in range(CHANCE_SEEDS)] if rate else []
    caught = sum(one.caught for one in tallies)
    return Quality(
        firing=bootstrap(tallies, firing_rate, resamples=resamples),
        precision=bootstrap(tallies, precision, resamples=resamples),
        recall=bootstrap(tallies, recall, resamples=resamples),
        auroc=bootstrap(scored, pooled_auroc, resamples=resamples),
        fired=sum(one.fired_labelled for one in tallies),
        caught=caught,
        lead=leads(tallies),
        chance_precision=mean([value for one in dice if (value := precision(one)) is not None]),
        chance_recall=mean([value for one in dice if (value := recall(one)) is not None]),
        p=share(sum(sum(one.caught for one in throw) >= caught for throw in dice), len(dice)),
    )


def chance(traces: Sequence[LabelledTrace], rate: float, seed: int) -> list[Tally]:
    """The tallies of a random trigger that fires at `rate`."""
    lot = RandomChoice(p=rate, seed=seed)

    def drawn(trace: LabelledTrace, position: int) -> bool:
        steps = trace.steps
        return lot.check(View(trace.question, None, steps[:position], steps[position], True, ())) is not None

    return [tally(trace, [drawn(trace, position) for position in range(len(trace.steps))]) for trace in traces]


def leads(tallies: Sequence[Tally]) -> dict[str, int]:
    """Where the first firing stands to the loss, in lost traces."""
    lost = [one.lead for one in tallies if one.lost]
    return {
        "before": sum(lead is not None and lead > 0 for lead in lost),
        "at": lost.count(0),
        "after": sum(lead is not None and lead < 0 for lead in lost),
        "never": lost.count(None),
    }


Scored = tuple[Sequence[float], Sequence[float]]
"""Of one trace: the scores of its lost step, if any, and of its sound ones."""


def scored_by(trace: LabelledTrace, values: Sequence[float | None]) -> Scored:
    """The scores of a trace's labelled steps, sorted out; steps without a score are left out."""
    sound = values[: trace.labelled if trace.loss is None else trace.loss]
    lost = [] if trace.loss is None else [values[trace.loss]]
    return [one for one in lost if one is not None], [one for one in sound if one is not None]


def scores(traces: Sequence[LabelledTrace], score: Score) -> list[Scored]:
    """A score over labelled traces."""
    return [
        scored_by(trace, [score(trace.steps[:index], step) for index, step in enumerate(trace.steps[: trace.labelled])])
        for trace in traces
    ]


def pooled_auroc(scored: Sequence[Scored]) -> float | None:
    """AUROC over the steps of all traces."""
    return auroc([one for lost, _ in scored for one in lost], [one for _, sound in scored for one in sound])


def mean(values: Sequence[float]) -> float | None:
    """The mean; None of nothing."""
    return share(sum(values), len(values))


def solution_scores(solved: Sequence[tuple[Sequence[Step], bool]], score: Score) -> Sequence[Scored]:
    """The mean score of each solution's steps, for whether it is wrong: for :func:`pooled_auroc`.

    Args:
        solved: The steps of each solution, and whether it is right.
        score: Of a step.
    """
    groups: list[Scored] = []
    for steps, right in solved:
        values = [score(steps[:index], step) for index, step in enumerate(steps)]
        average = mean([value for value in values if value is not None])
        kept = [] if average is None else [average]
        groups.append(([], kept) if right else (kept, []))
    return groups
