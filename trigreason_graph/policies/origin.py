"""What a policy was made for, and what it was found from: the part of a policy file that no rule depends on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar, get_args

Space = Literal["raw", "tempered"]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ModelId:
    """One model.

    Attributes:
        name: As "provider:model".
        sha256: Of its weights; empty when unknown.
    """

    name: str
    sha256: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError('a model needs a name as "provider:model"')
        text(self, "sha256")
        if self.sha256 and not _is_sha256(self.sha256):
            raise ValueError(f"sha256 must be 64 digits from 0 to f, not {self.sha256!r}")

    def __str__(self) -> str:
        return f"{self.name} (sha256 {self.sha256[:8]}…)" if self.sha256 else self.name


@dataclass(frozen=True, slots=True)
class MadeFor:
    """What a policy's thresholds hold for. Used with something else, it warns (`policies.matching`).

    Attributes:
        small, large: The models; None: any.
        logprobs: Space of the SRM's log-probabilities, "raw" or "tempered"; None: no threshold looks at them.
        temperature: Of tempered ones; None with "tempered": that of the run.
        prompts: Version of the prompts; empty: any.
    """

    small: ModelId | None = None
    large: ModelId | None = None
    logprobs: Space | None = None
    temperature: float | None = None
    prompts: str = ""

    def __post_init__(self) -> None:
        for role in ("small", "large"):
            if not isinstance(getattr(self, role), ModelId | None):
                raise ValueError(f"{role} must be a table with name and sha256")
        if self.logprobs is not None and self.logprobs not in get_args(Space):
            raise ValueError(f'logprobs must be "raw" or "tempered", not {self.logprobs!r}')
        if self.temperature is not None and self.logprobs != "tempered":
            raise ValueError('temperature goes with logprobs = "tempered"')
        if self.temperature is not None and not (_is_number(self.temperature) and 0 < self.temperature <= 2):
            raise ValueError(f"temperature must be a number above 0 and up to 2, not {self.temperature!r}")
        text(self, "prompts")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure with its 95 % interval.

    Attributes:
        name: What is measured, with its unit.
        value, low, high: The figure and its interval; no interval where `low` is None.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" ({self.low:.3g} to {self.high:.3g})"
        return f"{self.value:.3g}{interval}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a policy was found from.

    Attributes:
        command: What makes it again.
        data: Names of the problem sets.
        sha256: Of their problems (`tuning.questions.hash_of`); empty when unknown.
        problems, steps: How many problems and SRM steps.
        figures: What was measured.
        notes: What a reader must know, such as that a figure is an estimate.
    """

    command: str
    data: tuple[str, ...] = ()
    sha256: str = ""
    problems: int = 0
    steps: int = 0
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.command, str) or not self.command:
            raise ValueError("command must say what makes the policy again")
        text(self, "sha256")
        if self.sha256 and not _is_sha256(self.sha256):
            raise ValueError(f"sha256 must be 64 digits from 0 to f, not {self.sha256!r}")
        for field in ("problems", "steps"):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"{field} must be a whole number from 0, not {value!r}")
        for field in ("data", "notes"):
            if not all(isinstance(entry, str) for entry in getattr(self, field)):
                raise ValueError(f"{field} must be an array of texts")


def read_made_for(table: object) -> MadeFor:
    """The table [made_for] of a policy file.

    Raises:
        ValueError: It cannot be used; the text names the key.
    """
    given = dict(_table(table, "made_for", MadeFor))
    for role in ("small", "large"):
        if role in given:
            given[role] = _built(ModelId, _table(given[role], f"made_for.{role}", ModelId), f"made_for.{role}")
    return _built(MadeFor, given, "made_for")


def read_evidence(table: object) -> Evidence:
    """The table [evidence] of a policy file.

    Raises:
        ValueError: It cannot be used; the text names the key.
    """
    given = dict(_table(table, "evidence", Evidence))
    figures = given.pop("figures", {})
    if not isinstance(figures, Mapping):
        raise ValueError("[evidence] figures must be a table: name = [value, low, high]")
    for key in ("data", "notes"):
        if key in given:
            if not isinstance(given[key], list):
                raise ValueError(f"[evidence] {key} must be an array of texts")
            given[key] = tuple(given[key])
    given["figures"] = tuple(_figure(name, numbers) for name, numbers in figures.items())
    return _built(Evidence, given, "evidence")


def made_for_lines(made_for: MadeFor, value: Callable[[object], str]) -> list[str]:
    """The table as lines of TOML; `value` writes one value."""
    lines = ["", "[made_for]"]
    lines += [
        f"{key} = {value(held)}" for key in ("logprobs", "temperature", "prompts") if (held := getattr(made_for, key))
    ]
    for role in ("small", "large"):
        model: ModelId | None = getattr(made_for, role)
        if model is not None:
            lines += ["", f"[made_for.{role}]", f"name = {value(model.name)}", f"sha256 = {value(model.sha256)}"]
    return lines


def evidence_lines(evidence: Evidence, value: Callable[[object], str]) -> list[str]:
    """The table as lines of TOML; `value` writes one value."""
    plain = [field.name for field in fields(Evidence) if field.name != "figures"]
    lines = ["", "[evidence]", *(f"{key} = {value(getattr(evidence, key))}" for key in plain)]
    if evidence.figures:
        lines += ["", "[evidence.figures]"]
        for figure in evidence.figures:
            numbers = [figure.value] if figure.low is None else [figure.value, figure.low, figure.high]
            lines.append(f"{value(figure.name)} = {value([round(float(number or 0), 6) for number in numbers])}")
    return lines


def text(held: object, field: str) -> None:
    """Check that a field is text."""
    if not isinstance(getattr(held, field), str):
        raise ValueError(f"{field} must be text, not {getattr(held, field)!r}")


def _table(table: object, name: str, kind: type[Any]) -> Mapping[str, Any]:
    if not isinstance(table, Mapping):
        raise ValueError(f"{name!r} must be a table: [{name}]")
    known = [field.name for field in fields(kind)]
    for key in table:
        if key not in known:
            raise ValueError(f"[{name}] has no key {key!r}; known: {', '.join(known)}")
    return table


def _built(kind: type[_T], given: Mapping[str, Any], name: str) -> _T:
    try:
        return kind(**given)
    except TypeError as error:  # a required key is missing
        raise ValueError(f"[{name}] {str(error).partition(') ')[2] or error}") from None
    except ValueError as error:
        raise ValueError(f"[{name}] {error}") from None


def _figure(name: str, numbers: object) -> Figure:
    listed = numbers if isinstance(numbers, list) else [numbers]
    if len(listed) not in (1, 3) or not all(_is_number(number) for number in listed):
        raise ValueError(f"[evidence.figures] {name!r} must be [value, low, high] or [value], not {numbers!r}")
    return Figure(name, *map(float, listed))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_sha256(value: str) -> bool:
    return len(value) == 64 and set(value) <= set("0123456789abcdef")
