"""One problem of a data set: what is asked, and the answer that is right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal["number", "latex", "choice", "text"]
"""What kind of answer a problem has, and so which checker compares it."""

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem.

    Its `repr` shows neither question nor options: some data sets ask not to be published in plain text, and a `repr`
    ends in logs and tracebacks.

    Attributes:
        id: Unique in its data set.
        question: What the models are asked, options included.
        answer: The right answer: "72", "\\\\frac{3}{4}", "east"; of a multiple choice, the letter.
        kind: How answers are compared.
        choices: The options' texts in the order of their letters; empty where there are none.
    """

    id: str
    question: str = field(repr=False)
    answer: str
    kind: Kind = "number"
    choices: tuple[str, ...] = field(default=(), repr=False)
