"""Under which circumstances runs were made. No host name, no path of the machine, no key gets in."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import Any

from trigreason_graph.evaluation.entrants import Entrant
from trigreason_graph.evaluation.problem import Problem
from trigreason_graph.evaluation.problems import ProblemSet
from trigreason_graph.evaluation.sampling import Sampling
from trigreason_graph.evaluation.subjects import Subjects, role_models
from trigreason_graph.models.faults import redact
from trigreason_graph.reasoning.prompts import PROMPTS_VERSION
from trigreason_graph.settings import Budget

PACKAGES = ("trigreason-graph", "langgraph", "langchain-core", "langchain-openai", "langchain-ollama", "xllamacpp")
"""Whose versions matter to what the models are sent, and to what they write."""
_ADDRESS = re.compile(r"@?https?://\S*")


def provenance(
    *,
    problems: ProblemSet,
    entrants: Sequence[Entrant],
    subjects: Subjects,
    sampling: Sampling,
    budget: Budget,
    recordings: str,
    command: Sequence[str],
) -> dict[str, Any]:
    """What a reader of results needs to know to make them again.

    Args:
        problems, entrants, subjects, sampling, budget: Of the evaluation.
        recordings: "none", "first", or "alone": then the seconds in the ledgers are those of the replay.
        command: The command line; empty where the library was called.
    """
    return {
        "command": shown_command(command),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "models": {
            role: {
                "name": public(model.card.full_name),
                "digest": subjects.digests.get(role, ""),
                "style": model.card.style,
            }
            for role, model in role_models(subjects).items()
        },
        "sampling": sampling.told(),
        "budget": budget.model_dump(mode="json"),
        "recordings": recordings,
        "prompts": PROMPTS_VERSION,
        "data": {
            "name": problems.name,
            "sha256": problems.sha256,
            "problems": len(problems.problems),
            "compared": compared(problems.problems, problems.checker),
        },
        "policies": {entrant.name: entrant.definition for entrant in entrants},
    }


def compared(problems: Sequence[Problem], checker: object) -> str:
    """How answers are compared, in a word that changes with it: a user's function, or each problem's kind."""
    if checker is not None:
        return str(getattr(checker, "__qualname__", type(checker).__name__))
    kinds = [problem.kind for problem in problems]
    if len(set(kinds)) == 1:
        return kinds[0]
    return f"by kind, sha256 {hashlib.sha256(' '.join(kinds).encode()).hexdigest()[:16]}"


def shown_command(command: Sequence[str]) -> str:
    """A command line without keys, addresses, and the folders that files lie in."""
    return " ".join(public(word) for word in command)


def public(word: str) -> str:
    """A word that may be published: of a path the last part, of a model no address, of a key nothing."""
    word = _ADDRESS.sub("", redact(word))
    name, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    kind, colon, rest = value.partition(":")
    if colon and not rest.startswith("\\"):  # "embedded:/a/model.gguf"; not a drive letter
        return f"{name}{equals}{kind}:{_last_part(rest)}"
    return f"{name}{equals}{_last_part(value)}"


def _last_part(path: str) -> str:
    absolute = path.startswith(("/", "~")) or PurePath(path).is_absolute()
    return PurePath(path).name if absolute or ".." in PurePath(path).parts else path


MUST_AGREE = ("models", "sampling", "budget", "prompts")
"""What all runs of one results file have in common."""


def disagreement(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What is not as it was when a results file was begun; empty when its runs can stand beside new ones.

    More samples, further policies and further problems of the same set are no disagreement.
    """
    for part in MUST_AGREE:
        was, is_now = (_comparable(part, one.get(part)) for one in (before, now))
        if was != is_now:
            return f"{part}: {_difference(was, is_now)}"
    if before["data"]["name"] != now["data"]["name"]:
        return f"data: {before['data']['name']!r} then, {now['data']['name']!r} now"
    for name, definition in before["policies"].items():
        if now["policies"].get(name, definition) != definition:
            return f"the policy {name!r} was defined otherwise"
    return ""


def _comparable(part: str, value: Any) -> Any:
    return {key: one for key, one in value.items() if key != "samples"} if part == "sampling" and value else value


def _difference(was: Any, now: Any) -> str:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        differing = [key for key in {**was, **now} if was.get(key) != now.get(key)]
        return ", ".join(f"{key} {was.get(key)!r} then, {now.get(key)!r} now" for key in differing)
    return f"{was!r} then, {now!r} now"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
