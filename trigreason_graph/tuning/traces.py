"""What the SRM alone writes on problems: the material of replay and calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from trigreason_graph.errors import ModelsFailing
from trigreason_graph.evaluation.authors import Author
from trigreason_graph.evaluation.recorded_chat import RecordedChat, recorded
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.evaluation.subjects import bounded
from trigreason_graph.evaluation.workers import side_by_side
from trigreason_graph.graph import RECURSION_LIMIT, create_trigreason_graph
from trigreason_graph.models.card_store import best_card
from trigreason_graph.models.resolve import ModelSpec, resolve_model
from trigreason_graph.models.wrapper import CHARS_PER_TOKEN, ReasoningModel
from trigreason_graph.policies import Policy
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS
from trigreason_graph.settings import Budget, Settings
from trigreason_graph.state import Step
from trigreason_graph.tuning.questions import Question

Progress = Callable[[int, int, Question], None]
"""(problems begun before, of how many, the next one): called before each."""
BY_NAME = "name:"
"""Begins what stands in place of unknown weights."""


@dataclass(frozen=True)
class Trace:
    """One problem and the steps the SRM alone wrote on it.

    Attributes:
        id: Of the problem.
        question: Its text.
        steps: In order.
    """

    id: str
    question: str = field(repr=False)
    steps: Sequence[Step] = field(repr=False)

    @property
    def tokens(self) -> int:
        """Output tokens of all steps."""
        return sum(step["tokens"] for step in self.steps)

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the question and the instruction behind it, estimated from their length."""
        return round((len(self.question) + len(DEFAULT_PROMPTS.solve)) / CHARS_PER_TOKEN)


async def write_traces(
    questions: Sequence[Question],
    small: ReasoningModel,
    policy: Policy,
    progress: Progress = lambda begun, of, question: None,
    *,
    concurrency: int = 1,
) -> list[Trace]:
    """Have the SRM alone solve problems, greedily, its steps cut and its probabilities told as the policy wants them.

    Args:
        questions: The problems.
        small: The SRM; out of :func:`recording_model` nothing is written twice.
        policy: For `segment` and `probabilities_at`.
        progress: Called before each problem; may raise to end the run.
        concurrency: Problems at once.

    Returns:
        A trace for each question, in their order.

    Raises:
        RecordingMissing: The model stands for recordings that do not hold this.
        ModelsFailing: The model failed.
    """
    author = Author(small, policy.segment, policy.probabilities_at) if small.card.style == "prefill" else None
    written: dict[int, Trace] = {}

    async def write(numbered: tuple[int, Question]) -> None:
        number, question = numbered
        progress(number, len(questions), question)
        steps = (
            await _solved(small, policy, question) if author is None else (await author.write(question.question)).steps
        )
        written[number] = Trace(question.id, question.question, steps)

    await side_by_side(enumerate(questions), write, concurrency)
    return [written[number] for number in range(len(questions))]


async def _solved(small: ReasoningModel, policy: Policy, question: Question) -> Sequence[Step]:
    """By the graph, with nobody to call: a model that is asked in turns has no open message to go on with."""
    alone = Policy("small_only", segment=policy.segment, probabilities_at=policy.probabilities_at)
    builder = create_trigreason_graph(
        small=small,
        large=small,
        policy=alone,
        budget=Budget(usd=None),
        settings=Settings(large="never", temperature=0.0, token_events=False),
    )
    result = await builder.compile().ainvoke({"question": question.question}, {"recursion_limit": RECURSION_LIMIT})
    outcome = result["report"]["outcome"]
    if outcome["kind"] == "model_error":
        raise ModelsFailing(f"{small.card.full_name} failed: {outcome['detail']}")
    return list(result["trace"])


def weights_of(model: ReasoningModel) -> str:
    """What a model's recordings are kept under: SHA-256 of its weights, or its name where nobody knows that."""
    return model.card.digest or getattr(model.inner, "digest", "") or f"{BY_NAME}{model.card.full_name}"


def recording_model(spec: ModelSpec, store: RecordingStore | None) -> tuple[ReasoningModel, list[str]]:
    """The SRM, recorded where that can be done, and what to know about it.

    Args:
        spec: A model string or a chat model; one that is recorded already is taken as it is.
        store: Where to; None: not recorded.

    Raises:
        ValueError: As of ``small=`` everywhere.
    """
    model = bounded(resolve_model(spec, "small"))
    card = model.card
    if store is None or isinstance(model.inner, RecordedChat):
        return model, []
    if card.form == "field":
        return model, [f"{card.full_name} has a separate field for its reasoning, which recordings do not keep"]
    notes = []
    weights = weights_of(model)
    if weights.startswith(BY_NAME):
        notes.append(f"the weights of {card.full_name} are unknown: its recordings are kept under its name")
    kept = recorded(model.inner, store, weights)
    return model.model_copy(update={"inner": kept, "card": best_card(kept)}), notes
