"""Let a small local model reason and pay for a large one only when it matters.

graph = create_trigreason_graph(small="ollama:deepseek-r1:1.5b", large="openai:gpt-5").compile()
result = await graph.ainvoke({"question": "…"})
result["answer"], result["report"]
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trigreason_graph.errors import DownloadError, InputError, ModelNotReady, TrigReasonError
    from trigreason_graph.graph import create_trigreason_graph
    from trigreason_graph.integrations import ChatTrigReason, TrigReasonMiddleware, as_tool
    from trigreason_graph.models import ModelCard, Price, Readiness, ReasoningModel, acheck_models, check_models
    from trigreason_graph.models.probe import ProbeReport, aprobe_model, probe_model
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

    __version__: str

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

_HOMES = {
    "errors": ("DownloadError", "InputError", "ModelNotReady", "TrigReasonError"),
    "graph": ("create_trigreason_graph",),
    "integrations": ("ChatTrigReason", "TrigReasonMiddleware", "as_tool"),
    "models": ("ModelCard", "Price", "Readiness", "ReasoningModel", "acheck_models", "check_models"),
    "models.probe": ("ProbeReport", "aprobe_model", "probe_model"),
    "policies": ("Policy",),
    "reasoning.prompts": ("Prompts",),
    "settings": ("Budget", "Settings"),
    "state": ("Report", "Signal", "State", "Step"),
    "triggers": (
        *("ArithmeticCheck", "CognitiveOffload", "InterventionRequest", "Judge", "StrategicInitiation"),
        *("Trigger", "View"),
    ),
}
_HOME_OF = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is asked for: the command line's first words need not wait for LangGraph."""
    if name == "__version__":
        from importlib.metadata import version

        found: Any = version("trigreason-graph")
    elif name in _HOME_OF:
        found = getattr(import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
