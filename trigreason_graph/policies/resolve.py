"""Whatever a user passes as `policy=`, as a Policy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from trigreason_graph.policies.base import AnyTrigger, Policy
from trigreason_graph.policies.files import load_policy
from trigreason_graph.policies.shipped import DEFAULT, SHIPPED
from trigreason_graph.triggers import StrategicInitiation


def resolve_policy(policy: Policy | str | Path | Sequence[AnyTrigger | StrategicInitiation] | None = None) -> Policy:
    """A Policy out of one, the name of a shipped one, a path to a TOML file, or a list of triggers.

    Args:
        policy: None: the shipped default.

    Raises:
        ValueError: It cannot be used; the text begins with the argument's name and lists what is known.
    """
    if policy is None:
        return DEFAULT
    if isinstance(policy, Policy):
        return policy
    try:
        if isinstance(policy, str):
            return _named(policy)
        if isinstance(policy, Path):
            return load_policy(policy)
        if isinstance(policy, list | tuple):
            return Policy.from_triggers(policy)
    except ValueError as error:
        raise ValueError(f"policy=: {error}") from None
    raise ValueError(
        f"policy=: must be a Policy, a name ({', '.join(SHIPPED)}), a path to a TOML file or a list of triggers, not "
        f"{type(policy).__name__}"
    )


PAIRS = Path(__file__).parent / "pairs"
"""Policy files of single pairs of models that ship: evidence about one pair belongs into its file, not the default."""


@cache
def shipped_policy(name: str) -> Policy:
    """A policy that ships, by its name.

    Raises:
        ValueError: There is none of that name; the text lists those there are.
    """
    if name in SHIPPED:
        return SHIPPED[name]
    if name in names():
        return load_policy(PAIRS / f"{name}.toml")
    raise ValueError(f"there is no policy {name!r}; shipped are {', '.join(names())}")


def _named(name: str) -> Policy:
    if name.endswith(".toml"):
        return load_policy(name)
    try:
        return shipped_policy(name)
    except ValueError as error:
        raise ValueError(f'{error}, and a path ends in ".toml"') from None


def names() -> list[str]:
    """What `policy=` takes as a name: the shipped policies, then those of single pairs."""
    return [*SHIPPED, *(path.stem for path in sorted(PAIRS.glob("*.toml")))]
