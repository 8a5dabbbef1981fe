"""What a probe asks, and what the replies to it show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from trigreason_graph.models.cards import Continues, Effort, LogprobSpace, ModelCard
from trigreason_graph.models.dialects import Options
from trigreason_graph.models.forms import CLOSE, OPEN
from trigreason_graph.models.names import HIDDEN_TOKENS
from trigreason_graph.models.probe.replies import Reply

PLAIN = "Write the numbers from one to eight in words, separated by commas, and nothing else."
PLAIN_TOKENS = 48
"""Room for the answer (about 18 tokens), or for the beginning of a thought."""
COUNT = "Count from 1 to 9, separated by commas."
COUNTED = "1, 2, 3, 4"
"""Ends before a comma: a model that goes on writes it, one that begins a turn of its own does not begin with it."""
LINES = "Write the numbers from 1 to 9, each on a line of its own."
LINES_COUNTED = "1\n2\n3\n"
"""Ends in a newline: a model whose server has trimmed it writes it again."""
REST_TOKENS = 8
ALTERNATIVES = (20, 10, 5, 0)
"""How many alternatives per token are asked for, until the server agrees (OpenAI's and vLLM's limit, then lower)."""
TEMPERATURES = (1.0, 0.5)

RARE = -50.0
"""Log-probabilities below it are left out: servers write -9999 for "hardly ever"."""
LEAST_SPREAD = 0.5
"""Nats between alternatives, in sum, from which their scale can be told from rounding."""


def plain(temperature: float, card: ModelCard) -> tuple[list[BaseMessage], Options]:
    """A short question in a turn of its own."""
    effort: Effort | None = "low" if card.efforts else None
    return [HumanMessage(PLAIN)], Options(PLAIN_TOKENS, temperature, (), effort)


def counted(card: ModelCard) -> tuple[list[BaseMessage], Options]:
    """A list that the model is to go on with."""
    return _prefilled(COUNT, COUNTED, card)


def lines_counted(card: ModelCard) -> tuple[list[BaseMessage], Options]:
    """A list that ends in a newline."""
    return _prefilled(LINES, LINES_COUNTED, card)


def _prefilled(question: str, begun: str, card: ModelCard) -> tuple[list[BaseMessage], Options]:
    opened = "" if card.form == "content" else f"{OPEN}\n"
    return [HumanMessage(question), AIMessage(opened + begun)], Options(REST_TOKENS, 0.0)


_REFUSAL = re.compile(r" answered (400|422|501)\b")


def is_refusal(fault: str) -> bool:
    """Whether a server has refused what it was asked (some refuse a trailing assistant message), and did not fail."""
    return bool(_REFUSAL.search(fault))


def goes_on(text: str) -> bool:
    """Whether the reply to `counted` goes on with the text itself: no greeting, no repetition, no turn of its own."""
    return text.startswith(",")


def repeats_newline(text: str) -> bool | None:
    """Whether the reply to `lines_counted` begins with the newline that was there already; None: cannot be told."""
    if text.startswith("\n"):
        return True
    return False if text.startswith("4") else None


def logprob_space(warm: Reply, cool: Reply) -> LogprobSpace | None:
    """Raw or tempered, from the first token's alternatives at temperature 1 and at 0.5; None: cannot be told.

    Distances between raw log-probabilities are the same at any temperature; tempered ones double.
    """
    if not warm.alternatives or not cool.alternatives:
        return None
    before, after = warm.alternatives[0], cool.alternatives[0]
    common = [text for text in before if text in after and min(before[text], after[text]) > RARE]
    if len(common) < 2:
        return None
    top = max(common, key=before.__getitem__)
    distances = [(before[top] - before[text], after[top] - after[text]) for text in common if text != top]
    if sum(distance for distance, _ in distances) < LEAST_SPREAD:
        return None
    ratio = median(after / before for before, after in distances if before > 0)
    if 0.8 < ratio < 1.25:
        return "raw"
    return "tempered" if 1.6 < ratio < 2.5 else None


def form_of(reply: Reply) -> str | None:
    """Where the reasoning lives, as the reply shows; None: it does not show."""
    if reply.thinking:
        return "field"
    if OPEN in reply.text or CLOSE in reply.text:
        return "think_tags"
    # A reply that was cut may be the inside of a thought whose tag the template has opened.
    return "content" if reply.finish == "stop" and reply.text.strip() else None


def streams(reply: Reply, *, streaming: bool) -> bool | None:
    """Whether the text came piece by piece; None: the reply was too short to tell."""
    if not streaming:
        return False
    if reply.pieces > 1:
        return True
    return False if len(reply.text) + len(reply.thinking) > 12 else None


def ways(card: ModelCard) -> Sequence[Continues]:
    """In which ways the model may be asked to go on with a trailing assistant message; the card's own first."""
    if card.dialect != "openai":
        return (card.continues,)
    others: tuple[Continues, ...] = ("flags", "assistant", "prefix")
    return (card.continues, *(way for way in others if way != card.continues))


def most_asked(card: ModelCard) -> list[tuple[list[BaseMessage], Options]]:
    """All that a probe of this model may ask and be charged for."""
    prefills = [] if takes_turns_only(card) else [*[counted(card)] * len(ways(card)), lines_counted(card)]
    return [*(plain(temperature, card) for temperature in TEMPERATURES), *prefills]


def takes_turns_only(card: ModelCard) -> bool:
    """Whether it is known that the model continues no prefill: OpenAI's API, and reasoning that nobody sees."""
    return card.provider in ("openai", "azure", "azure_openai") or card.hides_reasoning


def cut_short(card: ModelCard) -> ModelCard:
    """The card under which a question is asked: thinking that is seen need not be waited for."""
    return card if card.hides_reasoning else replace(card, hidden_tokens=0)


def hidden_tokens(card: ModelCard, reply: Reply) -> int:
    """Tokens that a call must be given beside what it asks for.

    Args:
        card: Of the model, its style and form as probed.
        reply: To a plain question. Reasoning that was counted and not seen is hidden.
    """
    unseen = reply.usage is not None and reply.usage.tokens_reasoning > 0 and card.form == "content"
    private = card.style == "turn" and card.form != "content"
    return (card.hidden_tokens or HIDDEN_TOKENS) if unseen or private or card.hides_reasoning else 0
