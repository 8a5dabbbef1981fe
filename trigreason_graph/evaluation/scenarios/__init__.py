"""Scenarios: prices and latencies under which recorded runs are counted, without a model."""

from trigreason_graph.evaluation.scenarios.counting import CountedCall, counted, reprice, retime
from trigreason_graph.evaluation.scenarios.files import SHIPPED, load_scenario, read_scenario, shipped_scenario
from trigreason_graph.evaluation.scenarios.scenario import Place, Scenario

__all__ = [
    "SHIPPED",
    "CountedCall",
    "Place",
    "Scenario",
    "counted",
    "load_scenario",
    "read_scenario",
    "reprice",
    "retime",
    "shipped_scenario",
]
