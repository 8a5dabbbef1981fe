"""One call of the chat model: the graph it runs, what it is given, and how its events become chunks."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast
from uuid import UUID

from langchain_core.callbacks import BaseRunManager, CallbackManager
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.utils.utils import LC_ID_PREFIX
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph

from trigreason_graph.graph import RECURSION_LIMIT
from trigreason_graph.integrations.counting import usage_of_report
from trigreason_graph.integrations.shown import Shown
from trigreason_graph.models.wrapper import ModelFailed
from trigreason_graph.reasoning.content import CALLS, content_of
from trigreason_graph.settings import Settings
from trigreason_graph.state import Outcome, Report

ENDED = {"budget": "length"}
"""Finish reasons in OpenAI's words, by outcome; "stop" for all others."""

Graph = CompiledStateGraph[Any, Settings, Any, Any]


def compiled(builder: StateGraph[Any, Settings, Any, Any], waits: bool) -> Graph:
    """The graph of one call.

    Args:
        builder: Of the graph.
        waits: Whether it may wait for an approval: it then takes an outer graph's checkpointer. Else nothing of the
            reasoning is written into an app's database.
    """
    return builder.compile(checkpointer=None if waits else False, name="trigreason")


def inner_config(manager: BaseRunManager | None) -> RunnableConfig:
    """The config under which a run's calls nest; LangChain's managers of model runs know of no children."""
    config = RunnableConfig(recursion_limit=RECURSION_LIMIT, run_name="trigreason")
    if manager is not None:
        config["callbacks"] = CallbackManager(
            handlers=manager.inheritable_handlers.copy(),
            inheritable_handlers=manager.inheritable_handlers.copy(),
            parent_run_id=manager.run_id,
            tags=manager.inheritable_tags.copy(),
            inheritable_tags=manager.inheritable_tags.copy(),
            metadata=manager.inheritable_metadata.copy(),
            inheritable_metadata=manager.inheritable_metadata.copy(),
        )
    return config


@contextmanager
def under_its_own_callbacks() -> Iterator[None]:
    """Around the first step of a graph's stream: what it nests under stands in its config, and nowhere else.

    LangGraph adds the callbacks of the node around us to those of the config, and its parent run would go first: the
    calls would stand beside the chat model's run instead of below it.
    """
    around = var_child_runnable_config.get()
    if around is None:
        yield
        return
    token = var_child_runnable_config.set(RunnableConfig(**{**around, "callbacks": None}))
    try:
        yield
    finally:
        var_child_runnable_config.reset(token)


@dataclass
class Run:
    """Everything one call needs.

    Attributes:
        graph: Compiled for this call.
        given: The graph's input.
        settings: Passed as context, explicitly: whatever stands in an outer graph's context is not ours.
        config: Callbacks under which the calls nest; no other key of an outer config is changed.
        writer: The outer graph's custom stream; None outside of one.
        name: The pair, as ``model_name``.
        stop: Where the reply's text ends.
        shown: The chunks so far.
    """

    graph: Graph
    given: dict[str, Any]
    settings: Settings
    config: RunnableConfig
    writer: Callable[[Any], None] | None
    name: str
    stop: Sequence[str]
    shown: Shown
    _final: Mapping[str, Any] | None = None

    def items(self) -> Generator[tuple[str, Any], None, None]:
        """What the graph streams: mode and data."""
        with closing(cast("Any", self.graph.stream(self.given, **self._arguments))) as stream:
            with under_its_own_callbacks():
                first = next(stream, None)
            if first is not None:
                yield first
                yield from stream

    async def aitems(self) -> AsyncGenerator[tuple[str, Any], None]:
        """As `items`."""
        async with aclosing(cast("Any", self.graph.astream(self.given, **self._arguments))) as stream:
            with under_its_own_callbacks():
                first = await anext(stream, None)
            if first is not None:
                yield first
                async for item in stream:
                    yield item

    @property
    def _arguments(self) -> dict[str, Any]:
        return {"config": self.config, "context": self.settings, "stream_mode": ["custom", "values"]}

    def read(self, mode: str, data: Any) -> Iterator[AIMessageChunk]:
        """The chunks that one streamed item adds; events are passed on to the outer graph."""
        if mode == "values":
            self._final = data
            return
        if self.writer is not None:
            self.writer(data)
        yield from (AIMessageChunk(content=[block]) for block in self.shown.read(data))

    def last(self) -> Iterator[AIMessageChunk]:
        """What is left to be shown, and the chunk that ends the message.

        Raises:
            ModelFailed: No model answered, so that another one, or another try, may be worth it.
        """
        reply = self.reply
        for block in self.shown.rest(self._text):
            yield AIMessageChunk(content=[block])
        yield AIMessageChunk(
            content=[],
            tool_call_chunks=[
                tool_call_chunk(name=call["name"], args=call["args"], id=call["id"], index=index)
                for index, call in enumerate(_calls(reply), CALLS)
            ],
            response_metadata=self.metadata,
            chunk_position="last",
        )

    def usage_chunk(self, run_id: UUID) -> ChatGenerationChunk:
        """The usage alone, for who follows the tokens; `run_id` is the message's run."""
        usage = usage_of_report(self.report)
        message = AIMessageChunk(content=[], usage_metadata=usage, id=f"{LC_ID_PREFIX}-{run_id}")
        return ChatGenerationChunk(message=message)

    def message(self) -> AIMessage:
        """The whole message; raises as `last`."""
        reply = self.reply
        return AIMessage(
            content_of(self.final["trace"], self._text),
            tool_calls=reply.tool_calls,
            invalid_tool_calls=reply.invalid_tool_calls,
            response_metadata=self.metadata,
        )

    @property
    def final(self) -> Mapping[str, Any]:
        """The graph's output."""
        if self._final is None:
            raise RuntimeError("the run has not ended")
        return self._final

    @property
    def report(self) -> Report:
        report: Report = self.final["report"]
        return report

    @cached_property
    def reply(self) -> AIMessage:
        """The graph's answer message; an empty one where a limit left none."""
        last = self.final["messages"][-1]
        if isinstance(last, AIMessage):
            return last
        outcome: Outcome = self.report["outcome"]
        if outcome["kind"] == "model_error":
            raise ModelFailed(outcome["detail"])
        return AIMessage("")

    @property
    def metadata(self) -> dict[str, Any]:
        """JSON: the pair's name, why the message ended, the outcome and the report."""
        outcome = self.report["outcome"]
        ended = self.reply.response_metadata.get("finish_reason") or ENDED.get(outcome["kind"], "stop")
        return {
            "model_name": self.name,
            "model_provider": "trigreason",
            "finish_reason": ended,
            "outcome": outcome,
            "report": self.report,
        }

    @property
    def _text(self) -> str:
        return stopped(self.reply.text, self.stop)


def _calls(reply: AIMessage) -> list[Any]:
    """Tool calls with their arguments as JSON text, those that could not be read among them."""
    read = [{**call, "args": json.dumps(call["args"], ensure_ascii=False)} for call in reply.tool_calls]
    return [*read, *reply.invalid_tool_calls]


def stopped(text: str, stop: Sequence[str]) -> str:
    """The text up to the first stop sequence in it."""
    places = [place for word in stop if word and (place := text.find(word)) >= 0]
    return text[: min(places)].rstrip() if places else text
