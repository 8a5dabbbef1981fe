"""Rows from a Hugging Face data set: of the hub, or of a local folder."""

from __future__ import annotations

import re
from typing import Any

from trigreason_graph.errors import DataError, MissingPackage
from trigreason_graph.evaluation.readers.rows import Row

PREFIX = "hf:"
_NAME = re.compile(r"(?P<path>[^:@]+|[A-Za-z]:[\\/][^:@]*)(?::(?P<config>[^:@]+))?(?:@(?P<split>\w[\w.-]*))?")


def read_hub(source: str, *, private: bool = False) -> list[Row]:
    """The rows of ``hf:owner/name[:config][@split]``, loaded by the package `datasets`, which keeps them in its cache.

    Args:
        source: The name; instead of owner/name also a local folder's path. Without a split: "test", or the only one.
        private: Keep what the loader says out of errors, as it may quote the data.

    Raises:
        DataError: No such data set, configuration or split; no network; or its terms are to be accepted first.
        MissingPackage: The extra is not installed.
    """
    name = _NAME.fullmatch(source.removeprefix(PREFIX).strip())
    if name is None:
        raise DataError(f'"{source}" is no name of a data set. Write hf:owner/name, hf:owner/name:config@split.')
    table = _table(source, name["path"], name["config"], name["split"], private)
    return [Row(f"{source}, row {number}", row) for number, row in enumerate(table)]


def _table(source: str, path: str, config: str | None, split: str | None, private: bool) -> Any:
    try:
        from datasets import load_dataset
    except ImportError:
        raise MissingPackage(
            f"{source} is read by the package datasets, which is not installed. "
            'Type: pip install "trigreason-graph[evaluation]"'
        ) from None
    try:
        loaded = load_dataset(path, config, split=split)
    except Exception as error:  # whatever went wrong: hub, cache, network and parsers each have errors of their own
        raise DataError(_explained(source, path, error, private)) from (None if private else error)
    if split is not None:
        return loaded
    if "test" in loaded:
        return loaded["test"]
    if len(loaded) == 1:
        return next(iter(loaded.values()))
    raise DataError(f"{source} has several splits. Add one of: {', '.join(f'@{each}' for each in loaded)}.")


def _explained(source: str, path: str, error: Exception, private: bool) -> str:
    """What happened, and what to type."""
    told = str(error).strip().split("\n")[0][:300]
    kind = type(error).__name__
    if "gated" in str(error).lower() or kind == "GatedRepoError":
        return (
            f"{source} is given only to those who accept its terms. Accept them at "
            f"https://huggingface.co/datasets/{path}, and type: hf auth login"
        )
    said = kind if private or not told else f"{kind}: {told}"
    return (
        f"{source} could not be loaded ({said}). Check the name and the network; without one, read a file instead: "
        f"its path, or NAME=path for one of the named sets."
    )
