"""What every test stands on: no network but loopback, no user's keys, directories or tracing.

A test marked `real_model` runs a real model out of the user's model cache; it comes after all others, and one at a
time on a machine, since two of them would starve each other. Every other test sees an empty cache.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests import postgres

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # read when langgraph is imported, hence before any test module
os.environ["LANGSMITH_TRACING"] = "false"

# The same examples each time, and no deadlines, which a busy machine misses; to explore: --hypothesis-profile=default
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "", None})
USER_DIRS = ("TRIGREASON_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
CLIENT_VARIABLES = ("_API_KEY", "_BASE_URL", "_API_BASE", "OLLAMA_HOST", "_PROXY")
NOT_TESTED = pytest.StashKey[str]()
"""Why PostgreSQL was left out of a session."""
REAL_MODEL_SECONDS = 300.0
"""Time limit of a real-model test that sets none: on a busy machine the 1.5B writes a few tokens a second."""


def refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: let nothing reach out of this machine.

    pytest-socket guards ``socket.connect`` alone; this sees ``connect_ex``, ``sendto`` and name look-ups as well.
    """
    if event in ("socket.connect", "socket.sendto"):
        opened, address = arguments[:2]
        assert isinstance(opened, socket.socket)
        if opened.family not in (socket.AF_INET, socket.AF_INET6):
            return
        host = address[0] if isinstance(address, tuple) else address
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host not in LOOPBACK:
        raise RuntimeError(f"a test tried to reach {host!r} ({event}); tests may only reach this machine")


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.upper().endswith(CLIENT_VARIABLES)]:
        del os.environ[name]
    sys.addaudithook(refuse_network)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_needs_model)
    for item in filter(_needs_model, items):
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(REAL_MODEL_SECONDS))


def _needs_model(item: pytest.Item) -> bool:
    return item.get_closest_marker("real_model") is not None


@pytest.fixture(autouse=True)
def own_directories(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point the user's directories to an empty one, or, for a real model, take the machine's turn.

    No test sees the cards that the user's own probes have kept.
    """
    monkeypatch.setenv("TRIGREASON_CARDS", str(tmp_path / "user" / "cards"))
    if not _needs_model(request.node):
        for name in USER_DIRS:
            monkeypatch.setenv(name, str(tmp_path / "user" / name.lower()))
        yield
        return
    with open(Path(tempfile.gettempdir()) / f"trigreason-real-model-{os.getuid()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """The 135M model for protocol tests. `make test` fetches it before pytest starts, where the network is open."""
    return fetched("tiny")


@pytest.fixture(scope="session")
def embedded_pair() -> tuple[Path, Path]:
    """The small and the large embedded model."""
    return fetched("small"), fetched("large")


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a PostgreSQL database with a checkpointer's tables. Skips, loudly, where there is no server to start;
    with TRIGREASON_TEST_POSTGRES=required, as in CI, that is an error."""
    from langgraph.checkpoint.postgres import PostgresSaver

    try:
        postgres.binaries()
    except postgres.NoPostgres as why:
        if os.environ.get(postgres.REQUIRED) == "required":
            pytest.fail(f"{postgres.REQUIRED}=required, but: {why}", pytrace=False)
        request.config.stash[NOT_TESTED] = str(why)
        pytest.skip(str(why))
    with postgres.server() as address:
        with PostgresSaver.from_conn_string(address) as saver:
            saver.setup()
        yield address


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist tells the process that writes the summary what was left out."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["not_tested"] = session.config.stash.get(NOT_TESTED, "")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if why := getattr(node, "workeroutput", {}).get("not_tested"):
        node.config.stash[NOT_TESTED] = why


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if why := config.stash.get(NOT_TESTED, ""):
        terminalreporter.section("PostgreSQL was NOT tested", sep="!", red=True)
        terminalreporter.write_line(why)


def fetched(name: str) -> Path:
    """Path of an embedded model in the user's cache; the test fails with the command that fetches it."""
    from trigreason_graph.models.embedded import catalog

    path = Path(catalog.model_path(name))
    if not path.is_file():
        pytest.fail(
            f"the embedded model {name!r} is not there ({path}); fetch it with: make models-test", pytrace=False
        )
    return path
