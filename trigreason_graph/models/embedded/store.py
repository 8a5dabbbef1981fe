"""The model files on this machine: what is there, whether it was checked, and removing it.

A checked file gets a stamp beside it (size and time of change), so that a start-up does not hash 1.6 GB again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models.embedded.catalog import MODELS, EmbeddedModel, model_path, models_dir

State = Literal["missing", "partial", "unchecked", "verified", "wrong"]
ByteCount = Callable[[int], None]
"""Told how many bytes are done."""

CHUNK = 1 << 20
LOCK_POLL_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Stored:
    """What is on disk for one model.

    Attributes:
        model: The catalog's entry.
        path: Where the file lies, or would lie.
        state: "missing"; "partial": an interrupted fetch can be resumed; "unchecked": the size is right, the hash was
            not compared yet; "verified"; "wrong": not the official bytes.
        bytes: On disk, partial ones included.
    """

    model: EmbeddedModel
    path: Path
    state: State
    bytes: int


def stored(key: str) -> Stored:
    """What is on disk for the model `key`; reads no file contents but the stamp."""
    model, path = MODELS[key], model_path(key)
    if path.is_file():
        size = path.stat().st_size
        state: State = "wrong" if size != model.bytes else "verified" if _stamp_fits(model, path) else "unchecked"
        return Stored(model, path, state, size)
    partial = sum(piece.stat().st_size for piece in partial_dir(model).glob("*"))
    return Stored(model, path, "partial" if partial else "missing", partial)


def check(key: str, count: ByteCount | None = None) -> Stored:
    """Compare the file's hash with the official one and remember a match. Nothing is removed.

    Args:
        key: Of the catalog.
        count: Told how many bytes have been hashed.
    """
    found = stored(key)
    if found.state in ("missing", "partial", "wrong"):
        return found
    model, path = found.model, found.path
    state: State = "verified" if hash_file(path, count) == model.sha256 else "wrong"
    if state == "verified":
        stamp(model, path)
    else:
        _stamp_path(path).unlink(missing_ok=True)
    return Stored(model, path, state, found.bytes)


def ensure_verified(key: str) -> Path:
    """The checked file of the model `key`; hashes it once if nobody has yet.

    Raises:
        ModelNotReady: when it is not there or not the official file.
    """
    found = stored(key)
    if found.state == "unchecked":
        found = check(key)
    if found.state == "verified":
        return found.path
    if found.state == "wrong":
        raise ModelNotReady(
            f"{found.path} is not the official {found.model.title} file (wrong size or SHA-256). "
            f"To fetch it anew, type: trigreason models pull {key}"
        )
    have = "only partly here" if found.state == "partial" else "not on this machine"
    raise ModelNotReady(
        f"embedded:{key} ({found.model.title}, {found.model.bytes / 1e9:.2f} GB) is {have}. "
        f"To fetch it, type: trigreason models pull {key}"
    )


def remove(key: str) -> int:
    """Delete the model's file and whatever an interrupted fetch has left. Returns the bytes freed."""
    found = stored(key)
    discard(found.path)
    shutil.rmtree(partial_dir(found.model), ignore_errors=True)
    return found.bytes


def discard(path: Path) -> None:
    """Delete a model file with its stamp."""
    path.unlink(missing_ok=True)
    _stamp_path(path).unlink(missing_ok=True)


def partial_dir(model: EmbeddedModel) -> Path:
    """Where a fetch keeps what it has so far; beside the models, so that the last step is a rename."""
    return models_dir() / ".partial" / model.file


def stamp(model: EmbeddedModel, path: Path) -> None:
    """Remember that `path` has been checked. A folder that cannot be written only costs the next check."""
    with suppress(OSError):
        status = path.stat()
        text = json.dumps({"sha256": model.sha256, "bytes": status.st_size, "mtime_ns": status.st_mtime_ns})
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(_stamp_path(path))


def _stamp_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified.json")


def _stamp_fits(model: EmbeddedModel, path: Path) -> bool:
    try:
        noted = json.loads(_stamp_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    status = path.stat()
    return bool(noted == {"sha256": model.sha256, "bytes": status.st_size, "mtime_ns": status.st_mtime_ns})


def hash_file(path: Path, count: ByteCount | None = None) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if count is not None:
                count(done)
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    """SHA-256 of any model file; hashed once per process while the file does not change."""
    status = path.stat()
    return _hashed(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=16)
def _hashed(path: Path, size: int, mtime_ns: int) -> str:
    return hash_file(path)


@contextmanager
def exclusive(model: EmbeddedModel, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the model's lock file, so that two processes never write the same model.

    Args:
        model: Which one.
        waiting: Called a few times a second while another process holds the lock.
    """
    import fcntl

    folder = models_dir() / ".partial"
    folder.mkdir(parents=True, exist_ok=True)
    # The lock file stays: removing it would let a third process lock a new file of the same name.
    with (folder / f"{model.file}.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(LOCK_POLL_SECONDS)
        yield
