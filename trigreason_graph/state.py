"""The unified reasoning state: what both models share, and all that a checkpoint holds.

Every value is a JSON primitive (LangChain messages aside), so that any checkpointer, Studio and a JS client
can read it. Numbers in evidence and conclusions are text: an integer beyond 64 bits would kill a checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Annotated, Any, Literal, NotRequired

from langchain_core.messages import AnyMessage
from langgraph.channels import EphemeralValue
from langgraph.graph.message import add_messages
from langgraph.managed import RemainingSteps
from typing_extensions import TypedDict

from trigreason_graph.channels import growing, replaced
from trigreason_graph.reports import BranchReport as BranchReport
from trigreason_graph.reports import InstructionReport as InstructionReport
from trigreason_graph.reports import LargeAlone as LargeAlone
from trigreason_graph.reports import Outcome as Outcome
from trigreason_graph.reports import OutcomeKind as OutcomeKind
from trigreason_graph.reports import Purpose as Purpose
from trigreason_graph.reports import Report as Report
from trigreason_graph.reports import RoleTotals as RoleTotals
from trigreason_graph.reports import Shadow as Shadow
from trigreason_graph.reports import ShadowCall as ShadowCall

STATE_VERSION = 2
"""Written into every run; a reader of old checkpoints looks here first."""

Role = Literal["small", "large"]
Author = Literal["small", "large", "tool"]
StepKind = Literal["reasoning", "answer", "tool"]
SignalRoute = Literal["retry", "rewrite", "intervene", "rollback"]


class Step(TypedDict):
    """One unit of reasoning. The trace is the concatenation of ``text + sep`` over its steps."""

    id: int
    """Never reused within a run; the position in the trace is the list index, not this."""
    text: str
    sep: str
    """The white space that ended the step, as written; never ends in a space or tab."""
    kind: StepKind
    author: Author
    model: str
    call: int
    """Ledger row of the call that wrote it."""
    tokens: int
    conclusions: list[str]
    nats: list[int] | None
    """-log p of each chosen token in thousandths of a nat, clipped to 65,535; None without log-probabilities."""
    entropy: float | None
    """Entropy in nats of the distribution of the step's first token; None when unknown."""


class Signal(TypedDict):
    """What a trigger saw, and where that should lead.

    A trigger fills the first four fields and, where it matters, `steps`, `wrong` and `drop`; the graph adds `at`,
    `served` and `unserved_reason`.
    """

    trigger: str
    reason: str
    """One sentence for people."""
    evidence: dict[str, str]
    """Numbers and excerpts, as text."""
    route: SignalRoute
    """retry: the SRM redrafts once, for free. rewrite: the LRM writes this step instead. intervene: the step stays, the
    LRM writes the next ones. rollback: back to before step `wrong`."""
    steps: NotRequired[int | None]
    """How many steps the LRM writes; None: all to the end. Default 1."""
    wrong: NotRequired[int | None]
    """1-based number of the earliest wrong step, for route "rollback"."""
    drop: NotRequired[bool]
    """With "intervene": throw the flagged step away (a loop) instead of keeping it."""
    at: NotRequired[int]
    """0-based position in the trace of the step that was judged."""
    served: NotRequired[bool]
    unserved_reason: NotRequired[str]


class Blueprint(TypedDict):
    """The LRM's strategy, written at the start."""

    text: str
    """As written; what prompts show."""
    goal: str
    key_steps: list[str]
    pitfalls: list[str]


class Branch(TypedDict):
    """Steps that were written and thrown away."""

    at: int
    """0-based position at which the branch stood."""
    steps: list[Step]
    why: str
    """One line; the hint for the next author is derived from it."""
    by: str
    """Trigger (or "large") that found it."""
    mistake: bool
    """Found to be wrong (and worth a hint), not just replaced."""


