"""The graph as LangGraph's server and Studio load it: `langgraph.json` names `graph` in here.

The models come from the environment of the command line: TRIGREASON_SMALL, TRIGREASON_LARGE, TRIGREASON_FALLBACK and
TRIGREASON_POLICY; without them it is the embedded pair. Everything else is a setting of an assistant.
"""

from __future__ import annotations

from langgraph.graph import StateGraph

from trigreason_graph.cli.defaults import Defaults
from trigreason_graph.graph import create_trigreason_graph
from trigreason_graph.settings import Settings
from trigreason_graph.state import Input, Output, State


def graph() -> StateGraph[State, Settings, Input, Output]:
    """Build the graph. Nothing is loaded, called or paid.

    Raises:
        ValueError: A variable names no model or policy that could be used; the text says which, and what to set.
    """
    named = Defaults()
    try:
        return create_trigreason_graph(
            small=named.small, large=named.large, fallback=named.fallback, policy=named.policy
        )
    except ValueError as fault:
        named_by = "TRIGREASON_SMALL, TRIGREASON_LARGE, TRIGREASON_FALLBACK and TRIGREASON_POLICY"
        raise ValueError(f"{fault}. The models and the policy come from the variables {named_by}") from None
