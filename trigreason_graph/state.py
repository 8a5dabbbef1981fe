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

STATE_VERSION = 2
"""Written into every run; a reader of old checkpoints looks here first."""

Role = Literal["small", "large"]
Author = Literal["small", "large", "tool"]
StepKind = Literal["reasoning", "answer", "tool"]
SignalRoute = Literal["retry", "rewrite", "intervene", "rollback"]
Purpose = Literal["initiate", "prime", "continue", "rewrite", "intervene", "review", "conclude"]
OutcomeKind = Literal["answered", "budget", "model_error", "denied", "unfinished"]


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


class Outcome(TypedDict):
    kind: OutcomeKind
    detail: str


class RoleTotals(TypedDict):
    """Sums of the ledger for one role."""

    calls: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    tokens_reasoning: int
    seconds: float
    cost: float | None
    estimated: bool


class BranchReport(TypedDict):
    """One discarded branch: where it stood, what it held and what it cost."""

    at: int
    """0-based position at which it stood."""
    steps: int
    tokens: int
    why: str
    by: str
    """Trigger (or "large") that found it."""
    cost: float | None
    """Dollars: of each call that wrote a step of it, the share of that step's tokens. None when a price is unknown."""


class LargeAlone(TypedDict):
    """What the LRM alone would have cost for an output of the same length. An estimate, always."""

    tokens_in: int
    tokens_out: int
    cost: float | None
    seconds: float | None


class InstructionReport(TypedDict):
    """What a person told the LRM in one call."""

    call: int
    """Ledger row."""
    purpose: Purpose
    instruction: str


class ShadowCall(TypedDict):
    """A call that ``large="shadow"`` did not make: where, what for, and the most it would have taken."""

    at: int
    """0-based position in the trace."""
    trigger: str
    purpose: Purpose
    tokens_in: int
    """Of the prompt, estimated."""
    max_tokens: int
    """Output tokens, hidden reasoning included."""
    max_cost: float | None
    """Dollars; None when nobody knows the price."""


class Shadow(TypedDict):
    """What ``large="shadow"`` did not spend. An upper bound: calls are counted at their caps, all within the budget.

    After a first real call the trace would have been another one, and so would the later calls.
    """

    calls: int
    max_tokens: int
    max_cost: float | None
    where: list[ShadowCall]


class Report(TypedDict):
    """Who wrote what, why, and what it cost."""

    outcome: Outcome
    steps: dict[str, int]
    """Accepted steps by author."""
    tokens: dict[str, int]
    """Accepted tokens by author."""
    interventions: dict[str, int]
    """Served LRM calls by trigger."""
    unserved: dict[str, int]
    """Signals that led to no call, by trigger."""
    discarded_steps: int
    discarded_tokens: int
    rollbacks: int
    branches: list[BranchReport]
    """The discarded branches, oldest first."""
    totals: dict[str, RoleTotals]
    """Ledger sums by role."""
    cost: float | None
    seconds: float
    large_alone: LargeAlone
    tool_calls: dict[str, int]
    """Calls of tools inside the reasoning by tool, failed and discarded ones included; empty without tools."""
    tool_failures: int
    """How many of them failed."""
    left_out: dict[str, int]
    """By role: first steps that no longer fitted the model's window and stood in its prompts by their conclusions."""
    notes: list[str]
    """Degraded capabilities and faults, said once, in words."""
    instructions: NotRequired[list[InstructionReport]]
    """What a person told the LRM, where one did."""
    shadow: NotRequired[Shadow]
    """Under ``large="shadow"``."""


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
        if parts and "\n" not in parts[-1]:
            parts[-1] = HANDED_OVER
        parts += chain.from_iterable(map(itemgetter("text", "sep"), run))
    if parts and next_author not in (None, steps[-1]["author"]) and "\n" not in parts[-1]:
        parts[-1] = HANDED_OVER
    return "".join(parts)
