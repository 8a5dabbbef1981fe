"""The socket and the web server beneath a stand-in server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette

WAITING_CONNECTIONS = 1_024
"""Connections that the system holds until they are accepted."""
STOP_SECONDS = 10.0
"""Longest wait for requests to end; they take milliseconds."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections; OSError where it cannot."""
    # The protocol is named, since asyncio turns off Nagle's delay (40 ms an answer) only where it is.
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(WAITING_CONNECTIONS)
    except OSError:
        opened.close()
        raise
    return opened


class Uvicorn(uvicorn.Server):
    """Uvicorn without its ticking and its patience: up and gone within milliseconds."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False))
        self.up = threading.Event()
        self.leave = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait to be told to leave."""
        await self.on_tick(0)
        self.up.set()
        await self.leave.wait()

    async def shutdown(self, sockets: Sequence[socket.socket] | None = None) -> None:
        """Drop all connections; their requests end as if their clients had gone."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=STOP_SECONDS)
