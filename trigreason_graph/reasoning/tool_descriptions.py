"""Tools in words: one line for each, as the models are told of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

DESCRIPTION_LIMIT = 400
"""Characters of a description that are told. Ours: a small model reads every one of them again and again."""

DEEPEST = 3
"""Levels of objects and lists in an argument that are told; a schema may refer to itself."""


def described(name: str, description: str, schema: Mapping[str, Any]) -> str:
    """One tool: ``- add(a: integer, b?: integer): Adds two numbers.``, and a line for each argument that is explained.

    Args:
        name, description: Of the tool.
        schema: JSON schema of its arguments.
    """
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = schema.get("required") or ()
    told = ", ".join(
        f"{key}{'' if key in required else '?'}: {_kind(value, schema)}" for key, value in properties.items()
    )
    about = _short(description)
    lines = [f"- {name}({told}): {about}" if about else f"- {name}({told})"]
    lines += [
        f"  {key}: {_short(value['description'])}"
        for key, value in properties.items()
        if isinstance(value, Mapping) and isinstance(value.get("description"), str)
    ]
    return "\n".join(lines)


def _kind(value: object, schema: Mapping[str, Any], depth: int = 0) -> str:
    """The type of an argument in a word or two."""
    if not isinstance(value, Mapping) or depth > DEEPEST:
        return "any"
    deeper = depth + 1
    if isinstance(reference := value.get("$ref"), str):
        return _kind((schema.get("$defs") or {}).get(reference.rpartition("/")[2]), schema, deeper)
    if "enum" in value:
        return " | ".join(json.dumps(choice, ensure_ascii=False) for choice in value["enum"])
    if choices := value.get("anyOf"):
        return " | ".join(dict.fromkeys(_kind(choice, schema, deeper) for choice in choices))
    kind = value.get("type") or "any"
    if kind == "array":
        return f"list of {_kind(value.get('items'), schema, deeper)}"
    if kind == "object" and value.get("properties"):
        inner = ", ".join(f"{key}: {_kind(part, schema, deeper)}" for key, part in value["properties"].items())
        return f"{{{inner}}}"
    return " | ".join(kind) if isinstance(kind, list) else str(kind)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= DESCRIPTION_LIMIT else line[: DESCRIPTION_LIMIT - 1] + "…"
