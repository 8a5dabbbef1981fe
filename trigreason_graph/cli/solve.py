"""`trigreason solve`: one problem, both models, live."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trigreason_graph.cli.examples import find_example, load_examples
from trigreason_graph.cli.verbs import DebugOption, ExitCode, complain
from trigreason_graph.settings import Budget, Settings

if TYPE_CHECKING:
    from trigreason_graph.cli.tally import Tally
    from trigreason_graph.cli.view import View
    from trigreason_graph.state import State

LIMITS = "Limits (without them, finite defaults)"
OUTPUT = "Output"


class LargeChoice(StrEnum):
    """Use of the large model, as far as it makes sense in a terminal (Settings.large)."""

    auto = "auto"
    shadow = "shadow"
    never = "never"


@dataclass(frozen=True)
class Job:
    """What is to be solved, and how."""

    question: str
    small: str
    large: str
    fallback: str | None
    policy: str | None
    budget: Budget | None
    settings: Settings


def solve(
    question: Annotated[
        str | None,
        typer.Argument(
            metavar="QUESTION | -",
            help='The problem; "-": read it from standard input. Without one: a built-in problem.',
            show_default=False,
        ),
    ] = None,
    small: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help='The model that reasons, as "provider:model"; else $TRIGREASON_SMALL, else embedded:small.',
        ),
    ] = None,
    large: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="The model that is called when a trigger fires; else $TRIGREASON_LARGE, else embedded:large.",
        ),
    ] = None,
    fallback: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="The model that stands in when the large one is down; else $TRIGREASON_FALLBACK, else none.",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="A shipped policy, or a TOML file; else $TRIGREASON_POLICY."),
    ] = None,
    large_mode: Annotated[
        LargeChoice, typer.Option(help="auto: call the large model; shadow: log what would; never: do not.")
    ] = LargeChoice.auto,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, metavar="T", help="Sampling temperature of both models.")
    ] = None,
    example: Annotated[
        str | None, typer.Option(metavar="NAME", help='Solve this built-in problem; "list" shows them.')
    ] = None,
    large_calls: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Calls of the large model.", rich_help_panel=LIMITS)
    ] = None,
    large_tokens: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Tokens the large model writes.", rich_help_panel=LIMITS)
    ] = None,
    total_tokens: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Tokens both models write.", rich_help_panel=LIMITS)
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds of all calls together.", rich_help_panel=LIMITS)
    ] = None,
    usd: Annotated[float | None, typer.Option(min=0, metavar="D", help="Dollars.", rich_help_panel=LIMITS)] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check names, keys and servers; nothing is paid.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The whole result as one JSON object.", rich_help_panel=OUTPUT)
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="The answer only.", rich_help_panel=OUTPUT)] = False,
    no_color: Annotated[
        bool, typer.Option("--no-color", help="No colours (NO_COLOR does the same).", rich_help_panel=OUTPUT)
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Solve a problem: the small model reasons, the large one is called when a trigger fires.

    Ctrl-C ends the run at once and shows what there is.
    """
    from trigreason_graph.cli.defaults import Defaults

    if as_json and quiet:
        raise ValueError("--json and --quiet exclude each other: the answer is in the JSON object")
    if example == "list":
        _list_examples()
        return
    limits = {
        "large_calls": large_calls,
        "large_tokens": large_tokens,
        "total_tokens": total_tokens,
        "seconds": seconds,
        "usd": usd,
    }
    defaults = Defaults()
    job = Job(
        question=chosen_question(question, example),
        small=defaults.small if small is None else small,
        large=defaults.large if large is None else large,
        fallback=defaults.fallback if fallback is None else fallback,
        policy=defaults.policy if policy is None else policy,
        budget=chosen_budget(limits),
        settings=chosen_settings(large_mode, temperature),
    )
    if dry_run:
        raise typer.Exit(check_job(job))
    code = solve_job(job, as_json=as_json, quiet=quiet, color=not no_color)
    raise typer.Exit(code)


def chosen_question(question: str | None, example: str | None) -> str:
    """The problem's text: as given, from standard input for "-", else a built-in one."""
    if example is not None and question is not None:
        raise ValueError("give a question or --example, not both")
    if question is None:
        return find_example(example).question
    if question == "-":
        return read_question()
    if not question.strip():
        raise ValueError('the question is empty: trigreason solve "How many ... ?"')
    return question


