"""Asking an Ollama server, before anything is paid, whether it can serve a model."""

from __future__ import annotations

from typing import Any

from trigreason_graph.errors import ModelNotReady

LOGPROBS_SINCE = (0, 12, 11)
"""First Ollama server that streams log-probabilities."""

_ready: set[tuple[str, str]] = set()


async def check_ollama(model: Any) -> None:
    """Raise ModelNotReady when the server is down or has not pulled the model; asked once per server and model."""
    import httpx

    url = server_url(model.base_url)
    if (url, model.model) in _ready:
        return
    try:
        async with httpx.AsyncClient(base_url=url, timeout=5.0) as client:
            pulled = {entry["name"] for entry in (await client.get("/api/tags")).raise_for_status().json()["models"]}
    except (httpx.HTTPError, KeyError, ValueError) as fault:
        raise ModelNotReady(
            f"no Ollama server answers at {url} ({type(fault).__name__}). Start one with: ollama serve"
            " (or set OLLAMA_HOST to where it runs)"
        ) from None
    name = model.model if ":" in model.model else f"{model.model}:latest"
    if name not in pulled:
        raise ModelNotReady(
            f"the Ollama server at {url} has no model {name!r}. Fetch it with: ollama pull {model.model}"
        )
    _ready.add((url, model.model))


def server_url(given: str | None) -> str:
    """Where the Ollama server is: as given, else OLLAMA_HOST, else its default port."""
    import os

    host = given or os.environ.get("OLLAMA_HOST") or "http://127.0.0.1:11434"
    return host if "://" in host else f"http://{host}"
