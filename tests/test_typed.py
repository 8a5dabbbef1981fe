"""Code of users that uses our types, under a strict type checker."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TYPED = Path(__file__).parent / "typed"
FILES = sorted(TYPED.glob("*.py"))
AS_A_USER = ["--config-file=", "--strict", "--follow-imports=silent", "--no-error-summary"]
"""Without the plugin of pydantic: our models make sense to any type checker. An installed package is silent."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_users_code_is_typed(path: Path) -> None:
    from mypy import api

    said, errors, code = api.run([*AS_A_USER, str(path)])
    assert (code, said + errors) == (0, ""), said + errors


def test_users_mistakes_are_found() -> None:
    """Each line with a comment at its end has the error that it names, and no other line has one."""
    from mypy import api

    path = TYPED / "wrong" / "arguments.py"
    said, errors, _ = api.run([*AS_A_USER, "--hide-error-context", str(path)])
    found = {(int(line), code) for line, code in re.findall(r":(\d+): error: .*\[([\w-]+)\]$", said, re.MULTILINE)}
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    expected = {(number, line.rpartition("  # ")[2]) for number, line in lines if "  # " in line}
    assert found == expected, said + errors
