"""Tools for testing with trigreason-graph."""

from trigreason_graph.testing.scripted import Scripted, ScriptedModel

__all__ = ["Scripted", "ScriptedModel"]
