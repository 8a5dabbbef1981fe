"""The two models of an evaluation: wrapped once, recorded or replayed, told apart by their weights."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

from trigreason_graph.errors import TrigReasonError
from trigreason_graph.evaluation.recorded_chat import RecordedChat, recorded
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.models.ollama import digest_of
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.models.resolve import ModelSpec, resolve_model
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.state import Role

RecordingsLike = RecordingStore | str | PathLike[str]
NEW_RECORDINGS = "evaluate.jsonl"
"""File in a folder of recordings that new ones are written to."""
MODEL_NAMES = "models.json"
"""File in a folder of recordings: which weights stood behind which name."""
EMBEDDED_CALLS = 1
"""Calls at once that an embedded model takes: its server has one slot, and its cache one prompt."""


class NotRecordable(TrigReasonError):
    """A replay was asked for with a model that recordings cannot be kept of."""


@dataclass(frozen=True)
class Subjects:
    """The models as the runs use them.

    Attributes:
        small, large: Wrapped.
        digests: SHA-256 of the weights by role; empty where nobody knows.
        notes: What is not recorded, and why, in words.
    """

    small: ReasoningModel
    large: ReasoningModel
    digests: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, small: ModelSpec, large: ModelSpec, prices: PriceTable | None) -> Subjects:
        """The models wrapped; nothing is loaded or called.

        Raises:
            ValueError: One cannot be used; the text begins with the argument's name.
        """
        return cls(
            bounded(resolve_model(small, "small", prices=prices)),
            bounded(resolve_model(large, "large", prices=prices)),
        )

    def drawn(self, top_p: float | None, seed: int | None) -> Subjects:
        """The same models, sampled with another seed; they share connections, and the limit of calls at once."""
        changes = {"top_p": top_p, "seed": seed}
        return replace(self, small=self.small.model_copy(update=changes), large=self.large.model_copy(update=changes))

    async def identified(self, names: Path | None, *, ask: bool) -> Subjects:
        """With the digests of their weights, as far as they can be known.

        Args:
            names: File that keeps the digests of models whose server told them, for replays without it.
            ask: Whether a server may be asked, which is free of charge.
        """
        kept = _read_names(names)
        found: dict[str, str] = {}
        for role, model in role_models(self).items():
            found[role] = await _digest(model, ask) or ("" if ask else kept.get(model.card.full_name, ""))
        return replace(self, digests=found)

    def remember(self, names: Path) -> None:
        """Keep which weights stand behind which name, for replays without the server that told."""
        kept = _read_names(names)
        told = {model.card.full_name: self.digests[role] for role, model in role_models(self).items()}
        both = {**kept, **{name: digest for name, digest in told.items() if digest}}
        if both != kept:
            names.parent.mkdir(parents=True, exist_ok=True)
            names.write_text(json.dumps(both, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def kept(self, store: RecordingStore, *, replay_only: bool) -> Subjects:
        """The models with everything they write recorded, and what is recorded served.

        Args:
            store: Where from, where to.
            replay_only: Nothing is asked of the models themselves.

        Raises:
            NotRecordable: With `replay_only`, a model whose weights nobody knows, or whose reasoning is not recorded.
        """
        notes: list[str] = []

        def keep(model: ReasoningModel) -> ReasoningModel:
            try:
                inner = (
                    model.inner
                    if isinstance(model.inner, RecordedChat)
                    else recorded(model.inner, store, self.digests[model.role])
                )
            except ValueError as why:
                if replay_only:
                    raise NotRecordable(f"{model.role}= cannot be replayed: {why}") from None
                notes.append(f"what {model.card.full_name} writes is not recorded: {why}")
                return model
            return model.model_copy(
                update={"inner": inner.model_copy(update={"inner": None}) if replay_only else inner}
            )

        return replace(self, small=keep(self.small), large=keep(self.large), notes=tuple(notes))

    async def aready(self) -> None:
        """Make sure that both can be called, free of charge, also where recordings stand in front of them.

        Raises:
            ModelNotReady: With the remedy.
        """
        for model in (self.small, self.large):
            behind = model.inner.inner if isinstance(model.inner, RecordedChat) else None
            await (model if behind is None else model.model_copy(update={"inner": behind})).aready()


def store_of(recordings: RecordingsLike, *, replay_only: bool) -> RecordingStore:
    """The recordings of a folder or a file.

    Args:
        recordings: A folder, a file that is read and added to, or what is open already.
        replay_only: Nothing is added.

    Raises:
        ValueError: A line is no recording; with `replay_only`, there is nothing at that place.
    """
    if isinstance(recordings, RecordingStore):
        return recordings
    path = Path(recordings)
    if replay_only:
        if not path.exists():
            raise ValueError("recordings=: there is nothing at that place that could be replayed")
        return RecordingStore(path)
    if path.suffix == ".jsonl":
        return RecordingStore(append_to=path)
    return RecordingStore(path, append_to=path / NEW_RECORDINGS)


def names_of(recordings: RecordingsLike | None) -> Path | None:
    """The file with the digests of a folder of recordings; None where there is no folder."""
    if recordings is None or isinstance(recordings, RecordingStore) or Path(recordings).suffix == ".jsonl":
        return None
    return Path(recordings) / MODEL_NAMES


def _read_names(names: Path | None) -> dict[str, str]:
    if names is None or not names.is_file():
        return {}
    told: dict[str, str] = json.loads(names.read_text(encoding="utf-8"))
    return told


def bounded(model: ReasoningModel) -> ReasoningModel:
    """The model with the limit of calls at once that its server has, where we know of one."""
    if model.max_concurrency is None and model.card.provider == "embedded":
        return model.model_copy(update={"max_concurrency": EMBEDDED_CALLS})
    return model


async def _digest(model: ReasoningModel, ask: bool) -> str:
    inner: Any = model.inner
    known = str(getattr(inner, "digest", "") or model.card.digest)
    if not known and ask and model.card.dialect == "ollama":
        return await digest_of(inner)
    return known


def role_models(subjects: Subjects) -> dict[Role, ReasoningModel]:
    """The models by role."""
    return {"small": subjects.small, "large": subjects.large}
