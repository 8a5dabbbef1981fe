"""The one wrapper around every model: it normalises, retries, times out, counts and cuts.

Cutting happens inside the wrapper's own stream: the inner stream is closed and a last chunk with the usage is sent, so
that a call we closed ends in a normal ``on_llm_end`` (a green trace with its usage) and not as a failed run.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel, agenerate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import Field
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from trigreason_graph.bridge import run_blocking
from trigreason_graph.models.cards import ModelCard, Style
from trigreason_graph.models.dialects import Options, call_arguments, ollama_options
from trigreason_graph.models.faults import describe_fault, is_transient, retry_wait
from trigreason_graph.models.forms import FormReader
from trigreason_graph.models.pieces import Phase, Piece, Token, Usage, text_of, tokens_of, usage_chunk, usage_of
from trigreason_graph.models.prices import PriceTable, cost
from trigreason_graph.reasoning.text import Cleaner
from trigreason_graph.state import Role

CHARS_PER_TOKEN = 3.0
"""Used where nothing better is known; low, so that estimates err on the dear side (English prose has about 4)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one call, as the ledger counts it."""

    status: Literal["ok", "cut", "error"]
    usage: Usage
    estimated: bool
    seconds: float
    cost: float | None
    finish: str
    fault: str = ""


@dataclass
class Exchange:
    """One logical call: what is asked, who reads along, and, afterwards, what it took.

    Attributes:
        style: Whether the messages end in the trace as a prefill, or ask for it in a user turn.
        options: Sampling options.
        on_piece: Gets every piece of text; returns True to have the stream closed there.
        attempts: Filled while the call runs; the last one is the call's result.
    """

    style: Style
    options: Options
    on_piece: Callable[[Piece], bool]
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]


class ReasoningModel(BaseChatModel):
    """A chat model in the role of SRM or LRM.

    Pass one as ``small=`` or ``large=`` to say more about a model than its class tells:
    ``ReasoningModel(inner=ChatOpenAI(base_url=...), card=ModelCard(style="prefill", ...))``.
    """

    inner: BaseChatModel
    card: ModelCard = ModelCard()
    role: Role = "small"
    prices: PriceTable = Field(default_factory=dict)
    retries: int = Field(3, ge=1, description="Tries of one call before its first token arrives.")
    first_token_seconds: float = Field(300.0, gt=0, description="Longest wait for the first token (prompt reading).")
    token_gap_seconds: float = Field(60.0, gt=0, description="Longest wait between two tokens.")

    @property
    def _llm_type(self) -> str:
        return "trigreason-reasoning-model"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"role": self.role, "model": self.card.full_name}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        kwargs.pop("exchange", None)
        params = self.inner._get_ls_params(stop=stop, **kwargs)
        return {**params, "ls_model_name": self.card.name, "ls_provider": self.card.provider}

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        # The exchange is our side channel to the node, not something to trace.
        kwargs.pop("exchange", None)
        return super()._get_invocation_params(stop=stop, **kwargs)

    async def aready(self) -> None:
        """Make sure the model can be called, free of charge; raises ModelNotReady with the remedy."""
        ready = getattr(self.inner, "aready", None)
        if ready is not None:
            await ready()
        elif self.card.dialect == "ollama":
            from trigreason_graph.models.ollama import check_ollama

            await check_ollama(self.inner)

    async def write(self, messages: list[BaseMessage], exchange: Exchange, *, name: str, **metadata: Any) -> Attempt:
        """Run `exchange`; its `on_piece` sees the text. Never raises for a model that fails: the attempt says so.

        Args:
            messages: The prompt.
            exchange: What is asked and who reads along.
            name: Run name in traces, as "small:step_generator".
            metadata: Goes to traces (purpose, trigger, step).
        """
        config: Any = {
            "run_name": name,
            "tags": ["nostream", f"trigreason:{self.role}"],
            "metadata": {
                "trigreason_role": self.role,
                **{f"trigreason_{key}": value for key, value in metadata.items()},
            },
        }
        try:
            async with aclosing(self.astream(messages, config=config, exchange=exchange)) as stream:  # type: ignore[type-var]
                async for _ in stream:
                    pass
        except Exception:
            if not exchange.attempts or exchange.last.status != "error":
                raise  # not the model's failure: a bug, or LangGraph's control flow
        return exchange.last

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        exchange: Exchange | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        if exchange is None:
            exchange = Exchange(
                "turn", Options(kwargs.pop("max_tokens", 1024), stop=tuple(stop or ())), lambda _: False
            )
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self.retries),
            retry=retry_if_exception(is_transient),
            wait=retry_wait,
            reraise=True,
        )
        run = await retrying(self._open, messages, exchange, kwargs)
        async with aclosing(run.stream):
            async for text in run.texts():
                yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        attempt = run.ended()
        exchange.attempts.append(attempt)
        metadata = {"model_name": self.card.name, "finish_reason": attempt.finish, "trigreason_cut": run.closed}
        yield ChatGenerationChunk(message=usage_chunk(attempt.usage, metadata))

    async def _open(self, messages: list[BaseMessage], exchange: Exchange, extra: dict[str, Any]) -> _Run:
        """Start the stream and wait for its first text: up to there a failed call is worth another try."""
        run = _Run(self, messages, exchange, self._inner_stream(messages, exchange, extra))
        try:
            await run.wait_for_text()
        except BaseException as fault:
            await run.stream.aclose()
            if isinstance(fault, Exception):
                exchange.attempts.append(run.failed(describe_fault(fault, self.card)))
            raise
        return run

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, stop, run_manager, **kwargs))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return run_blocking(lambda: self._agenerate(messages, stop, None, **kwargs))

    def _inner_stream(
        self, messages: list[BaseMessage], exchange: Exchange, extra: dict[str, Any]
    ) -> AsyncGenerator[ChatGenerationChunk, None]:
        """The wrapped client's own stream: no second run in traces, no callbacks of its own."""
        merged = ollama_options(self.inner) if self.card.dialect == "ollama" else None
        arguments = {**call_arguments(self.card, exchange.options, merged), **extra}
        stop = list(exchange.options.stop) if self.card.dialect == "openai" and exchange.options.stop else None
        if self.card.streams and not self.inner.disable_streaming and _can_stream(self.inner):
            return _as_generator(self.inner._astream(messages, stop=stop, **arguments))
        return _whole_reply(self.inner, messages, stop, arguments)


