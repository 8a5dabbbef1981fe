"""Which failures of a model are worth another try, how long to wait, and how to say them."""

from __future__ import annotations

import json
import re

from tenacity import RetryCallState, wait_random_exponential

from trigreason_graph.models.cards import ModelCard

RETRYABLE_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
LONGEST_WAIT = 30.0
"""Seconds; a server that asks for more is treated as down."""

_SECRET = re.compile(
    r"(sk|pk|key|xai|gsk|AIza|hf|lsv2)[-_][A-Za-z0-9_\-]{8,}|AIza[A-Za-z0-9_\-]{20,}|Bearer\s+\S+", re.IGNORECASE
)
_BACKOFF = wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)


def status_of(fault: BaseException) -> int | None:
    """The HTTP status a client's error carries, whatever the client."""
    for holder in (fault, getattr(fault, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int):
            return status
    return None


def is_transient(fault: BaseException) -> bool:
    """Whether the same call may succeed later: overload, time-outs, broken connections, garbled chunks."""
    status = status_of(fault)
    if status is not None and status > 0:
        return status in RETRYABLE_STATUS and (_asked_wait(fault) or 0.0) <= LONGEST_WAIT
    if isinstance(fault, (ConnectionError, TimeoutError, json.JSONDecodeError)):
        return True
    names = {cls.__name__ for cls in type(fault).__mro__}
    return bool(names & {"TransportError", "APIConnectionError", "APITimeoutError"})


def retry_wait(state: RetryCallState) -> float:
    """Seconds before the next try: what the server asked for, else random exponential."""
    fault = state.outcome.exception() if state.outcome else None
    asked = _asked_wait(fault) if fault else None
    return asked if asked is not None else _BACKOFF(state)


def _asked_wait(fault: BaseException) -> float | None:
    headers = getattr(getattr(fault, "response", None), "headers", None)
    value = headers.get("retry-after") if headers is not None else None
    try:
        return max(float(value), 0.0) if value is not None else None
    except ValueError:
        return None  # an HTTP date: the ordinary back-off serves as well


def describe_fault(fault: BaseException, card: ModelCard) -> str:
    """One line for people that names the model and keeps keys out."""
    status = status_of(fault)
    what = {
        401: "refused the API key",
        403: "refused access",
        404: "does not know this model",
        429: "is rate limited",
    }.get(status or 0, f"answered {status}" if status else f"failed ({type(fault).__name__})")
    detail = _SECRET.sub("[key]", " ".join(str(fault).split()))[:200]
    return f"{card.full_name} {what}: {detail}" if detail else f"{card.full_name} {what}"
