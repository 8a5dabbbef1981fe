"""llama.cpp's OpenAI-compatible server inside this process, one per model file and context size."""

from __future__ import annotations

import atexit
import os
import re
import secrets
import socket
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

from trigreason_graph.errors import ModelNotReady

LOOPBACK = "127.0.0.1"
CONTEXT = 4096
"""Tokens: room for the longest trace of the default budget on the embedded pair; 48 to 115 MB of memory there."""
PROMPT_CACHE_MIB = 512
"""Prompts a server keeps in memory besides the current one (llama.cpp's own default is 8192)."""
PROMPT_BATCH = 256
"""Tokens of a prompt that are read in one go; only between two batches a request can be given up."""
PING_SECONDS = 1
"""How often a silent stream gets a comment line, and how soon the server notices that its reader has gone."""
STOP_SECONDS = 30.0
"""Longest wait for requests to end before a server is stopped."""
SILENT = -1
"""Verbosity at which llama.cpp writes nothing, neither while loading nor at the end."""

_BUSY = re.compile(r"^llamacpp:requests_(?:processing|deferred) [1-9]", re.MULTILINE)

_lock = threading.Lock()
_running: dict[tuple[int, Path, int], EmbeddedServer] = {}
"""By process as well: a forked child must neither use its parent's servers nor stop them."""


class EmbeddedServer:
    """A running server. Get one from :meth:`start`; it is shared by all who ask for the same file and context.

    Attributes:
        path: The model file.
        context: Window in tokens, prompt and reply together.
        base_url: For OpenAI clients, ends in ``/v1``.
        api_key: Made up anew for each server, so that neither web pages nor other users of this machine can use it.
    """

    def __init__(self, path: Path, context: int, threads: int | None, host: str, port: int) -> None:
        self.path, self.context = path, context
        self.api_key = secrets.token_urlsafe(24)
        self._server: Any = _launch(_parameters(path, context, threads or usable_cores(), host, port, self.api_key))
        self.base_url = f"{self._server.listening_address}/v1"
        self._connections: WeakSet[Any] = WeakSet()
        # Answered by the server's main loop. Stopped before that has begun, it would never end.
        self._ask("/lora-adapters")

    @classmethod
    def start(
        cls,
        path: str | os.PathLike[str],
        *,
        context: int = CONTEXT,
        threads: int | None = None,
        host: str = LOOPBACK,
        port: int = 0,
    ) -> EmbeddedServer:
        """The server for `path`, started if it is not running yet.

        Loading takes about 0.5 s (0.5B) or 2 s (1.5B) and holds up all threads of the process: the binding keeps
        Python's lock meanwhile. One request is served at a time; further ones wait.

        Args:
            path: A GGUF file.
            context: Window in tokens.
            threads: Cores it computes on; None: all that this process may use, since only one model writes at a time.
            host: Address to listen on.
            port: Port to listen on; 0: any free one.

        Raises:
            ModelNotReady: no such file, not a GGUF file, a damaged one, a port in use, or the extra is not installed.
        """
        key = _key(path, context)
        with _lock:
            if key not in _running:
                _running[key] = cls(key[1], context, threads, host, port)
            return _running[key]

    @classmethod
    def running(cls, path: str | os.PathLike[str], context: int = CONTEXT) -> EmbeddedServer | None:
        """The server that :meth:`start` would return without starting one. Never waits."""
        return _running.get(_key(path, context))

    def opened(self, connection: Any) -> None:
        """Note a client's connection (httpcore's network stream), so that it can be cut when the server is stopped."""
        self._connections.add(connection)

    def close(self) -> None:
        """Stop it and free its memory, within milliseconds, or seconds while it is at work. Closing twice is fine.

        Replies that are under way break off.
        """
        with _lock:
            _running.pop((os.getpid(), self.path, self.context), None)
            self._stop()

    def _stop(self) -> None:
        if self._server is None:
            return
        for connection in list(self._connections):
            with suppress(OSError):
                connection.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._wait_until_idle()
        self._server = None  # the binding's only way to stop: its last reference goes

    def _wait_until_idle(self) -> None:
        """Wait for the last request to be given up.

        The binding joins the server's threads while it holds Python's lock: with a request under way that would hold
        up the whole process, and can last for ever.
        """
        deadline, pause = time.monotonic() + STOP_SECONDS, 0.05
        while _BUSY.search(self._ask("/metrics")) and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(2 * pause, 1.0)  # asked 20 times a second, it does not get round to giving up a long prompt

    def _ask(self, path: str) -> str:
        """What the server answers, or nothing."""
        connection = HTTPConnection(urlsplit(self.base_url).netloc, timeout=STOP_SECONDS)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.api_key}"})
            return connection.getresponse().read().decode()
        except (OSError, HTTPException):
            return ""
        finally:
            connection.close()


def close_all() -> None:
    """Stop all servers of this process; also done when the interpreter ends."""
    with _lock:
        own = [key for key in _running if key[0] == os.getpid()]
        for key in own:
            _running.pop(key)._stop()


atexit.register(close_all)


def _key(path: str | os.PathLike[str], context: int) -> tuple[int, Path, int]:
    return os.getpid(), Path(path).expanduser().resolve(), context


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _parameters(path: Path, context: int, threads: int, host: str, port: int, api_key: str) -> Any:
    try:
        import xllamacpp
    except ImportError as missing:
        raise ModelNotReady(
            'The embedded models need llama.cpp, which is not installed. Type: pip install "trigreason-graph[embedded]"'
        ) from missing
    _check_file(path)
    _check_port(host, port)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {path.stem}  # else replies carry the whole path
    parameters.hostnames = [host]
    parameters.port = port
    parameters.api_keys = [api_key]
    parameters.n_ctx = context
    parameters.n_parallel = 1
    parameters.n_batch = PROMPT_BATCH
    parameters.n_ubatch = PROMPT_BATCH
    parameters.endpoint_metrics = True
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.cache_prompt = True
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.sse_ping_interval = PING_SECONDS
    parameters.verbosity = SILENT
    parameters.warmup = False  # the first request does the same work
    parameters.fit_params = False  # reads the model an extra time, to guess what fits a GPU
    parameters.ui = False
    # Thinking stays in the content, in its tags: a separate field would not survive ChatOpenAI.
    parameters.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    return parameters


def _launch(parameters: Any) -> Any:
    import xllamacpp

    try:
        return xllamacpp.Server(parameters)
    except RuntimeError as refused:
        path = parameters.model.path
        raise ModelNotReady(
            f"llama.cpp cannot load {path} ({os.path.getsize(path):,} bytes): the file is damaged, cut short, too "
            "large for this machine's memory, or of a kind this version does not know. For an embedded model, type: "
            "trigreason models verify"
        ) from refused


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError as missing:
        raise ModelNotReady(
            f"There is no model file {path}. To fetch the embedded pair, type: trigreason models pull"
        ) from missing
    except OSError as refused:
        raise ModelNotReady(f"The model file {path} cannot be read: {refused.strerror}") from refused
    if magic != b"GGUF":
        raise ModelNotReady(
            f"{path} is not a GGUF model file: it begins with {magic!r}. To fetch the embedded pair, type: "
            "trigreason models pull"
        )


def _check_port(host: str, port: int) -> None:
    """llama.cpp does not say why it could not start, so the usual reason is looked for first."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as refused:
            raise ModelNotReady(
                f"Nothing can listen on {host}:{port}: {refused.strerror}. Choose another port, or 0 for any free one"
            ) from refused
