"""`trigreason resume`: take up a stored run where it was interrupted or killed."""

from __future__ import annotations

from typing import Annotated

import typer

from trigreason_graph.cli import options
from trigreason_graph.cli.job import Job
from trigreason_graph.cli.verbs import DebugOption


def resume(
    thread: Annotated[str, typer.Argument(metavar="THREAD", help="Its name; see: trigreason runs list")],
    small: options.Small = None,
    large: options.Large = None,
    fallback: options.Fallback = None,
    policy: options.PolicyName = None,
    large_mode: options.LargeMode = None,
    temperature: options.Temperature = None,
    large_calls: options.LargeCalls = None,
    large_tokens: options.LargeTokens = None,
    total_tokens: options.TotalTokens = None,
    seconds: options.Seconds = None,
    usd: options.Dollars = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
    debug: DebugOption = False,
) -> None:
    """Go on with a run that was interrupted or killed, from its last stored step.

    Models, policy, limits and settings are those it was started with; options given here go before them.
    """
    from trigreason_graph.cli.keeping import Kept, held
    from trigreason_graph.cli.runs import found, open_store
    from trigreason_graph.cli.solve import Form, solve_job
    from trigreason_graph.cli.store import UNFINISHED

    options.check_output(as_json, quiet)
    store = open_store()
    found(store, thread)
    with held(store, thread):
        stored = found(store, thread)  # again: what another process did with it until now
        if stored.outcome != UNFINISHED:
            raise ValueError(f"{thread} has ended ({stored.outcome}); to see it, type: trigreason runs show {thread}")
        job = stored.job
        given = {"small": small, "large": large, "fallback": fallback, "policy": policy}
        limits = {
            "large_calls": large_calls,
            "large_tokens": large_tokens,
            "total_tokens": total_tokens,
            "seconds": seconds,
            "usd": usd,
        }
        settled = Job(
            **{
                **job.__dict__,
                **{name: value for name, value in given.items() if value is not None},
                "budget": options.chosen_budget(limits, job.budget),
                "settings": options.chosen_settings(large_mode, temperature).over(job.settings),
            }
        ).settled()
        form = Form(as_json=as_json, quiet=quiet, color=not no_color)
        code = solve_job(settled, form, Kept(store, thread, settled, resume=True))
    raise typer.Exit(code)
