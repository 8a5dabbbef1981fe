"""The suite's own guard (conftest.py): a test that reaches out fails whatever way it takes; this machine is open."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

OUTSIDE = ("192.0.2.1", 80)
"""TEST-NET-1 of RFC 5737: routed nowhere, should the guard ever fail."""


def connect() -> None:
    with socket.socket() as opened:
        opened.connect(OUTSIDE)


def connect_ex() -> None:
    with socket.socket() as opened:
        opened.connect_ex(OUTSIDE)


def send_datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as opened:
        opened.sendto(b"x", OUTSIDE)


def look_up() -> None:
    socket.getaddrinfo("example.com", 80)


def connect_from_a_loop() -> None:
    asyncio.run(asyncio.wait_for(asyncio.open_connection(*OUTSIDE), 5))


@pytest.mark.parametrize("reach_out", [connect, connect_ex, send_datagram, look_up, connect_from_a_loop])
def test_reaching_outside_is_refused(reach_out: Callable[[], None]) -> None:
    with pytest.raises((RuntimeError, UserWarning), match="test tried to"):
        reach_out()


async def test_loopback_is_open() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "localhost", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_unix_sockets_are_open(tmp_path: Path) -> None:
    server = await asyncio.start_unix_server(lambda _, writer: writer.close(), tmp_path / "s")
    async with server:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


def test_no_key_and_no_directory_of_the_user_is_seen(tmp_path: Path) -> None:
    assert not [name for name in os.environ if name.endswith("_API_KEY")]
    assert Path(os.environ["TRIGREASON_HOME"]).is_relative_to(tmp_path)


def test_checkpoints_are_read_strictly() -> None:
    from langgraph.checkpoint.serde._msgpack import STRICT_MSGPACK_ENABLED

    assert STRICT_MSGPACK_ENABLED
