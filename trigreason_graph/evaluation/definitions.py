"""What each figure of the report is, in words, with a version that changes when the figure's meaning does."""

from __future__ import annotations

from typing import NamedTuple

LEVELS = (50, 80, 95)
"""Per cent of the gap that CPT is told for."""


class Definition(NamedTuple):
    """One figure.

    Attributes:
        heading: Of its column.
        unit: "share" (shown in per cent), "points" (of a share), "ratio", "tokens", "calls", "dollars" or "seconds".
        text: What it is.
        version: Raised when a change makes new figures differ from old ones.
    """

    heading: str
    unit: str
    text: str
    version: int = 1


DEFINITIONS: dict[str, Definition] = {
    "accuracy": Definition("right", "share", "pass@1: the mean over problems of the share of right samples."),
    "difference": Definition(
        "against the reference", "points", "Accuracy minus the reference's (large_only), on the same problems: paired."
    ),
    "pgr": Definition(
        "PGR",
        "share",
        "Performance gap recovered: (accuracy - SRM alone) / (reference - SRM alone). Not defined where the gap is 0 "
        "or less.",
    ),
    "cost_share": Definition(
        "cost",
        "share",
        "Dollars of all calls in the scenario as a share of the reference's. Where the reference costs nothing, LRM "
        "output tokens stand in.",
    ),
    "large_output_share": Definition(
        "LRM tokens",
        "share",
        "LRM output tokens, those thrown away and judges' included, as a share of the reference's.",
    ),
    **{
        f"cpt_{level}": Definition(
            f"CPT({level})",
            "share",
            f"Call-performance threshold: the share of the reference's cost at which {level} % of the gap is "
            "recovered, on straight lines between SRM alone and the operating points of the policy (names that differ "
            "only from the first @ or bracket on). A point between two is what one gets by giving each problem to one "
            "of them by chance.",
        )
        for level in LEVELS
    },
    "small_share": Definition("SRM share", "share", "SRM tokens / (SRM + LRM tokens) of all accepted traces."),
    "small_steps_ratio": Definition(
        "SRM steps / specreason's", "ratio", "Accepted steps written by the SRM, as a multiple of specreason's."
    ),
    "large_calls": Definition("LRM calls", "calls", "LRM calls a problem, judges' included, repeated attempts not."),
    "discarded": Definition("thrown away", "tokens", "Output tokens of both models that were thrown away, a problem."),
    "large_cached": Definition("LRM input cached", "tokens", "LRM input tokens from the prompt cache, a problem."),
    "large_uncached": Definition("LRM input new", "tokens", "LRM input tokens read anew, a problem."),
    "small_cached": Definition("SRM input cached", "tokens", "SRM input tokens from the prompt cache, a problem."),
    "small_uncached": Definition("SRM input new", "tokens", "SRM input tokens read anew, a problem."),
    "large_output": Definition("LRM output", "tokens", "LRM output tokens a problem."),
    "small_output": Definition("SRM output", "tokens", "SRM output tokens a problem."),
    "dollars": Definition("$ / 1,000", "dollars", "Dollars for a thousand problems in the scenario."),
    "seconds": Definition("s", "seconds", "Seconds a problem in the scenario, one call after the other."),
    "cut": Definition("cut", "share", "Share of the runs that ended because the budget was spent."),
}
"""By name, in the order of the table."""
