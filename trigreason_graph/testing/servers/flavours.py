"""Where the servers that speak OpenAI's API differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trigreason_graph.testing.servers.asked import OPEN

FlavourName = Literal["openai", "vllm", "sglang", "llama.cpp", "deepseek"]
ReasoningField = Literal["reasoning_content", "reasoning"]

OPENAI_TYPES = {429: "requests", 500: "server_error", 503: "server_error"}
OPENAI_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
VLLM_TYPES = {401: "AuthenticationError", 404: "NotFoundError", 429: "RateLimitError", 400: "BadRequestError"}
LLAMA_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    503: "unavailable_error",
}
DEEPSEEK_TYPES = {401: "authentication_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}


@dataclass(frozen=True)
class Flavour:
    """One server's ways.

    Attributes:
        name: Its name.
        error: The body of an error: status, message, and further fields of OpenAI's form ("code", "param").
        hides: Thinking is counted but not sent, and thinking models refuse sampling options.
        strips: The white space around the thinking is dropped.
        tells_reasoning: The usage says how many tokens were thinking.
        cache_minimum: Shortest prompt of which a part is told to come from the cache.
        cache_block: Tokens by which that part grows.
        echoes: A reply that is not streamed repeats the prefill.
        any_model: The model's name is not looked at.
    """

    name: FlavourName
    error: Callable[[int, str, Mapping[str, Any]], Any]
    hides: bool = False
    strips: bool = True
    tells_reasoning: bool = False
    cache_minimum: int = 0
    cache_block: int = 1
    echoes: bool = False
    any_model: bool = False

    def cached(self, tokens: int) -> int:
        """How many of these tokens are told to come from the cache."""
        return 0 if tokens < self.cache_minimum else tokens // self.cache_block * self.cache_block


def _openai_error(status: int, message: str, fields: Mapping[str, Any]) -> Any:
    error = {
        "message": message,
        "type": OPENAI_TYPES.get(status, "invalid_request_error"),
        "param": None,
        "code": OPENAI_CODES.get(status),
    }
    return {"error": {**error, **fields}}


def _vllm_error(status: int, message: str, fields: Mapping[str, Any]) -> Any:
    if status == 401:
        return {"error": "Unauthorized"}
    kind = VLLM_TYPES.get(status, "InternalServerError")
    return {"error": {"message": message, "type": kind, "param": fields.get("param"), "code": status}}


def _sglang_error(status: int, message: str, fields: Mapping[str, Any]) -> Any:
    if status == 401:
        return {"error": "Unauthorized"}
    kind = VLLM_TYPES.get(status, "InternalServerError")
    return {"object": "error", "message": message, "type": kind, "param": fields.get("param"), "code": status}


def _llama_error(status: int, message: str, fields: Mapping[str, Any]) -> Any:
    own = {name: value for name, value in fields.items() if name in ("type", "n_prompt_tokens", "n_ctx")}
    return {"error": {"code": status, "message": message, "type": LLAMA_TYPES.get(status, "server_error"), **own}}


def _deepseek_error(status: int, message: str, fields: Mapping[str, Any]) -> Any:
    kind = DEEPSEEK_TYPES.get(status, "invalid_request_error")
    code = kind if status in (429, 500, 503) else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


FLAVOURS: Mapping[FlavourName, Flavour] = {
    "openai": Flavour("openai", _openai_error, hides=True, tells_reasoning=True, cache_minimum=1_024, cache_block=128),
    "vllm": Flavour("vllm", _vllm_error, strips=False, cache_block=16),
    "sglang": Flavour("sglang", _sglang_error),
    "llama.cpp": Flavour("llama.cpp", _llama_error, echoes=True, any_model=True),
    "deepseek": Flavour("deepseek", _deepseek_error, tells_reasoning=True, cache_block=64),
}


def wrong_key(flavour: Flavour, key: str) -> tuple[str, dict[str, Any]]:
    """What is said to a wrong key, and further fields of the error."""
    shown = f"{key[:8]}{'*' * max(len(key) - 12, 0)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    if flavour.name == "openai" and not key:
        return "You didn't provide an API key.", {"code": None}
    if flavour.name == "openai":
        where = "You can find your API key at https://platform.openai.com/account/api-keys."
        return f"Incorrect API key provided: {shown}. {where}", {}
    if flavour.name == "deepseek":
        return f"Authentication Fails, Your api key: ****{key[-4:]} is invalid", {}
    return "Invalid API Key", {}


def unknown_model(flavour: Flavour, name: str) -> tuple[int, str]:
    """Status and text of the error for a model that is not served."""
    if flavour.name == "openai":
        return 404, f"The model `{name}` does not exist or you do not have access to it."
    if flavour.name in ("vllm", "sglang"):
        return 404, f"The model `{name}` does not exist."
    return 400, "Model Not Exist"


def too_long(flavour: Flavour, tokens: int, window: int) -> tuple[str, dict[str, Any]]:
    """What is said to a prompt beyond the window, and further fields of the error."""
    if flavour.name == "llama.cpp":
        fields = {"type": "exceed_context_size_error", "n_prompt_tokens": tokens, "n_ctx": window}
        return (
            f"request ({tokens} tokens) exceeds the available context size ({window} tokens), try increasing it",
            fields,
        )
    message = (
        f"This model's maximum context length is {window} tokens. However, your messages resulted in {tokens} tokens."
    )
    return f"{message} Please reduce the length of the messages.", {
        "param": "messages",
        "code": "context_length_exceeded",
    }


def continued(flavour: Flavour, body: Mapping[str, Any], *, beta: bool, thinking: bool) -> bool:
    """Whether the model goes on with the assistant message that ends the request.

    Raises:
        ValueError: The server refuses the request; the text is what it says.
    """
    messages = body["messages"]
    last = messages[-1]
    if flavour.name == "vllm":
        return _continued_by_vllm(body)
    if flavour.name == "sglang":
        return bool(body.get("continue_final_message")) and bool(last["role"] == "assistant")
    if flavour.name == "deepseek" and last.get("prefix"):
        if not beta:
            raise ValueError(
                'prefix is only available when using beta api (set base_url="https://api.deepseek.com/beta")'
            )
        if last["role"] != "assistant":
            raise ValueError("The last message must have role `assistant` when prefix mode is on")
        return True
    if flavour.name == "deepseek" and thinking and last["role"] == "assistant":
        raise ValueError(
            f"The last message of {body['model']} must be a user message, or an assistant message with prefix mode on "
            "(refer to https://api-docs.deepseek.com/guides/chat_prefix_completion)."
        )
    if flavour.name == "llama.cpp" and last["role"] == "assistant":
        if len(messages) > 1 and messages[-2]["role"] == "assistant":
            raise ValueError("Cannot have 2 or more assistant messages at the end of the list.")
        if thinking:
            raise ValueError("Assistant response prefill is incompatible with enable_thinking.")
        return True
    return False


def _continued_by_vllm(body: Mapping[str, Any]) -> bool:
    if not body.get("continue_final_message"):
        return False
    if body.get("add_generation_prompt"):
        raise ValueError("Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
    if body.get("add_generation_prompt") is None:  # its default is true, which the chat template then refuses
        raise ValueError(
            "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when you "
            "want the model to continue the final message, and add_generation_prompt when you want to add a header "
            "that will prompt it to start a new assistant message instead."
        )
    return bool(body["messages"][-1]["role"] == "assistant")


def thinking_asked_for(flavour: Flavour, body: Mapping[str, Any]) -> bool:
    """Whether a thinking model shall think in this reply."""
    if flavour.name == "deepseek":
        return (body.get("thinking") or {}).get("type") != "disabled"
    return (body.get("chat_template_kwargs") or {}).get("enable_thinking") is not False


def prefill_of(flavour: Flavour, last: Mapping[str, Any], content: str) -> str:
    """The text that is continued, out of an assistant message."""
    thought = last.get("reasoning_content") or last.get("reasoning")
    if flavour.name == "deepseek" and thought:
        return f"{OPEN}\n{thought}{content}"
    return content
