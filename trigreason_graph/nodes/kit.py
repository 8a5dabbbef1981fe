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
from trigreason_graph.policies import Policy, resolve_policy
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
    can_wait: bool = True
    """Whether a checkpointer is there, so that a run can wait for an approval."""
    verdicts: Verdicts = field(default_factory=Verdicts, compare=False)
    """Of the step generator, for the trigger router."""

    def now(self, state: State | None = None) -> Kit:
        """This kit under the context of the current run (precedence: context, settings, policy).

        Args:
            state: For what the run was started with: a resume need not repeat its context; and for whether the
                fallback has taken over.
        """
        own, context = (state or {}).get("settings"), get_runtime(Settings).context
        begun = Settings.model_validate(own).over(self.settings) if own else self.settings
        settings = settings_from(context, begun)
        saver = get_config().get("configurable", {}).get(CONFIG_KEY_CHECKPOINTER)
        policy = resolve_policy(settings.policy) if settings.policy else self.policy
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
