"""Code of users that uses our types, under a strict type checker."""

from __future__ import annotations

from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parent / "typed").glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_users_code_is_typed(path: Path) -> None:
    from mypy import api

    said, errors, code = api.run(["--strict", "--no-error-summary", str(path)])
    assert (code, said + errors) == (0, ""), said + errors
