"""Each token counted once, in the message and by every callback.

The calls inside report their usage to callbacks, each under its own model's name, which is what prices are looked up by
and what traces show. A chat model that reported the sum as well would have every token counted twice. So the sum is put
into the message behind the callbacks' back: when the run has been reported as ended, on its way to the caller.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManager, Callbacks
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from trigreason_graph.state import Report

Message = TypeVar("Message", bound=BaseMessage)


def usage_of_report(report: Report) -> UsageMetadata:
    """The tokens of all calls of a run: cached ones are part of the input, hidden reasoning is part of the output."""
    totals = report["totals"].values()
    tokens_in, tokens_out = sum(each["tokens_in"] for each in totals), sum(each["tokens_out"] for each in totals)
    return UsageMetadata(
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        total_tokens=tokens_in + tokens_out,
        input_token_details={"cache_read": sum(each["tokens_cached"] for each in totals)},
        output_token_details={"reasoning": sum(each["tokens_reasoning"] for each in totals)},
    )


def counted(message: Message) -> Message:
    """A message or chunk with the usage of the run whose report it carries; others as they are."""
    report = message.response_metadata.get("report")
    if not report or not isinstance(message, AIMessage):
        return message
    return message.model_copy(update={"usage_metadata": usage_of_report(report)})


def counted_result(result: LLMResult) -> LLMResult:
    """A result with the usage in its messages; what callbacks have kept of it stays as it was."""
    generations = [
        [
            generation.model_copy(update={"message": counted(generation.message)})
            if isinstance(generation, ChatGeneration)
            else generation
            for generation in row
        ]
        for row in result.generations
    ]
    return LLMResult(generations=generations, llm_output=result.llm_output, run=result.run)


def opened(config: RunnableConfig | None) -> tuple[RunnableConfig, AsyncCallbackManagerForLLMRun]:
    """The config of one run with its id and handlers settled, and the manager under which its calls nest."""
    settled = ensure_config(config)
    manager, run = managed(
        settled.get("callbacks"), settled.get("tags"), settled.get("metadata"), settled.get("run_id")
    )
    settled["run_id"], settled["callbacks"] = run.run_id, manager
    return settled, run


def settled(callbacks: Callbacks, arguments: Mapping[str, Any], *, alone: bool) -> dict[str, Any]:
    """The arguments of ``generate`` for one list of messages, with the manager under which its calls nest.

    Args:
        callbacks, arguments: As the caller gave them.
        alone: Whether it is the only list, so that a given run id is its own.
    """
    run_id = arguments.get("run_id") if alone else None
    manager, run = managed(callbacks, arguments.get("tags"), arguments.get("metadata"), run_id)
    return {**arguments, "callbacks": manager, "run_id": run.run_id, WITHIN: run}


def managed(
    callbacks: Callbacks, tags: list[str] | None, metadata: dict[str, Any] | None, run_id: uuid.UUID | None
) -> tuple[CallbackManager, AsyncCallbackManagerForLLMRun]:
    """The handlers of a run that is about to begin, and the run's own manager.

    LangChain hands the run's manager to ``_generate`` and not to ``_stream``, so that it is made here, from the very
    handlers that LangChain will use: a second tracer would begin a second trace.
    """
    manager = CallbackManager.configure(
        inheritable_callbacks=callbacks, inheritable_tags=tags, inheritable_metadata=metadata
    )
    return manager, AsyncCallbackManagerForLLMRun(
        run_id=run_id or uuid.uuid4(),
        handlers=manager.handlers,
        inheritable_handlers=manager.inheritable_handlers,
        parent_run_id=manager.parent_run_id,
        tags=manager.tags,
        inheritable_tags=manager.inheritable_tags,
        metadata=manager.metadata,
        inheritable_metadata=manager.inheritable_metadata,
    )


def joined(results: Sequence[LLMResult]) -> LLMResult:
    """The results of several lists of messages as one, with the usage in their messages."""
    runs = [run for result in results for run in result.run or ()]
    rows = [row for result in results for row in counted_result(result).generations]
    return LLMResult(generations=rows, llm_output=results[0].llm_output if results else None, run=runs or None)


def public(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a call without our own side channel, for traces and cache keys."""
    return {name: value for name, value in arguments.items() if name != WITHIN}


WITHIN = "within"
"""The keyword under which the manager of a run reaches ``_stream`` and ``_astream``."""
