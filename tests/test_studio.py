"""The graph in LangGraph's development server, which Studio is a face of: a real `langgraph dev` and its own SDK.

One server for all tests, over two scripted models behind an OpenAI-compatible endpoint.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.pregel.remote import RemoteGraph
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import BadRequestError
from typing_extensions import TypedDict

from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph import Budget, Settings, studio
from trigreason_graph.testing import Asked, OpenAIServer, Scripted

ROOT = Path(__file__).parent.parent
GRAPH = "trigreason"
QUESTION = {"question": "What is 3 + 4?"}
SLOW = {"question": "What is 3 + 4? Take your time."}
WHOLE = "One is 3.\n\nThe other is 4.\n\nSo the result is \\boxed{7}."
EDIT = {"decision": "edit", "instruction": "Plan with fingers."}
READY_SECONDS = 90.0
"""For the server to start, on a busy machine; alone it takes four."""


def small(asked: Asked) -> Scripted:
    """The rest of the solution, as a greedy model writes it; of another trace the end."""
    begun = asked.prefill or ""
    text = WHOLE[len(begun) :] if WHOLE.startswith(begun) else "So the result is \\boxed{8}."
    return Scripted(text, delay=0.5 if "Take your time" in str(asked.messages) else 0)


def large(asked: Asked) -> str:
    return "Goal: the sum\nKey steps: 1. add"


@dataclass(frozen=True)
class Server:
    url: str
    models: OpenAIServer
    log: Path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`langgraph dev` on the repository's configuration, plus two graphs whose models cannot be used."""
    folder = tmp_path_factory.mktemp("studio")
    configuration = json.loads((ROOT / "langgraph.json").read_text())
    configuration["dependencies"] = [str(ROOT)]
    for name in ("misnamed", "missing"):
        configuration["graphs"][name] = f"tests.studio_graphs:{name}"
    (folder / "langgraph.json").write_text(json.dumps(configuration))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with OpenAIServer({"small": small, "large": large}, flavour="vllm") as models:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TRIGREASON_SMALL": f"vllm:small@{models.url}/v1",
            "TRIGREASON_LARGE": f"openai:large@{models.url}/v1",
            "TRIGREASON_CARDS": str(folder / "cards"),
            "TRIGREASON_HOME": str(folder / "home"),
            "LANGGRAPH_CLI_NO_ANALYTICS": "1",
            "LANGGRAPH_NO_VERSION_CHECK": "true",
            "LANGSMITH_TRACING": "false",
        }
        command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload"]
        log = folder / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)],
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        running = Server(f"http://127.0.0.1:{port}", models, log)
        try:
            wait_until_ready(process, running)
            yield running
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until_ready(process: subprocess.Popen[Any], server: Server) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{server.url}/ok").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{server.log.read_text()[-3_000:]}", pytrace=False)


@pytest.fixture
async def client(server: Server) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=server.url) as opened:
        yield opened


async def parts(client: LangGraphClient, thread: str, assistant: str, **arguments: Any) -> list[tuple[str, Any]]:
    """Events of one run, each with its data."""
    stream = client.runs.stream(thread, assistant, stream_mode=["custom", "updates"], **arguments)
    return [(part.event, part.data) async for part in stream]


def texts(values: Any) -> list[str]:
    return [step["text"] for step in values["trace"]]


async def new_thread(client: LangGraphClient) -> str:
    return (await client.threads.create())["thread_id"]


def arrows(picture: str) -> list[str]:
    """The edges, whatever their order and the rest of the drawing."""
    return sorted(line.strip() for line in picture.splitlines() if "-->" in line or ".->" in line)


