"""Scenarios as TOML files, those that ship among them.

    schema = 1
    name = "mine"
    about = "SRM on a laptop, LRM behind an API."

    [small]
    input = 0.0                        # dollars per million tokens
    output = 0.0
    rtt_seconds = 0.0
    prefill_tokens_per_second = 500
    decode_tokens_per_second = 30

    [large]
    input = 0.28
    cached = 0.028
    output = 0.42
    rtt_seconds = 0.3
    prefill_tokens_per_second = 2000
    decode_tokens_per_second = 40
    cache_block = 64

    [sources]
    prices = "the provider's list of 2025-12"

The fields of a role are those of :class:`~trigreason_graph.evaluation.scenarios.Place`; those that have a default there
may be left out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from trigreason_graph.evaluation.scenarios.scenario import Place, Scenario

SCHEMA = 1
SHIPPED = ("edge_cloud", "embedded_cpu", "local")
"""Names of the scenarios that ship."""

_KNOWN = ("schema", "name", "about", "small", "large", "sources")


def shipped_scenario(name: str) -> Scenario:
    """A scenario that comes with the package.

    Raises:
        ValueError: There is none of this name; the text lists those there are.
    """
    if name not in SHIPPED:
        raise ValueError(f"no scenario {name!r} ships; there are: {', '.join(SHIPPED)}. A file of your own is *.toml")
    return read_scenario((files(__package__) / f"{name}.toml").read_text(encoding="utf-8"))


def load_scenario(source: str | Path) -> Scenario:
    """A scenario by the name of a shipped one, or out of a file.

    Raises:
        ValueError: There is none, or it cannot be used; the text names the file, the key, and what is known instead.
    """
    if isinstance(source, str) and not source.endswith(".toml"):
        return shipped_scenario(source)
    try:
        return read_scenario(Path(source).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"scenario file {source}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"scenario file {source}: this is no valid TOML: not UTF-8 text") from None
    except ValueError as error:
        raise ValueError(f"scenario file {source}: {error}") from None


def read_scenario(text: str) -> Scenario:
    """A scenario out of the text of a file.

    Raises:
        ValueError: It cannot be used; the text names the key, and what is known instead.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"this is no valid TOML: {error}") from None
    if content.get("schema") != SCHEMA:
        raise ValueError(f"schema must be {SCHEMA}, not {content.get('schema', 'missing')!r}")
    _only(content, _KNOWN, "")
    about, sources = content.get("about", ""), content.get("sources", {})
    if not isinstance(content.get("name"), str) or not content["name"].strip():
        raise ValueError("the key 'name' must be a text")
    if not isinstance(about, str):
        raise ValueError("the key 'about' must be a text")
    if not isinstance(sources, dict) or not all(isinstance(value, str) for value in sources.values()):
        raise ValueError("'sources' must be a table of texts: [sources]")
    return Scenario(
        name=content["name"],
        about=about,
        small=_place(content, "small"),
        large=_place(content, "large"),
        sources=sources,
    )


def _place(content: Mapping[str, Any], role: str) -> Place:
    table = content.get(role)
    if not isinstance(table, dict):
        raise ValueError(f"the table [{role}] is missing")
    _only(table, [field.name for field in fields(Place)], f"[{role}] ")
    missing = [field.name for field in fields(Place) if field.default is MISSING and field.name not in table]
    if missing:
        raise ValueError(f"[{role}] lacks: {', '.join(missing)}")
    try:
        return Place(**table)
    except ValueError as error:
        raise ValueError(f"[{role}] {error}") from None


def _only(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{where}unknown key {key!r}; known: {', '.join(known)}")
