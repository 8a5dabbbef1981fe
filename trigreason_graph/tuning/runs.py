"""Real runs of policies, out of recordings first, and never more calls of the models than were granted."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import ConfigDict, Field

from trigreason_graph.errors import ModelsFailing
from trigreason_graph.evaluation.answers import same_number
from trigreason_graph.evaluation.missing import NOT_RECORDED, misses, missing
from trigreason_graph.evaluation.recorded_chat import recorded
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.evaluation.running import Faults, outcome_of
from trigreason_graph.evaluation.subjects import bounded
from trigreason_graph.evaluation.workers import side_by_side
from trigreason_graph.graph import RECURSION_LIMIT, create_trigreason_graph
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.models.resolve import ModelSpec, resolve_model
from trigreason_graph.models.streamed_chat import StreamedChat
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.policies import Policy
from trigreason_graph.settings import Budget, Settings
from trigreason_graph.state import Report, Role
from trigreason_graph.tuning.questions import Asked, as_questions, hash_of
from trigreason_graph.tuning.traces import weights_of

BUDGET = Budget(seconds=None, usd=None)
"""Of one run. No limit in seconds: what comes out must not depend on how fast the machine is."""
NEW_RECORDINGS = "tune.jsonl"
"""Of a folder of recordings, the file that is added to."""
KEPT = ["answer", "report", "ledger"]
"""Of the graph's state: what a run is made of."""
Checker = Callable[[str | None, str], bool]


