"""Which failures of a model are worth another try, how long to wait, and how to say them."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.reasoning.text import clean

if TYPE_CHECKING:
    from tenacity import RetryCallState

RETRYABLE_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
CONNECTION_ERRORS = frozenset(
    {"TransportError", "APIConnectionError", "ConnectionError", "ClientConnectionError", "ClientPayloadError"}
)
"""Class names, so that no client is imported: httpx, openai and anthropic, requests, aiohttp."""

LONGEST_WAIT = 30.0
"""Seconds; our choice. A server that asks for more is treated as down."""
LONGEST_DETAIL = 200
"""Characters of the client's own words that a fault text quotes."""


def status_of(fault: BaseException) -> int | None:
    """The HTTP status a client's error carries, whatever the client; None where it carries none."""
    for holder in (fault, getattr(fault, "response", None)):
        for name in ("status_code", "status", "code"):
            status = str(getattr(holder, name, None))  # a code inside of a stream may come as text
            if re.fullmatch("[1-5][0-9][0-9]", status):
                return int(status)
    return None


def is_transient(fault: BaseException) -> bool:
    """Whether the same call may succeed later: overload, time-outs, broken connections, garbled chunks."""
    status = status_of(fault)
    if status is not None:
        hopeless = getattr(fault, "code", None) == "insufficient_quota"  # OpenAI's 429 for an empty account
        return status in RETRYABLE_STATUS and not hopeless and (_asked_wait(fault) or 0.0) <= LONGEST_WAIT
    return _is_broken_connection(fault) or isinstance(fault, (TimeoutError, json.JSONDecodeError)) or _in_band(fault)


def _is_broken_connection(fault: BaseException) -> bool:
    return bool(CONNECTION_ERRORS & {cls.__name__ for cls in type(fault).__mro__})


def _in_band(fault: BaseException) -> bool:
    """Whether the server reported the error inside of a stream it had answered with 200: its own failure."""
    if type(fault).__name__ == "ResponseError":  # ollama
        return getattr(fault, "status_code", None) == -1
    return type(fault).__name__ == "APIError" and not isinstance(getattr(fault, "code", None), str)  # openai


def retry_wait(state: RetryCallState) -> float:
    """Seconds before the next try: what the server asked for, else random exponential (up to 0.5, 1, 2, …)."""
    from tenacity import wait_random_exponential

    fault = state.outcome.exception() if state.outcome else None
    asked = _asked_wait(fault) if fault else None
    if asked is not None:
        return min(asked, LONGEST_WAIT)
    return wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)(state)


def _asked_wait(fault: BaseException) -> float | None:
    """Seconds the server asks to wait: Retry-After as a number or as a date."""
    headers = getattr(getattr(fault, "response", None), "headers", None)
    value = headers.get("retry-after") if isinstance(headers, Mapping) else None
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


SAID_BY_STATUS = {
    401: "refused the API key",
    402: "asks for payment",
    403: "refused access",
    404: "does not know this model",
    413: "says that the prompt is too long",
    429: "is rate limited",
}


def describe_fault(fault: BaseException, card: ModelCard, secrets: Iterable[str] = ()) -> str:
    """One line for people that names the model and keeps keys out.

    Args:
        fault: What the client raised.
        card: Of the model.
        secrets: Texts that must not appear, whatever they look like.
    """
    status, kind = status_of(fault), type(fault).__name__
    if status is not None:
        what = SAID_BY_STATUS.get(status, f"answered {status}")
    elif isinstance(fault, TimeoutError) or "Timeout" in kind:
        what = "did not answer in time"
    elif _is_broken_connection(fault):
        what = f"cannot be reached or broke off ({kind})"
    elif isinstance(fault, json.JSONDecodeError):
        what = "sent a broken chunk"
    else:
        what = f"failed ({kind})"
    detail = redact(" ".join(clean(str(fault)).split()), secrets)[:LONGEST_DETAIL]
    return f"{card.full_name} {what}: {detail}" if detail else f"{card.full_name} {what}"


_KEY_SHAPES = re.compile(
    r"""
      \b(?:sk|pk|rk|key|api|token|xai|gsk|hf|lsv2|r8|nvapi|pplx|fw|ghp|tgp)[-_][A-Za-z0-9_-]{8,}  # by their prefixes
    | \bAIza[A-Za-z0-9_-]{20,}
    | (?<=bearer\ )\S+ | (?<=basic\ )\S+
    | (?<=://)[^/\s@]+(?=@)                                                                       # user:password
    | (?<=[?&]key=)[^&\s'"]+ | (?<=api[_-]key=)[^&\s'"]+ | (?<=token=)[^&\s'"]+
    """,
    re.IGNORECASE | re.VERBOSE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without anything that is, or looks like, a key."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[key]")
    return _KEY_SHAPES.sub("[key]", text)


SHORTEST_SECRET = 6
"""Characters; a shorter value ("none", "EMPTY") is a stand-in, and would tear holes into ordinary words."""


def secrets_of(model: object) -> set[str]:
    """The keys and headers set on a client, so that they can be kept out of texts."""
    found: set[str] = set()
    for name, value in list(getattr(model, "__dict__", {}).items()):
        found |= _secrets_in(value, secret="header" in name)
    return {secret for secret in found if len(secret) >= SHORTEST_SECRET}


def _secrets_in(value: Any, *, secret: bool) -> set[str]:
    if isinstance(value, SecretStr):
        return {value.get_secret_value()}
    if isinstance(value, str):
        return {value} if secret else set()
    if isinstance(value, Mapping):
        pairs = value.items()
        return set().union(*(_secrets_in(inner, secret=secret or "header" in str(name)) for name, inner in pairs))
    return set()
