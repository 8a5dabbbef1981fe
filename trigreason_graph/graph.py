"""The graph: small model first, the large one where a trigger fires."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

from langgraph.graph import END, START, StateGraph

from trigreason_graph.bridge import Node, Route, raise_if_cancelled
from trigreason_graph.errors import InputError
from trigreason_graph.models.degradations import degradations
from trigreason_graph.models.prices import PriceTable, price_known
from trigreason_graph.models.resolve import ModelSpec, resolve_model
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.nodes.answer import answer
from trigreason_graph.nodes.checkpoint_rollback import after_rollback, checkpoint_rollback
from trigreason_graph.nodes.kit import Kit, check_dollars
from trigreason_graph.nodes.large_offload import after_large, large_offload
from trigreason_graph.nodes.migration import migrated
from trigreason_graph.nodes.prepare import after_prepare, prepare
from trigreason_graph.nodes.saving import stored
from trigreason_graph.nodes.step_generator import after_generator, step_generator
from trigreason_graph.nodes.strategist import after_strategist, strategist
from trigreason_graph.nodes.toolbox import Tool, make_toolbox
from trigreason_graph.nodes.tools import after_tools, tools
from trigreason_graph.nodes.trigger_router import after_router, trigger_router
from trigreason_graph.nodes.updates import changed
from trigreason_graph.policies import Policy, resolve_policy
from trigreason_graph.policies.matching import warn_of_mismatches
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS, Prompts, with_tools
from trigreason_graph.settings import MODEL_CALLERS, Budget, Settings
from trigreason_graph.state import Input, Output, State
from trigreason_graph.triggers import Judge, StrategicInitiation, Trigger

NodeFunction = Callable[[State, Kit], Awaitable[Any]]
"""What a node does with the state and the models."""


def create_trigreason_graph(
    *,
    small: ModelSpec,
    large: ModelSpec,
    fallback: ModelSpec | None = None,
    policy: Policy | str | Path | Sequence[Trigger | Judge | StrategicInitiation] | None = None,
    budget: Budget | None = None,
    settings: Settings | None = None,
    prices: PriceTable | None = None,
    prompts: Prompts = DEFAULT_PROMPTS,
    tools: Sequence[Tool] = (),
    name: str = "trigreason",
) -> StateGraph[State, Settings, Input, Output]:
    """Build the reasoning graph. Nothing is loaded, called or paid before it runs.

    Args:
        small: The model that leads the reasoning: "provider:model", "embedded:small", or a chat model.
        large: The model that is called when a trigger fires; the same forms.
        fallback: A model that stands in for `large` for the rest of a run in which that is down; None: the small model
            goes on alone.
        policy: A Policy, the name of a shipped one ("paper", "small_only", …), a path to a TOML file, or a list of
            triggers; None: the shipped default (the paper's three triggers and an arithmetic check), or
            "blueprint_handoff" where `large` reasons in private and would pay for that at every step.
        budget: Limits of one run; None: the finite defaults of Budget, without the dollar limit where nobody knows the
            price of `large`.
        settings: Defaults of the run-time settings; a context given at invocation goes before them.
        prices: Dollars per million tokens by "provider:model", looked up before genai-prices.
        prompts: The texts of all prompts.
        tools: What either model may call between two steps: LangChain tools of any kind (@tool, BaseTool,
            StructuredTool, those of an MCP client) or functions with a docstring. See docs/tools.md.
        name: The graph's name in traces and Studio.

    Returns:
        An uncompiled StateGraph: ``.compile(checkpointer=...)`` it. Input: ``{"question": ...}`` or
        ``{"messages": [...]}``. Output: answer, messages, trace, report.

    Raises:
        ValueError: An argument that cannot be used; the text names it.
    """
    kit = make_kit(small, large, fallback, policy, budget, settings or Settings(), prices, prompts, tools)
    return assemble(kit, name=name)


class NamedGraph(StateGraph[State, Settings, Input, Output]):
    """A StateGraph that knows its name: LangGraph's own gets one only when it is compiled."""

    name = "trigreason"

    def compile(self, *args: Any, name: str | None = None, **arguments: Any) -> Any:
        """LangGraph's, with our name in the place of "LangGraph"."""
        return super().compile(*args, name=name or self.name, **arguments)


def assemble(
    kit: Kit, last: NodeFunction = answer, name: str = NamedGraph.name
) -> StateGraph[State, Settings, Input, Output]:
    """The picture.

    Args:
        kit: Models, policy, budget and settings.
        last: What the node `answer` does.
        name: Of the compiled graph.
    """
    builder = NamedGraph(State, context_schema=Settings, input_schema=Input, output_schema=Output)
    builder.name = name
    for function in (
        prepare,
        strategist,
        step_generator,
        trigger_router,
        large_offload,
        checkpoint_rollback,
    ):
        builder.add_node(function.__name__, _node(function, kit))
    builder.add_node("answer", _node(last, kit, "answer"))

    to_tools: dict[Hashable, str] = {}
    if kit.tools is not None:
        to_tools = {"tools": "tools"}
        builder.add_node("tools", _node(tools, kit))
        builder.add_conditional_edges(
            "tools",
            Route(after_tools),
            {"continue": "step_generator", "escalate": "large_offload", "finish": "answer"},
        )

    builder.add_edge(START, "prepare")
    builder.add_conditional_edges("prepare", Route(after_prepare), {"initiate": "strategist", "go": "step_generator"})
    builder.add_conditional_edges(
        "strategist",
        Route(after_strategist),
        {"prime": "strategist", "continue": "step_generator", **to_tools, "finish": "answer"},
    )
    builder.add_conditional_edges(
        "step_generator", Route(after_generator), {"accept": "step_generator", "judge": "trigger_router"}
    )
    builder.add_conditional_edges(
        "trigger_router",
        Route(after_router),
        {
            "accept": "step_generator",
            "escalate": "large_offload",
            "rollback": "checkpoint_rollback",
            **to_tools,
            "finish": "answer",
        },
    )
    builder.add_conditional_edges(
        "large_offload",
        Route(after_large),
        {"continue": "step_generator", "rollback": "checkpoint_rollback", **to_tools, "finish": "answer"},
    )
    builder.add_conditional_edges(
        "checkpoint_rollback",
        Route(after_rollback),
        {"continue": "step_generator", "escalate": "large_offload", **to_tools, "finish": "answer"},
    )
    builder.add_edge("answer", END)
    return builder


def make_kit(
    small: ModelSpec,
    large: ModelSpec,
    fallback: ModelSpec | None,
    policy: Policy | str | Path | Sequence[Trigger | Judge | StrategicInitiation] | None,
    budget: Budget | None,
    settings: Settings,
    prices: PriceTable | None,
    prompts: Prompts,
    tools: Sequence[Tool] = (),
) -> Kit:
    """The models wrapped for their roles, with the policy and the limits that suit them; raises ValueError."""
    wrapped_small = resolve_model(small, "small", prices=prices)
    wrapped_large = resolve_model(large, "large", prices=prices)
    stand_in = None if fallback is None else _stand_in(fallback, prices)
    notes = [*degradations(wrapped_small.card, "small"), *degradations(wrapped_large.card, "large")]
    limits = budget or Budget()
    unpriced = tuple(
        model.card.full_name
        for model in (wrapped_large, stand_in)
        if model is not None and not price_known(model.card, model.prices)
    )
    _check_priced(prices or {}, [model for model in (wrapped_small, wrapped_large, stand_in) if model is not None])
    check_dollars(budget, unpriced, "budget=")
    check_dollars(settings.budget, unpriced, "settings=: budget")
    if limits.usd is not None and unpriced:
        limits = limits.model_copy(update={"usd": None})
        notes.append(f"the price of {unpriced[0]} is unknown: no dollar limit, and costs are shown as unknown")
    hidden = wrapped_large.card.hidden_tokens
    if policy is None and hidden:
        policy = "blueprint_handoff"
        notes.append(
            f"{wrapped_large.card.full_name} reasons in private and pays for it at every call: the policy is "
            "blueprint_handoff, which calls it rarely and at length"
        )
    chosen = resolve_policy(policy)
    if len(chosen.judges) > 1:
        raise ValueError(f"policy=: {chosen.name!r} has more than one judge; each step can wait for one paid verdict")
    # Seen from whoever called create_trigreason_graph, ChatTrigReason or the like.
    warn_of_mismatches(chosen, wrapped_small.card, wrapped_large.card, prompts.version, stacklevel=3)
    said_once = tuple(dict.fromkeys(notes))  # one model may have both roles
    toolbox = make_toolbox(tools)
    told = with_tools(prompts, toolbox.described if toolbox else "")
    return Kit(
        wrapped_small, wrapped_large, chosen, limits, settings, told, stand_in, said_once, toolbox, unpriced=unpriced
    )


def _check_priced(prices: PriceTable, models: Sequence[ReasoningModel]) -> None:
    """Warn where a table of prices has none of these models: a local one would then cost nothing."""
    names = [model.card.full_name for model in models]
    if prices and not any(name in prices for name in names):
        here = ", ".join(dict.fromkeys(names))
        warnings.warn(f"prices= has {', '.join(prices)}, and the models here are {here}: it is not used", stacklevel=4)


def _stand_in(fallback: ModelSpec, prices: PriceTable | None) -> ReasoningModel:
    try:
        return resolve_model(fallback, "large", prices=prices)
    except ValueError as error:
        raise ValueError(str(error).replace("large=", "fallback=", 1)) from None


RECURSION_LIMIT = 10_000
"""Supersteps of a run that this package itself starts: its budget ends it long before. An outer graph's limit is for
its own steps, and LangGraph's default can be changed by the environment."""

CALLERS = frozenset({*MODEL_CALLERS, "tools"})
"""Nodes that may call a model or a tool, which is not done twice; trigger_router does where the policy has judges."""


QUESTION_GONE = (
    "the message that holds the question has been removed from the thread, so that nobody can go on with it: put it "
    "back under the same id with update_state, or ask anew"
)


def _node(function: NodeFunction, kit: Kit, name: str = "") -> Node:
    name = name or function.__name__

    async def run(given: State) -> Any:
        state = migrated(given)
        begins = function is prepare  # an earlier run's settings are not this one's
        if not begins and not state["problem"]:
            raise InputError(QUESTION_GONE)
        now = kit.now(None if begins else state)
        if name in CALLERS or (function is trigger_router and now.policy.judges):
            await stored()
        update = await function(state, now)
        raise_if_cancelled()
        return changed(update, given)

    return Node(run, name)
