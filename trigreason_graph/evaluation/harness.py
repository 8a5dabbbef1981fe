"""Policies on a data set: every run once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path

from trigreason_graph.bridge import run_blocking
from trigreason_graph.evaluation.contest import Contest, Graphs, OnItem
from trigreason_graph.evaluation.entrants import PolicyLike, entrants_of
from trigreason_graph.evaluation.evaluation import Evaluation
from trigreason_graph.evaluation.journal import Journal
from trigreason_graph.evaluation.lines import only_writer
from trigreason_graph.evaluation.problems import Problem, ProblemSet, digest, read_problems
from trigreason_graph.evaluation.provenance import provenance
from trigreason_graph.evaluation.sampling import Sampling
from trigreason_graph.evaluation.subjects import RecordingsLike, Subjects, names_of, store_of
from trigreason_graph.evaluation.workers import check_concurrency
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.models.resolve import ModelSpec
from trigreason_graph.settings import Budget

BUDGET = Budget(seconds=None)
"""The limits of one run. None in seconds: what comes out must not depend on how fast the machine is."""

Problems = ProblemSet | Sequence[Problem] | str | PathLike[str]


def evaluate(
    problems: Problems,
    policies: Sequence[PolicyLike],
    *,
    small: ModelSpec,
    large: ModelSpec,
    samples: int = 1,
    temperature: float = 0.0,
    top_p: float | None = None,
    seed: int = 0,
    budget: Budget | None = None,
    prices: PriceTable | None = None,
    recordings: RecordingsLike | None = None,
    replay_only: bool = False,
    concurrency: int = 1,
    on_item: OnItem | None = None,
    out: str | PathLike[str] | None = None,
    dry_run: bool = False,
    command: Sequence[str] = (),
) -> Evaluation:
    """Run every policy on every problem, and keep what comes out.

    With `out` (or `recordings`) it can be killed at any point and called again: what is done is not done again.

    Args:
        problems: A problem set, a list of problems, or what :func:`read_problems` reads.
        policies: See :func:`~trigreason_graph.evaluation.entrants.entrants_of`.
        small: The model that reasons; "provider:model" or a chat model.
        large: The model that is called when a trigger fires.
        samples: Runs of each policy on each problem; more than one needs a temperature.
        temperature: Of both models. 0: greedy. The paper: 0.6.
        top_p: Of both models; None: their own. The paper: 0.95.
        seed: Of the first sample, and of the votes of self_consistency.
        budget: Limits of one run; None: the defaults of Budget without its limit in seconds.
        prices: Dollars per million tokens, by "provider:model".
        recordings: A folder or file: what is recorded there is not asked of the models again, and what they write is
            added. Only of models whose weights are known (embedded, Ollama, or a card with a digest).
        replay_only: Only recordings are used; no model is needed.
        concurrency: Runs at once. A model is asked no more often at once than its own `max_concurrency`, an embedded
            one once.
        on_item: Called after each run that was made now, with its result and how things stand.
        out: Folder of results.jsonl; None: nothing is written.
        dry_run: Only check the arguments and gather what is there already; no model is called.
        command: The command line, for the provenance.

    Raises:
        ValueError: An argument cannot be used; nothing has been called then.
        RecordingMissing: With `replay_only`, something is not recorded; the text names it.
        NotRecordable: With `replay_only`, a model of which no recordings can be kept.
        ModelNotReady: A model cannot be called; nothing has been paid then.
        ModelsFailing: A model failed in several runs in a row.
    """
    return run_blocking(
        lambda: aevaluate(
            problems,
            policies,
            small=small,
            large=large,
            samples=samples,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            budget=budget,
            prices=prices,
            recordings=recordings,
            replay_only=replay_only,
            concurrency=concurrency,
            on_item=on_item,
            out=out,
            dry_run=dry_run,
            command=command,
        )
    )


async def aevaluate(
    problems: Problems,
    policies: Sequence[PolicyLike],
    *,
    small: ModelSpec,
    large: ModelSpec,
    samples: int = 1,
    temperature: float = 0.0,
    top_p: float | None = None,
    seed: int = 0,
    budget: Budget | None = None,
    prices: PriceTable | None = None,
    recordings: RecordingsLike | None = None,
    replay_only: bool = False,
    concurrency: int = 1,
    on_item: OnItem | None = None,
    out: str | PathLike[str] | None = None,
    dry_run: bool = False,
    command: Sequence[str] = (),
) -> Evaluation:
    """As :func:`evaluate`, for async code."""
    check_concurrency(concurrency)
    if replay_only and recordings is None:
        raise ValueError("replay_only=True needs recordings=")
    sampling = Sampling(temperature, top_p, samples, seed)
    entrants = entrants_of(policies)
    given = _problem_set(problems)
    if recordings is not None and given.private:
        raise ValueError(f"recordings=: the questions of {given.name} must not be written down; leave recordings out")
    limits = budget or BUDGET
    subjects = Subjects.of(small, large, prices)
    trial = Graphs(subjects, sampling, limits)
    for entrant in entrants:
        if entrant.policy is not None:
            trial.of(entrant, entrant.policy, None)  # an unusable policy or budget, before anything is called
    store = None if recordings is None else store_of(recordings, replay_only=replay_only)
    names = names_of(recordings)
    subjects = await subjects.identified(names, ask=not replay_only)
    if store is not None:
        subjects = subjects.kept(store, replay_only=replay_only)
    told = provenance(
        problems=given,
        entrants=entrants,
        subjects=subjects,
        sampling=sampling,
        budget=limits,
        recordings="none" if store is None else "alone" if replay_only else "first",
        command=command,
    )
    folder = None if out is None else Path(out)
    with _held(folder, dry_run):
        journal = Journal(folder, told, given)
        contest = Contest(given, entrants, Graphs(subjects, sampling, limits), journal, on_item)
        if contest.open and not dry_run:
            if not replay_only:
                await subjects.aready()
                if names is not None:
                    subjects.remember(names)
            await contest.hold(concurrency)
        return Evaluation(given, contest.results(), journal.provenance, subjects.notes, contest.open)


@contextmanager
def _held(folder: Path | None, dry_run: bool) -> Iterator[None]:
    """Within it, nobody else adds to the results in a folder: both would pay for the same runs.

    Raises:
        ValueError: Another evaluation is at it, or nothing can be written there; before anything is called.
    """
    with ExitStack() as stack:
        if folder is not None and dry_run and folder.exists() and not folder.is_dir():
            raise ValueError(f"out=: {folder} cannot be written to: it is no folder")
        if folder is not None and not dry_run:
            try:
                ours = stack.enter_context(only_writer(folder))
            except OSError as fault:
                raise ValueError(f"out=: {folder} cannot be written to: {fault.strerror}") from fault
            if not ours:
                raise ValueError(f"out=: another evaluation is at work in {folder}; wait for it to end")
        yield


def _problem_set(problems: Problems) -> ProblemSet:
    if isinstance(problems, str | PathLike):
        problems = read_problems(problems)
    if not isinstance(problems, ProblemSet):
        listed = tuple(problems)
        problems = ProblemSet("problems", listed, digest(listed))
    if not problems.problems:
        raise ValueError("problems= holds no problem")
    ids = [problem.id for problem in problems.problems]
    if len(set(ids)) < len(ids):
        raise ValueError(f"problems=: two problems have the id {next(id for id in ids if ids.count(id) > 1)!r}")
    return problems
