"""Models that solve known problems in known words, for tests of the evaluation: the same prompt, the same reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import Field

from trigreason_graph.evaluation.problem import Problem
from trigreason_graph.models import ModelCard
from trigreason_graph.models.streamed_chat import StreamedChat
from trigreason_graph.testing.scripted import tokenize
from trigreason_graph.testing.servers.script import _logprob

CARD = ModelCard(provider="scripted", style="prefill", dialect="openai", logprobs=True, top_logprobs=5, local=True)
PROBLEMS = [Problem(f"sum-{number}", f"What is {number} + {number}?", str(2 * number)) for number in range(1, 7)]
"""Six sums. The small model knows the first two of each three, the large one all but the last."""


class Solver(StreamedChat):
    """Writes "First …", "Then …", "So it is \\boxed{…}." about a sum, one paragraph each, and goes on where a prefill
    ends. Which sums it gets wrong is its own affair; a score is asked of it by "Reply with one digit"."""

    trigreason_card: ModelCard = CARD
    wrong: tuple[str, ...] = ()
    """Ids of the problems whose answer it gets wrong."""
    down: tuple[str, ...] = ()
    """Ids of the problems for which its server fails."""
    delay: float = 0.0
    """Seconds before each token."""
    log: Path | None = None
    """Gets a line a call."""
    calls: list[str] = Field(default_factory=list)
    """Ids of the problems of its calls."""
    asked: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "solver"

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        prefill = messages[-1].text if isinstance(messages[-1], AIMessage) else ""
        prompt = "\n".join(message.text for message in messages)
        problem = next(one for one in PROBLEMS if one.question in prompt)
        self.calls.append(problem.id)
        self.asked.append(kwargs)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(f"{self.trigreason_card.name} {problem.id}\n")
        if problem.id in self.down:
            raise ValueError("the server says no")
        tokens = tokenize(self.reply(problem, prompt, prefill, kwargs.get("seed")))[: kwargs.get("max_tokens")]
        for token in tokens:
            await asyncio.sleep(self.delay)
            told = _logprob(token, 0.6, 2)
            top = [{"token": other, "logprob": value} for other, value in told.top]
            entry = {"token": token, "logprob": told.logprob, "top_logprobs": top}
            yield ChatGenerationChunk(
                message=AIMessageChunk(content=token), generation_info={"logprobs": {"content": [entry]}}
            )
        usage = {"input_tokens": len(tokenize(prompt)), "output_tokens": len(tokens), "total_tokens": 0}
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", usage_metadata=usage), generation_info={"finish_reason": "stop"}
        )

    def reply(self, problem: Problem, prompt: str, prefill: str, seed: int | None) -> str:
        """What it writes after a prefill: the rest of its solution, or its last line behind a foreign one."""
        if "one digit" in prompt:
            return "9"
        answer = int(problem.answer) + (problem.id in self.wrong) + 10 * ((seed or 0) % 3 == 2)
        name = self.trigreason_card.name
        solution = f"First, {name} takes the number.\n\nThen {name} adds it to itself.\n\nSo it is \\boxed{{{answer}}}."
        if solution.startswith(prefill):
            return solution[len(prefill) :]
        return f"So it is \\boxed{{{answer}}}."


def solver(name: str, **fields: Any) -> Solver:
    """A model of this name; its weights have a digest, so that it can be recorded."""
    card = replace(CARD, name=name, digest=(name.encode().hex() * 64)[:64])
    return Solver(trigreason_card=card, **fields)


def pair(**fields: Any) -> dict[str, Solver]:
    """A small model that gets two of six wrong and a large one that gets one wrong; `fields` go to both."""
    return {
        "small": solver("little", wrong=("sum-3", "sum-6"), **fields),
        "large": solver("big", wrong=("sum-6",), **fields),
    }
