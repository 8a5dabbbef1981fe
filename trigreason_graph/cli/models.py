"""`trigreason models`: what is there of the embedded models, fetching, checking and removing them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trigreason_graph.cli.fetch_view import fetch_view
from trigreason_graph.cli.verbs import ExitCode, Verbs

if TYPE_CHECKING:
    from trigreason_graph.models.embedded.store import Stored

app = typer.Typer(
    name="models",
    cls=Verbs,
    help="The embedded models: small and large, which work together, and tiny, for tests.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Keys = Annotated[
    list[str] | None, typer.Argument(metavar="small|large|tiny|pair", show_default=False, help="Which models.")
]


@app.command("list")
def list_models() -> None:
    """Show which models are there, their size and whether their hash was checked."""
    from trigreason_graph.models.embedded.catalog import MODELS, models_dir
    from trigreason_graph.models.embedded.store import stored

    for key in MODELS:
        found = stored(key)
        typer.echo(f"{key:<6} {found.model.title:<34} {_size(found.model.bytes):>9}  {_state(found)}")
    typer.echo(f"in {models_dir()}")


@app.command("pull")
def pull_models(keys: Keys = None) -> None:
    """Fetch models that are not there yet; by default the pair. Goes on where it was interrupted."""
    for path in pull(_chosen(keys, default=["pair"])):
        typer.echo(path)


@app.command("verify")
def verify_models(keys: Keys = None) -> None:
    """Compare the SHA-256 of models with the official one; wrong files are removed. By default all that are there."""
    from trigreason_graph.models.embedded.store import check, discard

    chosen = _chosen(keys, default=_present())
    if not chosen:
        typer.echo("no model is there; type: trigreason models pull")
        raise typer.Exit(ExitCode.INCOMPLETE)
    faulty = False
    for key in chosen:
        found = check(key)
        if found.state == "wrong":
            discard(found.path)
            typer.echo(f"{key}: NOT the official file, removed; type: trigreason models pull {key}")
        else:
            typer.echo(f"{key}: {_state(found)}")
        faulty = faulty or found.state != "verified"
    if faulty:
        raise typer.Exit(ExitCode.INCOMPLETE)


@app.command("remove")
def remove_models(
    keys: Keys = None, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Delete models, and what interrupted fetches have left; by default of all."""
    from trigreason_graph.models.embedded.store import remove, stored

    chosen = [key for key in _chosen(keys, default=_present()) if stored(key).state != "missing"]
    if not chosen:
        typer.echo("nothing to remove")
        return
    size = sum(stored(key).bytes for key in chosen)
    if not yes:
        typer.confirm(f"Remove {', '.join(chosen)} ({_size(size)})?", abort=True)
    freed = sum(remove(key) for key in chosen)
    typer.echo(f"removed {', '.join(chosen)}: {_size(freed)} freed")


def pull(keys: Sequence[str]) -> list[Path]:
    """Fetch models, showing how far it is on standard error. Returns their files.

    Raises:
        DownloadError: a model could not be fetched.
    """
    from trigreason_graph.models.embedded import download

    with fetch_view() as show:
        return download.pull(keys, progress=show)


def _chosen(keys: Sequence[str] | None, *, default: Sequence[str]) -> list[str]:
    """The catalog's keys that were asked for, each once."""
    from trigreason_graph.models.embedded.catalog import MODELS, PAIR

    chosen: dict[str, None] = {}
    for key in keys or default:
        if key != "pair" and key not in MODELS:
            raise typer.BadParameter(f"there is no embedded model {key!r}; known are {', '.join(MODELS)} and pair")
        chosen |= dict.fromkeys(PAIR if key == "pair" else [key])
    return list(chosen)


def _present() -> list[str]:
    from trigreason_graph.models.embedded.catalog import MODELS
    from trigreason_graph.models.embedded.store import stored

    return [key for key in MODELS if stored(key).state != "missing"]


def _size(number: int) -> str:
    return f"{number / 1e6:,.0f} MB"


def _state(found: Stored) -> str:
    match found.state:
        case "missing":
            return f"not fetched; type: trigreason models pull {found.model.key}"
        case "partial":
            return f"{_size(found.bytes)} fetched; to go on, type: trigreason models pull {found.model.key}"
        case "unchecked":
            return f"there, hash not checked; type: trigreason models verify {found.model.key}"
        case "verified":
            return "there, SHA-256 checked"
        case "wrong":
            return f"NOT the official file; type: trigreason models pull {found.model.key}"
