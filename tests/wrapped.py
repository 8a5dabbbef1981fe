"""A client that sends given chunks, and a reader, for the tests of the model wrapper."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackHandler, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from pydantic import Field, SkipValidation

from trigreason_graph.models.cards import ModelCard, Style
from trigreason_graph.models.dialects import Options
from trigreason_graph.models.pieces import Piece
from trigreason_graph.models.wrapper import Exchange, ReasoningModel

QUESTION: list[BaseMessage] = [HumanMessage("What is 3 + 4?")]
SPEAKS = ModelCard(provider="fake", name="client", dialect="openai", local=True)
"""Of a client that says why a stream ended."""


def chunk(
    content: Any = "", info: dict[str, Any] | None = None, *, usage: dict[str, Any] | None = None, **fields: Any
) -> ChatGenerationChunk:
    """One chunk; `usage` as (in, out) and details, `fields` go into additional_kwargs."""
    message = AIMessageChunk(content=content, additional_kwargs=fields)
    if usage is not None:
        message.usage_metadata = usage  # type: ignore[assignment]
    return ChatGenerationChunk(message=message, generation_info=info)


STOP = chunk(info={"finish_reason": "stop"})


def used(tokens_in: int, tokens_out: int, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "input_token_details": {"cache_read": cached},
        "output_token_details": {"reasoning": reasoning},
    }


class Client(BaseChatModel):
    """Sends one list of chunks a call; an exception among them is raised there. `open` counts streams not yet over."""

    calls: SkipValidation[Sequence[Sequence[ChatGenerationChunk | BaseException]]]
    arguments: list[dict[str, Any]] = Field(default_factory=list)
    prompts: list[list[BaseMessage]] = Field(default_factory=list)
    open: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake"

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        self.arguments.append(kwargs)
        self.prompts.append(messages)
        self.open += 1
        try:
            for item in self.calls[len(self.arguments) - 1]:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.open -= 1

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError


class Whole(BaseChatModel):
    """A client that cannot stream."""

    reply: AIMessage
    arguments: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "whole"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.arguments.append(kwargs)
        return ChatResult(generations=[ChatGeneration(message=self.reply)])


class Trace(AsyncCallbackHandler):
    """What a tracer is told."""

    def __init__(self) -> None:
        self.starts: list[tuple[Any, dict[str, Any]]] = []
        self.ends: list[LLMResult] = []
        self.errors: list[BaseException] = []

    async def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.starts.append((serialized, kwargs))

    async def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        self.ends.append(response)

    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.errors.append(error)

    @property
    def end(self) -> AIMessage:
        """The message of the only run that ended well."""
        assert len(self.ends) == 1
        generation = self.ends[0].generations[0][0]
        assert isinstance(generation, ChatGeneration)
        assert isinstance(generation.message, AIMessage)
        return generation.message


class Reader:
    """Reads along; closes the stream at the first piece that contains `stop_at`."""

    def __init__(self, stop_at: str | None = None) -> None:
        self.pieces: list[Piece] = []
        self.stop_at = stop_at

    def __call__(self, piece: Piece) -> bool:
        self.pieces.append(piece)
        return self.stop_at is not None and self.stop_at in piece.text

    def text(self, phase: str = "reasoning") -> str:
        return "".join(piece.text for piece in self.pieces if piece.phase == phase)


def wrapped(
    *calls: Sequence[ChatGenerationChunk | BaseException], card: ModelCard = SPEAKS, **fields: Any
) -> ReasoningModel:
    """The wrapper over a client that makes these calls."""
    return ReasoningModel(inner=Client(calls=calls), card=card, **fields)


def asked(
    reader: Callable[[Piece], bool] | None = None, style: Style = "turn", max_tokens: int = 64, **options: Any
) -> Exchange:
    return Exchange(style, Options(max_tokens, **options), reader or Reader())


async def written(
    model: ReasoningModel,
    reader: Callable[[Piece], bool] | None = None,
    messages: Sequence[BaseMessage] = QUESTION,
    **fields: Any,
) -> Exchange:
    """One call of `write`, and what it took."""
    exchange = asked(reader, **fields)
    last = await model.write(list(messages), exchange, name="small:test", purpose="continue")
    assert last is exchange.last
    return exchange
