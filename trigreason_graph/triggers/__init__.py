"""Triggers: pure rules that look at the newest step and may say that it needs the large model."""

from trigreason_graph.state import Signal
from trigreason_graph.triggers.arithmetic_check import ArithmeticCheck
from trigreason_graph.triggers.base import (
    Judge,
    JudgeCall,
    NoVerdictError,
    Trigger,
    View,
    When,
    first_signal,
    signals_of,
)
from trigreason_graph.triggers.cognitive_offload import CognitiveOffload
from trigreason_graph.triggers.contradiction import Contradiction
from trigreason_graph.triggers.first_token_entropy import FirstTokenEntropy
from trigreason_graph.triggers.function import FunctionTrigger, trigger
from trigreason_graph.triggers.intervention_request import InterventionRequest
from trigreason_graph.triggers.judges import StepReview, StepReward, StepScore
from trigreason_graph.triggers.limits import Limit, held_back
from trigreason_graph.triggers.phrases import add_language
from trigreason_graph.triggers.random_choice import RandomChoice
from trigreason_graph.triggers.strategic_initiation import StrategicInitiation

__all__ = [
    "ArithmeticCheck",
    "CognitiveOffload",
    "Contradiction",
    "FirstTokenEntropy",
    "FunctionTrigger",
    "InterventionRequest",
    "Judge",
    "JudgeCall",
    "Limit",
    "NoVerdictError",
    "RandomChoice",
    "Signal",
    "StepReview",
    "StepReward",
    "StepScore",
    "StrategicInitiation",
    "Trigger",
    "View",
    "When",
    "add_language",
    "first_signal",
    "held_back",
    "signals_of",
    "trigger",
]
