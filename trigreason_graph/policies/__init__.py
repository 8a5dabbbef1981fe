"""Policies: named lists of triggers with their settings."""

from trigreason_graph.policies.base import Policy
from trigreason_graph.policies.files import dump_policy, load_policy, read_policy
from trigreason_graph.policies.resolve import resolve_policy, shipped_policy
from trigreason_graph.policies.shipped import (
    SHIPPED,
    early_only,
    glimprouter_policy,
    paper_policy,
    random_policy,
    specreason_policy,
)

__all__ = [
    "SHIPPED",
    "Policy",
    "dump_policy",
    "early_only",
    "glimprouter_policy",
    "load_policy",
    "paper_policy",
    "random_policy",
    "read_policy",
    "resolve_policy",
    "shipped_policy",
    "specreason_policy",
]
