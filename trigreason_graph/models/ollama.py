"""Asking an Ollama server, before anything is paid, whether it can serve a model, and what it knows of it."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models.cards import ModelCard

if TYPE_CHECKING:
    import httpx

LOGPROBS_SINCE = "0.12.11"
"""First Ollama server that streams log-probabilities."""
PATIENCE = 5.0
"""Seconds to wait for the server; it answers both questions without loading the model."""
DEFAULT_PORT = 11_434
DEFAULT_WINDOW = 4_096
"""Tokens that a server gives a model where nobody said otherwise (Ollama's FAQ; more where there is much video
memory, which shows once the model is loaded)."""

_ready: set[tuple[str, ModelCard]] = set()


async def check_ollama(model: Any, card: ModelCard) -> None:
    """Ask the server about the model; once per process, server and card.

    Args:
        model: The ChatOllama.
        card: What is believed about it.

    Raises:
        ModelNotReady: The server is down, too old for log-probabilities, or has not pulled the model; or the model
            thinks and the card says that it does not, or the other way round. The text names the remedy.
    """
    import httpx

    url = server_url(model.base_url)
    if (url, card) in _ready or "ollama.com" in url:  # the hosted service has no version, and nothing to pull
        return
    try:
        async with _client(model) as client:
            version = (await client.get("/api/version")).raise_for_status().json()["version"]
            shown = await client.post("/api/show", json={"model": model.model})
            if shown.status_code != httpx.codes.NOT_FOUND:
                shown.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError) as fault:
        raise ModelNotReady(_unreachable(without_password(url), fault)) from None
    _check_server(without_password(url), str(version), card)
    _check_model(without_password(url), shown, model, card)
    _ready.add((url, card))


async def described(model: Any) -> dict[str, Any]:
    """What the server says about the model, as fields of a ModelCard: form, window, digest.

    The window is that of the loaded model, else what its Modelfile asks for, else the server's default. Fields about
    which the server says nothing, or that were set on the client, are left out; all of them when it does not answer.
    """
    import httpx

    facts: dict[str, Any] = {}
    with suppress(httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError, AttributeError):
        async with _client(model) as client:
            shown = (await client.post("/api/show", json={"model": model.model})).raise_for_status().json()
            if model.reasoning is None and (capabilities := shown.get("capabilities")) is not None:
                facts["form"] = "field" if "thinking" in capabilities else "content"
            if model.num_ctx is None:
                loaded = await _entry(client, "/api/ps", model.model)
                facts["window"] = int(loaded.get("context_length") or 0) or _window(shown)
            facts["digest"] = str((await _entry(client, "/api/tags", model.model)).get("digest") or "")
    return {name: value for name, value in facts.items() if value}


async def digest_of(model: Any) -> str:
    """Digest of the model that the server would run now; empty when it does not answer or has no such model."""
    import httpx

    with suppress(httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError, AttributeError):
        async with _client(model) as client:
            return str((await _entry(client, "/api/tags", model.model)).get("digest") or "")
    return ""


def _client(model: Any) -> httpx.AsyncClient:
    """A client of the model's server, with what was set on the model's own."""
    import httpx

    set_on_client = {**(model.client_kwargs or {}), **(model.async_client_kwargs or {})}
    return httpx.AsyncClient(**{**set_on_client, "base_url": server_url(model.base_url), "timeout": PATIENCE})


async def _entry(client: httpx.AsyncClient, path: str, name: str) -> dict[str, Any]:
    """The model's entry in one of the server's lists; empty when it has none, or no such list."""
    answer = await client.get(path)
    listed = [] if answer.is_error else answer.json().get("models") or []
    names = (name, f"{name}:latest")
    return next((entry for entry in listed if entry.get("name") in names or entry.get("model") in names), {})


def _window(shown: dict[str, Any]) -> int | None:
    """Tokens that the server will give the model, from its Modelfile and its training."""
    asked = re.search(r"^num_ctx\s+(\d+)", shown.get("parameters") or "", re.MULTILINE)
    lengths = [
        int(value) for name, value in (shown.get("model_info") or {}).items() if name.endswith(".context_length")
    ]
    if asked:
        return min([int(asked[1]), *lengths])
    return min(DEFAULT_WINDOW, *lengths) if lengths else None


def _unreachable(url: str, fault: Exception) -> str:
    response = getattr(fault, "response", None)
    if response is not None:
        return f"the server at {url} answered {response.status_code} when it was asked for a model; is it Ollama's?"
    return (
        f"no Ollama server answers at {url} ({type(fault).__name__}). Start one with: ollama serve"
        " (or set OLLAMA_HOST to where it runs)"
    )


def reports_logprobs(version: str) -> bool:
    """Whether a server that calls itself so streams log-probabilities; what is no number, or 0.0.0 (a build from
    source), counts as new."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    return not (0, 0, 0) < numbers < tuple(map(int, LOGPROBS_SINCE.split(".")))


def _check_server(url: str, version: str, card: ModelCard) -> None:
    if card.logprobs and not reports_logprobs(version):
        raise ModelNotReady(
            f"the Ollama server at {url} is {version}, and log-probabilities come from {LOGPROBS_SINCE} on. Update it "
            "(see ollama.com/download), or do without them: ReasoningModel(inner=..., card=ModelCard(..., "
            "logprobs=False))"
        )


def _check_model(url: str, shown: httpx.Response, model: Any, card: ModelCard) -> None:
    if shown.is_error:
        raise ModelNotReady(
            f"the Ollama server at {url} has no model {model.model!r}. Fetch it with: ollama pull {model.model}"
        )
    capabilities = shown.json().get("capabilities")
    if capabilities is None:  # a server older than the field
        return
    if card.form == "field" and "thinking" not in capabilities:
        raise ModelNotReady(
            f"{model.model!r} at {url} has no thinking that could be turned on. Leave it off: "
            f"ChatOllama(model={model.model!r}, reasoning=False)"
        )
    if card.form != "field" and model.reasoning is None and "thinking" in capabilities:
        raise ModelNotReady(
            f"{model.model!r} at {url} thinks, and its thinking would be lost. Have it looked at once: trigreason "
            f"doctor --probe --small ollama:{model.model}; or say whether it shall think: "
            f"ChatOllama(model={model.model!r}, reasoning=True) or reasoning=False"
        )


def server_url(given: str | None) -> str:
    """Where the Ollama server is: as given, else OLLAMA_HOST, else its default port on this machine; as its client
    reads an address ("", "host", ":port", "host:port", "host/path", or one with a scheme)."""
    import os

    host = (given or os.environ.get("OLLAMA_HOST") or "").strip().rstrip("/")
    if "://" in host:
        return host
    authority, slash, path = host.partition("/")
    name, colon, port = authority.rpartition(":") if re.search(r":\d+$", authority) else (authority, "", "")
    return f"http://{name or '127.0.0.1'}:{port if colon else DEFAULT_PORT}{slash}{path}"


def without_password(url: str) -> str:
    """The address as it may be shown."""
    return re.sub(r"(?<=://)[^/@]*@", "", url)