class Answered(Asked, Protocol):
    """A problem whose answer is known."""

    @property
    def answer(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Run:
    """What one policy did on one problem.

    Attributes:
        right: Whether its answer is right.
        large_tokens: Output tokens of the LRM.
        calls: Calls of either model, as the ledger counts them.
        usd: Dollars; None where a price is unknown.
    """

    right: bool
    large_tokens: int
    calls: int
    usd: float | None = None


class Runner(Protocol):
    """Runs a policy on a problem."""

    @property
    def meter(self) -> Meter: ...

    async def run(self, policy: Policy, problem: Answered) -> Run | None:
        """The run; None where it would take a call that is not granted any more."""


async def on_each(problems: Sequence[Answered], work: Callable[[Answered], Awaitable[bool]], at_once: int) -> bool:
    """Work on problems in their order, so many at once; none is begun any more once one says no.

    Args:
        problems: What is worked on.
        work: Says whether there may be further ones: no, where the calls that were granted are made.
        at_once: 1: one after the other.

    Returns:
        Whether all were done.
    """
    more = True

    def wanted() -> Iterator[Answered]:
        for problem in problems:
            if not more:
                return
            yield problem

    async def one(problem: Answered) -> None:
        nonlocal more
        more = await work(problem) and more

    await side_by_side(wanted(), one, at_once)
    return more


def file_of(recordings: Path) -> Path:
    """Where new recordings go: the file itself, or one in that folder."""
    return recordings / NEW_RECORDINGS if recordings.is_dir() else recordings


def calls_file(recordings: Path) -> Path:
    """Where the count of calls is kept."""
    return file_of(recordings).with_suffix(".calls")


def tuning_id(problems: Sequence[Answered], policy: Policy, small: ModelSpec, large: ModelSpec) -> str:
    """Which tuning calls belong to: the same problems, policy as given (by its name) and weights, whatever the grid."""
    weights = [weights_of(resolve_model(small, "small")), weights_of(resolve_model(large, "large"))]
    told = json.dumps([hash_of(as_questions(problems)), policy.name, *weights])
    return hashlib.sha256(told.encode()).hexdigest()[:12]


@dataclass
class Meter:
    """Counts the calls of one tuning that reached a model, over all sessions.

    Attributes:
        file: Keeps the count, a line for each call, of other tunings as well; None: this session alone.
        tuning: Which tuning it is: what its lines begin with.
        granted: Calls that may be made in all; None: as many as come.
        made: Calls so far.
    """

    file: Path | None = None
    tuning: str = ""
    granted: int | None = None
    made: int = 0

    def __post_init__(self) -> None:
        if self.file is not None and self.file.exists():
            lines = self.file.read_text(encoding="utf-8").splitlines()
            self.made = sum(line.startswith(f"{self.tuning} ") for line in lines)

    def take(self, what: str) -> None:
        """Count one call.

        Raises:
            RecordingMissing: It is not granted.
        """
        if self.granted is not None and self.made >= self.granted:
            raise missing(f"{NOT_RECORDED}, and the {self.granted} calls of this tuning are made")
        self.made += 1
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8") as file:
                file.write(f"{self.tuning} {what}\n")


class MeteredChat(StreamedChat):
    """A model whose calls are counted, and end where no more are granted."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: BaseChatModel
    meter: Meter = Field(repr=False)
    trigreason_card: ModelCard

    @property
    def _llm_type(self) -> str:
        return "metered"

    async def acount(self, messages: list[BaseMessage]) -> int:
        """Tokens of a prompt, by the model's own tokenizer; 0 where it has none. A call that is not granted needs none.

        It is asked before each call, so that what is not granted does not even load the model.
        """
        count = getattr(self.inner, "acount", None)
        if count is None or (self.meter.granted is not None and self.meter.made >= self.meter.granted):
            return 0
        return int(await count(messages))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        self.meter.take(self.trigreason_card.full_name)
        stream = self.inner._astream(messages, stop, run_manager, **kwargs)
        try:
            async for chunk in stream:
                yield chunk
        finally:
            await stream.aclose()  # type: ignore[attr-defined]


@dataclass
class GraphRunner:
    """Runs the graph, greedily, with both models recorded and metered.

    Attributes:
        small, large: The models, wrapped.
        meter: Counts their calls.
        budget: Of one run.
        checker: Whether a stated answer is right.
    """

    small: ReasoningModel
    large: ReasoningModel
    meter: Meter
    budget: Budget = BUDGET
    checker: Checker = same_number
    _graphs: dict[Policy, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        small: ModelSpec,
        large: ModelSpec,
        store: RecordingStore,
        meter: Meter,
        *,
        budget: Budget = BUDGET,
        checker: Checker = same_number,
        prices: PriceTable | None = None,
    ) -> GraphRunner:
        """Out of model strings or chat models.

        Raises:
            ValueError: As of ``small=`` and ``large=`` everywhere, or a model that cannot be recorded.
        """

        def metered(spec: ModelSpec, role: Role) -> ReasoningModel:
            model = bounded(resolve_model(spec, role, prices=prices))
            kept = recorded(model.inner, store, weights_of(model))
            if kept.inner is not None:
                counted = MeteredChat(inner=kept.inner, meter=meter, trigreason_card=model.card)
                kept = kept.model_copy(update={"inner": counted})
            return model.model_copy(update={"inner": kept})

        return cls(metered(small, "small"), metered(large, "large"), meter, budget, checker)

    async def run(self, policy: Policy, problem: Answered) -> Run | None:
        """See :class:`Runner`.

        Raises:
            ModelsFailing: A model failed, also where the run went on without it.
        """
        if policy not in self._graphs:
            settings = Settings(temperature=0.0, token_events=False)
            builder = create_trigreason_graph(
                small=self.small, large=self.large, policy=policy, budget=self.budget, settings=settings
            )
            self._graphs[policy] = builder.compile()
        faults = Faults()
        with misses() as vain:
            state = await self._graphs[policy].ainvoke(
                {"question": problem.question},
                {"callbacks": [faults], "recursion_limit": RECURSION_LIMIT},
                output_keys=KEPT,
            )
        if vain:
            return None
        report = state["report"]
        outcome = outcome_of(report["outcome"], state["ledger"], faults.told)
        if outcome["kind"] == "model_error":
            raise ModelsFailing(
                f"a model failed on {problem.id}: {outcome['detail']}. What is done is kept; run the same again"
            )
        right = await asyncio.to_thread(self.checker, state["answer"] or None, problem.answer)
        return _run_of(report, right)


def _run_of(report: Report, right: bool) -> Run:
    large, small = (report["totals"].get(role) for role in ("large", "small"))
    return Run(
        right=right,
        large_tokens=large["tokens_out"] if large else 0,
        calls=sum(totals["calls"] for totals in (large, small) if totals),
        usd=report["cost"],
    )
