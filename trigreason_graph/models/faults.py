"""Which failures of a model are worth another try, how long to wait, and how to say them."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.servers import SERVERS
from trigreason_graph.reasoning.patterns import later
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
    """The HTTP status a client's error carries, whatever the client; None where it carries none.

    An error inside of a stream that was answered with 200 has none.
    """
    for holder in _holders(fault):
        for name in ("status_code", "status", "code"):
            status = str(getattr(holder, name, None))  # a code inside of a stream may come as text
            if re.fullmatch("[45][0-9][0-9]", status):
                return int(status)
    told = _STATUS_IN_WORDS.search(str(fault)) if isinstance(fault, ValueError) else None
    return int(told[1]) if told else None


_STATUS_IN_WORDS = re.compile(r"\(code: ([45][0-9][0-9])\)")
"""langchain-openrouter's word for an error inside of a stream."""


def _holders(fault: BaseException) -> list[object]:
    """What may carry status and headers: the error, its response, and those of the client's error it was made from."""
    cause = fault.__cause__
    return [fault, getattr(fault, "response", None), cause, getattr(cause, "response", None)]


def is_transient(fault: BaseException) -> bool:
    """Whether the same call may succeed later: overload, time-outs, broken connections, garbled chunks."""
    status = status_of(fault)
    if status is not None:
        hopeless = getattr(fault, "code", None) == "insufficient_quota"  # OpenAI's 429 for an empty account
        return status in RETRYABLE_STATUS and not hopeless and (_asked_wait(fault) or 0.0) <= LONGEST_WAIT
    return _is_broken_connection(fault) or isinstance(fault, (TimeoutError, json.JSONDecodeError)) or _in_band(fault)


def _is_broken_connection(fault: BaseException) -> bool:
    return bool(CONNECTION_ERRORS & {cls.__name__ for cls in type(fault).__mro__})


SERVERS_OWN_FAULT = re.compile(r"overloaded_error|api_error|timeout_error|server_error|rate_limit")
"""Words for errors inside of a stream that are worth another try: Anthropic's, and those of OpenAI's Responses API."""


def _in_band(fault: BaseException) -> bool:
    """Whether the server reported the error inside of a stream it had answered with 200: its own failure."""
    kinds = {cls.__name__ for cls in type(fault).__mro__}
    if "ResponseError" in kinds:  # ollama
        return getattr(fault, "status_code", None) == -1
    if "APIStatusError" in kinds:  # anthropic
        return bool(SERVERS_OWN_FAULT.search(str(getattr(fault, "body", None))))
    if isinstance(fault, ValueError):  # langchain-openai, of the Responses API
        return bool(SERVERS_OWN_FAULT.match(str(fault)))
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
    found = [getattr(holder, "headers", None) for holder in _holders(fault)]
    values = [headers.get("retry-after") for headers in found if isinstance(headers, Mapping)]
    value = next((value for value in values if value is not None), None)
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


def own_words(fault: BaseException) -> str:
    """The beginning of an error's text, also of one that fails to tell it."""
    try:
        return str(fault)[:READ]
    except Exception:
        return "(its text cannot be read)"


def describe_fault(fault: BaseException, card: ModelCard, secrets: Iterable[str] = (), address: str = "") -> str:
    """One line for people that names the model and keeps keys out.

    Args:
        fault: What the client raised.
        card: Of the model.
        secrets: Texts that must not appear, whatever they look like.
        address: Of its server, named where that cannot be reached.
    """
    status, kind = status_of(fault), type(fault).__name__
    if status is not None:
        what = SAID_BY_STATUS.get(status, f"answered {status}")
    elif isinstance(fault, TimeoutError) or "Timeout" in kind:
        what = "did not answer in time"
    elif _is_broken_connection(fault):
        what = f"cannot be reached{f' at {address}' if address else ''} or broke off ({kind})"
    elif isinstance(fault, json.JSONDecodeError):
        what = "sent a broken chunk"
    else:
        what = f"failed ({kind})"
    detail = redact(" ".join(clean(own_words(fault)).split()), secrets)[:LONGEST_DETAIL]
    told = f"{card.full_name} {what}: {detail}" if detail else f"{card.full_name} {what}"
    server = SERVERS.get(card.provider)
    if server is None or not server.start or status is not None or not _is_broken_connection(fault):
        return told
    return f"{told} Start a server with: {server.start.format(name=card.name)}"


