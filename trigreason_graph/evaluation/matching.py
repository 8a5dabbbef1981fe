"""Baselines at equal cost: how often chance, or how long the start, may have the large model write.

Equal cost is the same number of output tokens of the large model a problem, whatever it wrote them for. What is chosen
here is expected to meet that; the table shows what was met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from trigreason_graph.evaluation.entrants import MatchedForm
from trigreason_graph.evaluation.results import RunResult
from trigreason_graph.evaluation.statistics import mean
from trigreason_graph.policies import Policy, early_only, random_policy


@dataclass(frozen=True, slots=True)
class Match:
    """What was chosen.

    Attributes:
        form: Which baseline.
        parameter: "early_only": steps. "random": the probability.
        wanted: Output tokens of the large model a run, of the policy it is matched to.
        expected: The same, of the baseline.
    """

    form: MatchedForm
    parameter: float
    wanted: float
    expected: float


def matched_policy(form: MatchedForm, parameter: float) -> Policy:
    """The baseline with its parameter."""
    return random_policy(parameter) if form == "random" else early_only(int(parameter))


def match(form: MatchedForm, to: Sequence[RunResult], small: Sequence[RunResult], large: Sequence[RunResult]) -> Match:
    """Choose the parameter of a baseline.

    random: a share p of the steps is the large model's. A run is taken to have as many steps as the small model alone
    writes, and one of them to take as many tokens as a step of the large model alone.

    early_only: the first n steps are those that the large model writes alone, so that their tokens are known; n is the
    number of steps whose tokens come nearest. It is at least 1, so that a policy that spends less than half of the
    first step is matched by more.

    Args:
        form: Which baseline.
        to: The runs of the policy whose spending is wanted.
        small, large: Those of either model alone, on the same problems.
    """
    wanted = mean([run.large_tokens for run in to])
    if form == "random":
        steps = mean([len(run.steps) for run in small])
        step_tokens = mean([step["tokens"] for run in large for step in run.steps])
        all_of_them = steps * step_tokens
        share = min(wanted / all_of_them, 1.0) if all_of_them else 0.0
        return Match(form, round(share, 4), wanted, share * all_of_them)
    by_count = first_steps(large)
    count = min(range(len(by_count)), key=lambda index: abs(by_count[index] - wanted))
    return Match(form, count + 1, wanted, by_count[count])


def first_steps(runs: Sequence[RunResult]) -> list[float]:
    """Mean tokens of the first step, the first two, … of a run; one that is over keeps what it has."""
    sums = [list(accumulate(step["tokens"] for step in run.steps)) or [0] for run in runs] or [[0]]
    longest = max(map(len, sums))
    return [mean([of_run[min(index, len(of_run) - 1)] for of_run in sums]) for index in range(longest)]
