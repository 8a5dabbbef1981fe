"""A chat model that says what a script tells it to: for tests of graphs, triggers and callers."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, PrivateAttr

from trigreason_graph.models.cards import ModelCard


@dataclass(frozen=True)
class Scripted:
    """One scripted reply.

    Attributes:
        text: What the model writes; None: it fails with `error` at once.
        probability: Reported for every token; None: no log-probabilities.
        error: Raised before the first token, or after the text when `text` is given (a stream that breaks).
        finish: Finish reason; "" for a stream that just ends.
        delay: Seconds before each token.
        thinking: Sent in the reasoning field before the text.
    """

    text: str | None = ""
    probability: float | None = 0.5
    error: Exception | None = None
    finish: str = "stop"
    delay: float = 0.0
    thinking: str = ""


class ScriptedModel(BaseChatModel):
    """Replies from a script, in order, token by token; the prompts it got are kept in `prompts`.

    Args:
        script: Replies; a plain string is a reply with its defaults.
        loop: Start over at the end of the script instead of raising IndexError.
        trigreason_card: What the model can do; by default a local one that continues a prefill and has
            log-probabilities, so that it can be either role.
    """

    script: Sequence[str | Scripted]
    loop: bool = False
    trigreason_card: ModelCard = ModelCard(
        provider="scripted", name="scripted", style="prefill", dialect="openai", logprobs=True, local=True, window=None
    )
    prompts: list[list[BaseMessage]] = Field(default_factory=list)
    served: list[int] = Field(default_factory=list, description="Tokens sent, by finished call.")
    _next: int = PrivateAttr(0)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def calls(self) -> int:
        """How often the model was asked."""
        return self._next

    def _take(self, messages: list[BaseMessage]) -> Scripted:
        self.prompts.append(list(messages))
        index = self._next % len(self.script) if self.loop else self._next
        self._next += 1
        if index >= len(self.script):
            raise IndexError(f"the script has {len(self.script)} replies, and a further one was asked for")
        reply = self.script[index]
        return Scripted(reply) if isinstance(reply, str) else reply

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        reply = self._take(messages)
        for chunk in self._chunks(reply, messages, kwargs.get("max_tokens")):
            await asyncio.sleep(reply.delay)
            yield chunk

    def _chunks(
        self, reply: Scripted, messages: list[BaseMessage], max_tokens: int | None
    ) -> Iterator[ChatGenerationChunk]:
        if reply.error is not None and not reply.text:
            raise reply.error
        if reply.thinking:
            yield ChatGenerationChunk(
                message=AIMessageChunk(content="", additional_kwargs={"reasoning_content": reply.thinking})
            )
        tokens = tokenize(reply.text or "")
        kept = tokens if max_tokens is None else tokens[:max_tokens]
        for token in kept:
            yield ChatGenerationChunk(message=AIMessageChunk(content=token), generation_info=self._info(token, reply))
        if reply.error is not None:
            raise reply.error
        if not reply.finish:
            return
        self.served.append(len(kept))
        asked = sum(len(tokenize(str(message.content))) for message in messages)
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                usage_metadata={"input_tokens": asked, "output_tokens": len(kept), "total_tokens": asked + len(kept)},
            ),
            generation_info={"finish_reason": reply.finish if len(kept) == len(tokens) else "length"},
        )

    def _info(self, token: str, reply: Scripted) -> dict[str, Any] | None:
        if reply.probability is None:
            return None
        chosen = math.log(reply.probability)
        rest = math.log(max(1.0 - reply.probability, 1e-9))
        top = [{"token": token, "logprob": chosen}, {"token": "…", "logprob": rest}]
        return {"logprobs": {"content": [{"token": token, "logprob": chosen, "top_logprobs": top}]}}

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, None, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = self._take(messages)
        if reply.error is not None:
            raise reply.error
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=reply.text or ""))])


def tokenize(text: str) -> list[str]:
    """The scripted model's tokens: a word with its leading space, a run of digits or other signs, line ends."""
    return re.findall(r"\n+|[ \t]*[^\s]+|[ \t]+", text)
