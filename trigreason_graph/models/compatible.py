"""ChatOpenAI for other servers of its API: it reads the reasoning fields that ChatOpenAI drops.

Imported only where such a client is made or met, since langchain-openai takes its time to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import AzureChatOpenAI, ChatOpenAI
from langchain_openai.chat_models.base import BaseChatOpenAI

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.hosted import openai_url
from trigreason_graph.models.names import is_openai

PASSED_ON = ("prefix", "reasoning_content")
"""Fields of a trailing assistant message that go out as they stand in its additional_kwargs."""


class ReadsReasoning:
    """What a client of the OpenAI API needs for servers that send more than OpenAI's does."""

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        told = super()._convert_chunk_to_generation_chunk(  # type: ignore[misc]
            {**chunk, "usage": _with_cached(chunk.get("usage"))}, default_chunk_class, base_generation_info
        )
        choices = chunk.get("choices")
        if told is not None and choices:
            told.message.additional_kwargs |= _reasoning(choices[0].get("delta"))
        return told  # type: ignore[no-any-return]

    def _create_chat_result(self, response: Any, generation_info: dict[str, Any] | None = None) -> ChatResult:
        said = response if isinstance(response, dict) else response.model_dump(warnings=False)
        result: ChatResult = super()._create_chat_result(  # type: ignore[misc]
            {**said, "usage": _with_cached(said.get("usage"))}, generation_info
        )
        for generation, choice in zip(result.generations, said.get("choices") or (), strict=False):
            generation.message.additional_kwargs |= _reasoning(choice.get("message"))
        return result

    def _get_request_payload(self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        payload: dict[str, Any] = super()._get_request_payload(input_, stop=stop, **kwargs)  # type: ignore[misc]
        last = self._convert_input(input_).to_messages()[-1]  # type: ignore[attr-defined]
        if isinstance(last, AIMessage) and payload.get("messages"):
            extra = {name: last.additional_kwargs[name] for name in PASSED_ON if name in last.additional_kwargs}
            payload["messages"][-1] |= extra
        return payload


class ChatCompatible(ReadsReasoning, ChatOpenAI):
    """A client for vLLM, SGLang, llama.cpp, LM Studio, DeepSeek, OpenRouter and other servers of OpenAI's chat API."""

    trigreason_card: ModelCard | None = None
    """What its model can do, where that is known."""

    says_max_tokens: bool = False
    """Limits output by ``max_tokens``, as these servers document it, and not by OpenAI's ``max_completion_tokens``."""

    def _get_request_payload(self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        payload = super()._get_request_payload(input_, stop=stop, **kwargs)
        if self.says_max_tokens and "max_completion_tokens" in payload:
            payload["max_tokens"] = payload.pop("max_completion_tokens")
        return payload


def as_compatible(model: BaseChatModel) -> BaseChatModel:
    """The same client, reading reasoning fields too; itself where it talks to OpenAI or reads them on its own.

    The copy shares the clients, callbacks and all other attributes, private ones included.
    """
    if not isinstance(model, BaseChatOpenAI):
        return model
    kind = type(model)
    reads = kind._convert_chunk_to_generation_chunk is not BaseChatOpenAI._convert_chunk_to_generation_chunk
    if reads or isinstance(model, AzureChatOpenAI) or is_openai(openai_url(model)):
        return model
    compatible = _compatible(kind)
    copy = compatible.__new__(compatible)
    # As pydantic copies a model: its validators are not run again, which would make new clients.
    object.__setattr__(copy, "__dict__", {**_defaults(compatible, kind), **model.__dict__})
    object.__setattr__(copy, "__pydantic_fields_set__", set(model.model_fields_set))
    object.__setattr__(copy, "__pydantic_extra__", model.__pydantic_extra__)
    object.__setattr__(copy, "__pydantic_private__", model.__pydantic_private__)
    return copy


@lru_cache
def _compatible(kind: type[BaseChatOpenAI]) -> type[BaseChatOpenAI]:
    if kind is ChatOpenAI:
        return ChatCompatible
    return type(kind.__name__, (ReadsReasoning, kind), {"__module__": __name__})


def _defaults(compatible: type[BaseChatOpenAI], kind: type[BaseChatOpenAI]) -> dict[str, Any]:
    added = compatible.model_fields.keys() - kind.model_fields.keys()
    return {name: compatible.model_fields[name].get_default(call_default_factory=True) for name in added}


def _reasoning(said: Mapping[str, Any] | None) -> dict[str, str]:
    """The reasoning of a delta or message: "reasoning_content", or "reasoning" (OpenRouter, newer vLLM)."""
    text = (said or {}).get("reasoning_content") or (said or {}).get("reasoning")
    return {"reasoning_content": text} if isinstance(text, str) and text else {}


def _with_cached(usage: Any) -> Any:
    """The usage with DeepSeek's ``prompt_cache_hit_tokens`` where OpenAI has its cached tokens."""
    if not isinstance(usage, Mapping) or usage.get("prompt_cache_hit_tokens") is None:
        return usage
    details = usage.get("prompt_tokens_details") or {}
    return {**usage, "prompt_tokens_details": {"cached_tokens": usage["prompt_cache_hit_tokens"], **details}}
