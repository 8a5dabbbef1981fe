"""For tests of calls that are tried again: the tries follow each other at once."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_waiting_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trigreason_graph.models.wrapper.retry_wait", lambda _: 0.0)
