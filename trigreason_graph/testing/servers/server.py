"""A server on this machine that runs in a thread of its own, and keeps a record of all it was asked."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from trigreason_graph.testing.servers.asked import Backend
from trigreason_graph.testing.servers.faults import Faults, fault_of
from trigreason_graph.testing.servers.listening import STOP_SECONDS, Uvicorn, listening
from trigreason_graph.testing.servers.record import Record
from trigreason_graph.testing.servers.reply import Refusal, Reply
from trigreason_graph.testing.servers.script import Script, ScriptBackend

LOOPBACK = "127.0.0.1"
START_SECONDS = 10.0
"""Longest wait for the thread; it takes milliseconds."""
WINDOW = 32_768
"""Tokens. Our choice: beyond what tests that do not care about windows send."""

Handler = Callable[[Request, Record], Awaitable[Reply]]


@dataclass(frozen=True)
class ServedModel:
    """A model as a server knows it.

    Attributes:
        writer: A backend, or a script for one.
        thinking: Whether it thinks before it answers. Ollama and the local servers show its thinking in a field of its
            own; OpenAI hides it, counts it, and refuses temperature, stop and log-probabilities to such a model.
        opens: Its chat template opens the thinking itself, so that no opening tag is written.
        window: Tokens of prompt and reply together.
        family: Architecture, as Ollama shows it.
        digest: Of its weights, 64 hexadecimal digits; empty: made from its name.
    """

    writer: Backend | Script
    thinking: bool = False
    opens: bool = False
    window: int = WINDOW
    family: str = "qwen2"
    digest: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.writer, Backend):
            object.__setattr__(self, "writer", ScriptBackend(self.writer))

    @property
    def backend(self) -> Backend:
        """The model itself."""
        assert isinstance(self.writer, Backend)
        return self.writer

    def digest_of(self, name: str) -> str:
        """Its digest under this name."""
        return self.digest or hashlib.sha256(name.encode()).hexdigest()


Models = Mapping[str, ServedModel | Backend | Script]


class ModelServer:
    """What the servers have in common: a context manager, for `with` and for `async with`.

    Args:
        models: By name. A bare script or backend is a plain model of the default window.
        faults: What goes wrong, by the number of the model call or decided for each request.
        host: Address to listen on.
        port: Port to listen on; 0: any free one.
        keep_alive: Whether connections are kept for further requests, as the real servers do. Off, since many clients
            (LangChain's among them) cannot be closed, and Python warns of the sockets they leave behind.

    Attributes:
        requests: All requests so far, in the order of their arrival.
    """

    def __init__(
        self,
        models: Models,
        *,
        faults: Faults | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        keep_alive: bool = False,
    ) -> None:
        self.models = {
            name: model if isinstance(model, ServedModel) else ServedModel(model) for name, model in models.items()
        }
        self.requests: list[Record] = []
        self.keep_alive = keep_alive
        self._faults: Faults = faults or {}
        self._address = (host, port)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._uvicorn = Uvicorn(self._app())

    # What each server adds

    def routes(self) -> Mapping[str, tuple[str, Handler]]:
        """Method and handler of each path; a path may be written in Starlette's form."""
        raise NotImplementedError

    def error_body(self, status: int, message: str) -> Any:
        """An error in the server's own form."""
        raise NotImplementedError

    def calls_model(self, path: str) -> bool:
        """Whether a request to this path is a model's call."""
        raise NotImplementedError

    # Its life

    @property
    def url(self) -> str:
        """Address, as "http://127.0.0.1:41234".

        Raises:
            RuntimeError: The server is not running.
        """
        if self._socket is None:
            raise RuntimeError("the server is not running: enter it with `with server:`, or call server.start()")
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> Self:
        """Listen, and serve in a thread of its own.

        Raises:
            OSError: The port is in use.
            RuntimeError: The server is running already, or was stopped before.
        """
        if self._thread is not None:
            raise RuntimeError("a server runs once: make a new one")
        self._socket = listening(*self._address)
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()
        if not self._uvicorn.up.wait(START_SECONDS):
            raise RuntimeError(f"the server did not start within {START_SECONDS:.0f} s")
        return self

    def stop(self) -> None:
        """Close all connections and end the thread. Stopping twice is fine."""
        if self._thread is None or self._socket is None:
            return
        assert self._loop is not None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._uvicorn.leave.set)
            self._thread.join(STOP_SECONDS)
        self._socket.close()
        self._socket = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            assert self._socket is not None
            runner.run(self._uvicorn.serve(sockets=[self._socket]))

    # What it saw

    @property
    def calls(self) -> list[Record]:
        """The requests that were calls of a model."""
        return [record for record in self.requests if record.number]

    @property
    def open(self) -> int:
        """How many requests are being answered, or are still worked on after their client has gone."""
        with self._changed:
            return sum(record.ended is None for record in self.requests)

    def wait_until_idle(self, seconds: float = 5.0) -> bool:
        """Wait until no request is open; returns whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(lambda: all(record.ended is not None for record in self.requests), seconds)

    async def idle(self, seconds: float = 5.0) -> bool:
        """As :meth:`wait_until_idle`, away from the event loop."""
        return await asyncio.to_thread(self.wait_until_idle, seconds)

    # How a reply reaches back

    def hang_up(self, scope: Any) -> None:
        """Close the connection that a request came on."""
        for connection in list(self._uvicorn.server_state.connections):
            if getattr(connection, "client", None) == tuple(scope["client"]):
                connection.transport.close()

    def over(self, record: Record) -> None:
        """Note that a request is answered."""
        with self._changed:
            self._changed.notify_all()

    # How a request comes in

    def _app(self) -> Starlette:
        routes = [
            Route(path, self._endpoint(handler), methods=[method]) for path, (method, handler) in self.routes().items()
        ]
        handlers: Any = {404: self._unknown, 405: self._unknown, ClientDisconnect: self._gone}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _endpoint(self, handler: Handler) -> Any:
        async def endpoint(request: Request) -> Reply:
            record = await self._recorded(request)
            try:
                return await handler(request, record)
            except Refusal as refusal:
                return Reply(self, record, refusal.body, refusal.status)
            except Exception as failure:  # a model that is not there, a script's mistake, a body of no known shape
                message = f"{type(failure).__name__}: {failure}"
                return Reply(self, record, self.error_body(500, message), 500)

        return endpoint

    async def _unknown(self, request: Request, failure: Any) -> Any:
        return Reply(self, await self._recorded(request), self.error_body(404, "page not found"), 404)

    async def _gone(self, request: Request, failure: Any) -> Any:
        """The client has left before its request was read: there is nobody to tell."""
        return Response(status_code=499)

    async def _recorded(self, request: Request) -> Record:
        content = await request.body()
        record = Record(request.method, request.url.path, dict(request.headers), as_json(content))
        with self._changed:
            record.number = len(self.calls) + 1 if self.calls_model(record.path) else 0
            self.requests.append(record)
        record.fault = fault_of(self._faults, record)
        return record


def as_json(content: bytes) -> Any:
    """JSON, else the text itself; None for nothing."""
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
