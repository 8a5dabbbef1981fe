"""What the verbs that tune a policy have in common."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

Concurrency = Annotated[
    int, typer.Option(min=1, metavar="N", help="Problems at once; an embedded model takes one call at once.")
]
Out = Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Write the policy file.")]


def check_out(out: Path | None) -> None:
    """Refuse the name of a policy file that nobody could use.

    Raises:
        ValueError: It does not end in ".toml".
    """
    if out is not None and out.suffix != ".toml":
        raise ValueError(f'--out {out}: the name of a policy file ends in ".toml"')


def recordings_file(verb: str) -> Path:
    """Where a verb keeps what the models write, unless it is told another file."""
    from platformdirs import user_cache_path

    return user_cache_path("trigreason-graph") / "recordings" / f"{verb}.jsonl"


def command_line() -> str:
    """What was typed, for the evidence in the policy file."""
    return shlex.join(["trigreason", *sys.argv[1:]])


@contextmanager
def embedded_models(specs: Sequence[str]) -> Iterator[None]:
    """Within it, the embedded models among `specs` are there; afterwards they no longer run.

    Raises:
        ModelNotReady: The package that runs them is not installed.
        DownloadError: One cannot be fetched.
    """
    from trigreason_graph.cli.embedded import close_servers, unfetched
    from trigreason_graph.cli.models import pull

    if missing := unfetched(specs):
        pull(missing)
    try:
        yield
    finally:
        close_servers()
