"""A chat model that answers from recordings, and asks the model itself only for what was never recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import LangSmithParams
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import ConfigDict, Field

from trigreason_graph.evaluation.call_options import StopCut, limit_of, stop_sequences, with_limit, without_stops
from trigreason_graph.evaluation.missing import NOT_RECORDED, RecordingMissing, missing
from trigreason_graph.evaluation.recorded_chunks import chunk_of, usage_from
from trigreason_graph.evaluation.recorded_tokens import TOP, RecordedToken, as_logprobs, tokens_of_chunk
from trigreason_graph.evaluation.recordings import Prompt, RecordingStore, new_recording
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.known import card_of
from trigreason_graph.models.pieces import finish_of, text_of, usage_of
from trigreason_graph.models.streamed_chat import StreamedChat

Piece = tuple[str, RecordedToken]

EXCERPT = 200
"""Characters of a prompt that an error shows."""


class RecordedChat(StreamedChat):
    """Answers like the model it stands for: token by token, with log-probabilities, usage and finish reason.

    What is recorded is served from the recordings; for the rest `inner` is asked, and what it writes is recorded, also
    where the reader closes the stream early. Build one with :func:`recorded` or :func:`replayed`.

    Usage on replay is the recorded one: prompt tokens as the model's tokenizer counted them, the tokens that were
    written. What came from a prompt cache is not: that is a matter of the server's state, not of the text.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: BaseChatModel | None = Field(default=None, repr=False)
    """Asked for what is not recorded; None: that is an error."""
    store: RecordingStore = Field(repr=False)
    digest: str
    """SHA-256 of the weights: recordings of other weights are not this model's."""
    trigreason_card: ModelCard
    temperature: float | None = None
    """Where a call does not say. None: the model's own, which is taken to be 0."""
    chunk_tokens: int = Field(default=1, ge=1)
    """Recorded tokens sent in one chunk. 1: as a server streams. More is faster, but a reader that closes early is then
    told, and counts, more than a server would have sent."""

    @property
    def _llm_type(self) -> str:
        return "recorded"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.trigreason_card.full_name, "sha256": self.digest}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        return {**params, "ls_provider": self.trigreason_card.provider, "ls_model_name": self.trigreason_card.name}

    async def aready(self) -> None:
        """Recordings are always ready. The model they stand in for loads when it is first needed."""

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        if self.temperature is not None:
            kwargs.setdefault("temperature", self.temperature)
        call = _Call(self, messages, kwargs, [*(stop or ()), *stop_sequences(kwargs)])
        async with aclosing(call.chunks()) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield chunk


def recorded(model: BaseChatModel, store: RecordingStore, digest: str | None = None) -> RecordedChat:
    """`model`, with everything it writes recorded in `store`, and never written twice.

    Args:
        model: An EmbeddedChat or any other chat model whose client streams tokens.
        store: Where from, where to.
        digest: SHA-256 of its weights; None: ``model.digest``, or that of its card.

    Raises:
        ValueError: Its weights are unknown, or it has a separate field for its reasoning, which is not recorded.
    """
    card = card_of(model)
    digest = digest or getattr(model, "digest", "") or card.digest
    if not digest:
        raise ValueError(f"digest=: what {card.full_name} writes is kept under the SHA-256 of its weights; give it")
    if card.form == "field":
        raise ValueError(f"{card.full_name} has a separate field for its reasoning, which recordings do not keep")
    temperature = getattr(model, "temperature", None)
    return RecordedChat(inner=model, store=store, digest=digest, trigreason_card=card, temperature=temperature)


def replayed(
    model: BaseChatModel, store: RecordingStore, digest: str | None = None, *, chunk_tokens: int = 1
) -> RecordedChat:
    """As :func:`recorded`, but `model` is only asked who it is: what is not in `store` is an error.

    Args:
        model, store, digest: As there.
        chunk_tokens: See :attr:`RecordedChat.chunk_tokens`.
    """
    return recorded(model, store, digest).model_copy(update={"inner": None, "chunk_tokens": chunk_tokens})


