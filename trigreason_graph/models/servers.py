"""Servers of OpenAI's chat API by name: where each listens, which key it takes, and what its models can do.

From their documentation and source, as docs/models.md says; none of them has run in our tests.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from trigreason_graph.models.cards import LogprobSpace, ModelCard
from trigreason_graph.models.names import HIDDEN_TOKENS, is_local, thinks, thinks_when_hosted

if TYPE_CHECKING:
    from trigreason_graph.models.compatible import ChatCompatible


@dataclass(frozen=True, slots=True)
class Server:
    """One kind of server.

    Attributes:
        url: Where it listens unless told otherwise.
        key: Environment variable of its key.
        needs_key: Whether it takes nobody without one.
        start: The command that starts one for {name}; empty for a hosted one.
    """

    url: str
    key: str
    needs_key: bool = False
    start: str = ""


SERVERS = {
    "vllm": Server("http://127.0.0.1:8000/v1", "VLLM_API_KEY", start="vllm serve {name}"),
    "sglang": Server(
        "http://127.0.0.1:30000/v1", "SGLANG_API_KEY", start="python -m sglang.launch_server --model-path {name}"
    ),
    "llama_cpp": Server("http://127.0.0.1:8080/v1", "LLAMA_API_KEY", start="llama-server -m MODEL.gguf"),
    "lmstudio": Server("http://127.0.0.1:1234/v1", "LM_API_TOKEN", start="lms server start"),
    "deepseek": Server("https://api.deepseek.com/beta", "DEEPSEEK_API_KEY", needs_key=True),
    "openrouter": Server("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", needs_key=True),
}

NO_KEY = "none"
"""What the client is given where no key is set: it insists on one."""


def chat_on(
    provider: str, name: str, url: str | None, temperature: float | None, api_key: str | None = None
) -> ChatCompatible:
    """A client for a model on one of `SERVERS`.

    Args:
        provider: Which kind.
        name: Of the model, as the server knows it.
        url: Where it listens; None: the kind's default.
        temperature: None: the server's own.
        api_key: None: out of the server's environment variable.

    Raises:
        ValueError: A hosted server's key is not set.
    """
    from trigreason_graph.models.compatible import ChatCompatible

    server = SERVERS[provider]
    url = with_path(url or server.url)
    key = api_key or os.environ.get(server.key)
    if server.needs_key and not key and not is_local(url):
        raise ValueError(f"its key is not set: export {server.key}=...")
    return ChatCompatible(
        model=name,
        base_url=url,
        api_key=key or NO_KEY,
        temperature=temperature,
        max_retries=0,
        stream_usage=True,
        says_max_tokens=provider != "openrouter",
        trigreason_card=server_card(provider, name, url),
    )


def with_path(url: str) -> str:
    """The address with the path of the OpenAI API, where none was given: all of these servers have it at /v1."""
    return url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1"


def server_card(provider: str, name: str, url: str) -> ModelCard:
    """What a model of this name can do on this kind of server."""
    common: dict[str, Any] = {"provider": provider, "name": name, "dialect": "openai", "local": is_local(url)}
    if provider in ("deepseek", "openrouter"):
        return ModelCard(**common, **_hosted(provider, name), cached=True)
    if provider == "lmstudio":
        return ModelCard(**common, **(_PRIVATE if thinks(name) else {}))
    space: LogprobSpace = "tempered" if provider == "sglang" else "raw"
    return ModelCard(**common, logprobs=True, top_logprobs=5, logprob_space=space, **_continuing(provider, name))


_PRIVATE: dict[str, Any] = {"form": "think_tags", "hidden_tokens": HIDDEN_TOKENS}
"""A model that thinks on a server that cannot go on with its thoughts: turn style, and the thinking is its own."""


def _hosted(provider: str, name: str) -> dict[str, Any]:
    if thinks_when_hosted(name):
        return {"form": "field", "hidden_tokens": HIDDEN_TOKENS, "efforts": provider == "openrouter"}
    if provider == "openrouter":
        return {}
    return {"style": "prefill", "continues": "prefix", "logprobs": True, "top_logprobs": 5}


_OPENS = re.compile(r"deepseek-r1|qwq|qwen3.*thinking|qwen3\.\d", re.IGNORECASE)
"""Models whose chat template writes the opening tag of the reply."""


_TRIMS = re.compile(r"llama-?3|gemma", re.IGNORECASE)
"""Models whose chat template trims every message."""


def _continuing(provider: str, name: str) -> dict[str, Any]:
    """How a model goes on with a trace. One that thinks does so only where the prompt is sure to come out as meant.

    SGLang appends the trailing message to the generation prompt, as it stands. vLLM sends it through the template:
    DeepSeek-R1's keeps thoughts that are open and drops those that are closed; Qwen3's puts an empty think block in
    front, and others are unknown. llama.cpp refuses to continue where the template can think.
    """
    way = {"style": "prefill", "continues": "assistant" if provider == "llama_cpp" else "flags"}
    if not thinks(name):
        return {**way, "trims_newlines": provider == "vllm" and bool(_TRIMS.search(name))}
    if provider == "sglang" and re.search(r"deepseek-r1|qwq|qwen3", name, re.IGNORECASE):
        return {**way, "form": "think_tags", "thoughts": "opened" if _OPENS.search(name) else "kept"}
    if provider == "vllm" and re.search("deepseek-r1", name, re.IGNORECASE):
        return {**way, "form": "think_tags", "thoughts": "dropped"}
    return _PRIVATE