class TestForm:
    """What Studio makes a form of; these need no server."""

    @pytest.mark.parametrize("model", [Settings, Budget])
    def test_every_field_has_a_title_and_a_description(self, model: type[Settings | Budget]) -> None:
        for name, field in model.model_fields.items():
            assert field.title, name
            assert field.description, name

    def test_every_setting_is_offered_at_nodes_that_there_are(self) -> None:
        nodes = set(studio.graph().nodes)
        for name, shown in Settings.model_json_schema()["properties"].items():
            assert shown["langgraph_nodes"], name
            assert set(shown["langgraph_nodes"]) <= nodes, name

    def test_the_page_shows_the_picture(self) -> None:
        drawn, page = (
            studio.graph().compile().get_graph(xray=True).draw_mermaid(),
            (ROOT / "docs/studio.md").read_text(),
        )
        assert arrows(page) == arrows(drawn)

    def test_the_server_and_the_ignore_file_agree(self) -> None:
        assert ".langgraph_api/" in (ROOT / ".gitignore").read_text().splitlines()


class TestAssistant:
    async def test_it_is_there_with_its_words(self, client: LangGraphClient) -> None:
        (assistant,) = await client.assistants.search(graph_id=GRAPH)
        assert assistant["name"] == GRAPH
        assert "TRIGREASON_SMALL and TRIGREASON_LARGE" in (assistant.get("description") or "")

    async def test_the_form_has_all_settings(self, client: LangGraphClient) -> None:
        (assistant,) = await client.assistants.search(graph_id=GRAPH)
        schemas = await client.assistants.get_schemas(assistant["assistant_id"])
        served = schemas["context_schema"]
        assert served == Settings.model_json_schema()
        assert served is not None
        assert served["properties"]["large"]["enum"] == ["auto", "ask", "shadow", "never"]
        assert served["properties"]["max_rollbacks"]["minimum"] == 0

    async def test_the_picture_is_the_graphs_own(self, client: LangGraphClient) -> None:
        local = studio.graph().compile().get_graph(xray=True)
        served = await RemoteGraph(GRAPH, client=client).aget_graph(xray=True)
        assert served.draw_mermaid() == local.draw_mermaid()

    async def test_a_context_of_its_own(self, client: LangGraphClient, server: Server) -> None:
        made = await client.assistants.create(GRAPH, context={"large": "never"}, name="thrifty")
        events = await parts(client, await new_thread(client), made["assistant_id"], input=QUESTION)
        (outcome,) = [data for event, data in events if event == "custom" and data["type"] == "outcome"]
        assert outcome["answer"] == "7"
        assert outcome["report"]["unserved"] == {"strategic_initiation": 1}


async def test_a_run_its_history_and_a_fork(client: LangGraphClient, server: Server) -> None:
    thread = await new_thread(client)
    events = await parts(client, thread, GRAPH, input=QUESTION)
    kinds = [data["type"] for event, data in events if event == "custom"]
    assert kinds[0] == "run"
    assert kinds[-1] == "outcome"
    assert kinds.count("step") == 3
    nodes = [name for event, data in events if event == "updates" for name in data]
    assert nodes == ["prepare", "strategist", "step_generator", "trigger_router", "answer"]
    ended = await client.threads.get_state(thread)
    assert texts(ended["values"]) == WHOLE.split("\n\n")

    history = await client.threads.get_history(thread, limit=20)
    assert [point["next"] for point in history][:3] == [[], ["answer"], ["trigger_router"]]
    before = next(point for point in history if point["next"] == ["step_generator"])
    edited = {**dict(ended["values"])["trace"][0], "text": "One is 4."}
    changed = {"trace": {"keep": 0, "add": [edited]}}
    fork = await client.threads.update_state(thread, changed, checkpoint=before["checkpoint"])
    result = await client.runs.wait(thread, GRAPH, input=None, checkpoint=fork["checkpoint"])
    assert isinstance(result, dict)
    assert texts(result) == ["One is 4.", "So the result is \\boxed{8}."]
    old = await client.threads.get_state(thread, checkpoint=ended["checkpoint"])
    assert texts(old["values"]) == WHOLE.split("\n\n")


