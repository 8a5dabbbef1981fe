"""The embedded models as LangChain chat models: no server to start, no key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, closing
from importlib import import_module
from typing import Any, NoReturn

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LangSmithParams
from langchain_core.language_models.chat_models import BaseChatModel, agenerate_from_stream, generate_from_stream
from langchain_core.messages import BaseMessage, convert_to_openai_messages
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.tools import BaseTool
from pydantic import Field

from trigreason_graph.models.embedded.catalog import MODELS, locate
from trigreason_graph.models.embedded.clients import async_client, sync_client
from trigreason_graph.models.embedded.server import CONTEXT, EmbeddedServer
from trigreason_graph.models.embedded.store import digest_of, ensure_verified


class EmbeddedChat(BaseChatModel):
    """A GGUF model that llama.cpp runs inside this process; it is loaded by the first call or by :meth:`ready`.

    A trailing assistant message is continued. Calls take OpenAI's options: ``temperature``, ``max_tokens``,
    ``logprobs``, ``top_logprobs``, ``stop``, ``seed``, ``extra_body`` and so on.
    """

    source: str
    """"small", "large" or "tiny" of the catalog, or the path of a GGUF file."""

    context: int = Field(default=CONTEXT, ge=256)
    """Window in tokens, prompt and reply together."""

    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    """0: greedy."""

    @property
    def _llm_type(self) -> str:
        return "embedded"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        path = locate(self.source)
        sha256 = self.digest if self.source in MODELS or path.is_file() else None
        return {"model": path.name, "sha256": sha256, "context": self.context, "temperature": self.temperature}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        return {**params, "ls_provider": "embedded", "ls_model_name": locate(self.source).stem}

    @property
    def digest(self) -> str:
        """SHA-256 of the model file: the catalog's, or computed once per process for a file of the user's own.

        Raises:
            FileNotFoundError: when the user's file is not there.
        """
        known = MODELS.get(self.source)
        return known.sha256 if known is not None else digest_of(locate(self.source))

    @property
    def window(self) -> int:
        """Tokens that prompt and reply may have together."""
        return self.context

    def ready(self) -> None:
        """Have the model loaded. The first time a catalog's file is used, its hash is checked.

        Raises:
            ModelNotReady: it is not fetched, not the official file, damaged, or llama.cpp is not installed.
        """
        self._server()

    async def aready(self) -> None:
        """As :meth:`ready`, away from the event loop."""
        await asyncio.to_thread(self.ready)

    def count(self, messages: Sequence[BaseMessage]) -> int:
        """Exact number of tokens that `messages` are as a prompt of this model, its template included."""
        answer = sync_client(self._server()).root_client.post(
            "/chat/completions/input_tokens",
            cast_to=dict[str, Any],
            body={"messages": convert_to_openai_messages(list(messages))},
        )
        return int(answer["input_tokens"])

    async def acount(self, messages: Sequence[BaseMessage]) -> int:
        """As :meth:`count`, away from the event loop."""
        return await asyncio.to_thread(self.count, messages)

    def get_num_tokens_from_messages(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool] | None = None,
    ) -> int:
        """LangChain's name for :meth:`count`; `tools` are not counted."""
        return self.count(messages)

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any) -> NoReturn:
        """Not possible: an agent that is built on an embedded model is told so, and what to build it on.

        Raises:
            NotImplementedError: Always, as LangChain's models without tools do.
        """
        raise NotImplementedError(
            f"embedded:{self.source} calls no tools natively: build the agent on a model that does, such as "
            '"ollama:qwen3:0.6b". The tools of the reasoning itself need none: create_trigreason_graph(tools=[...])'
        )

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        client = sync_client(self._server())
        with closing(client._stream(messages, stop, run_manager, **self._options(kwargs))) as stream:  # type: ignore[type-var]
            yield from stream

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        client = async_client(await asyncio.to_thread(self._server))
        stream = client._astream(messages, stop, run_manager, **self._options(kwargs))
        async with aclosing(stream):  # type: ignore[type-var]
            async for chunk in stream:
                yield chunk

    # Replies are always streamed: llama.cpp repeats a prefill in those that are not, and stopping it hangs on them.

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, stop, run_manager, **kwargs))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        options.pop("stream", None)
        return {"temperature": self.temperature, **options}

    def _server(self) -> EmbeddedServer:
        running = EmbeddedServer.running(locate(self.source), self.context)
        if running is not None:
            return running
        path = ensure_verified(self.source) if self.source in MODELS else locate(self.source)
        import_module("langchain_openai")  # takes a second, which the event loop would stand still for later
        return EmbeddedServer.start(path, context=self.context)
