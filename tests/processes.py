"""Processes of the CLI in tests."""

from __future__ import annotations

import subprocess


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What the process has written once `text` has come."""
    assert process.stdout is not None
    seen = ""
    while text not in seen:
        sign = process.stdout.read(1)
        assert sign, f"it ended with: {seen}\n{process.stderr.read() if process.stderr else ''}"
        seen += sign
    return seen
