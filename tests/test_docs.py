"""The code on the pages people copy from, executed with scripted models in the place of the embedded ones."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from tests.graphs import STEPS, large, small

ROOT = Path(__file__).parent.parent
PAGES = (
    "docs/durability.md",
    "docs/embedding.md",
    "docs/human-in-the-loop.md",
    "docs/evaluation.md",
    "docs/integrations.md",
    "docs/middleware.md",
    "docs/models.md",
    "docs/observability.md",
    "docs/testing_triggers.md",
    "docs/tools.md",
    "docs/triggers.md",
    "docs/tuning.md",
    "README.md",
)


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
async def test_the_code_of_a_page_runs(page: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    names: dict[str, Any] = {
        "SMALL": small(STEPS, loop=True),
        "LARGE": large("Goal: the sum\nKey steps: 1. add", loop=True),
    }
    found = blocks(page)
    assert found
    for block in found:
        code = re.sub(r'small="(embedded|ollama):[^"]*"', "small=SMALL", block)
        code = re.sub(r'large="(embedded|openai):[^"]*"', "large=LARGE", code)
        code = code.replace('probe_model("embedded:small"', "probe_model(SMALL")
        code = code.replace(", usd=0.05", "")  # nobody knows the price of a scripted model
        code = code.replace('"runs.sqlite"', repr(str(tmp_path / "runs.sqlite")))
        compiled = compile(code, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(compiled, names)
        if inspect.isawaitable(running):
            await running
    assert "Traceback" not in capsys.readouterr().err
