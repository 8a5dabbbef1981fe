"""The lowest declared versions, as `make test-floors` installs them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.floors import PROJECT, floors

ROOT = Path(__file__).parent.parent


def test_each_dependency_has_one_floor() -> None:
    pinned = dict(line.split("==") for line in floors())
    assert pinned["langgraph"] == "1.2.18"
    assert {"langgraph-checkpoint-sqlite", "psycopg", "xllamacpp", "uvicorn"} <= pinned.keys()
    assert "trigreason-graph" not in pinned
    declared = PROJECT.read_text(encoding="utf-8").partition("dependencies = [")[2].partition("[project.scripts]")[0]
    assert pinned.keys() == set(re.findall(r'"([a-z0-9-]+)(?:\[[a-z,]+\])?>=', declared))


def test_a_dependency_without_a_floor_is_an_error(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "x"\ndependencies = ["a<2"]\noptional-dependencies = {}\n')
    with pytest.raises(ValueError, match="a<2 needs one floor"):
        list(floors(project))


def test_the_files_that_are_run_on_the_floors_are_there() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.search(r"^FLOOR_TESTS := (.+)$", text, re.MULTILINE)
    assert found is not None
    names = found[1].split()
    assert names == sorted(set(names))
    assert not [name for name in names if not (ROOT / "tests" / f"test_{name}.py").is_file()]
