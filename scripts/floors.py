"""Prints the lowest declared version of every direct dependency, as a constraints file for pip.

python scripts/floors.py > floors.txt
pip install --constraint floors.txt --editable ".[all]"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def floors(project: Path = PROJECT) -> Iterator[str]:
    """``name==version`` for each dependency, those of the extras among them.

    Raises:
        ValueError: A dependency has no floor, or more than one.
    """
    tables = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    declared = [
        *tables["dependencies"],
        *(line for extra in tables["optional-dependencies"].values() for line in extra),
    ]
    for requirement in map(Requirement, declared):
        if requirement.name == tables["name"]:  # an extra made of extras
            continue
        lowest = [part.version for part in requirement.specifier if part.operator == ">="]
        if len(lowest) != 1:
            raise ValueError(f"pyproject.toml: {requirement} needs one floor, written as {requirement.name}>=VERSION")
        yield f"{requirement.name}=={lowest[0]}"


if __name__ == "__main__":
    print("\n".join(floors()))
