"""The settings that tuning tries: every combination of some values of a policy's fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from trigreason_graph.policies import Policy
from trigreason_graph.triggers import StrategicInitiation

Grid = Mapping[str, Sequence[Any]]
"""Values by name: "cognitive_offload.rho" a field; "arithmetic_check" (True, False) with the trigger and without it;
"initiation" likewise, or another form of it and its length: "prime:2" (the LRM writes two steps), "blueprint:60" (a
plan of so many tokens)."""
INITIATION = "initiation"
DEFAULT_GRID: Grid = {
    INITIATION: (True, False, "prime:1", "prime:3"),
    "cognitive_offload.rho": (0.85, 0.93, 1.0),
    "cognitive_offload.steps": (1, 2),
    "arithmetic_check": (True, False),
    "intervention_request.k": (2, 3),
}
"""96 settings around the default: with its blueprint, without, or with first steps by the LRM in its place; from its
offload to none, one or two steps a call; with and without the checked sums; after two hesitant steps or three."""


def default_grid(policy: Policy) -> dict[str, Sequence[Any]]:
    """The part of `DEFAULT_GRID` that a policy has the triggers for."""
    known = {INITIATION, *(trigger.name for trigger in policy.triggers)}
    return {name: values for name, values in DEFAULT_GRID.items() if name.partition(".")[0] in known}


@dataclass(frozen=True)
class Setting:
    """One point of a grid.

    Attributes:
        index: Its number.
        values: By name; empty: the policy as it was given.
        places: Of each value, its place in the grid's list: how far settings are apart.
        policy: What it makes of the policy.
    """

    index: int
    values: Mapping[str, Any]
    places: tuple[int, ...]
    policy: Policy = field(repr=False)

    @property
    def name(self) -> str:
        """Its values, for people."""
        return ", ".join(f"{name}={shown(value)}" for name, value in self.values.items()) or "as given"

    def away(self, other: Setting) -> int:
        """How many places the two are apart, over all fields; the policy as given is far from all."""
        if len(self.places) != len(other.places):
            return 1_000
        return sum(abs(one - two) for one, two in zip(self.places, other.places, strict=True))


def settings_of(policy: Policy, grid: Grid | None = None) -> list[Setting]:
    """The policy as given, then every combination that differs from it and from those before it.

    Args:
        policy: As given.
        grid: None: `default_grid` of the policy.

    Raises:
        ValueError: A name that the policy does not have, or a value that a field refuses.
    """
    if grid is None:
        grid = default_grid(policy)
    if not grid or not all(grid.values()):
        raise ValueError("grid= needs at least one name with at least one value")
    found = [Setting(0, {}, (), policy)]
    seen = [policy]
    for places in product(*(range(len(values)) for values in grid.values())):
        values = {name: listed[place] for (name, listed), place in zip(grid.items(), places, strict=True)}
        made = with_values(policy, values)
        if made == policy and not found[0].places:
            found[0] = Setting(0, values, places, policy)
        if made not in seen:
            seen.append(made)
            found.append(Setting(len(found), values, places, made))
    return found


def with_values(policy: Policy, values: Mapping[str, Any]) -> Policy:
    """A policy with these values of a grid; fields of what is switched off are passed over."""
    start = values.get(INITIATION, True)
    switches = {name: value for name, value in values.items() if "." not in name and name != INITIATION}
    off = {name for name, value in switches.items() if not _switch(name, value)}
    passed_over = off if start is True else off | {StrategicInitiation.name}
    fields: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        owner, dot, field = name.partition(".")
        if dot and owner in passed_over:
            _check_field(policy, owner, field)
        elif dot:
            fields.setdefault(owner, {})[field] = value
    known = [trigger.name for trigger in policy.triggers]
    unknown = [name for name in switches if name not in known]
    if unknown:
        raise ValueError(f"grid: policy {policy.name!r} has no trigger {unknown[0]!r}; it has: {', '.join(known)}")
    changed = policy.with_fields(fields)
    return replace(
        changed,
        initiation=changed.initiation if start is True else _initiation(start),
        triggers=tuple(trigger for trigger in changed.triggers if trigger.name not in off),
        limits=tuple(limit for limit in policy.limits if limit.trigger not in off),
    )


def _check_field(policy: Policy, owner: str, field: str) -> None:
    """Refuse a field that there is not, also of what is switched off or replaced: a slip would go unseen."""
    kinds: dict[str, Any] = {trigger.name: trigger for trigger in policy.triggers}
    kinds[StrategicInitiation.name] = StrategicInitiation
    if owner in kinds and field not in getattr(kinds[owner], "__dataclass_fields__", {field}):
        raise ValueError(f"grid: {owner} has no field {field!r}")


def _initiation(value: object) -> StrategicInitiation | None:
    """The start that stands in place of the policy's own."""
    if value is False:
        return None
    form, _, length = str(value).partition(":")
    if form not in ("prime", "blueprint") or not (length.isascii() and length.isdigit()) or not int(length):
        raise ValueError(
            f'grid: {INITIATION!r} is "on", "off", "prime:STEPS" or "blueprint:TOKENS" (as "prime:2"), not {value!r}'
        )
    if form == "prime":
        return StrategicInitiation(form="prime", tokens=None, steps=int(length))
    return StrategicInitiation(form="blueprint", tokens=int(length))


def read_grid(written: Sequence[str]) -> dict[str, list[Any]]:
    """A grid out of "cognitive_offload.rho=0.85,0.93" and the like; values are JSON, "none" or text.

    Raises:
        ValueError: It has another form.
    """
    grid: dict[str, list[Any]] = {}
    for one in written:
        name, equals, values = one.partition("=")
        if not equals or not name.strip() or not values.strip():
            raise ValueError(f'--grid {one}: write it as NAME=VALUE,VALUE, such as "cognitive_offload.rho=0.85,0.93"')
        if name.strip() in grid:
            raise ValueError(f"--grid {one}: {name.strip()} is there already; give all its values at once")
        grid[name.strip()] = [_value(value.strip()) for value in values.split(",")]
    return grid


def _value(written: str) -> Any:
    words = {"none": None, "null": None, "on": True, "true": True, "off": False, "false": False}
    if written.lower() in words:
        return words[written.lower()]
    try:
        return json.loads(written)
    except json.JSONDecodeError:
        return written


def _switch(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f'grid: {name!r} is switched "on" or "off", not {value!r}; a field is "{name}.FIELD"')
    return value


def shown(value: object) -> str:
    """A value for people, as `read_grid` reads it."""
    return "on" if value is True else "off" if value is False else "none" if value is None else str(value)
