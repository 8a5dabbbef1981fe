"""Built-in problems, kept as data in examples.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Example:
    """A problem and its right answer."""

    name: str
    question: str
    answer: str


def load_examples() -> dict[str, Example]:
    """All built-in problems by name, in their order; the first is the default."""
    text = files("trigreason_graph.cli").joinpath("examples.toml").read_text(encoding="utf-8")
    return {name: Example(name, row["question"].strip(), row["answer"]) for name, row in tomllib.loads(text).items()}


def find_example(name: str | None) -> Example:
    """The example of that name; the first one for None.

    Raises:
        ValueError: No such example.
    """
    examples = load_examples()
    if name is None:
        return next(iter(examples.values()))
    if name not in examples:
        raise ValueError(f"there is no example {name!r}: known are {', '.join(examples)} (--example list shows them)")
    return examples[name]
