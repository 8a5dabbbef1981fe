"""Thresholds that find themselves: replay of policies over recorded traces, calibration, tuning."""

from trigreason_graph.tuning.calibration import Calibration, acalibrate, calibrate, fit_policy
from trigreason_graph.tuning.questions import Question, read_questions
from trigreason_graph.tuning.replay import Replay
from trigreason_graph.tuning.traces import Trace
from trigreason_graph.tuning.tuner import atune, tune
from trigreason_graph.tuning.verifying import Tuning

__all__ = [
    "Calibration",
    "Question",
    "Replay",
    "Trace",
    "Tuning",
    "acalibrate",
    "atune",
    "calibrate",
    "fit_policy",
    "read_questions",
    "tune",
]
