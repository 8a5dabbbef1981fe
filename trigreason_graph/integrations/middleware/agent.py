"""TrigReasonMiddleware: any create_agent loop starts on the small model and escalates when the triggers see why."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

from langchain.agents.middleware.types import (
    AgentMiddleware,
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    hook_config,
)
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime

from trigreason_graph.bridge import run_blocking
from trigreason_graph.events import emit
from trigreason_graph.graph import make_kit
from trigreason_graph.integrations.middleware.asking import permitted
from trigreason_graph.integrations.middleware.drive import Moves, adrive, drive
from trigreason_graph.integrations.middleware.messages import MARK, mark_of, without_reply
from trigreason_graph.integrations.middleware.models import same_client
from trigreason_graph.integrations.middleware.record import Record
from trigreason_graph.integrations.middleware.rules import AGENT
from trigreason_graph.integrations.middleware.start import begun, checked_policy, initiation, planned
from trigreason_graph.integrations.middleware.state import RoutedRun, RoutedState, report_of
from trigreason_graph.integrations.middleware.turn import Turn
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.models.resolve import ModelSpec
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.policies import Policy
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS, Prompts
from trigreason_graph.settings import Budget, Settings, settings_from
from trigreason_graph.state import Outcome, State
from trigreason_graph.triggers import Judge, StrategicInitiation, Trigger

log = logging.getLogger(__name__)

NOT_OURS = "the agent's last message is of neither model"

Request = ModelRequest[Any]
Handler = Callable[[ModelRequest[Any]], ModelResponse[Any]]
AsyncHandler = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]


class TrigReasonMiddleware(AgentMiddleware[Any, Any, Any]):
    """Lets an agent run on a small model, and has a large one write the turns that the small one cannot.

        routed = TrigReasonMiddleware(small="ollama:qwen3:0.6b", large="openai:gpt-4.1")
        agent = create_agent(routed.small, tools, middleware=[routed])

    What is looked for between the turns, and in each reply of the small model, is a policy (`AGENT` by default): the
    same tool call again, failing tool calls, hesitation, conclusions repeated, low confidence where the model reports
    log-probabilities. The large model then writes this turn, and the small one goes on.

    It replaces the small model only: a model that another middleware has put there is left alone.

    Args:
        small: The agent's own model: "provider:model", "embedded:small", or a chat model.
        large: The model that is asked where a trigger fires; the same forms.
        policy: As ``create_trigreason_graph`` takes it; None: `AGENT`. Its limits count turns. A StrategicInitiation
            in it has the large model write a plan before the first turn (form "blueprint"), that turn itself ("prime"),
            or both. None by default: a plan costs a call in every run, be it only a greeting.
        budget: Limits of one run of the agent; None: the finite defaults of Budget. Once one is reached the large model
            is not asked any more; the agent goes on.
        settings: Run-time settings; those in the agent's context, under the key "trigreason", go before them.
        turns: Turns that the large model writes after a signal, at least (a trigger's `steps` may say more); None: all
            to the end of the run. Default 1, as the paper's m.
        discard: Hold each reply of the small model back until it is judged: one that shows a sign is thrown away, and
            the large model writes that turn. The small model's messages then stream whole, not token by token. False:
            they stream as they come and stay; the large model writes the turn after.
        prices: Dollars per million tokens by "provider:model".
        prompts: The texts of the prompts; only those of the plan are used.

    Attributes:
        small: The small model, to be given to ``create_agent``.

    Raises:
        ValueError: An argument that cannot be used; the text names it. Nothing is called before.
    """

    state_schema = RoutedState
    tools = ()

    def __init__(
        self,
        small: ModelSpec,
        large: ModelSpec,
        policy: Policy | str | Path | Sequence[Trigger | Judge | StrategicInitiation] | None = None,
        *,
        budget: Budget | None = None,
        settings: Settings | None = None,
        turns: int | None = 1,
        discard: bool = True,
        prices: PriceTable | None = None,
        prompts: Prompts = DEFAULT_PROMPTS,
    ) -> None:
        super().__init__()
        if turns is not None and (isinstance(turns, bool) or not isinstance(turns, int) or turns < 1):
            raise ValueError(f"turns= must be a whole number from 1, or None for all to the end, not {turns!r}")
        if not isinstance(discard, bool):
            raise ValueError(f"discard= must be True or False, not {discard!r}")
        chosen = AGENT if policy is None else policy
        self._kit = make_kit(small, large, None, chosen, budget, settings or Settings(), prices, prompts)
        checked_policy(self._kit.policy)
        self._turns, self._discard = turns, discard
        self._warned = False
        wrapped = isinstance(small, ReasoningModel | str)
        # As it was given, so that the agent's model and the one here are one object.
        self.small: BaseChatModel = self._kit.small.inner if wrapped else cast("BaseChatModel", small)

    def before_agent(self, state: Any, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """A fresh run, with the large model's plan where the policy wants one."""
        record = self._begun(state, runtime)
        signal = initiation(record)
        if signal is not None:
            run_blocking(lambda: planned(record, state["messages"], signal))
        return record.update()

    async def abefore_agent(self, state: Any, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """As `before_agent`."""
        record = self._begun(state, runtime)
        signal = initiation(record)
        if signal is not None:
            await planned(record, state["messages"], signal)
        return record.update()

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Handler
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """One turn of the small or the large model."""
        turn = self._turn(request)
        return handler(request) if turn is None else drive(turn, handler)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: AsyncHandler
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """As `wrap_model_call`."""
        turn = self._turn(request)
        return await handler(request) if turn is None else await adrive(turn, handler)

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: Any, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """With ``large="ask"``: ask a person about a reply that waits, which is thus not asked for again."""
        run: RoutedRun | None = state.get("trigreason")
        pending = run["pending"] if run else None
        if run is None or pending is None:
            return None
        record = self._record(state, run)
        messages, waiting = without_reply(state["messages"], pending["ids"])
        grant = permitted(record, "rewrite", pending["signal"], messages)
        if grant:
            record.run = {**run, "pending": {**pending, "granted": True, "instruction": grant.instruction}}
            return {**record.update(), "jump_to": "model"}
        record.settle(pending["signal"], grant.reason)
        record.run = {**record.run, "pending": None}
        for message in waiting:
            if isinstance(message, AIMessage):
                record.stand(message, "small", None, pending["call"])
        return record.update()

    @hook_config(can_jump_to=["model"])
    async def aafter_model(self, state: Any, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """As `after_model`."""
        return self.after_model(state, runtime)

    def after_agent(self, state: Any, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """The run's report: as an event, and in the last message's ``response_metadata["trigreason"]``."""
        run: RoutedRun | None = state.get("trigreason")
        if run is None:
            return None
        record = self._record(state, run)
        last = next((message for message in reversed(state["messages"]) if isinstance(message, AIMessage)), None)
        mark = mark_of(last)
        answered = mark.get("turn") == run["turn"] - 1
        outcome = Outcome(kind="answered" if answered else "unfinished", detail="" if answered else NOT_OURS)
        report = report_of(run, record.kit, outcome)
        emit("outcome", run["run_id"], **outcome, answer=str(last.text) if last is not None else "", report=report)
        if not answered or last is None:
            return None
        metadata = {**last.response_metadata, MARK: {**mark, "report": report}}
        return {"messages": [last.model_copy(update={"response_metadata": metadata})]}

    async def aafter_agent(self, state: Any, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """As `after_agent`."""
        return self.after_agent(state, runtime)

    def _begun(self, state: Any, runtime: Runtime[Any]) -> Record:
        settings = settings_from(runtime.context, Settings())
        return begun(state, self._now(settings.model_dump(mode="json", exclude_unset=True)), settings)

    def _turn(self, request: Request) -> Moves | None:
        """The turn to come; None where another middleware has chosen the model."""
        if isinstance(request.model, ReasoningModel) and same_client(request.model.inner, self._kit.small.inner):
            request = request.override(model=self.small)
        if not same_client(request.model, self.small):
            self._warn(request.model)
            return None
        run: RoutedRun | None = cast("Any", request.state).get("trigreason")
        record = self._begun(request.state, request.runtime) if run is None else self._record(request.state, run)
        return Turn(request, record, stays=self._turns, discard=self._discard).go()

    def _record(self, state: Any, run: RoutedRun) -> Record:
        return Record(self._now(run["settings"]), run, list(state.get("escalations") or ()))

    def _now(self, settings: dict[str, Any]) -> Kit:
        """The kit under the context of the current run, or of the one it resumes."""
        return self._kit.now(State(settings=settings))

    def _warn(self, model: BaseChatModel) -> None:
        """Once: an agent that was not built on the small model would never use it, and nobody would see."""
        if self._warned:
            return
        self._warned = True
        log.warning(
            "TrigReasonMiddleware leaves a turn alone: its model is %s, not the small one (%s). If no other middleware "
            "has chosen it, build the agent on the small model: create_agent(routed.small, ..., middleware=[routed])",
            type(model).__name__,
            self._kit.small.card.full_name,
        )