async def test_a_person_is_asked_and_can_edit(client: LangGraphClient, server: Server) -> None:
    thread = await new_thread(client)
    asked_before = len(server.models.calls)
    events = await parts(client, thread, GRAPH, input=QUESTION, context={"large": "ask"})
    interrupt = events[-1][1]["__interrupt__"][0]
    assert interrupt["value"]["summary"].startswith("local:large is to plan the solution: at most 120 tokens")
    assert set(interrupt["response_schema"]["properties"]) == {"decision", "instruction"}
    assert len(server.models.calls) == asked_before

    refused = await parts(client, thread, GRAPH, command={"resume": "maybe"})
    assert refused[-1][0] == "error"
    assert 'answer with "approve", "deny", or' in refused[-1][1]["message"]

    events = await parts(client, thread, GRAPH, command={"resume": EDIT})
    (outcome,) = [data for event, data in events if event == "custom" and data["type"] == "outcome"]
    assert outcome["answer"] == "7"
    assert [row["instruction"] for row in outcome["report"]["instructions"]] == [EDIT["instruction"]]
    calls = server.models.calls[asked_before:]
    assert [call.body["model"] for call in calls] == ["large", "small"]
    assert calls[0].body["messages"][-1]["content"].endswith(EDIT["instruction"])


async def test_a_run_that_is_cancelled_closes_its_call(client: LangGraphClient, server: Server) -> None:
    thread, asked_before = await new_thread(client), len(server.models.calls)
    run = await client.runs.create(thread, GRAPH, input=SLOW, context={"large": "never"})
    await asyncio.to_thread(wait_for_a_call, server.models, asked_before)
    await client.runs.cancel(thread, run["run_id"], wait=True)
    assert (await client.runs.get(thread, run["run_id"]))["status"] == "interrupted"
    assert await server.models.idle(10)
    assert server.models.calls[-1].outcome == "closed"


async def test_a_node_of_a_parent_graph_elsewhere(client: LangGraphClient) -> None:
    class Desk(TypedDict, total=False):
        question: str
        answer: str

    remote = RemoteGraph(GRAPH, client=client)
    builder = StateGraph(Desk).add_node("reason", remote).add_edge(START, "reason").add_edge("reason", END)
    seen: list[Any] = []
    async for _, mode, data in builder.compile().astream(QUESTION, stream_mode=["custom", "values"], subgraphs=True):
        seen.append((mode, data))
    assert [data for mode, data in seen if mode == "values"][-1]["answer"] == "7"
    assert "step" in [data.get("type") for mode, data in seen if mode == "custom"]


def wait_for_a_call(models: OpenAIServer, earlier: int) -> None:
    until = time.monotonic() + 20
    while len(models.calls) == earlier and time.monotonic() < until:
        time.sleep(0.05)


class TestBadVariables:
    async def test_a_string_that_names_no_model(self, client: LangGraphClient) -> None:
        readable = re.escape("small='what' is not a model") + ".*TRIGREASON_SMALL"
        with pytest.raises(BadRequestError, match=readable):
            await client.assistants.get_graph("misnamed")
        events = await parts(client, await new_thread(client), "misnamed", input=QUESTION)
        assert events[-1][0] == "error"
        assert re.search(readable, events[-1][1]["message"])

    async def test_a_model_that_is_not_there(self, client: LangGraphClient) -> None:
        events = await parts(client, await new_thread(client), "missing", input=QUESTION)
        assert events[-1][0] == "error"
        assert events[-1][1]["error"] == "ModelNotReady"
        assert "/nowhere/small.gguf" in events[-1][1]["message"]

    async def test_the_server_lives_on(self, client: LangGraphClient, server: Server) -> None:
        assert (await client.assistants.get_graph(GRAPH))["nodes"]
        assert "BlockingError" not in server.log.read_text()


def test_a_variable_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMALL", "LARGE", "FALLBACK", "POLICY"):
        monkeypatch.setenv(f"TRIGREASON_{name}", "")
    assert studio.graph().name == GRAPH
