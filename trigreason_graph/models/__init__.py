"""Models: one wrapper around every chat model, what a model can do, and what it costs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.prices import Price
from trigreason_graph.models.readiness import Readiness, acheck_models, check_models
from trigreason_graph.models.resolve import ModelSpec, resolve_model
from trigreason_graph.models.wrapper import ReasoningModel

if TYPE_CHECKING:
    from trigreason_graph.models.probe import ProbeReport, aprobe_model, card_report, probe_model

__all__ = [
    "ModelCard",
    "ModelSpec",
    "Price",
    "ProbeReport",
    "Readiness",
    "ReasoningModel",
    "acheck_models",
    "aprobe_model",
    "card_report",
    "check_models",
    "probe_model",
    "resolve_model",
]


def __getattr__(name: str) -> Any:
    """The probe, imported when it is asked for: few programs probe."""
    if name not in ("ProbeReport", "aprobe_model", "card_report", "probe_model"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("trigreason_graph.models.probe"), name)
