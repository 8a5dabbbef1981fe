"""Provider x form x stream x log-probabilities: one row each, run through a whole graph with the real clients.

Run this file to write the table of docs/models.md anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trigreason_graph import ModelCard, ReasoningModel
from trigreason_graph.models.known import card_of
from trigreason_graph.models.resolve import resolve_model
from trigreason_graph.testing import Asked, OllamaServer, OpenAIServer, Scripted, ServedModel

PAGE = Path(__file__).parent.parent / "docs" / "models.md"
SOLUTION = ("One is 3.", "The other is 4.", "So the sum is 3 + 4 = 7.")
ANSWER = "The answer is \\boxed{7}."


def solver(asked: Asked) -> Scripted:
    """Goes on with SOLUTION where the prompt leaves off, whatever the prompt's form; a pure function of it."""
    prompt = (asked.prefill or "") + "".join(turn["content"] for turn in asked.messages if turn["role"] == "user")
    rest = [step for step in SOLUTION if step not in prompt]
    if not asked.think:
        return Scripted("\n\n".join([*rest, ANSWER]))
    in_turns = "Reasoning so far:" in prompt  # then thinking is private, and the steps are what is said after it
    return Scripted("\n\n".join([*rest, ANSWER]) if in_turns else ANSWER, thinking="\n\n".join(rest))


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        id: Name in the table.
        written: How a user writes the model.
        server: Makes the server; None for rows that are run by another test, which `by` names.
        model: From the server's address to the model.
        style, form, stream, logprobs: What the table says, and the test checks.
        by: Test file, for the table.
    """

    id: str
    written: str
    style: str
    form: str
    stream: bool
    logprobs: bool
    server: Callable[[], Any] | None = None
    model: Callable[[str], Any] | None = None
    by: str = "test_models_matrix"


def ollama(name: str, **served: Any) -> Callable[[], Any]:
    return lambda: OllamaServer({name: ServedModel(solver, **served)})


def compatible(flavour: Any, name: str, *, field: Any = "reasoning_content", **served: Any) -> Callable[[], Any]:
    return lambda: OpenAIServer({name: ServedModel(solver, **served)}, flavour=flavour, reasoning_field=field)


def chat_ollama(name: str, **fields: Any) -> Callable[[str], Any]:
    def make(url: str) -> Any:
        from langchain_ollama import ChatOllama

        return ChatOllama(model=name, base_url=url, **fields)

    return make


def string(text: str, path: str = "/v1", **fields: Any) -> Callable[[str], Any]:
    """A model string with the server's address; `fields` are set on the client that comes of it."""

    def make(url: str) -> Any:
        model = resolve_model(f"{text}@{url}{path}", "small")
        return model.model_copy(update={"inner": model.inner.model_copy(update=fields)}) if fields else model

    return make


def openai(name: str, **fields: Any) -> Callable[[str], Any]:
    """OpenAI's own API: the card is that of its real address."""

    def make(url: str) -> Any:
        from langchain_openai import ChatOpenAI

        own = card_of(ChatOpenAI(model=name, api_key="sk-x", **fields))  # type: ignore[arg-type]
        inner = ChatOpenAI(model=name, api_key="sk-x", base_url=f"{url}/v1", max_retries=0, **fields)  # type: ignore[arg-type]
        return ReasoningModel(inner=inner, card=replace(own, local=True))

    return make


def without_logprobs(name: str) -> Callable[[str], Any]:
    def make(url: str) -> Any:
        inner = chat_ollama(name)(url)
        return ReasoningModel(inner=inner, card=replace(card_of(inner), logprobs=False))

    return make


R1, QWEN, PLAIN = "deepseek-r1:1.5b", "qwen3:0.6b", "qwen2.5:1.5b"
R1_FULL = "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"

