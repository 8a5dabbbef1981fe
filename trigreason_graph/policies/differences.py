"""A policy field by field, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from trigreason_graph.policies.base import Policy

ABSENT = "-"
"""Stands for a field of a trigger, limit or table that a policy does not have."""
_APART = ("name", "description", "source", "made_for", "evidence")
"""What says nothing about how a policy acts."""


class Difference(NamedTuple):
    """One field in which two policies differ; `ABSENT` where one does not have it."""

    field: str
    first: Any
    second: Any


def fields_of(policy: Policy, *, all: bool = False) -> dict[str, Any]:
    """The policy's fields by dotted name: "commit_every", "initiation.tokens", "cognitive_offload.rho".

    Args:
        policy: Any.
        all: Also what says nothing about how it acts: name, description, source, made_for and evidence.
    """
    return dict(_fields(policy, all))


def differences(first: Policy, second: Policy, *, all: bool = False) -> list[Difference]:
    """The fields that differ, in the order of the first policy, then those that only the second one has.

    Args:
        first, second: The policies.
        all: Also what says nothing about how they act.
    """
    one, other = fields_of(first, all=all), fields_of(second, all=all)
    names = [*one, *(name for name in other if name not in one)]
    found = (Difference(name, one.get(name, ABSENT), other.get(name, ABSENT)) for name in names)
    return [difference for difference in found if difference.first != difference.second]


def _fields(policy: Policy, all: bool) -> Iterator[tuple[str, Any]]:
    tables = ("triggers", "initiation", "limits", "made_for", "evidence")
    for field in fields(Policy):
        if field.name not in tables and (all or field.name not in _APART):
            yield field.name, getattr(policy, field.name)
    yield "triggers", tuple(trigger.name for trigger in policy.triggers)
    parts: list[tuple[str, Any]] = [("initiation", policy.initiation)]
    parts += [(trigger.name, trigger) for trigger in policy.triggers]
    parts += [(f"limits.{limit.trigger}", limit) for limit in policy.limits]
    parts += [("made_for", policy.made_for), ("evidence", policy.evidence)] if all else []
    for prefix, part in parts:
        yield from _nested(prefix, part)


def _nested(prefix: str, part: object) -> Iterator[tuple[str, Any]]:
    if not is_dataclass(part) or isinstance(part, type):
        return
    for field in fields(part):
        value = getattr(part, field.name)
        if field.name == "figures":
            yield from ((f"{prefix}.{figure.name}", str(figure)) for figure in value)
        elif is_dataclass(value) and hasattr(value, "sha256"):
            yield f"{prefix}.{field.name}", str(value)
        elif field.name != "trigger":
            yield f"{prefix}.{field.name}", value
