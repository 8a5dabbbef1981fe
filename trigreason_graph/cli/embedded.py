"""The embedded models as the CLI's verbs need them: fetched before use, examined, and gone afterwards."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from trigreason_graph.cli.checks import NEEDED_EXTRA, install_extra
from trigreason_graph.cli.findings import Finding
from trigreason_graph.errors import ModelNotReady

SPARE_BYTES = 200_000_000
"""Room that a fetch needs beside the files themselves: the part in the air, and the file system's own."""


def keys_of(specs: Iterable[str]) -> list[str]:
    """The catalog's keys among model specs, each once: "embedded:small" has one, a path or "ollama:…" has none."""
    from trigreason_graph.models.embedded.catalog import MODELS

    found = [spec.removeprefix("embedded:") for spec in specs if spec.startswith("embedded:")]
    return [key for key in dict.fromkeys(found) if key in MODELS]


def unfetched(specs: Sequence[str]) -> list[str]:
    """Keys of the embedded models among `specs` that are not there yet, or whose hash nobody has checked.

    Raises:
        ModelNotReady: The package that runs them is not installed; said before anything is fetched.
    """
    from trigreason_graph.models.embedded.store import stored

    if any(spec.startswith("embedded:") for spec in specs) and find_spec("xllamacpp") is None:
        raise ModelNotReady(f'embedded models need the extra "{NEEDED_EXTRA}"; type: {install_extra(NEEDED_EXTRA)}')
    return [key for key in keys_of(specs) if stored(key).state != "verified"]


def close_servers() -> None:
    """Stop the models that run inside this process; does nothing when none was started."""
    server = sys.modules.get("trigreason_graph.models.embedded.server")
    if server is not None:
        server.close_all()


def check_models(keys: Sequence[str] = ()) -> Iterator[Finding]:
    """The embedded pair, these models, and their hashes; a file that nobody has checked yet is hashed once."""
    from trigreason_graph.models.embedded.catalog import PAIR
    from trigreason_graph.models.embedded.store import check, stored

    for key in dict.fromkeys([*PAIR, *keys]):
        found = stored(key)
        if found.state == "unchecked":
            found = check(key)
        details = {"key": key, "path": str(found.path), "state": found.state, "sha256": found.model.sha256}
        size = f"{found.model.bytes / 1e6:,.0f} MB"
        topic, mend = f"model {key}", f"trigreason models pull {key}"
        match found.state:
            case "verified":
                yield Finding(topic, "ok", f"{found.model.title}, {size}, SHA-256 checked", details=details)
            case "partial":
                have = f"{found.bytes / 1e6:,.0f} of {size}"
                yield Finding(topic, "problem", f"{found.model.title}: only {have} fetched", mend, details)
            case "wrong":
                text = f"{found.path} is not the official file (size or SHA-256)"
                yield Finding(topic, "problem", text, mend, details)
            case _:
                yield Finding(topic, "problem", f"{found.model.title}, {size}: not fetched", mend, details)


def check_disk(keys: Sequence[str]) -> Finding:
    """Free disk where the models are kept, against what of these is still to be fetched."""
    from trigreason_graph.models.embedded.catalog import models_dir
    from trigreason_graph.models.embedded.store import stored

    folder = models_dir()
    free = shutil.disk_usage(_existing(folder)).free
    there = [stored(key) for key in keys]
    needed = sum(max(found.model.bytes - found.bytes, 0) for found in there)
    details = {"folder": str(folder), "free": free, "needed": needed}
    text = f"{free / 1e9:.1f} GB free at {folder}"
    if needed and free < needed + SPARE_BYTES:
        text += f", but {(needed + SPARE_BYTES) / 1e9:.1f} GB are needed for the models"
        return Finding("disk", "problem", text, "export TRIGREASON_HOME=/a/folder/with/more/room", details)
    return Finding("disk", "ok", text, details=details)


def _existing(folder: Path) -> Path:
    """`folder`, or the nearest folder above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())
