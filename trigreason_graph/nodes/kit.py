"""What every node needs: the models, and the policy, budget and settings in force for this run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.config import get_config
from langgraph.constants import CONFIG_KEY_CHECKPOINTER
from langgraph.runtime import get_runtime

from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.nodes.toolbox import Toolbox
from trigreason_graph.nodes.verdicts import Verdicts
from trigreason_graph.policies import Policy, shipped_policy
from trigreason_graph.reasoning.conversation import as_turns
from trigreason_graph.reasoning.handover import Handover
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS, Prompts
from trigreason_graph.settings import Budget, Settings, settings_from
from trigreason_graph.state import Branch, Role, State, Step


@dataclass(frozen=True)
class Kit:
    """Built once with the graph; `now` applies the context of the running invocation."""

    small: ReasoningModel
    large: ReasoningModel
    policy: Policy
    budget: Budget
    settings: Settings = field(default_factory=Settings)
    prompts: Prompts = DEFAULT_PROMPTS
    fallback: ReasoningModel | None = None
    """Stands in for `large` when that is down."""
    notes: tuple[str, ...] = ()
    tools: Toolbox | None = None
    """Tools that the reasoning may call."""
    unpriced: tuple[str, ...] = ()
    """Paid models whose price nobody knows."""
    can_wait: bool = True
    """Whether a checkpointer is there, so that a run can wait for an approval."""
    verdicts: Verdicts = field(default_factory=Verdicts, compare=False)
    """Of the step generator, for the trigger router."""

    def now(self, state: State | None = None) -> Kit:
        """This kit under the context of the current run (precedence: context, settings, policy).

        Args:
            state: For what the run was started with: a resume need not repeat its context; and for whether the
                fallback has taken over.

        Raises:
            ValueError: A dollar limit that cannot be held, or a policy or field of a trigger that does not exist.
        """
        own, context = (state or {}).get("settings"), get_runtime(Settings).context
        begun = Settings.model_validate(own).over(self.settings) if own else self.settings
        settings = settings_from(context, begun)
        check_dollars(settings.budget, self.unpriced, "the run's settings: budget")
        saver = get_config().get("configurable", {}).get(CONFIG_KEY_CHECKPOINTER)
        policy = _named(settings.policy) if settings.policy else self.policy
        if settings.triggers:
            policy = policy.with_fields(settings.triggers)
        kit = self.fallen_back() if (state or {}).get("fallback_on") else self
        budget, can_wait = settings.budget or self.budget, bool(saver)
        if (settings, policy, budget, can_wait) == (kit.settings, kit.policy, kit.budget, kit.can_wait):
            return kit
        return replace(kit, policy=policy, budget=budget, settings=settings, can_wait=can_wait)

    def fallen_back(self) -> Kit:
        """This kit with the fallback in the LRM's place."""
        return replace(self, large=self.fallback or self.large, fallback=None)


def _named(name: str) -> Policy:
    """A shipped policy; no file, since a context may come from far away."""
    try:
        return shipped_policy(name)
    except ValueError as error:
        raise ValueError(f"the run's settings: {error}; a file is given as policy= when the graph is built") from None


def check_dollars(budget: Budget | None, unpriced: Sequence[str], where: str) -> None:
    """Refuse a dollar limit that was asked for and that nobody could hold; the default one just does not count.

    Args:
        budget: As given.
        unpriced: Paid models whose price nobody knows.
        where: How the text begins that says so.

    Raises:
        ValueError: Naming the model, and what to do.
    """
    if unpriced and budget is not None and budget.usd is not None and "usd" in budget.model_fields_set:
        raise ValueError(
            f"{where}: usd={budget.usd:g} cannot be held, since nobody knows the price of {unpriced[0]}: pass "
            f'prices={{"{unpriced[0]}": Price(input=..., output=...)}}, install the extra "prices", or set usd=None'
        )


HINTS_SHOWN = 3
"""Latest mistakes told to the next author; more would crowd a small model's prompt."""


def handover(state: State, role: Role, trace: Sequence[Step] | None = None) -> Handover:
    """What `role` gets as the next author, out of the state; `trace` where it differs from the committed one."""
    return Handover(
        conversation=conversation(state),
        problem=state["problem"],
        blueprint=state.get("blueprint"),
        trace=state["trace"] if trace is None else trace,
        hints=hints(state.get("discarded", [])),
        start=state["left_out"].get(role, 0),
    )


def conversation(state: State) -> list[BaseMessage]:
    """The caller's turns, the one that holds the problem last."""
    messages, turn = state.get("messages", []), state.get("turn")
    if any(message.id == turn for message in messages):
        return as_turns(messages, turn)
    return [HumanMessage(state["problem"])]


def hints(discarded: Sequence[Branch]) -> list[str]:
    """One line for each of the latest mistakes that were found; a rewritten step is no proof of a mistake."""
    return [branch["why"] for branch in discarded if branch["mistake"]][-HINTS_SHOWN:]
