"""Public data sets by a short name, and what each needs.

Nothing of them is part of this package. They are loaded from Hugging Face when asked for, or read from the user's own
copy: ``gsm8k=path/to/file.jsonl``, or a file of that name in the folder that ``TRIGREASON_DATA`` names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from trigreason_graph.evaluation.problem import Kind

FOLDER = "TRIGREASON_DATA"
"""Environment variable: the folder of the user's own copies."""

SUFFIXES = (".jsonl", ".json", ".csv")


@dataclass(frozen=True, slots=True)
class NamedSet:
    """One public data set.

    Attributes:
        source: Where it is loaded from.
        kind: How its answers are compared.
        private: Whether its authors ask not to publish the questions in plain text.
        about: Problems and origin, in a line.
    """

    source: str
    kind: Kind
    about: str
    private: bool = False


NAMED: dict[str, NamedSet] = {
    "aime24": NamedSet("hf:HuggingFaceH4/aime_2024@train", "number", "30 problems of AIME 2024 (MAA), 0 to 999"),
    "aime25": NamedSet("hf:math-ai/aime25@test", "number", "30 problems of AIME 2025 (MAA), 0 to 999"),
    "math500": NamedSet("hf:HuggingFaceH4/MATH-500@test", "latex", "500 competition problems (Hendrycks et al. 2021)"),
    "gsm8k": NamedSet("hf:openai/gsm8k:main@test", "number", "1,319 grade-school problems (Cobbe et al. 2021)"),
    "svamp": NamedSet("hf:ChilleD/SVAMP@test", "number", "300 one- and two-step problems (Patel et al. 2021)"),
    "gpqa_diamond": NamedSet(
        "hf:Idavidrein/gpqa:gpqa_diamond@train",
        "choice",
        "198 graduate-level questions with four options (Rein et al. 2023); terms to be accepted on the hub",
        private=True,
    ),
}
"""By name. The published AIME sets have one split, which their owners call "train"."""


def own_copy(name: str) -> Path | None:
    """The user's copy of a named set in the folder of `FOLDER`, if there is one."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    return next((path for suffix in SUFFIXES if (path := Path(folder).expanduser() / (name + suffix)).is_file()), None)
