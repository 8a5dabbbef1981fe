"""The worked example in CONTRIBUTING.md is code that runs."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

from trigreason_graph.triggers.base import Trigger

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
TRIGGER, ITS_TEST, ITS_USE = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture
def asks_back(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The example's module, as if it stood in its file."""
    module = types.ModuleType("trigreason_graph.triggers.asks_back")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(TRIGGER, "CONTRIBUTING.md", "exec"), module.__dict__)
    return module


def test_the_example_is_a_trigger(asks_back: types.ModuleType) -> None:
    assert isinstance(asks_back.AsksBack(), Trigger)


def test_the_examples_own_tests_pass(asks_back: types.ModuleType) -> None:
    code: dict[str, object] = {}
    exec(compile(ITS_TEST, "CONTRIBUTING.md", "exec"), code)
    tests = [value for name, value in code.items() if name.startswith("test_")]
    assert len(tests) == 5
    for test in tests:
        assert callable(test)
        test()


def test_the_example_is_built_into_a_graph(asks_back: types.ModuleType) -> None:
    code: dict[str, object] = {}
    exec(compile(ITS_USE, "CONTRIBUTING.md", "exec"), code)
    assert "graph" in code
