"""Finding out what a model can do: static knowledge, then what its server says, then a few short calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from trigreason_graph.bridge import run_blocking
from trigreason_graph.errors import ModelNotReady
from trigreason_graph.models.card_store import applied, has_own_card, read_record, save_record
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.degradations import degradations
from trigreason_graph.models.exchange import estimate_tokens
from trigreason_graph.models.faults import describe_fault, secrets_of, status_of
from trigreason_graph.models.known import card_of
from trigreason_graph.models.pieces import Usage
from trigreason_graph.models.prices import PriceTable, cost
from trigreason_graph.models.probe import questions
from trigreason_graph.models.probe.replies import Caller, Reply
from trigreason_graph.models.probe.report import Capability, How, ProbeReport, Value, known_statically, with_findings
from trigreason_graph.models.probe.servers import server_facts
from trigreason_graph.models.resolve import ModelSpec, resolve_model
from trigreason_graph.models.streams import can_stream
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.state import Role

USUAL_ALTERNATIVES = 5
"""Alternatives per token that a card asks for at most: what the known cards ask for, and thresholds were made with."""

REFUSALS = frozenset({400, 404, 422, 501})
"""HTTP statuses by which servers refuse an option."""


def probe_model(
    model: ModelSpec,
    *,
    role: Role = "small",
    paid: bool = False,
    prices: PriceTable | None = None,
    keep: bool = True,
) -> ProbeReport:
    """Find out what a model can do, and keep its card for later.

    A model on this machine or network is asked up to nine questions of a few tokens. Any other is asked nothing that
    costs anything unless `paid` says so; the report then names what that would take.

    Args:
        model: "provider:model" or a chat model.
        role: Whose degradations are told: "small" or "large".
        paid: Allow calls of a model that is not local.
        prices: Dollars per million tokens, by "provider:model"; looked up before genai-prices.
        keep: Store the card in the user's cache directory, where ``create_trigreason_graph`` finds it. A card that
            the model was given by hand always goes first, so nothing is stored for such a model.

    Raises:
        ModelNotReady: The server is down, or does not have the model; the text names the remedy.
        ValueError: `model` is not one.
    """
    return run_blocking(lambda: aprobe_model(model, role=role, paid=paid, prices=prices, keep=keep))


async def aprobe_model(
    model: ModelSpec,
    *,
    role: Role = "small",
    paid: bool = False,
    prices: PriceTable | None = None,
    keep: bool = True,
) -> ProbeReport:
    """As :func:`probe_model`, for async code."""
    wrapped, static, given = _before(model, role, prices)
    probe = _Probe(wrapped, static)
    probe.server_says(await server_facts(wrapped.inner, static))
    calls = static.local or paid
    if calls:
        await probe.call()
    else:
        probe.notes.append(_left_out(static, wrapped.prices))
    report = probe.report(role)
    if given:
        return _noting(report, "its card was given by hand, which goes first: nothing was stored") if keep else report
    if not keep or (not calls and (kept := read_record(wrapped.inner)) is not None and kept.complete):
        return report
    rows = [(found.name, found.value, found.how) for found in report.findings]
    try:
        path = save_record(wrapped.inner, report.card, rows, complete=calls)
    except OSError as fault:
        return _noting(report, f"the card could not be stored: {fault}")
    return replace(report, stored=path)


def card_report(model: ModelSpec, *, role: Role = "small", prices: PriceTable | None = None) -> ProbeReport:
    """What is known of a model without asking anybody: its card as a graph would use it, and how each is known.

    Args:
        model: "provider:model" or a chat model.
        role: Whose degradations are told.
        prices: As of :func:`probe_model`.

    Raises:
        ValueError: `model` is not one.
    """
    wrapped, static, given = _before(model, role, prices)
    record = None if given else read_record(wrapped.inner)
    known = known_statically(static)
    if record is None:
        return ProbeReport(static, tuple(known.values()), tuple(degradations(static, role)))
    card = applied(record, static)
    for name, value, how in record.findings:
        if name in known and getattr(card, name) == getattr(record.card, name):
            known[name] = Capability(name, value, how)
    notes = (f"probed on {record.when}" if record.complete else f"its server was asked on {record.when}",)
    return ProbeReport(card, tuple(known.values()), tuple(degradations(card, role)), notes)


def _before(model: ModelSpec, role: Role, prices: PriceTable | None) -> tuple[ReasoningModel, ModelCard, bool]:
    """The wrapped model, what is known of it, and whether that was given by hand."""
    wrapped = resolve_model(model, role, prices=prices)
    given = isinstance(model, ReasoningModel) or (not isinstance(model, str) and has_own_card(wrapped.inner))
    return wrapped, wrapped.card if given else card_of(wrapped.inner), given


def _noting(report: ProbeReport, note: str) -> ProbeReport:
    return replace(report, notes=(*report.notes, note))


def _left_out(card: ModelCard, prices: PriceTable) -> str:
    asked, card = questions.most_asked(card), questions.cut_short(card)
    tokens_in = sum(estimate_tokens(messages) for messages, _ in asked)
    tokens_out = sum(options.max_tokens + card.hidden_at(options.effort) for _, options in asked)
    dollars = cost(card, Usage(tokens_in=tokens_in, tokens_out=tokens_out), prices)
    price = "at a price nobody here knows" if dollars is None else f"${dollars:.4f}"
    return (
        f"{card.full_name} is not local and was not called. A probe with calls takes at most {len(asked)} calls and "
        f"{tokens_in + tokens_out:,} tokens, {price}: --paid, or probe_model(..., paid=True)"
    )


class _Probe:
    """One probe under way: findings come in, later ones in place of earlier ones.

    Args:
        wrapped: The model in its role.
        static: What is known of it.
    """

    def __init__(self, wrapped: ReasoningModel, static: ModelCard) -> None:
        self._inner: BaseChatModel = wrapped.inner
        self._static = static
        self._found = known_statically(static)
        self._caller = Caller(wrapped.inner, wrapped.role, wrapped.prices)
        self.notes: list[str] = []

    @property
    def card(self) -> ModelCard:
        """The card as the findings make it so far."""
        return with_findings(self._static, list(self._found.values()), USUAL_ALTERNATIVES)

    def report(self, role: Role) -> ProbeReport:
        """What has been found."""
        card, caller = self.card, self._caller
        return ProbeReport(
            card,
            tuple(self._found.values()),
            tuple(degradations(card, role)),
            tuple(self.notes),
            caller.calls,
            caller.tokens,
            caller.cost,
        )

    def server_says(self, facts: dict[str, Any]) -> None:
        """Take over what the model's server has told."""
        for name, value in facts.items():
            self._note(name, value, "server")

    async def call(self) -> None:
        """Ask the model; raises ModelNotReady when not even the first question is answered."""
        # What the server is too old for is found out here, and no reason to refuse.
        await ReasoningModel(inner=self._inner, card=replace(self.card, logprobs=False)).aready()
        reply = await self._plain_reply()
        if self._static.logprobs or reply.usage is not None or reply.alternatives:
            await self._second_reply(reply)
        await self._prefill()
        hidden = questions.hidden_tokens(self.card, reply)
        if hidden != self.card.hidden_tokens:
            self._note("hidden_tokens", hidden)
        if self._found["window"].how == "server":  # now that the model is loaded, its server may know better
            facts = await server_facts(self._inner, self._static)
            self.server_says({name: value for name, value in facts.items() if name == "window"})

    def _note(self, name: str, value: Value, how: How = "probed") -> None:
        self._found[name] = Capability(name, value, how)

    def _asking(self, alternatives: int) -> ModelCard:
        return replace(questions.cut_short(self.card), logprobs=alternatives > 0, top_logprobs=alternatives)

    async def _plain_reply(self) -> Reply:
        """Streaming, log-probabilities, form and usage, from one short question."""
        # Log-probabilities are refused by hidden reasoning, and cannot be asked of a client that takes no options.
        askable = self.card.dialect in ("openai", "ollama") and not self.card.hides_reasoning
        for alternatives in questions.ALTERNATIVES if askable else (0,):
            card = self._asking(alternatives)
            try:
                reply = await self._caller.ask(card, *questions.plain(questions.TEMPERATURES[0], card))
                break
            except Exception as fault:
                if not alternatives or status_of(fault) not in REFUSALS:
                    raise ModelNotReady(self._said(fault)) from None
        told = max(map(len, reply.alternatives), default=0)
        self._note("logprobs", bool(reply.alternatives), "probed" if askable else "static")
        self._note("top_logprobs", told, "probed" if askable else "static")
        streaming = self._static.streams and can_stream(self._inner)
        self._note_if_told("streams", questions.streams(reply, streaming=streaming))
        self._note("usage", reply.usage is not None)
        if self._found["form"].how != "server":
            self._note_if_told("form", questions.form_of(reply))
        if reply.usage and reply.usage.tokens_out > len(questions.PLAIN.split()) and not reply.text + reply.thinking:
            self.notes.append(
                f"its server counted {reply.usage.tokens_out} tokens, and {type(self._inner).__name__} showed no text: "
                "they are reasoning that it does not hand on"
            )
        return reply

    async def _second_reply(self, first: Reply) -> None:
        """Raw or tempered, and whether cached tokens are told: the same prompt once more, at another temperature."""
        card = self._asking(max(map(len, first.alternatives), default=0))
        try:
            second = await self._caller.ask(card, *questions.plain(questions.TEMPERATURES[1], card))
        except Exception as fault:
            self.notes.append(self._said(fault))
            return
        self._note_if_told("logprob_space", questions.logprob_space(first, second))
        if second.usage is not None:
            self._note("cached", first.tells_cached or second.tells_cached)

    async def _prefill(self) -> None:
        """Prefill or turn, in which way, and whether newlines at the end arrive."""
        if questions.takes_turns_only(self._static):
            return
        faults: list[str] = []
        for way in (ways := questions.ways(self.card)):
            card = replace(self._asking(0), style="prefill", continues=way)
            text, fault = await self._caller.go_on(card, *questions.counted(card))
            if fault:
                faults.append(fault)
            if questions.goes_on(text):
                self._note("style", "prefill")
                self._note("continues", way)
                await self._newlines(card)
                return
        unanswered = [fault for fault in faults if not questions.is_refusal(fault)]
        if len(unanswered) < len(ways):
            self._note("style", "turn")
        self.notes += list(dict.fromkeys(unanswered))

    async def _newlines(self, card: ModelCard) -> None:
        text, fault = await self._caller.go_on(card, *questions.lines_counted(card))
        if fault:
            self.notes.append(fault)
        self._note_if_told("trims_newlines", questions.repeats_newline(text))

    def _note_if_told(self, name: str, value: Value) -> None:
        if value is not None:
            self._note(name, value)

    def _said(self, fault: Exception) -> str:
        return describe_fault(fault, self._static, secrets_of(self._inner))
