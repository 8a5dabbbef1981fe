"""What the name or the address of a model tells about it."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

THINKING = re.compile(r"deepseek-r1|qwen3(?!-?coder|-embed)|qwq|gpt-oss|magistral|thinking|reasoning", re.IGNORECASE)
"""Names of open models that think before they answer (Ollama's library, tag "thinking"). What the server itself says
about a model is compared with this before the first call (`check_ollama`)."""

NOT_THINKING = re.compile(r"instruct|non-?thinking|no-?think", re.IGNORECASE)
"""Names of their siblings that do not, such as qwen3:4b-instruct."""

HOSTED_THINKING = re.compile(r"deepseek-(?!chat|coder|v[1-3]\b)|gemini-(?:2\.5|[3-9])|grok-[4-9]", re.IGNORECASE)
"""Names of hosted models that think unless told otherwise, for names that have no profile."""

HIDDEN_REASONING = re.compile(r"o\d|gpt-[5-9](?!.*chat)", re.IGNORECASE)
"""OpenAI names of models whose reasoning is hidden, for names that have no profile in langchain-openai."""

SHARED = ipaddress.ip_network("100.64.0.0/10")
"""Addresses behind a carrier's, and those of Tailscale: no server of the internet has one (RFC 6598)."""

HIDDEN_TOKENS = 4_096
"""Our choice: hidden reasoning of one short call, and half of the default budget's large_tokens."""


def thinks(name: str) -> bool:
    """Whether an open model of this name thinks before it answers."""
    return bool(THINKING.search(name)) and not NOT_THINKING.search(name)


def thinks_when_hosted(name: str) -> bool:
    """Whether a model of this name ("vendor/model" or "model") thinks where an API serves it."""
    bare = name.rpartition("/")[2]
    return thinks(bare) or bool(HOSTED_THINKING.search(bare) or HIDDEN_REASONING.match(bare))


def is_local(url: str) -> bool:
    """Whether a server's address is on the user's own machine or network."""
    host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    if host.endswith((".localhost", ".local", ".internal", ".lan")):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and "." not in host  # "localhost", a container's name, a host of one's own network
    return address.is_private or address in SHARED


def is_openai(url: str) -> bool:
    """Whether an address is OpenAI's own API; an empty one is that API's default."""
    host = urlsplit(url).hostname or ""
    return not host or f".{host}".endswith(".openai.com")
