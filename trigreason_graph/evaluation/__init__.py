"""Evaluation: policies on data sets, recordings of what models wrote, replay, and the statistics of all of it."""

from trigreason_graph.evaluation.evaluation import Evaluation, Standing
from trigreason_graph.evaluation.harness import aevaluate, evaluate
from trigreason_graph.evaluation.problems import Problem, ProblemSet, read_problems
from trigreason_graph.evaluation.results import RunResult, read_results

__all__ = [
    "Evaluation",
    "Problem",
    "ProblemSet",
    "RunResult",
    "Standing",
    "aevaluate",
    "evaluate",
    "read_problems",
    "read_results",
]
