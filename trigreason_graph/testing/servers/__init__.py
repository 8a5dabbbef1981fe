"""Servers on this machine that speak as Ollama's and OpenAI's do, for tests of clients, and fail when told to.

They serve the tokens of a real model (:class:`EmbeddedBackend`) or a script, and record what they saw and counted.
Needs the extra: pip install "trigreason-graph[testing]"
"""

from trigreason_graph.testing.servers.asked import Asked, Backend, Chunk, End, Logprob
from trigreason_graph.testing.servers.embedded import EmbeddedBackend
from trigreason_graph.testing.servers.faults import Fault, at_random
from trigreason_graph.testing.servers.ollama import OllamaServer
from trigreason_graph.testing.servers.openai import OpenAIServer
from trigreason_graph.testing.servers.record import Record
from trigreason_graph.testing.servers.script import ScriptBackend
from trigreason_graph.testing.servers.server import ServedModel
from trigreason_graph.testing.servers.thinking import Thinks

__all__ = [
    "Asked",
    "Backend",
    "Chunk",
    "EmbeddedBackend",
    "End",
    "Fault",
    "Logprob",
    "OllamaServer",
    "OpenAIServer",
    "Record",
    "ScriptBackend",
    "ServedModel",
    "Thinks",
    "at_random",
]
