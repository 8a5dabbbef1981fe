"""What is to be solved, and how: all that a run needs to be taken up again."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trigreason_graph.settings import Budget, Settings


@dataclass(frozen=True)
class Job:
    """One problem with its models, policy, limits and settings. No key is part of it: clients read those themselves."""

    question: str
    small: str
    large: str
    fallback: str | None
    policy: str | None
    budget: Budget | None
    settings: Settings

    @property
    def models(self) -> list[str]:
        """The specs of all models."""
        return [self.small, self.large, *([self.fallback] if self.fallback else [])]

    def settled(self) -> Job:
        """This job with its files named so that they are found from any folder."""
        policy = self.policy
        if policy and Path(policy).is_file():
            policy = str(Path(policy).resolve())
        fallback = None if self.fallback is None else _settled(self.fallback)
        return replace(self, small=_settled(self.small), large=_settled(self.large), fallback=fallback, policy=policy)

    def as_text(self) -> str:
        """For the store. Only what was set is kept: defaults may differ in the version that takes it up again.

        A password in a model's address is left out; where one is needed, the resume names the model anew.
        """
        from trigreason_graph.models.ollama import without_password

        models = {
            name: spec and without_password(spec)
            for name, spec in (("small", self.small), ("large", self.large), ("fallback", self.fallback))
        }
        budget = None if self.budget is None else self.budget.model_dump(mode="json", exclude_unset=True)
        settings = self.settings.model_dump(mode="json", exclude_unset=True)
        return json.dumps({**self.__dict__, **models, "budget": budget, "settings": settings}, ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Job:
        """The job that `as_text` wrote.

        Raises:
            ValueError: Something else wrote the text.
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            budget = None if fields["budget"] is None else Budget(**fields["budget"])
            return cls(**{**fields, "budget": budget, "settings": Settings(**fields["settings"])})
        except (KeyError, TypeError, ValueError):
            raise ValueError("a stored run cannot be read: another version of this package wrote it") from None


def _settled(spec: str) -> str:
    source = spec.removeprefix("embedded:")
    if source == spec or not Path(source).expanduser().is_file():
        return spec
    return f"embedded:{Path(source).expanduser().resolve()}"
