"""Rows from JSON lines, or from one JSON list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from trigreason_graph.errors import DataError
from trigreason_graph.evaluation.readers.rows import Row, text_of


def read_json(path: Path) -> list[Row]:
    """The rows of a file of JSON objects: one a line, blank lines aside, or all in one list.

    Numbers with a decimal point stay as they are written.

    Raises:
        DataError: With file and line.
    """
    text = text_of(path)
    if text.lstrip().startswith("["):
        return _listed(path, text)
    return list(_lines(path, text))


def _lines(path: Path, text: str) -> Iterator[Row]:
    # Not splitlines(): that also breaks at U+2028, which JSON allows inside a text.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = f"{path.name}, line {number}"
            try:
                yield _row(where, _parsed(line))
            except (ValueError, RecursionError) as error:
                if isinstance(error, DataError):
                    raise
                raise DataError(f"{where}: this is not JSON ({_reason(error)}).") from None


def _listed(path: Path, text: str) -> list[Row]:
    try:
        items = _parsed(text)
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DataError(f"{path.name}{line}: this is not JSON ({_reason(error)}).") from None
    assert isinstance(items, Iterable)
    return [_row(f"{path.name}, item {number}", item) for number, item in enumerate(items, 1)]


def _parsed(text: str) -> object:
    return json.loads(text, parse_float=str, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _reason(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"column {error.colno}: {error.msg}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _row(where: str, value: object) -> Row:
    if not isinstance(value, dict):
        raise DataError(f"{where}: a problem is a JSON object with id, question and answer, not a {_called(value)}.")
    return Row(where, value)


def _called(value: object) -> str:
    names: dict[type, str] = {str: "text", bool: "truth value", int: "number", list: "list", type(None): "null"}
    return names.get(type(value), type(value).__name__)
