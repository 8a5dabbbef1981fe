"""The report of a run that has not come to its end, without calling its models."""

from __future__ import annotations

from trigreason_graph.cli.job import Job
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.resolve import resolve_model
from trigreason_graph.models.strings import parts_of
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.nodes.report import build_report
from trigreason_graph.policies import resolve_policy
from trigreason_graph.settings import Budget
from trigreason_graph.state import Outcome, Report, Role, State
from trigreason_graph.testing import ScriptedModel


def report_so_far(state: State, outcome: Outcome, job: Job) -> Report:
    """Sum up an unfinished run from its state.

    Args:
        state: With all keys that a report is made of.
        outcome: Why it is not finished.
        job: For the names of its models. One that cannot be set up here (a key or a package is missing) is named all
            the same; what it would have cost is then unknown.
    """
    fallback = _model(job.fallback, "large") if job.fallback else None
    kit = Kit(_model(job.small, "small"), _model(job.large, "large"), resolve_policy(None), Budget(), fallback=fallback)
    return build_report(state, outcome, kit.fallen_back() if state.get("fallback_on") else kit)


def _model(spec: str, role: Role) -> ReasoningModel:
    try:
        return resolve_model(spec, role)
    except ValueError:
        provider, name, _ = parts_of(spec)
        card = ModelCard(provider=provider, name=name)
        return resolve_model(ScriptedModel(script=[], trigreason_card=card), role)
