"""llama.cpp in this process: what it refuses, that it is quiet, and that it goes away."""

from __future__ import annotations

import builtins
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models.embedded import server
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.models.embedded.server import STOP_SECONDS, EmbeddedServer

STORY = {"messages": [{"role": "user", "content": "Write a long story about a fox."}], "temperature": 0}


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    yield
    server.close_all()


class TestRefusals:
    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotReady, match=r"There is no model file .*trigreason models pull"):
            EmbeddedServer.start(tmp_path / "none.gguf")

    def test_another_kind_of_file(self, tmp_path: Path) -> None:
        (tmp_path / "page.gguf").write_text("<html>")
        with pytest.raises(ModelNotReady, match="is not a GGUF model file"):
            EmbeddedServer.start(tmp_path / "page.gguf")

    def test_a_damaged_file_does_not_end_the_process(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "damaged.gguf"
        path.write_bytes(b"GGUF" + bytes(range(256)) * 40)
        for _ in range(2):
            with pytest.raises(ModelNotReady, match=r"cannot load .*damaged\.gguf \(10,244 bytes\).*models verify"):
                EmbeddedServer.start(path)
        assert capfd.readouterr() == ("", "")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotReady, match="cannot be read"):
            EmbeddedServer.start(tmp_path)

    def test_a_port_in_use(self, tmp_path: Path) -> None:
        (tmp_path / "some.gguf").write_bytes(b"GGUF")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ModelNotReady, match=rf"127\.0\.0\.1:{port}: .*Choose another port"):
                EmbeddedServer.start(tmp_path / "some.gguf", port=port)

    def test_without_the_extra(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = builtins.__import__

        def without(name: str, *rest: Any, **named: Any) -> Any:
            if name == "xllamacpp":
                raise ImportError(name)
            return real(name, *rest, **named)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(ModelNotReady, match=r'pip install "trigreason-graph\[embedded\]"'):
            EmbeddedServer.start(tmp_path / "some.gguf")

    def test_closing_nothing(self) -> None:
        server.close_all()
        server.close_all()


@pytest.mark.real_model
class TestRunning:
    def test_one_server_for_one_file_and_context(self, tiny_model: Path) -> None:
        first = EmbeddedServer.start(tiny_model, context=512)
        assert EmbeddedServer.start(str(tiny_model), context=512) is first
        assert EmbeddedServer.running(tiny_model, 512) is first
        other = EmbeddedServer.start(tiny_model, context=1024)
        assert other is not first
        other.close()
        assert len(reply(first, max_tokens=3)["choices"]) == 1  # the first one still answers

    def test_loading_serving_and_stopping_is_silent(self, tiny_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
        running = EmbeddedServer.start(tiny_model, context=512)
        reply(running, max_tokens=2)
        running.close()
        running.close()
        assert capfd.readouterr() == ("", "")

    def test_a_stopped_one_is_gone_and_can_be_started_again(self, tiny_model: Path) -> None:
        gone = EmbeddedServer.start(tiny_model, context=512)
        server.close_all()
        with pytest.raises(httpx.ConnectError):
            reply(gone, max_tokens=1)
        assert EmbeddedServer.running(tiny_model, 512) is None
        assert EmbeddedServer.start(tiny_model, context=512) is not gone

    def test_only_who_holds_the_key_is_served(self, tiny_model: Path) -> None:
        running = EmbeddedServer.start(tiny_model, context=512)
        assert httpx.post(f"{running.base_url}/chat/completions", json=STORY).status_code == 401
        assert str(tiny_model.parent) not in json.dumps(reply(running, max_tokens=1))

    def test_a_longer_prompt_is_read_from_where_it_differs(self, tiny_model: Path) -> None:
        running = EmbeddedServer.start(tiny_model, context=512)
        first = reply(running, max_tokens=20)
        text = first["choices"][0]["message"]["content"]
        trace = [*STORY["messages"], {"role": "assistant", "content": text}]
        usage = reply(running, messages=trace, max_tokens=5)["usage"]
        assert usage["prompt_tokens_details"]["cached_tokens"] >= usage["prompt_tokens"] - 2

    @pytest.mark.parametrize("prompt", ["Write a long story about a fox.", "fox " * 1200], ids=["writes", "reads"])
    def test_stopping_while_it_is_at_work(self, tiny_model: Path, prompt: str) -> None:
        model = EmbeddedChat(source=str(tiny_model), context=2048)
        model.ready()
        ended: list[Exception] = []

        def read() -> None:
            try:
                list(model.stream(prompt, max_tokens=500, extra_body={"ignore_eos": True}))
            except Exception as broken:
                ended.append(broken)

        reading = threading.Thread(target=read)
        reading.start()
        while not EmbeddedServer.start(tiny_model, context=2048)._connections:
            time.sleep(0.01)
        time.sleep(0.3)
        began = time.monotonic()
        server.close_all()
        reading.join()
        assert time.monotonic() - began < STOP_SECONDS
        assert len(ended) == 1

    def test_started_and_stopped_at_once(self, tiny_model: Path) -> None:
        for _ in range(5):
            EmbeddedServer.start(tiny_model, context=512).close()

    def test_a_process_that_just_ends_takes_it_along_silently(self, tiny_model: Path) -> None:
        script = (
            "import sys\n"
            "from trigreason_graph.models.embedded.chat import EmbeddedChat\n"
            "EmbeddedChat(source=sys.argv[1], context=512).invoke('Tell a story.', max_tokens=2)\n"
        )
        done = subprocess.run([sys.executable, "-c", script, str(tiny_model)], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def key_of(running: EmbeddedServer) -> dict[str, str]:
    return {"Authorization": f"Bearer {running.api_key}"}


def reply(running: EmbeddedServer, **options: Any) -> Any:
    """A whole reply to the story's prompt."""
    answer = httpx.post(
        f"{running.base_url}/chat/completions", json={**STORY, **options}, headers=key_of(running), timeout=60
    )
    return answer.raise_for_status().json()
