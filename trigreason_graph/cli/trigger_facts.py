"""What is known of a trigger: read from its own class, so that it cannot be out of date."""

from __future__ import annotations

import inspect
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from trigreason_graph.policies import shipped_policy
from trigreason_graph.policies.files import KNOWN_TRIGGERS
from trigreason_graph.policies.resolve import names
from trigreason_graph.triggers import StrategicInitiation

KINDS: dict[str, type[Any]] = {StrategicInitiation.name: StrategicInitiation, **KNOWN_TRIGGERS}
"""All that ship, the one that begins a run first."""
MOMENTS = {
    "start": "at the start of a run",
    "step": "when a step is finished",
    "partial": "while a step is written, and when it is finished",
    "first_token": "after the first token of a step",
    "judge": "when a step is finished; it calls a model",
}
_SECTIONS = re.compile(r"\n\n(?=Attributes:\n)")


@dataclass(frozen=True)
class FieldFacts:
    """A field: its default, its meaning with the source of its value, and the shipped policies that set another one."""

    name: str
    default: Any
    meaning: str
    policies: dict[str, Any]


@dataclass(frozen=True)
class TriggerFacts:
    """A trigger: when it is asked, what it does in plain words, its fields, and the shipped policies that have it."""

    name: str
    when: str
    text: str
    fields: tuple[FieldFacts, ...]
    policies: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The first sentence of the text."""
        return self.text.split("\n\n")[0]

    def as_dict(self) -> dict[str, Any]:
        """JSON primitives."""
        return asdict(self)


def all_facts() -> list[TriggerFacts]:
    """All triggers that ship, in the order of a run."""
    return [facts_of(name) for name in KINDS]


def facts_of(name: str) -> TriggerFacts:
    """The facts of one trigger; "-" may stand for "_".

    Raises:
        ValueError: There is none of that name; the text says which there are.
    """
    kind = KINDS.get(name.strip().lower().replace("-", "_"))
    if kind is None:
        raise ValueError(f"there is no trigger {name!r}; there are: {', '.join(KINDS)}")
    text, meanings = read_docstring(inspect.getdoc(kind) or "")
    trigger, shipped = kind(), shipped_with(kind)
    found = tuple(
        FieldFacts(
            field.name,
            getattr(trigger, field.name),
            meanings.get(field.name, ""),
            {
                policy: getattr(other, field.name)
                for policy, other in shipped.items()
                if getattr(other, field.name) != getattr(trigger, field.name)
            },
        )
        for field in fields(kind)
    )
    return TriggerFacts(trigger.name, getattr(trigger, "when", "judge"), text, found, tuple(shipped))


def shipped_with(kind: type[Any]) -> dict[str, Any]:
    """The triggers of this kind in the shipped policies, by policy."""
    found: dict[str, Any] = {}
    for policy in map(shipped_policy, names()):
        for trigger in (policy.initiation, *policy.triggers):
            if isinstance(trigger, kind):
                found[policy.name] = trigger
    return found


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The text before "Attributes:", a line for each paragraph, and what is said of each attribute.

    "tau, rho: …" says the same of both.
    """
    before, *after = _SECTIONS.split(text, maxsplit=1)
    prose = "\n\n".join(" ".join(paragraph.split()) for paragraph in before.split("\n\n"))
    if not after:
        return prose, {}
    parts = re.split(r"^ {4}(\w+(?:, \w+)*): ", after[0].partition("\n")[2], flags=re.MULTILINE)[1:]
    said = zip(parts[::2], parts[1::2], strict=True)
    return prose, {name: " ".join(meaning.split()) for names, meaning in said for name in names.split(", ")}
