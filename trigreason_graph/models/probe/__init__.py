"""Finding out what a model can do: what is known, what its server says, and what a few tokens show."""

from trigreason_graph.models.probe.probing import aprobe_model, card_report, probe_model
from trigreason_graph.models.probe.report import Capability, ProbeReport

__all__ = ["Capability", "ProbeReport", "aprobe_model", "card_report", "probe_model"]
