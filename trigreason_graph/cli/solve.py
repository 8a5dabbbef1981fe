"""`trigreason solve`: one problem, both models, live."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trigreason_graph.cli import options
from trigreason_graph.cli.examples import find_example, load_examples
from trigreason_graph.cli.job import Job
from trigreason_graph.cli.keeping import Kept, storing
from trigreason_graph.cli.verbs import DebugOption, ExitCode, complain, mismatch_told, print_json

if TYPE_CHECKING:
    from trigreason_graph.cli.tally import Tally
    from trigreason_graph.cli.view import View
    from trigreason_graph.state import State


def solve(
    question: Annotated[
        str | None,
        typer.Argument(
            metavar="QUESTION | -",
            help='The problem; "-": read it from standard input. Without one: a built-in problem.',
            show_default=False,
        ),
    ] = None,
    small: options.Small = None,
    large: options.Large = None,
    fallback: options.Fallback = None,
    policy: options.PolicyName = None,
    large_mode: options.LargeMode = None,
    temperature: options.Temperature = None,
    example: Annotated[
        str | None, typer.Option(metavar="NAME", help='Solve this built-in problem; "list" shows them.')
    ] = None,
    large_calls: options.LargeCalls = None,
    large_tokens: options.LargeTokens = None,
    total_tokens: options.TotalTokens = None,
    seconds: options.Seconds = None,
    usd: options.Dollars = None,
    thread: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The name to store the run under; a further question goes on from there."),
    ] = None,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Keep the run in memory only: it cannot be resumed or shown later.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check names, keys and servers; nothing is paid.")
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
    debug: DebugOption = False,
) -> None:
    """Solve a problem: the small model reasons, the large one is called when a trigger fires.

    Ctrl-C ends the run at once and shows what there is; it can be taken up again (see: trigreason resume).
    """
    from trigreason_graph.cli.defaults import Defaults

    options.check_output(as_json, quiet)
    if no_store and thread is not None:
        raise ValueError("--thread and --no-store exclude each other")
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
        budget=options.chosen_budget(limits),
        settings=options.chosen_settings(large_mode, temperature),
    )
    if dry_run:
        raise typer.Exit(check_job(job))
    form = Form(as_json=as_json, quiet=quiet, color=not no_color)
    with nullcontext() if no_store else storing(job.settled(), thread) as kept:
        code = solve_job(job, form, kept)
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


@dataclass(frozen=True)
class Form:
    """How a run is shown."""

    as_json: bool = False
    quiet: bool = False
    color: bool = True


def solve_job(job: Job, form: Form, kept: Kept | None = None) -> ExitCode:
    """Run the graph and show the result in the form asked for; returns the exit code.

    Args:
        job: What is to be solved.
        form: How it is shown.
        kept: Where it is stored; None: in memory.
    """
    from trigreason_graph.cli.approving import ask, check_can_be_asked
    from trigreason_graph.cli.embedded import close_servers, unfetched
    from trigreason_graph.cli.models import pull
    from trigreason_graph.cli.replay import recount, replayed
    from trigreason_graph.cli.result import interrupted_state
    from trigreason_graph.cli.run import Follower, run_graph
    from trigreason_graph.cli.screen import Screen, make_console
    from trigreason_graph.cli.tally import Tally
    from trigreason_graph.cli.view import View
    from trigreason_graph.models.ollama import without_password

    check_can_be_asked(job.settings)
    tally = Tally()
    view = None if form.as_json or form.quiet else View(Screen(make_console(color=form.color)), tally)
    handle = view.handle if view else tally.handle

    def resumed(state: State) -> None:
        for event in replayed(state, job):
            handle(event)
        recount(tally, state)

    def asked(question: Mapping[str, Any]) -> dict[str, str]:
        if view:
            view.close()
        return ask(question)

    follower = Follower(
        handle=handle,
        tick=view.tick if view else _no_tick,
        can_end_in_order=lambda: tally.can_end_in_order,
        resumed=resumed,
        ask=asked,
    )
    in_a_hurry = False
    try:
        if view:
            view.waiting(f"loading {without_password(job.small)} and {without_password(job.large)} …")
        graph = build_graph(job)  # first of all: a wrong argument is no reason to fetch or store anything
        if missing := unfetched(job.models):
            if view:
                view.close()
            pull(missing)
        if kept:
            kept.begin()
        ended = run_graph(graph, job.question, job.settings, follower, kept.place if kept else None)
        in_a_hurry = ended.interrupted
        if view:
            view.close()
        state = ended.state
        if ended.interrupted:
            state = interrupted_state(ended, tally, job)
        outcome = state.get("outcome")
        if kept and outcome and not ended.interrupted:
            kept.end(outcome["kind"])
        show(state, tally, view, form, kept)
        if kept and ended.interrupted:
            kept.tell_how_to_resume(view)
        elif kept and view:
            kept.tell_its_name(view)
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
    return ExitCode.DONE if outcome and outcome["kind"] == "answered" else ExitCode.INCOMPLETE


def check_job(job: Job) -> ExitCode:
    """Say of each model whether it can be called; nothing is paid."""
    from trigreason_graph.models.readiness import check_models

    build_graph(job)  # wrong arguments first
    found = check_models(*job.models)
    for readiness in found:
        typer.echo(f"{readiness.model}: {readiness.state}: {readiness.detail}")
    return ExitCode.DONE if all(found) else ExitCode.INCOMPLETE


def build_graph(job: Job) -> Any:
    """The compiled graph of a job, with a memory for what an interruption leaves."""
    from langgraph.checkpoint.memory import InMemorySaver

    from trigreason_graph.graph import create_trigreason_graph

    with mismatch_told():
        builder = create_trigreason_graph(
            small=job.small,
            large=job.large,
            fallback=job.fallback,
            policy=job.policy,
            budget=job.budget,
            settings=job.settings,
        )
    return builder.compile(checkpointer=InMemorySaver())


def show(state: State, tally: Tally, view: View | None, form: Form, kept: Kept | None = None) -> None:
    """The result: below the live view, as one JSON object, or the answer alone."""
    from trigreason_graph.cli.report import outcome_line, show_result
    from trigreason_graph.cli.result import whole_result

    if form.as_json:
        print_json(whole_result(state, tally, kept.thread if kept else None))
    elif view:
        show_result(view.screen, state["answer"], state["report"])
    else:
        typer.echo(state["answer"])
        outcome = state["outcome"]
        if outcome and outcome["kind"] != "answered":
            complain(outcome_line(outcome))
        elif state.get("large_off"):
            complain(f"without the large model: {state['large_off']}")


def _no_tick() -> None:
    """Nothing is shown while the run goes on."""


def _list_examples() -> None:
    for example in load_examples().values():
        typer.echo(f"{example.question}\n    {example.name}: {example.answer}\n")
