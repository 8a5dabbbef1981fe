"""The one wrapper around every model: it normalises, retries, times out, counts and cuts.

Cutting happens inside the wrapper's own stream: the inner stream is closed and a last chunk with the usage is sent, so
that a call we closed ends in a normal ``on_llm_end`` (a green trace with its usage) and not as a failed run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langgraph.constants import TAG_NOSTREAM
from langgraph.errors import GraphBubbleUp
from pydantic import Field, PrivateAttr, model_validator

from trigreason_graph.bridge import raise_if_cancelled
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.dialects import Options, call_arguments
from trigreason_graph.models.exchange import CHARS_PER_TOKEN, Attempt, Exchange, ModelFailed, estimate_tokens
from trigreason_graph.models.faults import is_transient, retry_wait
from trigreason_graph.models.gate import Gate
from trigreason_graph.models.known import card_of
from trigreason_graph.models.listeners import listeners_of, tokens_wanted
from trigreason_graph.models.pieces import usage_chunk
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.models.run import Run, Terms
from trigreason_graph.models.sending import as_sent
from trigreason_graph.models.streamed_chat import StreamedChat
from trigreason_graph.models.streams import can_stream, streamed, whole_reply
from trigreason_graph.state import Role

__all__ = ["CHARS_PER_TOKEN", "Attempt", "Exchange", "ModelFailed", "ReasoningModel", "estimate_tokens"]

PLAIN_CALL_TOKENS = 1_024
"""Output tokens where the wrapper is called as an ordinary chat model that says nothing about them."""


class ReasoningModel(StreamedChat):
    """A chat model in the role of SRM or LRM.

    Pass one as ``small=`` or ``large=`` to say more about a model than its class tells:
    ``ReasoningModel(inner=ChatOpenAI(base_url=...), card=ModelCard(style="prefill", ...))``. Without a card it gets the
    one that its class and name suggest. Callbacks, tags and metadata of `inner` go on working; its rate limiter too.
    """

    inner: BaseChatModel = Field(repr=False)  # a client's repr may show its headers
    card: ModelCard = ModelCard()
    role: Role = "small"
    prices: PriceTable = Field(default_factory=dict)
    retries: int = Field(default=3, ge=1, description="Tries of one call before its first token arrives.")
    first_token_seconds: float = Field(
        default=300.0, gt=0, description="Longest wait for the first token (prompt reading)."
    )
    token_gap_seconds: float = Field(default=60.0, gt=0, description="Longest wait between two tokens.")

    top_p: float | None = Field(
        default=None, gt=0, le=1, description="Sent with every call whose temperature is not 0."
    )
    seed: int | None = Field(default=None, ge=0, description="Sent with every call whose temperature is not 0.")
    max_concurrency: int | None = Field(
        default=None,
        ge=1,
        description="Calls under way at once, of all runs on one event loop that use this model or a copy of it; "
        "further ones wait, which does not count as their time. None: as many as come.",
    )
    _gate: Gate = PrivateAttr(default_factory=Gate)

    @model_validator(mode="before")
    @classmethod
    def _take_from_inner(cls, given: Any) -> Any:
        inner = given.get("inner") if isinstance(given, dict) else None
        if not isinstance(inner, BaseChatModel):
            return given
        of_inner = {"callbacks": inner.callbacks, "tags": inner.tags, "metadata": inner.metadata}
        if "BaseChatOpenAI" in {cls.__name__ for cls in type(inner).__mro__}:
            from trigreason_graph.models.compatible import as_compatible

            inner = as_compatible(inner)
        return {"card": card_of(inner), **of_inner, **given, "inner": inner}

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
            from trigreason_graph.models.card_store import still_true
            from trigreason_graph.models.ollama import check_ollama

            self.card = await still_true(self.inner, self.card)
            await check_ollama(self.inner, self.card)

    async def write(self, messages: list[BaseMessage], exchange: Exchange, *, name: str, **metadata: Any) -> Attempt:
        """Run `exchange`; its `on_piece` sees the text. A model that fails raises nothing: the attempt says so.

        Args:
            messages: The prompt.
            exchange: What is asked and who reads along.
            name: Run name in traces, as "small:step_generator".
            metadata: Goes to traces (purpose, trigger, step).

        Raises:
            Exception: What `on_piece` raises, and LangGraph's own control flow.
        """
        config: Any = {
            "run_name": name,
            "tags": [*([] if exchange.shown else [TAG_NOSTREAM]), f"trigreason:{self.role}"],
            "metadata": {
                "trigreason_role": self.role,
                **{f"trigreason_{key}": value for key, value in metadata.items()},
            },
        }
        listeners = listeners_of(self)
        exchange.heard = tokens_wanted(listeners)
        try:
            if not listeners and self._only_told_of(messages):
                await self._whole(messages, exchange, dict(exchange.arguments))
                return exchange.last
            calling = self.astream(messages, config=config, exchange=exchange, **exchange.arguments)
            async with aclosing(calling) as stream:  # type: ignore[type-var]
                async for _ in stream:
                    pass
        except ModelFailed:
            pass
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
            options = Options(
                kwargs.pop("max_tokens", None) or PLAIN_CALL_TOKENS, kwargs.pop("temperature", None), tuple(stop or ())
            )
            exchange = Exchange("turn", options, lambda _: False)
        if exchange.heard:
            async with self._gate.entered(self.max_concurrency), await self._begin(messages, exchange, kwargs) as run:
                while (text := await run.next_text()) is not None:
                    if text:
                        yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        elif text := await self._whole(messages, exchange, kwargs):
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        attempt = exchange.last
        metadata = {"model_name": self.card.name, "finish_reason": attempt.finish, "trigreason_cut": exchange.cut}
        yield ChatGenerationChunk(message=usage_chunk(attempt.usage, metadata, exchange.tool_calls))

    def _only_told_of(self, messages: Sequence[BaseMessage]) -> bool:
        """Whether all that LangChain's `astream` would do around a call is telling of it."""
        own = type(self)._astream is ReasoningModel._astream and type(self).astream is BaseChatModel.astream
        plain = all(isinstance(message.content, str) for message in messages)  # else it rewrites blocks
        return own and plain and self.rate_limiter is None and not self.disable_streaming

    async def _whole(self, messages: list[BaseMessage], exchange: Exchange, extra: dict[str, Any]) -> str:
        """The reply, which the exchange's reader alone is told as it comes."""
        parts: list[str] = []
        async with self._gate.entered(self.max_concurrency), await self._begin(messages, exchange, extra) as run:
            while (text := await run.next_text()) is not None:
                parts.append(text)
        return "".join(parts)

    async def _begin(self, messages: list[BaseMessage], exchange: Exchange, extra: dict[str, Any]) -> Run:
        """A stream whose first text has come; up to there a call that fails is worth another try."""
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self.retries),
            retry=retry_if_exception(is_transient),
            wait=retry_wait,
            reraise=True,
        )
        try:
            return await retrying(self._open, messages, exchange, extra)
        except GraphBubbleUp:
            raise
        except Exception:
            if not exchange.attempts:
                raise
            # Not the client's error itself, which may show a key in traces.
            raise ModelFailed(exchange.last.fault) from None

    async def _open(self, messages: list[BaseMessage], exchange: Exchange, extra: dict[str, Any]) -> Run:
        exchange.tool_calls.clear()  # of a try that failed
        streaming = self.card.streams and can_stream(self.inner)
        sent = as_sent(messages, self.card)
        continuing = bool(sent) and isinstance(sent[-1], AIMessage)
        options = replace(exchange.options, top_p=self.top_p, seed=self.seed)
        spelled = call_arguments(self.card, options, self.inner, streaming=streaming, continuing=continuing)
        if self.inner.rate_limiter is not None:
            await self.inner.rate_limiter.aacquire(blocking=True)
        stream = (streamed if streaming else whole_reply)(self.inner, sent, {**spelled, **extra})
        run = Run(self._terms, messages, exchange, stream)
        try:
            await run.wait_for_text()
        except BaseException as fault:
            await run.aclose()
            if not isinstance(fault, GraphBubbleUp):
                failed = isinstance(fault, Exception)
                exchange.attempts.append(run.failed(fault) if failed else run.left())
            raise_if_cancelled()  # while the stream was closed: no further try
            raise
        return run

    @property
    def _terms(self) -> Terms:
        return Terms(self.card, self.prices, self.first_token_seconds, self.token_gap_seconds, self.inner)
