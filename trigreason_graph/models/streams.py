"""The wrapped client's own stream: closable, without a run of its own in traces, whole replies as one chunk."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from langgraph.errors import GraphBubbleUp

from trigreason_graph.models.pieces import finish_of

Chunks = AsyncGenerator[ChatGenerationChunk, None]


def can_stream(model: BaseChatModel) -> bool:
    """Whether the client implements streaming, and its user has not turned it off."""
    implemented = type(model)._astream is not BaseChatModel._astream or type(model)._stream is not BaseChatModel._stream
    return implemented and model.disable_streaming is not True


def streamed(model: BaseChatModel, messages: list[BaseMessage], arguments: dict[str, Any]) -> Chunks:
    """The client's chunks; closing this generator closes the client's before it returns.

    A client that fails when it is called fails where its first chunk is asked for, as every other.
    """
    try:
        stream: AsyncIterator[ChatGenerationChunk] = model._astream(messages, **arguments)
    except GraphBubbleUp:
        raise
    except Exception as fault:
        return _failing(fault)
    return stream if isinstance(stream, AsyncGenerator) else _closable(stream)


async def _failing(fault: Exception) -> Chunks:
    raise fault
    yield


async def _closable(stream: AsyncIterator[ChatGenerationChunk]) -> Chunks:
    try:
        async for chunk in stream:
            yield chunk
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


async def whole_reply(model: BaseChatModel, messages: list[BaseMessage], arguments: dict[str, Any]) -> Chunks:
    """The reply of a client that cannot stream, as one chunk.

    Servers that continue a prefill repeat it in a whole reply (llama.cpp does; not in a stream), so it is taken off.
    """
    try:
        result = await model._agenerate(messages, **arguments)
    except AttributeError as fault:
        if not str(fault).startswith("'str' object has no attribute"):
            raise
        # What openai's client makes of a reply with status 200 that is no JSON: it hands the text on as it is.
        raise ConnectionError("the reply was no JSON") from None
    generation = result.generations[0]
    message = generation.message
    content = message.content
    last = messages[-1] if messages else None
    if isinstance(last, AIMessage) and isinstance(content, str):
        content = content.removeprefix(last.text)
    info = {**(result.llm_output or {}), **message.response_metadata, **(generation.generation_info or {})}
    if not finish_of(info, message):
        info["finish_reason"] = "stop"  # a reply that has arrived is whole
    chunk = AIMessageChunk(
        content=content,
        additional_kwargs=message.additional_kwargs,
        usage_metadata=getattr(message, "usage_metadata", None),
        tool_call_chunks=[
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
            for index, call in enumerate(message.tool_calls if isinstance(message, AIMessage) else ())
        ],
    )
    yield ChatGenerationChunk(message=chunk, generation_info=info)
