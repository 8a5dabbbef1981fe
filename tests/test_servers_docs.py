"""The code of docs/testing.md runs, and its list of faults is complete."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest

from tests.test_docs import ROOT, blocks
from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph.testing import Fault

PAGE = "docs/testing.md"


async def test_the_code_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in blocks(PAGE):
        running = eval(compile(block, PAGE, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.isawaitable(running):
            await running
    assert capsys.readouterr().out.split("\n")[:2] == ["ResponseError", "RemoteProtocolError"]


def test_every_fault_is_on_the_page() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    kinds = [kind for option in get_args(get_type_hints(Fault)["then"]) for kind in get_args(option)]
    assert kinds
    assert not [kind for kind in kinds if f'then="{kind}"' not in text]
    assert not [
        field.name
        for field in fields(Fault)
        if field.name not in ("after", "then", "text")
        and f"`{field.name}=" not in text
        and f", {field.name}=" not in text
    ]
