"""Let a small local model reason and pay for a large one only when it matters.

graph = create_trigreason_graph(small="ollama:deepseek-r1:1.5b", large="openai:gpt-5").compile()
result = await graph.ainvoke({"question": "…"})
result["answer"], result["report"]
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from trigreason_graph.errors import DownloadError, InputError, ModelNotReady, TrigReasonError
from trigreason_graph.graph import create_trigreason_graph
from trigreason_graph.models import (
    ModelCard,
    Price,
    Readiness,
    ReasoningModel,
    acheck_models,
    check_models,
)
from trigreason_graph.policies import Policy
from trigreason_graph.reasoning.prompts import Prompts
from trigreason_graph.settings import Budget, Settings
from trigreason_graph.state import Report, Signal, State, Step
from trigreason_graph.triggers import (
    ArithmeticCheck,
    CognitiveOffload,
    InterventionRequest,
    Judge,
    StrategicInitiation,
    Trigger,
    View,
)

if TYPE_CHECKING:
    from trigreason_graph.integrations import ChatTrigReason, TrigReasonMiddleware, as_tool
    from trigreason_graph.models.probe import ProbeReport, aprobe_model, probe_model

__version__ = version("trigreason-graph")

__all__ = [
    "ArithmeticCheck",
    "Budget",
    "ChatTrigReason",
    "CognitiveOffload",
    "DownloadError",
    "InputError",
    "InterventionRequest",
    "Judge",
    "ModelCard",
    "ModelNotReady",
    "Policy",
    "Price",
    "ProbeReport",
    "Prompts",
    "Readiness",
    "ReasoningModel",
    "Report",
    "Settings",
    "Signal",
    "State",
    "Step",
    "StrategicInitiation",
    "TrigReasonError",
    "TrigReasonMiddleware",
    "Trigger",
    "View",
    "__version__",
    "acheck_models",
    "aprobe_model",
    "as_tool",
    "check_models",
    "create_trigreason_graph",
    "probe_model",
]


_LATER = {
    **dict.fromkeys(("ChatTrigReason", "TrigReasonMiddleware", "as_tool"), "trigreason_graph.integrations"),
    **dict.fromkeys(("ProbeReport", "aprobe_model", "probe_model"), "trigreason_graph.models.probe"),
}


def __getattr__(name: str) -> Any:
    """The integrations and the probe, imported when one is asked for: few programs need them all."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
