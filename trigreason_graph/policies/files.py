"""Policies as TOML files: what is measured on one pair of models belongs into a file of its own.

    schema = 1
    name = "mine"
    commit_every = 10

    [initiation]
    form = "blueprint"
    tokens = 120

    [[triggers]]
    name = "cognitive_offload"
    rho = 0.9

    [[limits]]
    trigger = "cognitive_offload"
    most = 10
    cooldown = 1

    [made_for]              # optional: what it holds for; used with something else, it warns
    logprobs = "raw"
    prompts = "2"
    [made_for.small]
    name = "embedded:small"
    sha256 = "1d96…"

    [evidence]              # optional: what it was found from
    command = "trigreason calibrate problems.jsonl --escalation 0.2"
    problems = 60
    [evidence.figures]
    "share of steps" = [0.2, 0.17, 0.23]

Fields that are left out keep their defaults. TOML has no null: "none" stands for it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from trigreason_graph.policies.base import AnyTrigger, Policy, with_changes
from trigreason_graph.policies.origin import evidence_lines, made_for_lines, read_evidence, read_made_for
from trigreason_graph.triggers import (
    ArithmeticCheck,
    CognitiveOffload,
    Contradiction,
    FirstTokenEntropy,
    InterventionRequest,
    Limit,
    RandomChoice,
    StepReview,
    StepScore,
    StrategicInitiation,
)

SCHEMA = 1
_OPTIONAL = ("probabilities_at",)
"""Plain fields that may be None; in the others "none" is a text."""
NONE = "none"
KNOWN_TRIGGERS: dict[str, type[Any]] = {
    kind.name: kind
    for kind in (
        ArithmeticCheck,
        Contradiction,
        CognitiveOffload,
        FirstTokenEntropy,
        InterventionRequest,
        RandomChoice,
        StepScore,
        StepReview,
    )
}
"""What a file can name. A trigger of the user's own has its policy written in Python."""
_TABLES = ("triggers", "initiation", "limits", "made_for", "evidence")
_PLAIN = [field.name for field in fields(Policy) if field.name not in _TABLES]


def load_policy(path: str | Path) -> Policy:
    """Read a policy file.

    Raises:
        ValueError: The file cannot be read or used; the text names it, the key, and what is known instead.
    """
    path = Path(path).expanduser()
    try:
        return read_policy(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"policy file {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"policy file {path}: this is no valid TOML: not UTF-8 text") from None
    except ValueError as error:
        raise ValueError(f"policy file {path}: {error}") from None


def read_policy(text: str) -> Policy:
    """A policy out of the text of a policy file.

    Raises:
        ValueError: It cannot be used; the text names the key, and what is known instead.
    """
    try:
        return _policy(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"this is no valid TOML: {error}") from None
    except RecursionError:
        raise ValueError("this is no valid TOML: it is nested too deeply") from None
    except TypeError as error:
        raise ValueError(str(error)) from None


def dump_policy(policy: Policy) -> str:
    """The policy as the text of a file that `load_policy` reads back as an equal policy.

    Raises:
        ValueError: It has a trigger that files do not know.
    """
    lines = [f"schema = {SCHEMA}", *(f"{field} = {_value(getattr(policy, field))}" for field in _PLAIN)]
    if policy.initiation is not None:
        lines += ["", "[initiation]", *_fields(policy.initiation)]
    for trigger in policy.triggers:
        if type(trigger) is not KNOWN_TRIGGERS.get(trigger.name):
            raise ValueError(
                f"policy {policy.name!r} has the trigger {trigger.name!r} ({type(trigger).__name__}), which a file "
                f"cannot name; it can name: {', '.join(KNOWN_TRIGGERS)}"
            )
        lines += ["", "[[triggers]]", f"name = {_value(trigger.name)}", *_fields(trigger)]
    for limit in policy.limits:
        lines += ["", "[[limits]]", *_fields(limit)]
    if policy.made_for is not None:
        lines += made_for_lines(policy.made_for, _value)
    if policy.evidence is not None:
        lines += evidence_lines(policy.evidence, _value)
    return "\n".join(lines) + "\n"


def _policy(content: Mapping[str, Any]) -> Policy:
    if content.get("schema") != SCHEMA:
        raise ValueError(f"schema must be {SCHEMA}, not {content.get('schema', 'missing')!r}")
    known = ["schema", *_PLAIN, *_TABLES]
    for key in content:
        if key not in known:
            raise ValueError(f"unknown key {key!r}; known: {', '.join(known)}")
    if "name" not in content:
        raise ValueError("the key 'name' is missing")
    initiation = content.get("initiation")
    if initiation is not None and not isinstance(initiation, dict):
        raise ValueError("'initiation' must be a table: [initiation]")
    return Policy(
        **{field: _plain(field, content[field]) for field in _PLAIN if field in content},
        triggers=tuple(_trigger(entry) for entry in _tables(content, "triggers")),
        limits=tuple(_limit(entry) for entry in _tables(content, "limits")),
        initiation=None if initiation is None else with_changes(StrategicInitiation(), _read(initiation)),
        made_for=read_made_for(content["made_for"]) if "made_for" in content else None,
        evidence=read_evidence(content["evidence"]) if "evidence" in content else None,
    )


def _plain(field: str, value: object) -> Any:
    return None if field in _OPTIONAL and value == NONE else value


def _tables(content: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = content.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{key!r} must be an array of tables: [[{key}]]")
    return entries


def _limit(entry: Mapping[str, Any]) -> Limit:
    known = [field.name for field in fields(Limit)]
    for key in entry:
        if key not in known:
            raise ValueError(f"a limit has no field {key!r}; it has: {', '.join(known)}")
    if "trigger" not in entry:
        raise ValueError("a limit must name its trigger")
    return Limit(**_read(entry))


def _trigger(entry: Mapping[str, Any]) -> AnyTrigger:
    name = entry.get("name")
    if name == StrategicInitiation.name:
        raise ValueError("strategic_initiation goes into the table [initiation]")
    if not isinstance(name, str) or name not in KNOWN_TRIGGERS:
        raise ValueError(f"unknown trigger {name!r}; known: {', '.join(KNOWN_TRIGGERS)}")
    trigger: AnyTrigger = KNOWN_TRIGGERS[name]()
    return with_changes(trigger, _read({key: value for key, value in entry.items() if key != "name"}))


def _read(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if value == NONE else value for key, value in table.items()}


def _fields(trigger: object) -> list[str]:
    return [f"{field.name} = {_value(getattr(trigger, field.name))}" for field in fields(trigger)]  # type: ignore[arg-type]


def _value(value: object) -> str:
    if value is None:
        return f'"{NONE}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_value(item) for item in value)}]"
    # JSON's string escapes are TOML's, but for DEL, which TOML wants escaped as well
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