_KEY_SHAPES = later(
    r"""
      \b(?:sk|xai|gsk|hf|lsv2|r8|nvapi|pplx|gh[opusr]|github_pat|glpat|xox[abeprs]|tgp|tvly)[-_][A-Za-z0-9_-]{8,}
    | \b(?:pk|rk|key|api|token|fw)[-_](?=[A-Za-z_-]{0,63}\d)[A-Za-z0-9_-]{8,}
    | \b(?:AIza[A-Za-z0-9_-]{20,} | (?:AKIA|ASIA)[A-Z0-9]{12,} | eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9_.-]*)
    | (?<=://)[^/\s@]+(?=@)                                                                       # user:password
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""By how they begin; words that are also others' (token_embedding_table) only with a digit."""
_VALUE = r"""[^\s"'&,;}\])\\]"""
_LIKE_A_KEY = rf"(?:(?={_VALUE}{{8}})(?={_VALUE}{{0,63}}\d)(?={_VALUE}{{0,63}}[a-z])|(?={_VALUE}{{24}}))"
_QUOTE = r"""\\?["']"""
_NAMED_KEYS = later(
    rf"""
    (?P<name>
        \bbearer\s+(?=\S{{6}})
      | \bbasic\s+(?=[A-Za-z0-9+/]{{8,256}}={{0,2}}(?:[\s"',;]|\Z))(?-i:(?=[a-z/+]{{0,63}}[\dA-Z=]))
      | \bauthorization(?:{_QUOTE})?\s*[:=]\s*(?:{_QUOTE})?(?:(?:token|bearer|basic|apikey)\s+|(?={_LIKE_A_KEY}))
      | [?&](?:key|sig|signature)=
      | token(?:{_QUOTE})?\s*[:=]\s*(?:{_QUOTE})?(?={_LIKE_A_KEY})
      | (?:api[_-]?key|access[_-]?key|secret|passw(?:or)?d)(?:{_QUOTE})?\s*
        (?:=\s*(?:{_QUOTE})?|:\s*(?:{_QUOTE}|(?={_LIKE_A_KEY})))
    )
    (?![.…]){_VALUE}+
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""By what stands before them; where that may be an ordinary word ("token: Field required") only what looks like one."""
READ = 5_000
"""Characters of an error that are read at most: a tool's may hold a whole page."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without anything that is, or looks like, a key."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[key]")
    return _NAMED_KEYS().sub(r"\g<name>[key]", _KEY_SHAPES().sub("[key]", text))


SHORTEST_SECRET = 6
"""Characters; a shorter value ("none", "EMPTY") is a stand-in, and would tear holes into ordinary words."""


SECRET_NAMES = re.compile(r"header|key$|token$|secret|passw|credential|auth$|query$", re.IGNORECASE)
"""Names of attributes whose texts are not for showing, whatever type they have."""


def secrets_of(model: object) -> set[str]:
    """The keys and headers set on a client, so that they can be kept out of texts."""
    found: set[str] = set()
    for name, value in list(getattr(model, "__dict__", {}).items()):
        found |= _secrets_in(value, secret=_names_secret(name))
    return {secret for secret in found if len(secret) >= SHORTEST_SECRET}


def _names_secret(name: object) -> bool:
    return bool(SECRET_NAMES.search(str(name)))


def _password_in(address: str) -> set[str]:
    """The password of an address, as it stands there and as a server gets it."""
    try:
        password = urlsplit(address).password if "@" in address else None
    except ValueError:
        return set()
    return {password, unquote(password)} if password else set()


def _secrets_in(value: Any, *, secret: bool) -> set[str]:
    if isinstance(value, SecretStr):
        return {value.get_secret_value()}
    if isinstance(value, str):
        return {value} if secret else _password_in(value)
    if isinstance(value, Mapping):
        pairs = value.items()
        return set().union(*(_secrets_in(inner, secret=secret or _names_secret(name)) for name, inner in pairs))
    if isinstance(value, tuple | list):  # as in auth=("user", "password")
        return set().union(*(_secrets_in(inner, secret=secret) for inner in value))
    return set()
