"""`trigreason evaluate`: policies on a data set, measured against each other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trigreason_graph.cli import options
from trigreason_graph.cli.verbs import DebugOption, ExitCode, complain

if TYPE_CHECKING:
    from trigreason_graph.evaluation import Evaluation, RunResult

POLICIES = "small_only,large_only,default"
OUT = Path("evaluation")
RUNS = "Runs"


def evaluate(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA", help="A .jsonl or .csv file, a named set such as gsm8k or aime24, or hf:owner/name."
        ),
    ] = None,
    policies: Annotated[
        str,
        typer.Option(
            metavar="A,B,C",
            help="Names or TOML files. With a parameter: random(0.3), early_only(4), specreason(9), glimprouter(1.5), "
            "self_consistency(5). At the cost of another: random@NAME, early_only@NAME.",
        ),
    ] = POLICIES,
    small: options.Small = None,
    large: options.Large = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N problems.")] = None,
    checker: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="How answers are compared: number, latex, choice or text; else by the data."),
    ] = None,
    samples: Annotated[
        int, typer.Option(min=1, metavar="K", help="Runs per problem; their mean counts.", rich_help_panel=RUNS)
    ] = 1,
    temperature: Annotated[
        float, typer.Option(min=0, max=2, metavar="T", help="Of both models; the paper: 0.6.", rich_help_panel=RUNS)
    ] = 0.0,
    top_p: Annotated[
        float | None, typer.Option(metavar="P", help="Of both models; the paper: 0.95.", rich_help_panel=RUNS)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of the first sample.", rich_help_panel=RUNS)] = 0,
    concurrency: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Runs at once; an embedded model takes one call at once.", rich_help_panel=RUNS
        ),
    ] = 1,
    recordings: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="What is recorded there is not asked again; the rest is added.", rich_help_panel=RUNS
        ),
    ] = None,
    replay_only: Annotated[
        bool, typer.Option("--replay-only", help="Use recordings alone; no model is needed.", rich_help_panel=RUNS)
    ] = False,
    large_calls: options.LargeCalls = None,
    large_tokens: options.LargeTokens = None,
    total_tokens: options.TotalTokens = None,
    seconds: options.Seconds = None,
    usd: options.Dollars = None,
    out: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="Where results, table and pictures go.", rich_help_panel=options.OUTPUT),
    ] = OUT,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE", help="Prices and latencies to count the runs by.", rich_help_panel=options.OUTPUT
        ),
    ] = None,
    report_only: Annotated[
        bool,
        typer.Option("--report-only", help="Write table and pictures anew from --out.", rich_help_panel=options.OUTPUT),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and say what is to be done; nothing is paid.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=options.OUTPUT)] = False,
    no_color: options.NoColor = False,
    debug: DebugOption = False,
) -> None:
    """Measure policies on a data set: accuracy, cost, and who wrote what.

    It can be stopped at any point; the same command goes on from there. Limits are those of one run.
    """
    if report_only:
        if data is not None:
            raise ValueError("--report-only reads the results in --out, and takes no DATA")
        raise typer.Exit(_report(out, scenario))
    if data is None:
        raise ValueError("which data? trigreason evaluate problems.jsonl, or a named set: trigreason evaluate gsm8k")
    from trigreason_graph.cli.defaults import Defaults
    from trigreason_graph.evaluation.harness import BUDGET
    from trigreason_graph.evaluation.problems import read_problems

    defaults = Defaults()
    limits = {
        "large_calls": large_calls,
        "large_tokens": large_tokens,
        "total_tokens": total_tokens,
        "seconds": seconds,
        "usd": usd,
    }
    asked: dict[str, Any] = {
        "problems": read_problems(data, limit=limit, checker=checker),
        "policies": [name.strip() for name in policies.split(",") if name.strip()],
        "small": defaults.small if small is None else small,
        "large": defaults.large if large is None else large,
        "samples": samples,
        "temperature": temperature,
        "top_p": top_p,
        "seed": seed,
        "budget": options.chosen_budget(limits, BUDGET),
        "recordings": recordings,
        "replay_only": replay_only,
        "concurrency": concurrency,
        "out": out,
        "command": ["trigreason", *sys.argv[1:]],
    }
    if dry_run:
        raise typer.Exit(_plan(asked))
    done = _measured(asked, quiet=quiet, color=not no_color)
    for note in done.notes:
        complain(note)
    code = _report(out, scenario)
    if done.open:
        complain(f"in {done.open} runs a model failed; the same command tries them again")
        code = ExitCode.INCOMPLETE
    raise typer.Exit(code)


def _plan(asked: dict[str, Any]) -> ExitCode:
    """Say what would be done, and whether the models can be called."""
    from trigreason_graph.evaluation import evaluate as run
    from trigreason_graph.models.readiness import check_models

    planned = run(**asked, dry_run=True)  # wrong arguments first
    problems = planned.problems
    runs = len(problems.problems) * len(asked["policies"]) * asked["samples"]
    typer.echo(f"{problems.name}: {len(problems.problems)} problems, {runs} runs, {planned.open} to be made")
    if asked["replay_only"]:
        return ExitCode.DONE
    found = check_models(asked["small"], asked["large"])
    for readiness in found:
        typer.echo(f"{readiness.model}: {readiness.state}: {readiness.detail}")
    return ExitCode.DONE if all(found) else ExitCode.INCOMPLETE


def _measured(asked: dict[str, Any], *, quiet: bool, color: bool) -> Evaluation:
    """Make the runs, showing how far it is on standard error."""
    from trigreason_graph.cli.embedded import close_servers, unfetched
    from trigreason_graph.cli.evaluate_view import progress
    from trigreason_graph.cli.models import pull
    from trigreason_graph.evaluation import evaluate as run
    from trigreason_graph.evaluation.missing import RecordingMissing

    in_a_hurry = False
    try:
        if not asked["replay_only"] and run(**asked, dry_run=True).open:
            pull(unfetched([asked["small"], asked["large"]]))
        with progress(shown=not quiet, color=color) as show:
            return run(**asked, on_item=show)
    except RecordingMissing as missing:
        complain(str(missing))
        raise typer.Exit(ExitCode.INCOMPLETE) from None
    except KeyboardInterrupt:
        in_a_hurry = True
        complain("interrupted; the same command goes on from here")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    finally:
        if not in_a_hurry:
            close_servers()


def _report(folder: Path, scenario: str | None) -> ExitCode:
    """Write table and pictures, and show the table."""
    from trigreason_graph.evaluation.report_files import WRITTEN, write_report
    from trigreason_graph.evaluation.results import RESULTS, read_provenance, read_results

    results = read_results(folder / RESULTS)
    if not results:
        raise ValueError(f"there are no results in {folder}; trigreason evaluate DATA --out {folder} makes some")
    try:
        write_report(results, folder, provenance=read_provenance(folder / RESULTS), scenario=scenario)
    except ImportError as missing:
        complain(str(missing))
        return ExitCode.INCOMPLETE
    for line in summary(results):
        typer.echo(line)
    typer.echo(f"written: {', '.join(sorted(WRITTEN))} in {folder}")
    return ExitCode.DONE


def summary(results: Sequence[RunResult]) -> list[str]:
    """A line for each policy: accuracy and what it had the large model write. table.md has the rest."""
    names = list(dict.fromkeys(run.policy for run in results))
    width = max(len(name) for name in ["policy", *names])
    lines = [f"{'policy':<{width}}  right          LRM tokens a run  failed"]
    for name in names:
        runs = [run for run in results if run.policy == name]
        right, written = sum(run.right for run in runs), sum(run.large_tokens for run in runs) / len(runs)
        share = f"{right}/{len(runs)} ({right / len(runs):.0%})"
        lines.append(f"{name:<{width}}  {share:<14} {written:>16.0f}  {sum(run.failed for run in runs):>6}")
    return lines
