"""Asking an Ollama server, before anything is paid, whether it can serve a model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models.cards import ModelCard

if TYPE_CHECKING:
    import httpx

LOGPROBS_SINCE = (0, 12, 11)
"""First Ollama server that streams log-probabilities."""
PATIENCE = 5.0
"""Seconds to wait for the server; it answers both questions without loading the model."""
DEFAULT_PORT = 11_434

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
    set_on_client = {**(model.client_kwargs or {}), **(model.async_client_kwargs or {})}
    try:
        async with httpx.AsyncClient(**{**set_on_client, "base_url": url, "timeout": PATIENCE}) as client:
            version = (await client.get("/api/version")).raise_for_status().json()["version"]
            shown = await client.post("/api/show", json={"model": model.model})
            if shown.status_code != httpx.codes.NOT_FOUND:
                shown.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError) as fault:
        raise ModelNotReady(_unreachable(without_password(url), fault)) from None
    _check_server(without_password(url), str(version), card)
    _check_model(without_password(url), shown, model, card)
    _ready.add((url, card))


def _unreachable(url: str, fault: Exception) -> str:
    response = getattr(fault, "response", None)
    if response is not None:
        return f"the server at {url} answered {response.status_code} when it was asked for a model; is it Ollama's?"
    return (
        f"no Ollama server answers at {url} ({type(fault).__name__}). Start one with: ollama serve"
        " (or set OLLAMA_HOST to where it runs)"
    )


def _check_server(url: str, version: str, card: ModelCard) -> None:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    if card.logprobs and (0, 0, 0) < numbers < LOGPROBS_SINCE:  # a build from source calls itself 0.0.0
        needed = ".".join(map(str, LOGPROBS_SINCE))
        raise ModelNotReady(
            f"the Ollama server at {url} is {version}, and log-probabilities come from {needed} on. Update it (see "
            "ollama.com/download), or do without them: ReasoningModel(inner=..., card=ModelCard(..., logprobs=False))"
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
            f"{model.model!r} at {url} thinks, and its thinking would be lost. Say whether it shall: "
            f"ChatOllama(model={model.model!r}, reasoning=True) or reasoning=False"
        )


def server_url(given: str | None) -> str:
    """Where the Ollama server is: as given, else OLLAMA_HOST, else its default port on this machine."""
    import os

    host = (given or os.environ.get("OLLAMA_HOST") or "").strip().rstrip("/")
    if "://" in host:
        return host
    name, colon, port = host.rpartition(":") if re.search(r":\d+$", host) else (host, "", "")
    return f"http://{name or '127.0.0.1'}:{port if colon else DEFAULT_PORT}"


def without_password(url: str) -> str:
    """The address as it may be shown."""
    return re.sub(r"(?<=://)[^/@]*@", "", url)
