"""What the verbs that tune a policy have in common."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from trigreason_graph.models.prices import Price

QUIET_SECONDS = 10.0
"""Between two lines of progress where nobody sees one overwritten."""
Concurrency = Annotated[
    int, typer.Option(min=1, metavar="N", help="Problems at once; an embedded model takes one call at once.")
]
PriceOption = Annotated[
    str | None,
    typer.Option(
        "--price", metavar="IN,OUT[,CACHED]", help="Dollars per million tokens of the large model, for --unit usd."
    ),
]
Out = Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Write the policy file.")]


def check_out(out: Path | None) -> None:
    """Refuse the name of a policy file that nobody could use, before anything is paid for.

    Raises:
        ValueError: It does not end in ".toml", or its folder is not there.
    """
    if out is not None and out.suffix != ".toml":
        raise ValueError(f'--out {out}: the name of a policy file ends in ".toml"')
    check_folder("--out", out)


def check_folder(option: str, file: Path | None) -> None:
    """Raise ValueError where a file cannot be written, since its folder is not there."""
    if file is not None and not file.parent.is_dir():
        raise ValueError(f"{option} {file}: there is no folder {file.parent}")


def price_of(written: str | None, large: str | None) -> Price:
    """The price for --unit usd: as given, else the large model's.

    Raises:
        ValueError: Neither is known, or it is no price.
    """
    from trigreason_graph.models.pieces import Usage
    from trigreason_graph.models.prices import Price, cost
    from trigreason_graph.models.resolve import resolve_model

    if written is not None:
        try:
            numbers = [float(number) for number in written.split(",")]
            if len(numbers) in (2, 3) and any(numbers):
                return Price(*numbers)
        except ValueError:
            pass
        raise ValueError(f"--price {written}: write it as IN,OUT or IN,OUT,CACHED, in dollars per million, above 0")
    if large is None:
        raise ValueError("--unit usd needs --large, whose price is looked up, or --price IN,OUT")
    card = resolve_model(large, "large").card
    uses = (
        Usage(tokens_in=1_000_000),
        Usage(tokens_out=1_000_000),
        Usage(tokens_in=1_000_000, tokens_cached=1_000_000),
    )
    found = [cost(card, usage, {}) for usage in uses]
    if None in found or not any(found):
        raise ValueError(f"the price of {large} is {'0' if card.local else 'unknown'}: give --price IN,OUT")
    return Price(*(one or 0.0 for one in found))


def recordings_file(verb: str) -> Path:
    """Where a verb keeps what the models write, unless it is told another file."""
    from trigreason_graph.models.folders import cache_folder

    return cache_folder("recordings") / f"{verb}.jsonl"


_shown_at = 0.0


def show_progress(line: str, *, last: bool = False) -> None:
    """One line on standard error: in its place on a terminal, else a new one every `QUIET_SECONDS`."""
    global _shown_at
    if sys.stderr.isatty():
        typer.echo(f"\r{line}\x1b[K", err=True, nl=last)
    elif last or time.monotonic() - _shown_at >= QUIET_SECONDS:
        _shown_at = time.monotonic()
        typer.echo(line, err=True)


def command_line() -> str:
    """What was typed, for the evidence in the policy file, without the passwords in addresses."""
    from trigreason_graph.models.ollama import without_password

    return shlex.join(["trigreason", *map(without_password, sys.argv[1:])])


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