ROWS = (
    Row("Ollama", f"`ollama:{PLAIN}`", "prefill", "content", True, True, ollama(PLAIN), chat_ollama(PLAIN)),
    Row(
        "Ollama, whole replies",
        "`ChatOllama(..., disable_streaming=True)`",
        "prefill",
        "content",
        False,
        True,
        ollama(PLAIN),
        chat_ollama(PLAIN, disable_streaming=True),
    ),
    Row(
        "Ollama, thinking",
        f"`ollama:{R1}`",
        "prefill",
        "field",
        True,
        True,
        ollama(R1, thinking=True),
        chat_ollama(R1, reasoning=True),
    ),
    Row(
        "Ollama before 0.12.11",
        "`ReasoningModel(inner=ChatOllama(...), card=ModelCard(..., logprobs=False))`",
        "prefill",
        "content",
        True,
        False,
        lambda: OllamaServer({PLAIN: ServedModel(solver)}, version="0.12.10"),
        without_logprobs(PLAIN),
    ),
    Row("vLLM", "`vllm:NAME`", "prefill", "content", True, True, compatible("vllm", "qwen"), string("vllm:qwen")),
    Row(
        "vLLM, R1 with a reasoning parser",
        f"`vllm:{R1_FULL}`",
        "prefill",
        "think_tags",
        True,
        True,
        compatible("vllm", R1_FULL, thinking=True),
        string(f"vllm:{R1_FULL}"),
    ),
    Row(
        "vLLM, R1 without one",
        f"`vllm:{R1_FULL}`",
        "prefill",
        "think_tags",
        True,
        True,
        compatible("vllm", R1_FULL, thinking=True, field=None),
        string(f"vllm:{R1_FULL}"),
    ),
    Row(
        "vLLM, Qwen3",
        "`vllm:Qwen/Qwen3-0.6B`",
        "turn",
        "think_tags",
        True,
        True,
        compatible("vllm", "Qwen/Qwen3-0.6B", thinking=True, field="reasoning"),
        string("vllm:Qwen/Qwen3-0.6B"),
    ),
    Row(
        "SGLang", "`sglang:NAME`", "prefill", "content", True, True, compatible("sglang", "qwen"), string("sglang:qwen")
    ),
    Row(
        "llama.cpp",
        "`llama_cpp:NAME`",
        "prefill",
        "content",
        True,
        True,
        compatible("llama.cpp", "m"),
        string("llama_cpp:m"),
    ),
    Row(
        "llama.cpp, whole replies",
        "`llama_cpp:NAME`, `disable_streaming=True`",
        "prefill",
        "content",
        False,
        True,
        compatible("llama.cpp", "m"),
        string("llama_cpp:m", disable_streaming=True),
    ),
    Row(
        "llama.cpp, thinking",
        "`llama_cpp:deepseek-r1`",
        "turn",
        "think_tags",
        True,
        True,
        compatible("llama.cpp", "deepseek-r1", thinking=True),
        string("llama_cpp:deepseek-r1"),
    ),
    Row(
        "LM Studio",
        "`lmstudio:NAME`",
        "turn",
        "content",
        True,
        False,
        compatible("llama.cpp", "m"),
        string("lmstudio:m"),
    ),
    Row(
        "DeepSeek",
        "`deepseek:deepseek-chat`",
        "prefill",
        "content",
        True,
        True,
        compatible("deepseek", "deepseek-chat"),
        string("deepseek:deepseek-chat", "/beta"),
    ),
    Row(
        "DeepSeek, thinking",
        "`deepseek:deepseek-reasoner`",
        "turn",
        "field",
        True,
        False,
        compatible("deepseek", "deepseek-reasoner", thinking=True),
        string("deepseek:deepseek-reasoner", "/beta"),
    ),
    Row(
        "OpenAI chat",
        "`openai:gpt-4.1`",
        "turn",
        "content",
        True,
        False,
        compatible("openai", "gpt-4.1"),
        openai("gpt-4.1"),
    ),
    Row(
        "OpenAI chat, whole replies",
        "`ChatOpenAI(..., disable_streaming=True)`",
        "turn",
        "content",
        False,
        False,
        compatible("openai", "gpt-4.1"),
        openai("gpt-4.1", disable_streaming=True),
    ),
    Row(
        "OpenAI chat, hidden reasoning",
        "`openai:gpt-5`",
        "turn",
        "content",
        True,
        False,
        compatible("openai", "gpt-5", thinking=True),
        openai("gpt-5"),
    ),
    Row(
        "OpenAI Responses",
        "`ChatOpenAI(..., use_responses_api=True)`",
        "turn",
        "content",
        True,
        False,
        compatible("openai", "gpt-4.1"),
        openai("gpt-4.1", use_responses_api=True),
    ),
    Row(
        "OpenAI Responses, hidden reasoning",
        '`ChatOpenAI(model="gpt-5", use_responses_api=True)`',
        "turn",
        "content",
        True,
        False,
        compatible("openai", "gpt-5", thinking=True),
        openai("gpt-5", use_responses_api=True),
    ),
    Row("Anthropic", "`anthropic:claude-sonnet-4-5`", "turn", "content", True, False, by="test_providers_anthropic"),
    Row("Google", "`google_genai:gemini-2.5-flash`", "turn", "content", True, False, by="test_providers_google"),
    Row("OpenRouter", "`openrouter:qwen/qwen3-32b`", "turn", "field", True, False, by="test_providers_compatible"),
    Row(
        "langchain-community",
        "`community:ChatYuan2:NAME`",
        "turn",
        "content",
        True,
        False,
        by="test_providers_community",
    ),
    Row("embedded", "`embedded:small`", "prefill", "content", True, True, by="test_real_models"),
    Row("any other BaseChatModel", "the object itself", "turn", "content", True, False, by="test_wrapper"),
)


def table() -> str:
    """The rows as Markdown."""
    lines = ["| | how you write it | style | reasoning in | stream | log-probabilities | run in |", "|---" * 7 + "|"]
    for row in ROWS:
        stream, logprobs = "yes" if row.stream else "no", "yes" if row.logprobs else "no"
        cells = (row.id, row.written, row.style, row.form, stream, logprobs, f"`tests/{row.by}.py`")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the table between its markers."""
    return re.sub(r"(?s)(<!-- rows -->\n).*?(\n<!-- end -->)", lambda found: found[1] + table() + found[2], page)


def card(model: Any) -> ModelCard:
    return resolve_model(model, "small").card


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
