"""Real tokens of a real model: llama.cpp inside of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, convert_to_messages
from langchain_core.messages.ai import UsageMetadata

from trigreason_graph.models.embedded.catalog import locate
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.models.embedded.clients import async_client
from trigreason_graph.models.embedded.server import CONTEXT, EmbeddedServer
from trigreason_graph.testing.servers.asked import Asked, Chunk, End, Logprob


class EmbeddedBackend:
    """One of the package's embedded models. One reply is written at a time; further requests wait.

    Args:
        source: "small", "large" or "tiny" of the catalog, or the path of a GGUF file.
        context: Window in tokens, prompt and reply together.
        temperature: For requests that name none. 0, greedy, so that tests repeat; the servers imitated here would take
            0.8 (Ollama) or 1 (OpenAI).
    """

    def __init__(self, source: str = "small", *, context: int = CONTEXT, temperature: float = 0.0) -> None:
        self._path, self._context = locate(source), context
        self._chat = EmbeddedChat(source=source, context=context, temperature=temperature)

    async def count(self, asked: Asked) -> int:
        """Tokens of the prompt, chat template included; of a raw prompt as a user's turn."""
        return await self._chat.acount(_messages(asked))

    async def write(self, asked: Asked) -> AsyncGenerator[Chunk | End, None]:
        """The model's own reply. Log-probabilities are always asked for, since they tell how many tokens came.

        Raises:
            ModelNotReady: The model is not fetched, or the extra is not installed.
            openai.APIStatusError: llama.cpp refuses the request, for instance a prompt beyond its window.
        """
        await self._chat.aready()
        reply = self._completed(asked) if asked.raw is not None else self._chatted(asked)
        async with aclosing(reply) as items:
            async for item in items:
                yield item

    async def _chatted(self, asked: Asked) -> AsyncGenerator[Chunk | End, None]:
        finish, usage = "", UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0)
        options = {**_options(asked), "logprobs": True, "top_logprobs": asked.top_logprobs}
        if asked.response_format is not None:
            options["response_format"] = dict(asked.response_format)
        stream = self._chat._astream(_messages(asked), list(asked.stop) or None, **options)
        async with aclosing(stream) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                message, said = chunk.message, chunk.generation_info or {}
                assert isinstance(message, AIMessageChunk)
                finish = said.get("finish_reason") or finish
                usage = message.usage_metadata or usage
                entries = (said.get("logprobs") or {}).get("content") or ()
                if message.text or entries:
                    yield _chunk(message.text, entries)
        cached = usage.get("input_token_details", {}).get("cache_read", 0)
        yield End(finish, usage["input_tokens"], cached, usage["output_tokens"])

    async def _completed(self, asked: Asked) -> AsyncGenerator[Chunk | End, None]:
        """A prompt that passes by the chat template."""
        server = await asyncio.to_thread(EmbeddedServer.start, self._path, context=self._context)
        client = async_client(server).root_async_client
        options = _options(asked)
        finish, usage = "", None
        stream = await client.completions.create(
            model="embedded",
            prompt=asked.raw or "",
            stop=list(asked.stop) or None,
            logprobs=asked.top_logprobs or 1,
            stream=True,
            stream_options={"include_usage": True},
            **options,
        )
        async with stream:
            async for event in stream:
                usage = event.usage or usage
                for choice in event.choices:
                    finish = choice.finish_reason or finish
                    entries = (choice.logprobs.model_dump().get("content") if choice.logprobs else None) or ()
                    if choice.text or entries:
                        yield _chunk(choice.text, entries)
        yield End(finish, usage.prompt_tokens if usage else 0, 0, usage.completion_tokens if usage else 0)


def _messages(asked: Asked) -> list[BaseMessage]:
    if asked.raw is not None:
        return [HumanMessage(asked.raw)]
    turns: list[dict[str, str]] = list(asked.messages)
    if asked.prefill is not None:
        turns.append({"role": "assistant", "content": asked.prefill})
    elif turns and turns[-1]["role"] == "assistant":
        # llama.cpp would continue it; the servers that do not begin a turn of their own.
        turns.append({"role": "user", "content": ""})
    return convert_to_messages(turns)


def _options(asked: Asked) -> dict[str, Any]:
    options = {"max_tokens": asked.max_tokens, "temperature": asked.temperature, "seed": asked.seed}
    return {name: value for name, value in options.items() if value is not None}


def _chunk(text: str, entries: Sequence[Mapping[str, Any]]) -> Chunk:
    logprobs = tuple(_logprob(entry) for entry in entries if entry["token"])
    return Chunk(text, len(logprobs), logprobs)


def _logprob(entry: Mapping[str, Any]) -> Logprob:
    top: Iterable[Mapping[str, Any]] = entry.get("top_logprobs") or ()
    return Logprob(entry["token"], entry["logprob"], tuple((one["token"], one["logprob"]) for one in top))
