"""Rows from CSV and TSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from trigreason_graph.errors import DataError
from trigreason_graph.evaluation.readers.rows import Row, text_of

CELL_LIMIT = 1_000_000
"""Characters of one cell; the csv module's own limit of 131,072 is below some data sets' solutions."""


def read_table(path: Path) -> list[Row]:
    """The rows of a file of comma- or, in a .tsv, tab-separated values, whose first line has the names.

    Empty cells are missing values.

    Raises:
        DataError: With file and line.
    """
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    # newline="": a line break inside a quoted cell belongs to its text.
    reader = csv.DictReader(io.StringIO(text_of(path), newline=""), delimiter=separator, strict=True)
    limit = csv.field_size_limit(CELL_LIMIT)
    rows: list[Row] = []
    try:
        names = reader.fieldnames or []
        if len(set(names)) < len(names):
            raise DataError(f"{path.name}, line 1: two columns have the same name.")
        rows.extend(_row(f"{path.name}, line {reader.line_num}", fields) for fields in reader)
    except csv.Error as error:
        raise DataError(f"{path.name}, line {reader.line_num}: this is not CSV ({error}).") from None
    finally:
        csv.field_size_limit(limit)
    return rows


def _row(where: str, fields: dict[str | None, object]) -> Row:
    if None in fields:
        raise DataError(f"{where}: more cells than the first line has names. Put texts with a comma in double quotes.")
    return Row(where, {name: cell for name, cell in fields.items() if name is not None and cell not in (None, "")})
