"""A middleware that makes any agent start on the small model and escalate to the large one."""

from trigreason_graph.integrations.middleware.agent import TrigReasonMiddleware
from trigreason_graph.integrations.middleware.rules import AGENT, RepeatedCall, RepeatedError

__all__ = ["AGENT", "RepeatedCall", "RepeatedError", "TrigReasonMiddleware"]
