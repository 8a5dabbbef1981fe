"""The public methods of a chat model that is made of calls which are counted themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, cast

from langchain_core.callbacks import Callbacks
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import LLMResult
from langchain_core.runnables import RunnableConfig

from trigreason_graph.integrations.counting import WITHIN, counted, joined, opened, public, settled


class CountedOnce(BaseChatModel):
    """Hands the manager of a run to ``_stream``, and puts the usage into the message once callbacks have seen it."""

    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        """LangChain's, with the usage of all calls in the last chunk."""
        config, manager = opened(config)
        for chunk in super().stream(input, config, **{**kwargs, WITHIN: manager}):
            yield counted(chunk)

    async def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        """LangChain's, with the usage of all calls in the last chunk."""
        config, manager = opened(config)
        chunks = super().astream(input, config, **{**kwargs, WITHIN: manager})
        async with aclosing(cast("Any", chunks)):
            async for chunk in chunks:
                yield counted(chunk)

    def generate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        **kwargs: Any,
    ) -> LLMResult:
        """LangChain's, with the usage of all calls in each message."""
        one = super().generate
        alone = len(messages) == 1
        return joined([one([each], stop, **settled(callbacks, kwargs, alone=alone)) for each in messages])

    async def agenerate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        **kwargs: Any,
    ) -> LLMResult:
        """LangChain's, with the usage of all calls in each message."""
        one = super().agenerate
        alone = len(messages) == 1
        runs = [one([each], stop, **settled(callbacks, kwargs, alone=alone)) for each in messages]
        return joined(await asyncio.gather(*runs))

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        return super()._get_invocation_params(stop=stop, **public(kwargs))

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        return super()._get_llm_string(stop=stop, **public(kwargs))
