"""Files of lines that only ever grow: safe against a writer that is killed, and against two writers at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom, BufferedWriter
from pathlib import Path


def append_line(path: Path, line: str) -> None:
    """Add one line; it is on disk before this returns.

    Args:
        path: The file; it and its folder are made where they are not there.
        line: Without a line feed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _ready_for_lines(path) as file:
        file.write(line.encode("utf-8", "surrogatepass") + b"\n")


@contextmanager
def only_writer(folder: Path) -> Iterator[bool]:
    """Hold a folder, made where it is not there, for whoever adds to its files; False where another process has it.

    The hold dies with its process. Where there are no such locks (Windows, some networks), it is granted to all.

    Raises:
        OSError: The folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as file:
        yield _locked(file)


def _locked(file: BufferedWriter) -> bool:
    """Whether a file could be locked, or cannot be by anybody."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # neither the system nor a network's file system need have locks
        return True
    return True


def whole_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers from 1; a last line without its end (a killed writer's) is left out.

    Raises:
        ValueError: The file is not UTF-8 text; the text names file and line.
    """
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for number, line in enumerate(lines[:-1], 1):
        try:
            yield number, line.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as wrong:
            raise ValueError(f"{path}, line {number}: {wrong}") from None


@contextmanager
def _ready_for_lines(path: Path) -> Iterator[BufferedRandom]:
    """The file, locked against other writers where the system can, without a torn last line, at its end."""
    with path.open("a+b") as file:
        try:
            import fcntl
        except ImportError:  # Windows: one writer at a time is up to the caller
            pass
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read())[1] != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
        yield file
        file.flush()
        os.fsync(file.fileno())
