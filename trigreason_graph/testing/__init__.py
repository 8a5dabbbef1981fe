"""Tools for testing with trigreason-graph: a scripted model, and model servers that fail when they are told to."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trigreason_graph.testing.scripted import Scripted, ScriptedModel

if TYPE_CHECKING:
    from trigreason_graph.testing.servers import (
        Asked,
        EmbeddedBackend,
        Fault,
        OllamaServer,
        OpenAIServer,
        Record,
        ScriptBackend,
        ServedModel,
        Thinks,
        at_random,
    )

__all__ = [
    "Asked",
    "EmbeddedBackend",
    "Fault",
    "OllamaServer",
    "OpenAIServer",
    "Record",
    "ScriptBackend",
    "Scripted",
    "ScriptedModel",
    "ServedModel",
    "Thinks",
    "at_random",
]


def __getattr__(name: str) -> Any:
    """The servers, imported when one is asked for: they need an extra, and half a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module("trigreason_graph.testing.servers"), name)
    except ModuleNotFoundError as missing:
        if missing.name not in ("starlette", "uvicorn"):
            raise
        raise ModuleNotFoundError(
            'The model servers need starlette and uvicorn. Type: pip install "trigreason-graph[testing]"',
            name=missing.name,
        ) from missing
