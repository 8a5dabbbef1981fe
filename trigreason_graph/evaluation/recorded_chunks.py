"""What a recorded reply is streamed as."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk


def chunk_of(
    text: str, generation_info: dict[str, Any] | None = None, usage: UsageMetadata | None = None
) -> ChatGenerationChunk:
    """A chunk of a stream, with its log-probabilities and, at the end, its usage."""
    return ChatGenerationChunk(
        message=AIMessageChunk(content=text, usage_metadata=usage), generation_info=generation_info or None
    )


def usage_from(tokens_in: int, tokens_out: int) -> UsageMetadata:
    """LangChain's form of a usage."""
    return UsageMetadata(input_tokens=tokens_in, output_tokens=tokens_out, total_tokens=tokens_in + tokens_out)
