"""A chat model that says what a script tells it to: for tests of graphs, triggers and callers."""

from __future__ import annotations

import asyncio
import json
import math
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel, generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field, PrivateAttr

from trigreason_graph.models.cards import ModelCard


@dataclass(frozen=True)
class Scripted:
    """One scripted reply.

    Attributes:
        text: What the model writes; None: nothing.
        probability: Reported for every token, above 0 and up to 1; None: no log-probabilities.
        error: Raised once `thinking` and `text` are sent: without them the call fails at once, with them it is a stream
            that breaks off.
        finish: Finish reason; "" for a stream that just ends. A reply cut by max_tokens says "length".
        delay: Seconds before each chunk.
        thinking: Sent in the reasoning field before the text.
        tool_calls: Native tool calls sent behind the text, each with "name" and "args".
    """

    text: str | None = ""
    probability: float | None = 0.5
    error: Exception | None = None
    finish: str = "stop"
    delay: float = 0.0
    thinking: str = ""
    tool_calls: Sequence[Mapping[str, Any]] = ()


class ScriptedModel(BaseChatModel):
    """Replies from a script, in order, token by token, like a client of an OpenAI-compatible server.

    A whole graph without any model:

        model = ScriptedModel(script=["2 + 2 = 4\\n\\nAnswer: 4", Scripted("Hm.", error=ConnectionError())])
        graph = create_trigreason_graph(small=model, large=ScriptedModel(script=["..."])).compile()

    Args:
        script: Replies; a plain string is a reply with its defaults. Asking for more raises IndexError.
        loop: Start over at the end of the script instead.
        trigreason_card: What the model can do; by default a local one that continues a prefill and has
            log-probabilities, so that it can be either role.

    Attributes:
        prompts: The messages of each call, in order.
        asked: The keyword arguments of each call (max_tokens, temperature, …), in order.
        served: Tokens sent, by call that reached its end: what a server would have counted.
        closed: How many streams were closed before their end.
    """

    script: Sequence[str | Scripted]
    loop: bool = False
    trigreason_card: ModelCard = ModelCard(
        provider="scripted", name="scripted", style="prefill", dialect="openai", logprobs=True, local=True
    )
    prompts: list[list[BaseMessage]] = Field(default_factory=list)
    asked: list[dict[str, Any]] = Field(default_factory=list)
    served: list[int] = Field(default_factory=list)
    closed: int = 0
    _next: int = PrivateAttr(0)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def calls(self) -> int:
        """How often the model was asked."""
        return self._next

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Show the tools in `asked`; which of them is called stands in the script."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice, **kwargs)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        reply = self._take(messages, kwargs)
        try:
            for chunk in self._chunks(reply, messages, kwargs.get("max_tokens")):
                await asyncio.sleep(reply.delay)
                yield chunk
        except (GeneratorExit, asyncio.CancelledError):
            self.closed += 1
            raise

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = self._take(messages, kwargs)
        return generate_from_stream(self._chunks(reply, messages, kwargs.get("max_tokens")))

    def _take(self, messages: list[BaseMessage], arguments: dict[str, Any]) -> Scripted:
        self.prompts.append(list(messages))
        self.asked.append(arguments)
        index = self._next % len(self.script) if self.loop and self.script else self._next
        self._next += 1
        if index >= len(self.script):
            raise IndexError(f"the script has {len(self.script)} replies, and a further one was asked for")
        reply = self.script[index]
        return Scripted(reply) if isinstance(reply, str) else reply

    def _chunks(
        self, reply: Scripted, messages: list[BaseMessage], max_tokens: int | None
    ) -> Iterator[ChatGenerationChunk]:
        thinking, text = tokenize(reply.thinking), tokenize(reply.text or "")
        total = len(thinking) + len(text)
        room = total if max_tokens is None else min(max_tokens, total)
        for token in thinking[:room]:
            yield _chunk("", reply, token, {"reasoning_content": token})
        for token in text[: max(room - len(thinking), 0)]:
            yield _chunk(token, reply, token, {})
        if room == total:
            yield from _tool_calls(reply)
        if reply.error is not None:
            raise reply.error
        if not reply.finish:
            return
        self.served.append(room)
        asked = sum(len(tokenize(message.text)) for message in messages)
        usage = {"input_tokens": asked, "output_tokens": room, "total_tokens": asked + room}
        ended = "tool_calls" if reply.tool_calls else reply.finish
        finish = ended if room == total else "length"
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", usage_metadata=usage), generation_info={"finish_reason": finish}
        )


def _chunk(content: str, reply: Scripted, token: str, fields: dict[str, Any]) -> ChatGenerationChunk:
    info = None if reply.probability is None else {"logprobs": {"content": [_logprobs(token, reply.probability)]}}
    return ChatGenerationChunk(message=AIMessageChunk(content=content, additional_kwargs=fields), generation_info=info)


def _tool_calls(reply: Scripted) -> Iterator[ChatGenerationChunk]:
    for index, call in enumerate(reply.tool_calls):
        arguments = json.dumps(call["args"], ensure_ascii=False)
        part = tool_call_chunk(name=call["name"], args=arguments, id=f"call_{uuid.uuid4().hex}", index=index)
        yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[part]))


def _logprobs(token: str, probability: float) -> dict[str, Any]:
    """The chosen token and one other, which has what is left."""
    chosen, rest = math.log(probability), math.log(max(1.0 - probability, 1e-9))
    top = [{"token": token, "logprob": chosen}, {"token": "…", "logprob": rest}]
    return {"token": token, "logprob": chosen, "top_logprobs": top}


def tokenize(text: str) -> list[str]:
    """The scripted model's tokens: line ends, and words with the white space before them."""
    return re.findall(r"\n+|[^\S\n]*\S+|[^\S\n]+", text)
