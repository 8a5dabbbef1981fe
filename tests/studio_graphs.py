"""Graphs beside the real one on the Studio tests' server: the same entry under variables that name no usable model."""

from __future__ import annotations

import os
from typing import Any

from trigreason_graph import studio


def misnamed() -> Any:
    return _with_small("what")


def missing() -> Any:
    return _with_small("embedded:/nowhere/small.gguf")


def _with_small(spec: str) -> Any:
    named = os.environ["TRIGREASON_SMALL"]
    os.environ["TRIGREASON_SMALL"] = spec
    try:
        return studio.graph()
    finally:
        os.environ["TRIGREASON_SMALL"] = named
