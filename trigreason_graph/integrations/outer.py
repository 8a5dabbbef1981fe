"""What surrounds a run of ours: the writer and the context of the LangGraph node it runs in, if it runs in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langgraph.config import get_stream_writer
from langgraph.runtime import get_runtime

from trigreason_graph.settings import Settings, settings_from


def outer_writer() -> Callable[[Any], None] | None:
    """The custom stream of the graph around us; None outside of one. Ask before an inner graph begins."""
    try:
        return get_stream_writer()
    except (RuntimeError, KeyError):  # KeyError: inside a plain LangChain runnable
        return None


def outer_settings(base: Settings) -> Settings:
    """The settings of a run: `base`, under the key "trigreason" of the context around us. Its other keys are not ours.

    Raises:
        pydantic.ValidationError, TypeError: What stands under that key are no settings.
    """
    try:
        runtime = get_runtime()
    except (RuntimeError, KeyError):
        return base
    return settings_from(getattr(runtime, "context", None), base)
