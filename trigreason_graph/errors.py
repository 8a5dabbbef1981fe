"""Errors for people: what happened, what it means, what to do."""

from __future__ import annotations


class TrigReasonError(RuntimeError):
    """Base of all errors this package raises on purpose (bad arguments are ValueErrors).

    A RuntimeError, since LangGraph's server shows the text of those, and of other exceptions only the name.
    """


class ModelNotReady(TrigReasonError):
    """A model cannot be used: not fetched, not pulled, server down, broken file. The text names the remedy."""


class DownloadError(TrigReasonError):
    """A model could not be fetched, or what arrived was not it."""


class InputError(TrigReasonError, ValueError):
    """The input of a run cannot be used: no question, or one too long for a model's context window."""


class DataError(TrigReasonError, ValueError):
    """Problems to evaluate on cannot be read. The text names file and line, and quotes nothing of the data."""


class MissingPackage(TrigReasonError, ImportError):
    """A package that only some need is not installed. The text names the extra."""


class NewerState(TrigReasonError):
    """A thread was written by a newer version of this package, which this one cannot read safely."""


class NotStored(TrigReasonError):
    """The checkpointer did not store a step; the run stopped before it paid for anything further."""


class ModelsFailing(TrigReasonError):
    """An evaluation, a tuning or a calibration was stopped since a model fails. What is done is kept: run it again."""


class PolicyMismatch(UserWarning):
    """A policy is used with another model, log-probability space or prompts than it was made for. Said once a graph."""
