"""ChatTrigReason: the graph as a LangChain chat model."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, closing
from typing import Any, Self, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, BaseRunManager, CallbackManagerForLLMRun
from langchain_core.language_models import LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr

from trigreason_graph.graph import assemble
from trigreason_graph.integrations.asked import Asked
from trigreason_graph.integrations.building import chosen, kit_of, pair_name
from trigreason_graph.integrations.conversation import as_problem
from trigreason_graph.integrations.counted import CountedOnce
from trigreason_graph.integrations.counting import WITHIN, public
from trigreason_graph.integrations.outer import outer_settings, outer_writer
from trigreason_graph.integrations.reply import Wanted, replier, reply
from trigreason_graph.integrations.run import Graph, Run, compiled, inner_config
from trigreason_graph.integrations.shown import Shown
from trigreason_graph.models.prices import PriceTable
from trigreason_graph.nodes.kit import Kit
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS, Prompts
from trigreason_graph.settings import Budget, Settings
from trigreason_graph.state import State

Tool = dict[str, Any] | type | Callable[..., Any] | BaseTool


class ChatTrigReason(CountedOnce):
    """A pair of models as one chat model: the small one reasons, the large one is called where a trigger fires.

        model = ChatTrigReason(small="ollama:qwen3:0.6b", large="openai:gpt-4.1")
        model.invoke("What is 7 * 12 - 65?").text

    The whole conversation is the problem's context. The message holds the reasoning as a standard reasoning block, then
    the answer; `response_metadata` has the pair as ``model_name``, the outcome and the report (JSON). With bound tools
    or a schema the reasoning comes first, and one call then gets them: of the small model where that is known to call
    tools, else of the large one.

    Raises:
        ValueError: A model is missing or cannot be set up; at building, before anything is called.
        ModelFailed: When called: no model answered.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )
    # An error that showed its input would show a key.

    small: Any = Field(default=None, repr=False, description='"provider:model", "embedded:small", or a chat model.')
    large: Any = Field(default=None, repr=False, description="The same forms.")
    fallback: Any = Field(
        default=None, repr=False, description="Stands in for `large` when that is down; None: nobody does."
    )
    pair: str = Field(
        default="", alias="model", description='Both in one string, as in a configuration file: "small=…,large=…".'
    )
    policy: Any = Field(default=None, repr=False, description="As create_trigreason_graph takes it.")
    budget: Budget | None = Field(default=None, description="Limits of one reply; None: the finite defaults.")
    settings: Settings | None = Field(default=None, description="Run-time settings; a context's go before them.")
    prices: PriceTable | None = Field(
        default=None, repr=False, description='Dollars per million tokens by "provider:model".'
    )
    prompts: Prompts = Field(default=DEFAULT_PROMPTS, repr=False, description="The texts of all prompts.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="Of both models; None: their own.")
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        description="Of the answer call with bound tools or a schema. Reasoning is limited by `budget`.",
    )
    timeout: float | None = Field(
        default=None, gt=0, description="Seconds that the calls of one reply may take together."
    )
    stop: list[str] | None = Field(
        default=None, description="Sequences at which the reply's text ends, not the reasoning."
    )
    max_retries: int | None = Field(
        default=None, ge=0, description="Further tries of a call that brought no text; None: 2."
    )
    api_key: SecretStr | None = Field(
        default=None, description="Key of `large` and `fallback` where they are strings; None: from the environment."
    )
    streaming: bool = Field(
        default=False, description="Whether invoke streams under the hood, as in LangChain's own models."
    )

    _kit: Kit = PrivateAttr()
    _plain: dict[bool, Graph] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:
        """Set up both models; nothing is called."""
        super().model_post_init(context)
        parts = chosen({name: getattr(self, name) for name in ("small", "large", "fallback", "policy", "pair")})
        self._kit = kit_of(
            parts,
            self.budget,
            self.settings or Settings(),
            self.prices,
            self.prompts,
            timeout=self.timeout,
            max_retries=self.max_retries,
            api_key=self.api_key.get_secret_value() if self.api_key else None,
        )
        self.pair = pair_name(parts, self._kit)
        if self.profile is None:
            windows = [model.card.window for model in (self._kit.small, self._kit.large)]
            room = {"max_input_tokens": min(window for window in windows if window)} if any(windows) else {}
            self.profile = cast("Any", {"tool_calling": True, "reasoning_output": True, **room})

    @property
    def _llm_type(self) -> str:
        return "trigreason"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        asked = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        # LangChain's cache tells models apart by this: what decides who is called must be in it.
        terms = repr((self._kit.policy, self._kit.budget, self._kit.settings, self._kit.prompts, self.stop))
        digest = hashlib.sha256(terms.encode(errors="replace")).hexdigest()[:16]
        return {"model": self.pair, "terms": digest, **{name: one for name, one in asked.items() if one is not None}}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = LangSmithParams(
            ls_provider="trigreason", ls_model_type="chat", ls_model_name=kwargs.get("model") or self.pair
        )
        temperature, max_tokens = kwargs.get("temperature", self.temperature), kwargs.get("max_tokens", self.max_tokens)
        if temperature is not None:
            params["ls_temperature"] = temperature
        if max_tokens is not None:
            params["ls_max_tokens"] = max_tokens
        if ends := stop or self.stop:
            params["ls_stop"] = ends
        return params

    def bind_tools(
        self,
        tools: Sequence[Tool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools to the answer call, which follows the reasoning.

        Args:
            tools: Of any kind that LangChain takes.
            tool_choice: "auto", "any" (or "required"), or a tool's name; None: the model's default.
            kwargs: `strict` and `parallel_tool_calls`, where the model that answers takes them.

        Raises:
            ValueError: Neither model takes tools.
        """
        strict = kwargs.get("strict")
        converted = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        tool_choice = "any" if tool_choice == "required" else tool_choice  # OpenAI's word for LangChain's
        choice = {} if tool_choice is None else {"tool_choice": tool_choice}
        Wanted(tuple(converted), tool_choice).for_client(replier(self._kit))  # refuses now, not after the reasoning
        return self.bind(tools=converted, **choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        run = self._run(messages, stop, kwargs.get(WITHIN) or run_manager, kwargs)
        with closing(run.items()) as items:
            for mode, data in items:
                list(run.read(mode, data))
        return ChatResult(generations=[ChatGeneration(message=run.message())])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        run = self._run(messages, stop, kwargs.get(WITHIN) or run_manager, kwargs)
        async with aclosing(run.aitems()) as items:
            async for mode, data in items:
                list(run.read(mode, data))
        return ChatResult(generations=[ChatGeneration(message=run.message())])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        within = kwargs.get(WITHIN)
        manager = within.get_sync() if within else run_manager
        run = self._run(messages, stop, manager, kwargs)
        with closing(run.items()) as items:
            for mode, data in items:
                for chunk in run.read(mode, data):
                    yield ChatGenerationChunk(message=chunk)
        last = list(run.last())
        if manager is not None:
            manager.on_llm_new_token("", chunk=run.usage_chunk(manager.run_id))
        for chunk in last:
            yield ChatGenerationChunk(message=chunk)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        manager = kwargs.get(WITHIN) or run_manager
        run = self._run(messages, stop, manager, kwargs)
        async with aclosing(run.aitems()) as items:
            async for mode, data in items:
                for chunk in run.read(mode, data):
                    yield ChatGenerationChunk(message=chunk)
        last = list(run.last())
        if manager is not None:
            await manager.on_llm_new_token("", chunk=run.usage_chunk(manager.run_id))
        for chunk in last:
            yield ChatGenerationChunk(message=chunk)

    def _run(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        manager: BaseRunManager | None,
        arguments: dict[str, Any],
    ) -> Run:
        asked = Asked.read(public(arguments))
        if asked.model and asked.model != self.pair:
            return self._with_pair(asked.model)._run(messages, stop, manager, {**arguments, "model": None})
        ends = tuple((self.stop if stop is None else stop) or ())
        wanted = asked.wanted(self.max_tokens, ends)
        settings = self._settings(asked.temperature)
        waits = settings.large == "ask"
        return Run(
            graph=self._graph(waits) if wanted is None else self._replying(wanted, waits),
            given={"messages": as_problem(messages, wanted.tools if wanted else ())},
            settings=settings,
            config=inner_config(manager),
            writer=outer_writer(),
            name=self.pair,
            stop=ends,
            shown=Shown(live=wanted is not None and not ends),
        )

    def _settings(self, temperature: float | None) -> Settings:
        """A call's own temperature, then what an outer context says, then what was set here."""
        base = self.settings or Settings()
        if self.temperature is not None:
            base = base.model_copy(update={"temperature": self.temperature})
        settings = outer_settings(base)
        return settings if temperature is None else settings.model_copy(update={"temperature": temperature})

    def _graph(self, waits: bool) -> Graph:
        if waits not in self._plain:
            self._plain[waits] = compiled(assemble(self._kit), waits)
        return self._plain[waits]

    def _replying(self, wanted: Wanted, waits: bool) -> Graph:
        async def answer(state: State, kit: Kit) -> dict[str, Any]:
            return await reply(state, kit, wanted)

        return compiled(assemble(self._kit, answer), waits)

    def _with_pair(self, pair: str) -> Self:
        """This model with another pair, for one call."""
        kept = self.model_fields_set - {"small", "large", "fallback", "policy", "pair", "profile"}
        return type(self)(pair=pair, **{name: getattr(self, name) for name in kept})
