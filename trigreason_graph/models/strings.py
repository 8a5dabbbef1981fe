"""From a model string ("ollama:qwen3:0.6b", "vllm:NAME@http://host:8000/v1") to a chat model. Nothing is called."""

from __future__ import annotations

import os
import re
import warnings
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from trigreason_graph.models.faults import redact
from trigreason_graph.models.names import is_local, thinks
from trigreason_graph.models.servers import NO_KEY, SERVERS, chat_on
from trigreason_graph.state import Role

OWN_RETRIES = frozenset({"openai", "azure_openai", "anthropic", "google_genai", "xai"})
"""Providers whose clients retry on their own unless told not to; every try is to stand in the ledger."""

KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "google_genai": "GOOGLE_API_KEY"}
"""Environment variable of a hosted provider's key; those of `SERVERS` stand there."""

ANTHROPICS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL")
"""With one of these set, its client may know how to be let in; the latter two name a gateway."""

KNOWN = "embedded, ollama, openai, anthropic, google_genai, " + ", ".join(SERVERS) + ", community"

_ADDRESS = re.compile(r"@(?=https?://)")
_BARE_ADDRESS = re.compile(r"@(?P<address>(?:localhost|(?:[\w.-]+|\[[\da-fA-F:]+\]):\d{2,5})(?:/\S*)?)\Z")
"""An address whose scheme was left out: it would be taken for a part of the name."""


def model_from_string(text: str, role: Role, temperature: float | None, api_key: str | None = None) -> BaseChatModel:
    """The chat model that a string names.

    Args:
        text: "provider:model", with "@http://host:port/v1" behind it for a server of one's own.
        role: The argument's name in errors.
        temperature: Sampling temperature; None: the model's own.
        api_key: The provider's key; None: from the environment. Not used where there is none to give.

    Raises:
        ValueError: naming the argument: malformed, an unknown provider, or a package or key that is not there.
    """
    provider, name, url = parts_of(text)
    if not provider or not name:
        raise ValueError(f'{role}={redact(text)!r} is not a model: write "provider:model", such as "ollama:qwen3:0.6b"')
    if bare := _BARE_ADDRESS.search(name):
        raise ValueError(f'{role}={redact(text)!r}: write the address with its scheme: "@http://{bare["address"]}"')
    provider = provider.replace("-", "_").lower()
    if provider == "embedded":
        return _embedded(name, role, temperature)
    try:
        if provider in SERVERS:
            return chat_on(provider, name, url, temperature, api_key)
        if provider == "community":
            return _community(name, url, temperature)
        return _langchains(provider, name, url, temperature, api_key)
    except ImportError as missing:
        raise ValueError(f"{role}={redact(text)!r} needs a package that is not installed: {missing}") from None
    except Exception as refused:  # each client has its own error for a missing key
        if "Unsupported provider" in str(refused):
            raise ValueError(
                f"{role}={redact(text)!r}: unknown provider {provider!r}; known are {KNOWN} and the others of "
                "langchain's init_chat_model"
            ) from None
        why = redact(" ".join(str(refused).split()))
        if provider in KEYS and not api_key and not os.environ.get(KEYS[provider]) and _of_a_key(why):
            why = f"its key is not set: export {KEYS[provider]}=..."
        raise ValueError(f"{role}={redact(text)!r} cannot be set up: {why}") from None


def parts_of(text: str) -> tuple[str, str, str | None]:
    """Provider, name and address of a model string, as written; what is missing is empty, an address None."""
    provider, _, rest = (part.strip() for part in text.partition(":"))
    name, *addresses = (part.strip() for part in _ADDRESS.split(rest, maxsplit=1))
    return provider, name, addresses[0] if addresses else None


def _of_a_key(why: str) -> bool:
    return "api key" in why.lower() or "api_key" in why.lower()


def _langchains(
    provider: str, name: str, url: str | None, temperature: float | None, api_key: str | None
) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    arguments: dict[str, Any] = {} if temperature is None else {"temperature": temperature}
    if provider == "ollama" and thinks(name):
        arguments["reasoning"] = True
    if provider in OWN_RETRIES:
        arguments["max_retries"] = 0
    if url is not None:
        # Ollama's own interface is beside the one of OpenAI's form, whose address people copy.
        arguments["base_url"] = url.rstrip("/").removesuffix("/v1") if provider == "ollama" else url
        if provider == "openai" and is_local(url):  # the client insists on a key, a local server does not
            arguments["api_key"] = _openai_key()
    if api_key and provider != "ollama":
        arguments["api_key"] = api_key
    elif provider == "anthropic" and url is None and not any(map(os.environ.get, ANTHROPICS)):
        raise ValueError("no api key")  # its client would say so at the first call
    model: BaseChatModel = init_chat_model(name, model_provider=provider, **arguments)
    return model


def _openai_key() -> str:
    return os.environ.get("OPENAI_API_KEY") or NO_KEY


def _embedded(name: str, role: Role, temperature: float | None) -> BaseChatModel:
    from trigreason_graph.models.embedded.catalog import MODELS
    from trigreason_graph.models.embedded.chat import EmbeddedChat

    if name not in MODELS and not name.endswith(".gguf"):
        known = ", ".join(f'"embedded:{key}"' for key in MODELS)
        raise ValueError(f'{role}="embedded:{name}" is not there: known are {known} and "embedded:/path/to/model.gguf"')
    return EmbeddedChat(source=name, temperature=temperature or 0.0)


MODEL_FIELDS = ("model", "model_name", "model_id", "model_path")
URL_FIELDS = ("base_url", "api_base", "url", "endpoint", "endpoint_url", "service_url")
"""How the classes of langchain-community call them, some with their own name in front ("yuan2_api_base")."""


def _community(name: str, url: str | None, temperature: float | None) -> BaseChatModel:
    """A class of langchain-community by its name, as in "ChatYuan2:yuan2".

    The package warns on import that it is being sunset; who writes "community:" knows.
    """
    kind_name, _, model_name = name.partition(":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from langchain_community import chat_models

        kind = getattr(chat_models, kind_name, None)
        if not (isinstance(kind, type) and issubclass(kind, BaseChatModel)):
            raise ValueError(f"langchain-community has no chat model {kind_name!r}; write community:ClassName:model")
        wanted = {MODEL_FIELDS: model_name or None, URL_FIELDS: url, ("temperature",): temperature}
        given = {_field(kind, names): value for names, value in wanted.items() if value is not None}
        if "max_retries" in kind.model_fields:
            given["max_retries"] = 1  # most of them count the first try as one
        return kind(**given)


def _field(kind: type[BaseChatModel], names: tuple[str, ...]) -> str:
    """What a class calls a setting: one of these names, or one that ends in it; the alias where it has one."""
    fields = {name: field.alias or name for name, field in kind.model_fields.items()}
    for name in names:
        for field, alias in fields.items():
            if name in (field, alias) or field.endswith(f"_{name}"):
                return alias
    raise ValueError(f"{kind.__name__} takes no {names[0]}: make it yourself, and pass the model")