def _can_stream(model: BaseChatModel) -> bool:
    return type(model)._astream is not BaseChatModel._astream or type(model)._stream is not BaseChatModel._stream


async def _as_generator(stream: AsyncIterator[ChatGenerationChunk]) -> AsyncGenerator[ChatGenerationChunk, None]:
    """Give any async iterator an ``aclose`` that reaches it."""
    try:
        async for chunk in stream:
            yield chunk
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


async def _whole_reply(
    model: BaseChatModel, messages: list[BaseMessage], stop: list[str] | None, arguments: dict[str, Any]
) -> AsyncGenerator[ChatGenerationChunk, None]:
    generation = (await model._agenerate(messages, stop=stop, **arguments)).generations[0]
    message = generation.message
    yield ChatGenerationChunk(
        message=AIMessageChunk(
            content=message.content,
            additional_kwargs=message.additional_kwargs,
            usage_metadata=getattr(message, "usage_metadata", None),
        ),
        generation_info={"finish_reason": "stop", **message.response_metadata, **(generation.generation_info or {})},
    )


class _Run:
    """One attempt: reads the inner stream, hands its pieces on, and knows what it has cost."""

    def __init__(
        self,
        model: ReasoningModel,
        messages: list[BaseMessage],
        exchange: Exchange,
        stream: AsyncGenerator[ChatGenerationChunk, None],
    ) -> None:
        self.model, self.messages, self.exchange, self.stream = model, messages, exchange, stream
        self.closed = False
        """By us, in mid-stream."""
        self._broken = ""
        self._finish = ""
        self._usage: Usage | None = None
        self._characters = self._tokens = 0
        self._begun = time.monotonic()
        self._waiting: list[ChatGenerationChunk] = []
        self._reader = FormReader(model.card.form, exchange.style)
        self._content, self._hidden = Cleaner(), Cleaner()

    async def wait_for_text(self) -> None:
        """Read up to the first chunk with text, or to the end of a reply without any."""
        while (chunk := await self._next(self.model.first_token_seconds)) is not None:
            self._waiting.append(chunk)
            if any(text_of(chunk.message)):
                return

    async def texts(self) -> AsyncGenerator[str, None]:
        """The reply's text; a stream that breaks off ends here, with what arrived."""
        try:
            for chunk in self._waiting:
                yield self._hand_on(chunk)
            while not self.closed and (more := await self._next(self.model.token_gap_seconds)) is not None:
                yield self._hand_on(more)
        except Exception as fault:
            self._broken = describe_fault(fault, self.model.card)
        if not self.closed:
            rest = self._reader.feed(self._content.flush(), self._hidden.flush())
            yield self._pieces([*rest, *self._reader.flush()], ())

    async def _next(self, patience: float) -> ChatGenerationChunk | None:
        try:
            async with asyncio.timeout(patience):
                chunk = await anext(self.stream, None)
        except TimeoutError as silence:
            raise TimeoutError(f"nothing came for {patience:g} s") from silence
        if chunk is not None:
            self._note(chunk)
        return chunk

    def _note(self, chunk: ChatGenerationChunk) -> None:
        message, info = chunk.message, chunk.generation_info or {}
        self._usage = usage_of(message) or self._usage
        reason = info.get("finish_reason") or info.get("done_reason") or message.response_metadata.get("finish_reason")
        if reason:
            self._finish = str(reason)

    def _hand_on(self, chunk: ChatGenerationChunk) -> str:
        content, hidden = text_of(chunk.message)
        tokens = tokens_of(chunk.generation_info, chunk.message)
        self._characters += len(content) + len(hidden)
        self._tokens += len(tokens)
        return self._pieces(self._reader.feed(self._content.feed(content), self._hidden.feed(hidden)), tokens)

    def _pieces(self, read: list[tuple[Phase, str]], tokens: tuple[Token, ...]) -> str:
        handed_on = ""
        for phase, text in read:
            if self.closed:
                break
            handed_on += text
            self.closed = self.exchange.on_piece(Piece(text, tokens, phase))
            tokens = ()  # they belong to the first piece of their chunk
        return handed_on

    def failed(self, fault: str) -> Attempt:
        """The attempt, when no text ever came."""
        return self._attempt("error", "error", fault)

    def ended(self) -> Attempt:
        """The attempt, when text came."""
        if self.closed:
            return self._attempt("cut", "closed")
        if self._broken or (not self._finish and self.model.card.dialect != "plain"):
            # Every known server says why it stopped: a silent end is a broken stream.
            return self._attempt("cut", "broken", self._broken or f"{self.model.card.full_name}: the stream broke off")
        return self._attempt("ok", self._finish or "stop")

    def _attempt(self, status: Literal["ok", "cut", "error"], finish: str, fault: str = "") -> Attempt:
        usage = self._usage if self._usage and status == "ok" else self._estimate()
        return Attempt(
            status=status,
            usage=usage,
            estimated=not (self._usage and status == "ok"),
            seconds=time.monotonic() - self._begun,
            cost=cost(self.model.card, usage, self.model.prices),
            finish=finish,
            fault=fault,
        )

    def _estimate(self) -> Usage:
        """What arrived, rounded up; a call that never started counts nothing."""
        if not self._characters and not self._finish:
            return Usage()
        return Usage(
            tokens_in=estimate_tokens(self.messages),
            tokens_out=self._tokens or math.ceil(self._characters / CHARS_PER_TOKEN),
        )


def estimate_tokens(messages: list[BaseMessage]) -> int:
    """Upper estimate of a prompt's tokens, from its characters."""
    return math.ceil(sum(len(text_of(message)[0]) for message in messages) / CHARS_PER_TOKEN) + 8 * len(messages)
