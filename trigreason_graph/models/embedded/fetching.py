"""Fetching pieces: several at once, handed over in order, each resumed where it broke off."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from trigreason_graph.errors import DownloadError
from trigreason_graph.models.embedded.package_index import local_path, redacted
from trigreason_graph.models.embedded.sources import Piece, Source, SourceUnavailable, TryAgain
from trigreason_graph.models.embedded.store import CHUNK

if TYPE_CHECKING:
    import httpx

AT_ONCE = 6
"""Pieces in flight. More gains nothing on an ordinary line and needs more free disk."""
TRIES = 5
"""In a row without one new byte; the waits between them double from FIRST_WAIT."""
FIRST_WAIT = 0.5
TICK_SECONDS = 0.1
STOP_SECONDS = 2.0
"""Longest wait for running transfers to notice that they are to stop."""
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Stopped(Exception):
    """The transfer was told to stop."""


class Fetcher:
    """Fetches the pieces of one source into a folder.

    Args:
        client: Shared by all transfers.
        source: Says where each piece lies.
        folder: Gets the finished pieces under their names, unfinished ones with ".part" behind it.
        pieces: What to fetch.
    """

    def __init__(self, client: httpx.Client, source: Source, folder: Path, pieces: Sequence[Piece]) -> None:
        self.client, self.source, self.folder, self.pieces = client, source, folder, pieces
        self._arrived = {piece.name: self._on_disk(piece) for piece in pieces}
        self._stop = threading.Event()

    @property
    def arrived(self) -> int:
        """Bytes of all pieces that have arrived, now or in an earlier fetch."""
        return sum(self._arrived.values())

    def _on_disk(self, piece: Piece) -> int:
        if (self.folder / piece.name).is_file():
            return piece.bytes
        part = self._part(piece)
        return part.stat().st_size if part.is_file() else 0

    def _part(self, piece: Piece) -> Path:
        return self.folder / f"{piece.name}.part"

    def in_order(self, tick: Callable[[], None]) -> Generator[Path]:
        """Yield each piece's finished file, in order; the caller removes it. `tick` is called while waiting.

        Raises:
            DownloadError: for the first piece that cannot be fetched.
        """
        waiting, running = deque(self.pieces), deque[Future[Path]]()
        try:
            while waiting or running:
                while waiting and len(running) < AT_ONCE:
                    running.append(self._start(waiting.popleft()))
                first = running.popleft()
                try:
                    while not wait([first], TICK_SECONDS).done:
                        tick()
                finally:
                    running.appendleft(first)
                tick()
                yield first.result()
                running.popleft()
        finally:
            self._stop.set()
            wait(running, STOP_SECONDS)

    def _start(self, piece: Piece) -> Future[Path]:
        """Fetch in a daemon thread: an executor's threads would hold up the interpreter's end on a dead line."""
        done: Future[Path] = Future()

        def run() -> None:
            try:
                done.set_result(self._fetch(piece))
            except BaseException as fault:
                done.set_exception(fault)

        threading.Thread(target=run, name=f"fetch {piece.name}", daemon=True).start()
        return done

    def _fetch(self, piece: Piece) -> Path:
        import httpx

        finished = self.folder / piece.name
        if finished.is_file():
            return finished
        tries = 0
        while True:
            before = self._arrived[piece.name]
            try:
                part = self._transfer(piece)
                return part.rename(finished)
            except (httpx.HTTPError, httpx.InvalidURL, TryAgain) as fault:
                tries = 1 if self._arrived[piece.name] > before else tries + 1
                if tries >= TRIES or not isinstance(fault, (httpx.TransportError, TryAgain)):
                    raise SourceUnavailable(f"{piece.name}: {redacted(str(fault)) or type(fault).__name__}") from fault
            if self._stop.wait(FIRST_WAIT * 2 ** (tries - 1)):
                raise Stopped

    def _transfer(self, piece: Piece) -> Path:
        """One try: add to what is there, hashing as it is written."""
        part = self._part(piece)
        with part.open("a+b") as file:
            writer = _Writer(file, piece)
            self._arrived[piece.name] = writer.size
            if writer.size < piece.bytes:
                with self._open(piece, writer.size) as (start, chunks):
                    if start != writer.size:
                        writer.restart()
                    for chunk in chunks:
                        if self._stop.is_set():
                            raise Stopped
                        writer.write(chunk)
                        self._arrived[piece.name] = writer.size
            fault = writer.fault()
        if fault:
            part.unlink()
            self._arrived[piece.name] = 0
            raise DownloadError(fault)
        if writer.size < piece.bytes:
            raise TryAgain(f"the transfer ended after {writer.size:,} of {piece.bytes:,} bytes")
        return part

    @contextmanager
    def _open(self, piece: Piece, have: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The piece's bytes from `have` on, or from 0 where the server does not serve ranges."""
        url = self.source.url_of(piece)
        if local := local_path(url):
            with local.open("rb") as file:
                file.seek(have)
                yield have, iter(lambda: file.read(CHUNK), b"")
            return
        whole = have == 0 and piece.start is None
        first, last = (piece.start or 0) + have, (piece.start or 0) + piece.bytes - 1
        headers = {} if whole else {"Range": f"bytes={first}-{last}"}
        with self.client.stream("GET", url, headers=headers) as answer:
            status = answer.status_code
            if status in BUSY:
                raise TryAgain(f"{redacted(str(answer.url.copy_with(query=None)))} answered {status}")
            if status == 206 and answer.headers.get("content-range", "").startswith(f"bytes {first}-"):
                yield have, answer.iter_raw()
            elif status == 200 and piece.start is None:
                yield 0, answer.iter_raw()
            else:
                raise SourceUnavailable(f"{piece.name}: answered {status} to a request for a part of it")


class _Writer:
    """Appends to a piece's file and knows its hash."""

    def __init__(self, file: BinaryIO, piece: Piece) -> None:
        self.file, self.piece = file, piece
        self.size = 0
        self._digest = hashlib.sha256()
        file.seek(0)
        while chunk := file.read(CHUNK):
            self._count(chunk)

    def write(self, chunk: bytes) -> None:
        self.file.write(chunk)
        self._count(chunk)

    def restart(self) -> None:
        """Begin again from nothing."""
        self.file.truncate(0)
        self.size, self._digest = 0, hashlib.sha256()

    def fault(self) -> str:
        """Why the piece is not what it should be, once its bytes are all there; empty if it is."""
        if self.size < self.piece.bytes:
            return ""
        wheel = self.piece.wheel
        if self.size > self.piece.bytes:
            return f"{self.piece.name} is longer than the official one; it was removed"
        if wheel is not None and self._digest.hexdigest() != wheel.sha256:
            return (
                f"{self.piece.name} is not the official one: its SHA-256 is {self._digest.hexdigest()}, not "
                f"{wheel.sha256}; it was removed"
            )
        return ""

    def _count(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.piece.wheel is not None:
            self._digest.update(chunk)
