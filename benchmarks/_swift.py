"""An infinitely fast small model, and runs of a chosen length: for measuring what all around the models takes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langgraph.graph import StateGraph

from trigreason_graph import Budget, Policy, create_trigreason_graph
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.streamed_chat import StreamedChat
from trigreason_graph.policies.shipped import DEFAULT
from trigreason_graph.testing import ScriptedModel
from trigreason_graph.testing.scripted import tokenize

QUESTION = "How far does the caravan travel in all, and how many wells does it pass on the way?"
ENDING = "All stages are counted.\n\nAnswer: 7"
ALTERNATIVES = 5
"""Log-probabilities told for each token, as asked of llama.cpp and Ollama."""
NO_LIMIT = Budget(large_calls=None, large_tokens=None, total_tokens=None, seconds=None, usd=None)


SOLUTIONS = Path(__file__).parent.parent / "tests" / "data" / "right_solutions.jsonl"


@cache
def written_steps() -> tuple[str, ...]:
    """Steps of right solutions that the large embedded model wrote (see tests/data/README.md), in sentences."""
    texts = [json.loads(line)["text"] for line in SOLUTIONS.read_text(encoding="utf-8").splitlines()]
    sentences = [sentence.strip() for text in texts for sentence in re.split(r"(?<=[.:]) |\n+", text)]
    return tuple(sentence for sentence in sentences if 60 <= len(sentence) <= 400 and "nswer" not in sentence)


def step_text(number: int) -> str:
    """A step of some 120 characters of a real model; all differ, since each has its number."""
    steps = written_steps()
    return f"{number + 1}. {steps[number % len(steps)]}"


class SwiftModel(StreamedChat):
    """Writes a whole step, or a single token, in each chunk, with log-probabilities; no work but handing chunks out.

    Args:
        steps: How many it writes before it answers.
        first: Number of the first: runs with the same numbers write the same, and are known to caches in the process.
        whole_steps: A step a chunk; else a token a chunk, as servers send them.

    Attributes:
        calls: How often it was asked.
    """

    steps: int
    first: int = 0
    whole_steps: bool = True
    calls: int = 0
    written: int = 0
    trigreason_card: ModelCard = ModelCard(
        provider="scripted",
        name="swift",
        style="prefill",
        dialect="openai",
        logprobs=True,
        top_logprobs=ALTERNATIVES,
        local=True,
    )

    @property
    def _llm_type(self) -> str:
        return "swift"

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        self.calls += 1
        while self.written < self.steps:
            for chunk in chunks_of(self.first + self.written, self.whole_steps):
                yield chunk
            # The first characters of the next step complete this one, whereupon the stream may be closed.
            self.written += 1
        yield _chunk(ENDING, tokenize(ENDING))
        yield ChatGenerationChunk(message=AIMessageChunk(content=""), generation_info={"finish_reason": "stop"})


@cache
def chunks_of(number: int, whole: bool) -> tuple[ChatGenerationChunk, ...]:
    """The chunks of one step, made beforehand."""
    text = step_text(number) + "\n\n"
    tokens = tokenize(text)
    return (_chunk(text, tokens),) if whole else tuple(_chunk(token, [token]) for token in tokens)


def _chunk(text: str, tokens: list[str]) -> ChatGenerationChunk:
    info = {"logprobs": {"content": [_logprobs(token) for token in tokens]}}
    return ChatGenerationChunk(message=AIMessageChunk(content=text), generation_info=info)


def _logprobs(token: str) -> dict[str, Any]:
    sure = len(token) % 2  # about half of the tokens, so that no trigger finds the step too sure or too unsure
    chances = (0.97, 0.01, 0.008, 0.007, 0.005) if sure else (0.75, 0.15, 0.05, 0.03, 0.02)
    top = [{"token": token if not rank else "…", "logprob": math.log(p)} for rank, p in enumerate(chances)]
    return {"token": token, "logprob": top[0]["logprob"], "top_logprobs": top}


Graph = StateGraph[Any, Any, Any, Any]


def swift_graph(steps: int, *, run: int = 10, triggers: bool = True, **model: Any) -> tuple[Graph, SwiftModel]:
    """A graph of the default policy's triggers whose SRM writes `steps` steps, committed `run` at a time."""
    small = SwiftModel(steps=steps, **model)
    asked = {"triggers": DEFAULT.triggers, "limits": DEFAULT.limits} if triggers else {}
    policy = Policy("growth", commit_every=run, **asked)
    large = ScriptedModel(script=[])
    return create_trigreason_graph(small=small, large=large, policy=policy, budget=NO_LIMIT), small


def warmed(steps: int, whole: bool = True, *, first: int = 0) -> Iterator[None]:
    """Have all chunks made before time is taken."""
    for number in range(first, first + steps):
        chunks_of(number, whole)
        yield