class LedgerRow(TypedDict):
    """One attempt of one model call."""

    id: int
    role: Role
    model: str
    purpose: Purpose
    attempt: int
    status: Literal["ok", "cut", "error"]
    """ok: ended by itself. cut: closed by us or broken off. error: no usable output."""
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    """All output tokens, hidden reasoning included."""
    tokens_reasoning: int
    estimated: bool
    """True when the server never reported usage (a closed or broken stream): what arrived, rounded up."""
    seconds: float
    cost: float | None
    """Dollars; 0 for a local model, None when the price is unknown."""
    finish: str
    instruction: NotRequired[str]
    """What a person added to the call's prompt when they approved it."""


class Spent(TypedDict):
    """Running totals the budget is checked against. Tokens are output tokens."""

    large_calls: int
    large_tokens: int
    total_tokens: int
    seconds: float
    usd: float


class Input(TypedDict, total=False):
    """What a caller passes: a question, or a conversation whose last human message is the question."""

    messages: Annotated[list[AnyMessage], add_messages]
    question: Annotated[str, EphemeralValue(str)]
    """Ephemeral, so that the next question on the same thread is not answered with this one."""


class Output(TypedDict):
    """What a caller gets."""

    answer: str
    messages: Annotated[list[AnyMessage], add_messages]
    trace: Annotated[list[Step], growing()]
    report: Report


class State(Input, total=False):
    """The graph's private state."""

    version: int
    run_id: str
    policy: str
    """Name of the policy that the run began with."""
    problem: str
    """Text of the question being reasoned about: derived from its message, and not stored."""
    turn: str
    """Id of the message that holds the problem; the messages before it are its context."""
    blueprint: Blueprint | None
    trace: Annotated[list[Step], growing()]
    drafts: Annotated[list[Step], replaced()]
    """Steps proposed by the SRM and not judged yet, or written by the LRM and waiting for a rollback."""
    finish: str
    """Why the last run of steps ended: signal, partial, commit, retry, length, cut, drain; and, for good: end, budget,
    error, steps (the recursion limit is near)."""
    why: str
    """The same in words, where it is not the ordinary end."""
    settings: dict[str, Any]
    """What this run's context set, so that a resume need not repeat it."""
    signal: Signal | None
    """The signal being served."""
    signals: Annotated[list[Signal], growing()]
    discarded: Annotated[list[Branch], growing()]
    ledger: Annotated[list[LedgerRow], growing()]
    spent: Spent
    next_id: int
    """Next free step id."""
    large_off: str
    """Why the LRM is not tried again in this run; empty while it is."""
    fallback_on: str
    """Why the fallback model stands in for the LRM; empty while it does not."""
    left_out: dict[str, int]
    """By role: how many of the first steps its latest prompt left out, since its window does not hold them."""
    notes: list[str]
    outcome: Outcome | None
    answer: str
    report: Report
    remaining: RemainingSteps


def nothing_spent() -> Spent:
    """Totals at the start of a run."""
    return Spent(large_calls=0, large_tokens=0, total_tokens=0, seconds=0.0, usd=0.0)


HANDED_OVER = "\n\n"
"""What stands between two authors where no line ended."""


def trace_text(steps: Sequence[Step], next_author: Author | None = None) -> str:
    """The trace as one text, as its authors wrote it.

    Where the author changes and no line ended, a blank line is put between the two.

    Args:
        steps: The trace.
        next_author: Who goes on; None when nobody does.
    """
    parts: list[str] = []
    for _, run in groupby(steps, key=itemgetter("author")):  # few authors, many steps: no work for each of them
        if parts:
            parts[-1] = _handed_over(parts[-1])
        parts += chain.from_iterable(map(itemgetter("text", "sep"), run))
    if parts:
        parts[-1] = between(steps[-1], next_author)
    return "".join(parts)


def between(step: Step, next_author: Author | None) -> str:
    """What stands between a step and the next one, by an author who may be another one."""
    return step["sep"] if next_author in (None, step["author"]) else _handed_over(step["sep"])


def _handed_over(sep: str) -> str:
    return sep if "\n" in sep else HANDED_OVER
