"""Where results come from, as lines of Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def provenance_lines(provenance: Mapping[str, Any]) -> list[str]:
    """A list, one line for each entry; what is nested stands below its entry."""
    if not provenance:
        return ["The results say nothing of where they come from."]
    return _lines(provenance, 0)


def _lines(entries: Mapping[str, Any], depth: int) -> list[str]:
    lines: list[str] = []
    for name, value in entries.items():
        head = f"{'  ' * depth}- {name}:"
        if isinstance(value, Mapping) and value:
            lines += [head, *_lines(value, depth + 1)]
        else:
            lines.append(f"{head} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    return lines
