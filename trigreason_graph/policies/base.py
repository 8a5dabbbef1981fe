"""A policy: triggers in an order, with their settings, and how the run around them behaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, get_args

from trigreason_graph.policies.origin import Evidence, MadeFor
from trigreason_graph.reasoning.text import clean
from trigreason_graph.triggers import Judge, Limit, StrategicInitiation, Trigger
from trigreason_graph.triggers.base import When, is_judge
from trigreason_graph.triggers.fields import number

Segment = Literal["adaptive", "blank_line"]
AnswerBy = Literal["small", "large"]
AnyTrigger = Trigger | Judge

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Policy:
    """When the LRM is called, and for what. Every published method is a policy run by the same graph.

    Attributes:
        name: Shown in events and reports.
        triggers: Asked in this order; the first signal wins. No two may have the same name.
        initiation: What happens before the first step; None: the SRM just begins.
        commit_every: Drafts after which the SRM's stream is closed and its steps are committed: what a crash can lose.
            Default 10, ours.
        segment: Where steps end: "blank_line" as in the paper, or "adaptive" (blank lines, and line or sentence ends
            where none come), for models that write line by line.
        answer_by: Who states the answer when the trace ends without one.
        limits: A budget and a cooldown per trigger. Default none, as in the paper.
        probabilities_at: Temperature at which the SRM's token probabilities are wanted. Servers that report raw ones
            (llama.cpp, Ollama, by default vLLM) have them converted with their top-k; None: as reported.
        stop_on_repeat: End the reasoning on two equal steps in a row, as the paper's code does.
        description: One sentence for people.
        source: Where the values come from.
        made_for: The models and the log-probability space that its thresholds hold for; None: not tied to any.
        evidence: What it was found from; None: it was not measured.
    """

    name: str
    triggers: tuple[AnyTrigger, ...] = ()
    initiation: StrategicInitiation | None = None
    commit_every: int = 10
    segment: Segment = "adaptive"
    answer_by: AnswerBy = "small"
    limits: tuple[Limit, ...] = ()
    probabilities_at: float | None = None
    stop_on_repeat: bool = False
    description: str = ""
    source: str = ""
    made_for: MadeFor | None = None
    evidence: Evidence | None = None

    def __post_init__(self) -> None:
        for field in ("name", "description", "source"):
            if not isinstance(getattr(self, field), str):
                raise ValueError(f"Policy: {field} must be a text, not {getattr(self, field)!r}")
            object.__setattr__(self, field, clean(getattr(self, field)))  # a file's may hold what steers a terminal
        if not self.name:
            raise ValueError("Policy: name must be a text that is not empty")
        if not isinstance(self.stop_on_repeat, bool):
            raise ValueError(f"Policy: stop_on_repeat must be true or false, not {self.stop_on_repeat!r}")
        object.__setattr__(self, "triggers", tuple(self.triggers))
        _check_triggers(self.triggers)
        if self.initiation is not None and not isinstance(self.initiation, StrategicInitiation):
            raise ValueError(
                f"Policy: initiation must be a StrategicInitiation or None, not {type(self.initiation).__name__}"
            )
        if isinstance(self.commit_every, bool) or not isinstance(self.commit_every, int) or self.commit_every < 1:
            raise ValueError(f"Policy: commit_every must be a whole number from 1, not {self.commit_every!r}")
        if self.segment not in get_args(Segment):
            raise ValueError(f'Policy: segment must be "adaptive" or "blank_line", not {self.segment!r}')
        object.__setattr__(self, "limits", tuple(self.limits))
        _check_limits(self.limits, [trigger.name for trigger in self.triggers])
        number(self, "probabilities_at", 0.0, 2.0, above=True, optional=True)
        for field, kind in (("made_for", MadeFor), ("evidence", Evidence)):
            if not isinstance(getattr(self, field), kind | None):
                raise ValueError(f"Policy: {field} must be {kind.__name__} or None, not {getattr(self, field)!r}")
        if self.answer_by not in get_args(AnswerBy):
            raise ValueError(f'Policy: answer_by must be "small" or "large", not {self.answer_by!r}')

    @classmethod
    def from_triggers(
        cls, triggers: Iterable[AnyTrigger | StrategicInitiation], name: str = "custom", **others: Any
    ) -> Policy:
        """A policy out of a list of triggers; a StrategicInitiation among them becomes `initiation`.

        Args:
            triggers: In the order in which they are asked.
            name: The policy's name.
            **others: Other fields of Policy.
        """
        listed = list(triggers)
        initiations = [trigger for trigger in listed if isinstance(trigger, StrategicInitiation)]
        if len(initiations) > 1:
            raise ValueError("Policy: there can be only one StrategicInitiation")
        asked = tuple(trigger for trigger in listed if not isinstance(trigger, StrategicInitiation))
        return cls(name, asked, initiations[0] if initiations else None, **others)

    @property
    def judges(self) -> tuple[Judge, ...]:
        """The triggers that call a model."""
        return tuple(trigger for trigger in self.triggers if is_judge(trigger))

    @property
    def needs_large(self) -> bool:
        """Whether the LRM has a part in it; without one it is called only where the SRM fails."""
        return bool(self.triggers or self.initiation or self.answer_by == "large")

    @property
    def run_length(self) -> int:
        """Drafts in one run of the SRM: `commit_every`, or 1 where a judge has to be waited for after every step."""
        return 1 if self.judges else self.commit_every

    @property
    def watches_growing_drafts(self) -> bool:
        """Whether a trigger wants to see a draft that is still being written."""
        return any(trigger.when in ("partial", "first_token") for trigger in self.triggers if not is_judge(trigger))

    def with_fields(self, overrides: Mapping[str, Mapping[str, Any]]) -> Policy:
        """This policy with fields of its triggers changed.

        Args:
            overrides: Fields by trigger name, ``{"cognitive_offload": {"rho": 0.9}}``; the initiation goes by
                "strategic_initiation".

        Raises:
            ValueError: A trigger that the policy doesn't have, a field that the trigger doesn't have, or a value it
                refuses.
        """
        if not overrides:
            return self
        mine = {trigger.name: trigger for trigger in self.triggers}
        known = [*([self.initiation.name] if self.initiation else []), *mine]
        for name in overrides:
            if name not in known:
                listed = ", ".join(known) or "none"
                raise ValueError(f"triggers: policy {self.name!r} has no trigger {name!r}; it has: {listed}")
        changed = tuple(with_changes(trigger, overrides.get(trigger.name, {})) for trigger in self.triggers)
        initiation = self.initiation
        if initiation is not None:
            initiation = with_changes(initiation, overrides.get(initiation.name, {}))
        return replace(self, triggers=changed, initiation=initiation)


def with_changes(trigger: _T, changes: Mapping[str, Any]) -> _T:
    """A copy of a trigger with other fields. Lists become tuples, so that JSON and TOML can write them.

    Raises:
        ValueError: An unknown field, or a value that the trigger refuses.
    """
    if not changes:
        return trigger
    name = getattr(trigger, "name", type(trigger).__name__)
    if not is_dataclass(trigger) or isinstance(trigger, type):
        raise ValueError(f"triggers: {name!r} is not a dataclass, so that its fields cannot be changed by settings")
    settable = [field.name for field in fields(trigger) if field.init]
    for field in changes:
        if field not in settable:
            listed = ", ".join(settable) or "none"
            raise ValueError(f"triggers: {name!r} has no field {field!r}; it has: {listed}")
    values = {field: tuple(value) if isinstance(value, list) else value for field, value in changes.items()}
    try:
        return replace(trigger, **values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"triggers: {name!r} cannot have {_listed(values)}: {error}") from None


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{field}={value!r}" for field, value in values.items())


def _check_triggers(triggers: Sequence[object]) -> None:
    names: list[str] = []
    for trigger in triggers:
        if isinstance(trigger, StrategicInitiation):
            raise ValueError("Policy: a StrategicInitiation goes into initiation=, or use Policy.from_triggers([...])")
        if isinstance(trigger, type) or not isinstance(trigger, Trigger | Judge):
            shown = f"the class {trigger.__name__}; pass an instance" if isinstance(trigger, type) else repr(trigger)
            raise ValueError(f"Policy: triggers must have name, when and check(), or name and judge(), unlike {shown}")
        if not is_judge(trigger) and trigger.when not in get_args(When):
            known = ", ".join(get_args(When))
            raise ValueError(f"Policy: {trigger.name}: when must be one of {known}, not {trigger.when!r}")
        names.append(trigger.name)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"Policy: two triggers are called {name!r}; settings and reports could not tell them apart"
            )


def _check_limits(limits: Sequence[object], triggers: Sequence[str]) -> None:
    limited: set[str] = set()
    for limit in limits:
        if not isinstance(limit, Limit):
            raise ValueError(f"Policy: limits must be Limit values, unlike {limit!r}")
        if limit.trigger not in triggers:
            listed = ", ".join(triggers) or "none"
            raise ValueError(f"Policy: limits name a trigger {limit.trigger!r} that it does not have; it has: {listed}")
        if limit.trigger in limited:
            raise ValueError(f"Policy: limits name the trigger {limit.trigger!r} twice")
        limited.add(limit.trigger)
