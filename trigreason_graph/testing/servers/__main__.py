"""Run a model server by hand: python -m trigreason_graph.testing.servers --flavour ollama --model small --port 11500"""

from __future__ import annotations

import argparse
import sys
import threading
from typing import get_args
from urllib.parse import urlsplit

from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.models.embedded.server import CONTEXT
from trigreason_graph.models.servers import SERVERS
from trigreason_graph.testing.servers.embedded import EmbeddedBackend
from trigreason_graph.testing.servers.flavours import FlavourName
from trigreason_graph.testing.servers.ollama import VERSION, OllamaServer
from trigreason_graph.testing.servers.openai import OpenAIServer
from trigreason_graph.testing.servers.server import LOOPBACK, ModelServer, ServedModel
from trigreason_graph.testing.servers.thinking import Thinks

FLAVOURS = ("ollama", *get_args(FlavourName))


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; returns the exit status."""
    given = _parser().parse_args(arguments)
    try:
        models = {name: _model(name, given) for name in given.model or ["small"]}
        server = _server(given, models).start()
    except (ModelNotReady, OSError) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    try:
        sys.stdout.write(_greeting(given.flavour, server, given.key))
        sys.stdout.flush()
        threading.Event().wait()
    except KeyboardInterrupt:
        sys.stdout.write(f"{len(server.calls)} calls were answered\n")
    finally:
        server.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trigreason_graph.testing.servers",
        description="Serve embedded models as another server would, to point clients at by hand.",
    )
    parser.add_argument("--flavour", choices=FLAVOURS, default="ollama", help="whose API to speak (default: ollama)")
    parser.add_argument(
        "--model",
        action="append",
        help='"small", "large", "tiny" or a GGUF file, under this name; may be repeated (default: small)',
    )
    parser.add_argument("--host", default=LOOPBACK, help=f"address to listen on (default: {LOOPBACK})")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--context", type=int, default=CONTEXT, help=f"window in tokens (default: {CONTEXT})")
    parser.add_argument("--version", default=VERSION, help=f"what an Ollama server says it is (default: {VERSION})")
    parser.add_argument("--key", help="the API key that is asked for (not of Ollama)")
    parser.add_argument(
        "--thinks-until", metavar="TEXT", help='act as a thinking model whose answer begins with this, as "Answer:"'
    )
    return parser


def _model(source: str, given: argparse.Namespace) -> ServedModel:
    """A model that is there; its file is loaded now, so that what is wrong with it is said now."""
    EmbeddedChat(source=source, context=given.context).ready()
    backend = EmbeddedBackend(source, context=given.context)
    if given.thinks_until is None:
        return ServedModel(backend, window=given.context)
    return ServedModel(Thinks(backend, given.thinks_until), thinking=True, window=given.context)


def _server(given: argparse.Namespace, models: dict[str, ServedModel]) -> ModelServer:
    if given.flavour == "ollama":
        return OllamaServer(models, version=given.version, host=given.host, port=given.port)
    return OpenAIServer(models, flavour=given.flavour, key=given.key, host=given.host, port=given.port)


def _greeting(flavour: str, server: ModelServer, key: str | None) -> str:
    name = next(iter(server.models))
    if flavour == "ollama":
        use = f"OLLAMA_HOST={server.url} trigreason solve --small ollama:{name}"
    elif flavour != "openai":
        provider = flavour.replace(".", "_")
        known = SERVERS[provider]
        path = urlsplit(known.url).path
        use = f"{known.key}={key or 'any'} trigreason solve --large {provider}:{name}@{server.url}{path}"
    else:
        use = f"OPENAI_BASE_URL={server.url}/v1 OPENAI_API_KEY={key or 'any'} trigreason solve --large openai:{name}"
    return f"{flavour} at {server.url}, stopped with Ctrl-C. In another terminal:\n  {use}\n"


if __name__ == "__main__":
    raise SystemExit(main())
