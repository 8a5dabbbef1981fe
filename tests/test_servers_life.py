"""The life of a server: start and stop, what it records, many at once, and how it is imported and run."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import ollama
import openai
import pytest
from langchain_openai import ChatOpenAI

import trigreason_graph.testing
from tests.test_layers import loaded_by
from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from tests.wrapped import Reader, written
from trigreason_graph.models import ModelCard, ReasoningModel
from trigreason_graph.testing import Asked, OllamaServer, OpenAIServer, ScriptBackend, Scripted, ServedModel
from trigreason_graph.testing.servers.__main__ import main
from trigreason_graph.testing.servers.server import ModelServer

ROOT = Path(__file__).parent.parent
TURNS: list[Any] = [{"role": "user", "content": "Count."}]
ENDLESS = Scripted("word " * 2_000, delay=0.005)


class TestStartAndStop:
    def test_the_port_is_free_again(self) -> None:
        with OllamaServer({"m": "7"}) as server:
            url, port = server.url, int(server.url.rpartition(":")[2])
            assert httpx.get(url).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
        with OllamaServer({"m": "7"}, port=port) as again:
            assert again.url == url

    def test_it_leaves_no_thread(self) -> None:
        before = set(threading.enumerate())
        with OllamaServer({"m": "7"}):
            pass
        assert set(threading.enumerate()) == before

    def test_stopping_twice_is_fine(self) -> None:
        server = OllamaServer({"m": "7"}).start()
        server.stop()
        server.stop()

    def test_it_runs_once(self) -> None:
        with OllamaServer({"m": "7"}) as server, pytest.raises(RuntimeError, match="make a new one"):
            server.start()

    def test_no_address_before_it_runs(self) -> None:
        with pytest.raises(RuntimeError, match="with server"):
            _ = OllamaServer({"m": "7"}).url

    def test_a_port_in_use(self) -> None:
        with OllamaServer({"m": "7"}) as server, pytest.raises(OSError, match="in use"):
            OllamaServer({"m": "7"}, port=int(server.url.rpartition(":")[2])).start()

    async def test_stopped_under_an_open_stream(self) -> None:
        async with OpenAIServer({"m": ENDLESS}, flavour="vllm") as server, httpx.AsyncClient() as client:
            body = {"model": "m", "messages": TURNS, "stream": True}
            async with client.stream("POST", f"{server.url}/v1/chat/completions", json=body) as answer:
                lines = answer.aiter_lines()
                await anext(lines)
                began = time.monotonic()
                await asyncio.to_thread(server.stop)
                assert time.monotonic() - began < 1.0
                with pytest.raises(httpx.TransportError):
                    async for _ in lines:
                        pass
        assert (server.open, server.requests[0].outcome) == (0, "closed")

    async def test_in_an_async_test_with_a_plain_with(self) -> None:
        with OllamaServer({"m": "7"}) as server:
            async with ollama.AsyncClient(server.url) as client:
                assert (await client.chat("m", TURNS)).message.content == "7"


class TestRecords:
    def test_of_a_request(self) -> None:
        with OpenAIServer({"m": "7"}) as server:
            headers = {"Authorization": "Bearer sk-secret", "X-Team": "a"}
            body = {"model": "m", "messages": TURNS}
            httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers)
        [record] = server.requests
        assert (record.method, record.path, record.body, record.number) == ("POST", "/v1/chat/completions", body, 1)
        assert (record.headers["authorization"], record.headers["x-team"]) == ("Bearer sk-secret", "a")
        assert (record.status, record.outcome, record.content, record.tokens_sent) == (200, "finished", "7", 1)
        assert record.seconds is not None
        assert 0 <= record.seconds < 5

    @pytest.mark.parametrize("kind", [OllamaServer, OpenAIServer])
    async def test_a_closed_stream_is_noticed_at_once(self, kind: type[Any]) -> None:
        path = "/api/chat" if kind is OllamaServer else "/v1/chat/completions"
        async with kind({"m": ENDLESS}) as server, httpx.AsyncClient() as client:
            body = {"model": "m", "messages": TURNS, "stream": True}
            async with client.stream("POST", server.url + path, json=body) as answer:
                async for _ in answer.aiter_lines():
                    if server.requests[0].pieces >= 3:
                        break
                assert server.open == 1
            closed = time.monotonic()
            assert await server.idle(1.0)
        [record] = server.requests
        assert record.outcome == "closed"
        assert record.noticed is not None
        assert record.noticed - closed < 0.5
        assert 3 <= record.tokens_sent <= record.tokens_out < 2_000
        assert record.finish == ""

    async def test_a_closed_request_for_a_whole_reply(self) -> None:
        async with OllamaServer({"m": ENDLESS}) as server:
            async with httpx.AsyncClient(timeout=0.1) as client:
                with pytest.raises(httpx.ReadTimeout):
                    await client.post(f"{server.url}/api/chat", json={"model": "m", "messages": TURNS, "stream": False})
            assert await server.idle(1.0)
        assert server.requests[0].outcome == "closed"
        assert server.requests[0].tokens_sent == 0 < server.requests[0].tokens_out

    async def test_a_model_is_told_to_stop(self) -> None:
        ended = asyncio.Event()

        class Watched(ScriptBackend):
            async def write(self, asked: Asked) -> Any:
                try:
                    async for item in super().write(asked):
                        yield item
                finally:
                    loop.call_soon_threadsafe(ended.set)

        loop = asyncio.get_running_loop()
        async with OllamaServer({"m": Watched(ENDLESS)}) as server, httpx.AsyncClient() as client:
            body = {"model": "m", "messages": TURNS}
            async with client.stream("POST", f"{server.url}/api/chat", json=body) as answer:
                await anext(answer.aiter_lines())
            await asyncio.wait_for(ended.wait(), 1.0)

    async def test_the_ledger_is_what_the_server_counted(self) -> None:
        model = ServedModel(Scripted("It is 7.", thinking="3 + 4"), thinking=True)
        async with OpenAIServer({"o3": model}) as server:
            client = ChatOpenAI(model="o3", base_url=f"{server.url}/v1", api_key="any", max_retries=0)  # type: ignore[arg-type]
            card = ModelCard(provider="openai", name="o3", dialect="openai", hidden_tokens=64)
            last = (await written(ReasoningModel(inner=client, card=card), Reader())).last
        [record] = server.calls
        assert (last.status, last.finish, last.estimated) == ("ok", "stop", False)
        assert last.usage.tokens_in == record.tokens_in
        assert last.usage.tokens_out == record.tokens_out
        assert last.usage.tokens_reasoning == record.tokens_reasoning > 0


async def test_two_hundred_streams_at_once() -> None:
    """Each lasts 0.2 s by itself; one after the other they would take 40."""
    reply = Scripted(" ".join(["word"] * 20), delay=0.01)
    async with OpenAIServer({"m": reply}, flavour="vllm") as server:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            most = 0

            async def read() -> int:
                nonlocal most
                body = {"model": "m", "messages": TURNS, "stream": True}
                async with client.stream("POST", f"{server.url}/v1/chat/completions", json=body) as answer:
                    pieces = 0
                    async for line in answer.aiter_lines():
                        pieces += '"content": ' in line
                        most = max(most, server.open)
                    return pieces

            began = time.monotonic()
            read_by_each = await asyncio.gather(*(read() for _ in range(200)))
            assert time.monotonic() - began < 20
    assert set(read_by_each) == {21}  # with the one that opens the reply
    assert most == 200
    assert {record.outcome for record in server.calls} == {"finished"}


class TestImport:
    def test_the_package_of_test_tools_stays_light(self) -> None:
        loaded = loaded_by("import trigreason_graph.testing")
        assert not {"starlette", "uvicorn", "trigreason_graph.testing.servers"} & loaded

    def test_a_server_is_one_import_away(self) -> None:
        assert "uvicorn" in loaded_by("from trigreason_graph.testing import OllamaServer")

    def test_without_the_extra(self) -> None:
        code = "import sys; sys.modules['uvicorn'] = None\nfrom trigreason_graph.testing import OllamaServer"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
        assert 'pip install "trigreason-graph[testing]"' in done.stderr

    def test_an_unknown_name(self) -> None:
        with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
            _ = trigreason_graph.testing.Nothing


class TestByHand:
    def test_a_model_that_is_not_there(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert main(["--model", str(tmp_path / "none.gguf")]) == 1
        assert "There is no model file" in capsys.readouterr().err

    def test_a_flavour_that_is_not_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main(["--flavour", "nobody"])
        assert "ollama" in capsys.readouterr().err

    @pytest.mark.real_model
    @pytest.mark.parametrize("flavour", ["ollama", "vllm"])
    def test_it_runs_until_interrupted(self, flavour: str, tiny_model: Path) -> None:
        command = [sys.executable, "-m", "trigreason_graph.testing.servers", "--flavour", flavour, "--model"]
        running = subprocess.Popen([*command, "tiny"], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ)
        assert running.stdout is not None
        try:
            url = running.stdout.readline().split()[2].rstrip(",")
            assert "trigreason solve" in running.stdout.readline()
            if flavour == "ollama":
                with ollama.Client(url) as asked:
                    assert asked.chat("tiny", TURNS, options={"num_predict": 4}).eval_count == 4
            else:
                with openai.OpenAI(base_url=f"{url}/v1", api_key="any") as client:
                    assert client.models.list().data[0].id == "tiny"
            running.send_signal(signal.SIGINT)
            assert running.wait(20) == 0
        finally:
            running.kill()
            running.stdout.close()
            running.wait()


def test_bare_scripts_and_backends_are_plain_models() -> None:
    server = ModelServer.__new__(OllamaServer)
    OllamaServer.__init__(server, {"a": "7", "b": ScriptBackend("7"), "c": ServedModel(["7"], thinking=True)})
    assert [model.thinking for model in server.models.values()] == [False, False, True]
