"""Cards that a probe has found, kept per model in the user's cache directory.

One JSON file per provider, name and server. A card applies to a client as far as the client's own settings leave the
question open: what they decide otherwise than when the model was probed (``reasoning=False``, ``num_ctx=…``) stays.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from langchain_core.language_models.chat_models import BaseChatModel

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.folders import cache_folder
from trigreason_graph.models.known import card_of
from trigreason_graph.models.ollama import digest_of, server_url, without_password

logger = logging.getLogger(__name__)

PACKAGE = "trigreason-graph"
AGAIN = "to find out anew, type: trigreason doctor --probe"

_unchanged: set[tuple[str, str]] = set()
"""(file, digest) pairs whose server was asked in this process."""


@dataclass(frozen=True)
class Record:
    """What is kept of one probe.

    Attributes:
        package: Version of this package that made it; another version's is not used.
        when: ISO 8601, UTC.
        complete: Calls were made; otherwise it holds only what the server says.
        static: The card as it was before the probe.
        card: The card that the probe made.
        findings: (name, value, how) of each capability.
    """

    package: str
    when: str
    complete: bool
    static: ModelCard
    card: ModelCard
    findings: tuple[tuple[str, bool | int | str | None, Literal["static", "server", "probed", "unknown"]], ...] = ()


def cards_dir() -> Path:
    """Where cards are kept: ``$TRIGREASON_CARDS``, else ``$TRIGREASON_HOME/cards``, else the user's cache directory."""
    own = os.environ.get("TRIGREASON_CARDS")
    return Path(own).expanduser() if own else cache_folder("cards")


def record_path(model: BaseChatModel) -> Path:
    """The file for a model: readable, and told apart by provider, name and server."""
    static = card_of(model)
    key = "\n".join((static.provider, static.name, place_of(model)))
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", f"{static.provider}-{static.name}").strip("-.")[:80]
    return cards_dir() / f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def place_of(model: Any) -> str:
    """Where a model runs: the address of its server, without a password; for an embedded one, which bytes it is."""
    kinds = {cls.__name__ for cls in type(model).__mro__}
    if "EmbeddedChat" in kinds:
        return _file_of(str(model.source))
    if "ChatOllama" in kinds:
        return without_password(server_url(model.base_url))
    client = getattr(model, "root_async_client", None)
    address = getattr(client, "base_url", None) or getattr(model, "base_url", None) or ""
    return without_password(str(address)).partition("?")[0]


def _file_of(source: str) -> str:
    """A catalog's file by its hash, a user's own by its path, size and time of change: hashing it takes seconds."""
    from trigreason_graph.models.embedded.catalog import MODELS, locate

    if source in MODELS:
        return MODELS[source].sha256
    path = locate(source).absolute()
    try:
        status = path.stat()
    except OSError:
        return str(path)
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def save_record(
    model: BaseChatModel,
    card: ModelCard,
    findings: Sequence[tuple[str, Any, Any]] = (),
    *,
    complete: bool = True,
) -> Path:
    """Keep a card, in place of the one kept before.

    Args:
        model: The client it was found with.
        card: What was found.
        findings: (name, value, how) of each capability.
        complete: Whether calls were made.

    Returns:
        The file.

    Raises:
        OSError: The directory cannot be written.
    """
    path = record_path(model)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    record = Record(version(PACKAGE), when, complete, card_of(model), card, tuple(tuple(row) for row in findings))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.write_bytes(_adapter().dump_json(record, indent=2))
    fresh.replace(path)
    return path


def read_record(model: BaseChatModel) -> Record | None:
    """What was kept for a model; a file that is unreadable or another version's is passed over with a log line."""
    path = record_path(model)
    try:
        record = _adapter().validate_json(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError) as fault:
        logger.warning("the model card %s is unreadable (%s) and not used; %s", path, type(fault).__name__, AGAIN)
        return None
    if record is not None and record.package != version(PACKAGE):
        logger.warning("the model card %s is of version %s and not used; %s", path, record.package, AGAIN)
        return None
    return record


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def best_card(model: BaseChatModel, *, named: bool = False) -> ModelCard:
    """The card of a chat model: its own, else the one a probe has kept, else static knowledge. Asks no server.

    Args:
        model: The chat model.
        named: It was made from a model string, so that a card it carries is our static knowledge, and nobody's word.
    """
    static = card_of(model)
    if has_own_card(model) and not named:
        return static
    record = read_record(model)
    return static if record is None else applied(record, static)


def has_own_card(model: BaseChatModel) -> bool:
    """Whether the model carries a card that its author or user gave it."""
    return isinstance(getattr(model, "trigreason_card", None), ModelCard)


def applied(record: Record, static: ModelCard) -> ModelCard:
    """A kept card as it holds for a client: what the client's settings decide otherwise stays.

    Args:
        record: What was kept.
        static: What is known of the client now.
    """
    asked = {
        field.name: getattr(record.card, field.name)
        for field in fields(ModelCard)
        if getattr(static, field.name) == getattr(record.static, field.name)
    }
    return replace(static, **asked)


async def still_true(model: BaseChatModel, card: ModelCard) -> ModelCard:
    """The card, unless it is a kept one and the model behind the name has changed since: then static knowledge.

    Args:
        model: A ChatOllama.
        card: What is believed about it.
    """
    record = None if has_own_card(model) or not card.digest else read_record(model)
    if record is None or card != applied(record, card_of(model)):
        return card
    asked = (str(record_path(model)), card.digest)
    if asked in _unchanged:
        return card
    now = await digest_of(model)
    if now == card.digest:
        _unchanged.add(asked)
    elif now:
        logger.warning("%s was changed since it was probed, and its card is not used; %s", card.full_name, AGAIN)
        return card_of(model)
    return card
