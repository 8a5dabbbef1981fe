"""A row of a data set, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trigreason_graph.errors import DataError


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was read.

    Attributes:
        where: "problems.jsonl, line 3": what an error says. Never what the row contains: some data is not for logs.
        fields: The values by the data's own names.
    """

    where: str
    fields: Mapping[str, object] = field(repr=False)


def text_of(path: Path) -> str:
    """A data file as text, without a byte order mark.

    Raises:
        DataError: It cannot be read, or is not UTF-8; the text names the line.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path.name}, line {line}: this is not UTF-8. Type: iconv -f latin1 -t utf8 {path.name} "
            "(or whatever encoding it has), and take what that writes."
        ) from None
