"""Who takes part in an evaluation: policies, and the baselines that only an evaluation can set up."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from trigreason_graph.policies import (
    Policy,
    dump_policy,
    early_only,
    glimprouter_policy,
    random_policy,
    resolve_policy,
    specreason_policy,
)

PolicyLike = Policy | str | Path
MatchedForm = Literal["random", "early_only"]
SMALL_ALONE, LARGE_ALONE = "small_only", "large_only"
"""What every policy stands between."""
MOST_VOTES = 64
"""Our choice: more samples than any study of self-consistency on such data has found useful."""

SHOWN_OF_DIGEST = 16
"""Hexadecimal digits: enough to tell policies apart."""

_CALL = re.compile(r"(\w+)\(\s*([^()]*?)\s*\)")
_MATCHED = re.compile(r"(\w+)@(.+)")


@dataclass(frozen=True, slots=True)
class Entrant:
    """One line of the table.

    Attributes:
        name: As in the results.
        policy: What is run; None: it is chosen when the policy it is matched to has run.
        votes: Runs of the small model whose majority is the answer (self-consistency); 1: an ordinary policy.
        matched: For a baseline at equal cost: which one.
        to: The policy whose spending it is matched to.
    """

    name: str
    policy: Policy | None
    votes: int = 1
    matched: MatchedForm | None = None
    to: str = ""

    @property
    def definition(self) -> str:
        """A digest of what it does, for the provenance, and to see whether it is still the same."""
        if self.policy is None:
            return f"{self.matched} at the spending of {self.to}"
        try:
            told = dump_policy(self.policy)
        except ValueError:  # triggers of the user's own
            told = repr(self.policy)
        digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:SHOWN_OF_DIGEST]
        return f"sha256 {digest}"


def entrants_of(policies: Sequence[PolicyLike]) -> list[Entrant]:
    """Everyone who takes part, in the order given.

    Args:
        policies: Policies; names of shipped ones; paths of TOML files; "random(0.3)", "early_only(4)",
            "specreason(9)" and "glimprouter(1.5)" with their parameter; "self_consistency(5)"; "random@NAME" and
            "early_only@NAME", matched to the spending of a policy that takes part, which small_only and large_only
            then do as well.

    Raises:
        ValueError: One cannot be used, or there are two of one name; the text names it.
    """
    if isinstance(policies, str) or not policies:
        raise ValueError('policies= must be a list of policies or their names, such as ["small_only", "default"]')
    found = [_entrant(policy) for policy in policies]
    names = [entrant.name for entrant in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f'policies=: two are called {name!r}; give one another name, in a policy file by name = "…"'
            )
    for entrant in found:
        if entrant.matched:
            for needed in (entrant.to, SMALL_ALONE, LARGE_ALONE):
                if needed not in names:
                    raise ValueError(f"policies=: {entrant.name!r} needs {needed!r} among the policies; add it")
            if found[names.index(entrant.to)].matched:
                raise ValueError(f"policies=: {entrant.name!r} is matched to what is itself matched")
    return found


def _entrant(given: PolicyLike) -> Entrant:
    if not isinstance(given, str) or given.endswith(".toml"):
        policy = resolve_policy(given)
        return Entrant(policy.name, policy)
    name = given.strip()
    if found := _MATCHED.fullmatch(name):
        if found[1] not in get_args(MatchedForm):
            raise ValueError(f"policies=: {name!r}: only {' and '.join(get_args(MatchedForm))} can be matched")
        form: MatchedForm = "random" if found[1] == "random" else "early_only"
        return Entrant(name, None, matched=form, to=found[2].strip())
    if found := _CALL.fullmatch(name):
        return _with_parameter(name, found[1], found[2])
    return Entrant(name, resolve_policy(name))


def _with_parameter(name: str, kind: str, text: str) -> Entrant:
    if kind != "self_consistency" and kind not in FACTORIES:
        known = ", ".join([*FACTORIES, "self_consistency"])
        raise ValueError(f"policies=: {kind!r} takes no parameter; those that do: {known}")
    try:
        if kind == "self_consistency":
            votes = int(text)
            if not 2 <= votes <= MOST_VOTES:
                raise ValueError(f"votes must be from 2 to {MOST_VOTES}")
            return Entrant(name, resolve_policy(SMALL_ALONE), votes=votes)
        return Entrant(name, replace(FACTORIES[kind](text), name=name))
    except ValueError as wrong:
        raise ValueError(f"policies=: {name!r}: {wrong}") from None


FACTORIES: dict[str, Callable[[str], Policy]] = {
    "random": lambda text: random_policy(float(text)),
    "early_only": lambda text: early_only(int(text)),
    "specreason": lambda text: specreason_policy(int(text)),
    "glimprouter": lambda text: glimprouter_policy(float(text)),
}
"""Policies whose one parameter can be written behind their name."""