class _Call:
    """One call: what is recorded first, then what the model goes on with."""

    def __init__(
        self, chat: RecordedChat, messages: Sequence[BaseMessage], options: dict[str, Any], stops: Sequence[str]
    ) -> None:
        self._chat, self._options = chat, options
        self._prompt, start = Prompt.of(chat.digest, messages, options)
        self._messages = list(messages[:-1] if messages and isinstance(messages[-1], AIMessage) else messages)
        self._text = start
        self._limit = limit_of(options)
        self._cut = StopCut(stops)
        self._tokens_in = self._tokens_out = 0
        self._finish = ""

    async def chunks(self) -> AsyncIterator[ChatGenerationChunk]:
        """The reply's chunks: the prompt's size, the text, and last why it ended."""
        told: int | None = None
        async with aclosing(self._batches()) as batches:  # type: ignore[type-var]
            async for batch in batches:
                if told is None:
                    told = self._tokens_in
                    yield chunk_of("", usage=usage_from(told, 0))
                parts: list[Piece] = []
                for text, token in batch:
                    self._tokens_out += 1
                    parts += [(sent, token) for sent in self._cut.feed(text)]
                    if self._cut.found:
                        break
                if parts:
                    yield chunk_of("".join(sent for sent, _ in parts), as_logprobs(parts))
                if self._cut.found:
                    self._finish = "stop"
                    break
        if not self._cut.found and (held := self._cut.rest()):
            yield chunk_of(held)
        # The prompt is reported once, first if its size is known by then: a reader may close early.
        yield chunk_of("", {"finish_reason": self._finish}, usage_from(self._tokens_in - (told or 0), self._tokens_out))

    async def _batches(self) -> AsyncIterator[list[Piece]]:
        """Tokens, as many at once as are wanted."""
        batch: list[Piece] = []
        async with aclosing(self._pieces()) as pieces:  # type: ignore[type-var]
            try:
                async for piece in pieces:
                    batch.append(piece)
                    if len(batch) == self._chat.chunk_tokens:
                        yield batch
                        batch = []
            except RecordingMissing:
                if batch:  # a reader that has enough with these never asks for what is missing
                    yield batch
                raise
        if batch:
            yield batch

    async def _pieces(self) -> AsyncIterator[Piece]:
        """Tokens up to the end of the turn or the limit; `_finish` says which."""
        sent = 0
        first = True
        while True:
            found = self._chat.store.find(self._prompt, self._text)
            if found is None:
                break
            if first:
                self._tokens_in, first = found.tokens_in, False
            for piece in found.recording.rest(self._text):
                if sent == self._limit:
                    self._finish = "length"
                    return
                yield piece
                sent += 1
                self._text += piece[0]
            if found.recording.ended:
                self._finish = "stop"
                self._tokens_out += found.recording.unseen
                return
        if sent == self._limit:
            self._finish = "length"
            return
        inner = self._inner_or_error()
        async with aclosing(self._written(inner, first, None if self._limit is None else self._limit - sent)) as rest:  # type: ignore[type-var]
            async for piece in rest:
                yield piece

    def _inner_or_error(self) -> BaseChatModel:
        if self._chat.inner is not None:
            return self._chat.inner
        asked = self._messages[-1].text if self._messages else ""
        raise missing(
            f"{NOT_RECORDED}: what {self._chat.trigreason_card.full_name} (sha256 {self._chat.digest[:12]}…, "
            f"{self._prompt.sampling}) writes after {asked[:EXCERPT]!r} and {self._text[-EXCERPT:]!r}. The recordings "
            f"in use hold {len(self._chat.store)} texts. To record it, run the same with the model: recorded() in "
            "place of replayed(), or the benchmark's --record."
        )

    async def _written(self, inner: BaseChatModel, first: bool, limit: int | None) -> AsyncIterator[Piece]:
        """What the model writes now; recorded however this ends.

        A model that has to go on behind a space goes astray (measured: 15 of 15 times), so it is asked to go on before
        it, and the space that it then writes again is left out.
        """
        start = self._text
        asked = start.rstrip(" \t")
        again = start[len(asked) :]
        messages = [*self._messages, *([AIMessage(asked)] if asked else [])]
        counted = await _count(inner, messages)
        if first:
            self._tokens_in = counted
        arguments = with_limit(without_stops(self._options), limit)
        if self._chat.trigreason_card.logprobs:
            arguments |= {"logprobs": True, "top_logprobs": TOP}
        pieces: list[Piece] = []
        finish, reported, tokens_in = "", 0, counted
        try:
            async with aclosing(inner._astream(messages, **arguments)) as stream:  # type: ignore[type-var]
                async for chunk in stream:
                    finish = finish_of(chunk.generation_info, chunk.message) or finish
                    if usage := usage_of(chunk.message):
                        reported, tokens_in = reported + usage.tokens_out, usage.tokens_in or tokens_in
                    text, begin = text_of(chunk.message)[0], 0
                    for token in tokens_of_chunk(text, chunk.generation_info, chunk.message):
                        written = text[begin : begin + token.size]
                        begin += token.size
                        repeated = _common(written, again)
                        again = again[repeated:] if repeated == len(written) else ""
                        if repeated and repeated == len(written):
                            continue
                        piece = written[repeated:], replace(token, size=len(written) - repeated)
                        pieces.append(piece)
                        self._text += piece[0]
                        yield piece
        finally:
            ended = finish == "stop"
            unseen = max(reported - len(pieces), 0) if ended else 0
            recording = new_recording(self._prompt, start, pieces, ended=ended, tokens_in=tokens_in, unseen=unseen)
            if recording is not None:
                self._chat.store.add(recording)
        if first:
            self._tokens_in = tokens_in
        self._tokens_out += unseen
        self._finish = finish


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next(
        (index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )


async def _count(model: BaseChatModel, messages: list[BaseMessage]) -> int:
    """Tokens of a prompt, by the model's own tokenizer; 0 where there is none (the server's usage comes later)."""
    count = getattr(model, "acount", None)
    return int(await count(messages)) if count is not None else 0