def read_question() -> str:
    """All of standard input."""
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    if sys.stdin.isatty():
        typer.echo("Type the question; end it with Ctrl-D on a line of its own.", err=True)
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError:
        raise ValueError("standard input is no UTF-8 text") from None
    if not text.strip():
        raise ValueError('standard input is empty: echo "How many ... ?" | trigreason solve -')
    return text.strip()


def chosen_budget(limits: dict[str, Any]) -> Budget | None:
    """The given limits on top of the defaults; None when none is given."""
    given = {name: value for name, value in limits.items() if value is not None}
    return Budget(**given) if given else None


def chosen_settings(large_mode: LargeChoice, temperature: float | None) -> Settings:
    """Settings with only what was asked for, so that the policy decides the rest."""
    given: dict[str, Any] = {}
    if large_mode is not LargeChoice.auto:
        given["large"] = large_mode.value
    if temperature is not None:
        given["temperature"] = temperature
    return Settings(**given)


def solve_job(job: Job, *, as_json: bool, quiet: bool, color: bool) -> ExitCode:
    """Run the graph and show the result in the form asked for; returns the exit code."""
    from trigreason_graph.cli.embedded import close_servers, unfetched
    from trigreason_graph.cli.models import pull
    from trigreason_graph.cli.result import interrupted_state
    from trigreason_graph.cli.run import Follower, run_graph
    from trigreason_graph.cli.screen import Screen, make_console
    from trigreason_graph.cli.tally import Tally
    from trigreason_graph.cli.view import View

    tally = Tally()
    view = None if as_json or quiet else View(Screen(make_console(color=color)), tally)
    follower = Follower(
        handle=view.handle if view else tally.handle,
        tick=view.tick if view else _no_tick,
        can_end_in_order=lambda: tally.can_end_in_order,
    )
    in_a_hurry = False
    try:
        if view:
            view.waiting(f"loading {job.small} and {job.large} …")
        graph = build_graph(job)  # first of all: a wrong argument is no reason to fetch anything
        if missing := unfetched([job.small, job.large, *([job.fallback] if job.fallback else [])]):
            if view:
                view.close()
            pull(missing)
        ended = run_graph(graph, job.question, job.settings, follower)
        in_a_hurry = ended.interrupted
        if view:
            view.close()
        state = ended.state
        if ended.interrupted:
            state = interrupted_state(ended, tally, job.question, small=job.small, large=job.large, policy=job.policy)
        show(state, tally, view, as_json=as_json)
    except BrokenPipeError:
        in_a_hurry = True
        raise
    finally:
        if view:
            view.close()
        if not in_a_hurry:  # stopping a model that is busy takes seconds; the end of the process does not
            close_servers()
    if ended.interrupted:
        return ExitCode.INTERRUPTED
    outcome = state.get("outcome")
    return ExitCode.DONE if outcome and outcome["kind"] == "answered" else ExitCode.INCOMPLETE


def check_job(job: Job) -> ExitCode:
    """Say of each model whether it can be called; nothing is paid."""
    from trigreason_graph.models.readiness import check_models

    build_graph(job)  # wrong arguments first
    found = check_models(job.small, job.large, *([job.fallback] if job.fallback else []))
    for readiness in found:
        typer.echo(f"{readiness.model}: {readiness.state}: {readiness.detail}")
    return ExitCode.DONE if all(found) else ExitCode.INCOMPLETE


def build_graph(job: Job) -> Any:
    """The compiled graph of a job, with a memory for what an interruption leaves."""
    from langgraph.checkpoint.memory import InMemorySaver

    from trigreason_graph.graph import create_trigreason_graph

    builder = create_trigreason_graph(
        small=job.small,
        large=job.large,
        fallback=job.fallback,
        policy=job.policy,
        budget=job.budget,
        settings=job.settings,
    )
    return builder.compile(checkpointer=InMemorySaver())


def show(state: State, tally: Tally, view: View | None, *, as_json: bool) -> None:
    """The result: below the live view, as one JSON object, or the answer alone."""
    from trigreason_graph.cli.report import outcome_line, show_result
    from trigreason_graph.cli.result import whole_result

    if as_json:
        typer.echo(json.dumps(whole_result(state, tally), ensure_ascii=False, indent=2))
    elif view:
        show_result(view.screen, state["answer"], state["report"])
    else:
        typer.echo(state["answer"])
        outcome = state["outcome"]
        if outcome and outcome["kind"] != "answered":
            complain(outcome_line(outcome))


def _no_tick() -> None:
    """Nothing is shown while the run goes on."""


def _list_examples() -> None:
    for example in load_examples().values():
        typer.echo(f"{example.question}\n    {example.name}: {example.answer}\n")
