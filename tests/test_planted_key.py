"""A key is planted in every place that has one, runs succeed and fail, and it is searched for everywhere afterwards."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from graphs import Marker
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from trigreason_graph import Budget, Policy, create_trigreason_graph, probe_model
from trigreason_graph.testing import Fault, OllamaServer, OpenAIServer

SECRET = "planted0123456789abcdef"
KEY = f"sk-{SECRET}"
CONFIG: Any = {"configurable": {"thread_id": "1"}}
QUESTION = {"question": "What is 3 + 4?"}


def always(**fault: Any) -> dict[int, Fault]:
    return {number: Fault(**fault) for number in range(1, 9)}


FAULTS: dict[str, Any] = {
    "all goes well": {},
    "refused": always(status=401, body=f"no access for {KEY}"),
    "overloaded": always(status=503, body=f"busy, {KEY}"),
    "cut": always(after=1, then="cut"),
    "garbage": always(after=1, then="garbage"),
    "an error inside the stream": always(after=1, then="error", body=f"{KEY} expired"),
}


class Everything(BaseCallbackHandler):
    """Writes down all that a tracer is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("on_"):
            return lambda *args, **kwargs: self.told.append(repr((args, kwargs)))
        return super().__getattribute__(name)


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
async def test_a_key_is_nowhere_but_on_the_wire(faults: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from langchain_ollama import ChatOllama
    from langchain_openai import ChatOpenAI

    caplog.set_level(logging.DEBUG, "trigreason_graph")
    database, tracer = tmp_path / "runs.sqlite", Everything()
    small_server = OllamaServer({"m": "Odd.\n\nSo \\boxed{7}."})
    large_server = OpenAIServer({"gpt": "wrong: none\n\n3 + 4 = 7."}, key=KEY if not faults else None, faults=faults)
    with small_server as ollama, large_server as openai:
        small = ChatOllama(model="m", base_url=ollama.url, client_kwargs={"headers": {"x-api-key": KEY}})
        large = ChatOpenAI(
            model="gpt",
            api_key=KEY,  # type: ignore[arg-type]
            base_url=f"{openai.url}/v1",
            default_headers={"x-other": KEY},
            max_retries=0,
        )
        builder = create_trigreason_graph(
            small=small, large=large, policy=Policy("test", (Marker("Odd"),)), budget=Budget(usd=None)
        )
        async with AsyncSqliteSaver.from_conn_string(str(database)) as saver:
            graph = builder.compile(checkpointer=saver)
            events = [
                part
                async for part in graph.astream(
                    QUESTION, {**CONFIG, "callbacks": [tracer]}, stream_mode=["custom", "values", "updates", "debug"]
                )
            ]
            state = (await graph.aget_state(CONFIG)).values
        assert any(call.headers.get("authorization") == f"Bearer {KEY}" for call in openai.calls)
        assert any(request.headers.get("x-api-key") == KEY for request in ollama.requests)
    assert state["report"]["outcome"]["kind"] == "answered"
    assert len(tracer.told) > 10
    everywhere = {
        "events": repr(events),
        "state": repr(state),
        "traces": "\n".join(tracer.told),
        "logs": caplog.text,
        "drawing": graph.get_graph().draw_mermaid(),
        "serialized": dumps(builder.compile(), pretty=True),
        "checkpoints": in_database(database),
    }
    for place, text in everywhere.items():
        assert SECRET not in text, f"the key is in the {place}"


def test_a_probe_keeps_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from langchain_openai import ChatOpenAI

    monkeypatch.setenv("TRIGREASON_CARDS", str(tmp_path))
    with OpenAIServer({"m": "1, 2, 3"}, flavour="vllm", key=KEY) as server:
        report = probe_model(ChatOpenAI(model="m", api_key=KEY, base_url=f"{server.url}/v1"))  # type: ignore[arg-type]
    kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert SECRET not in repr(report) + "".join(kept)


def in_database(path: Path) -> str:
    with sqlite3.connect(path) as opened:
        tables = [name for (name,) in opened.execute("select name from sqlite_master where type = 'table'")]
        rows = [row for table in tables for row in opened.execute(f"select * from {table}")]
    opened.close()
    assert rows
    return "".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for row in rows for value in row
    )
