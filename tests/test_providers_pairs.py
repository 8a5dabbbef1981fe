"""Pairs whose models keep their reasoning in different places, in whole runs of the graph."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from tests.graphs import LOCAL_SMALL, PAID_LARGE, Marker, graph
from tests.loopback import Answer, as_events, in_turn, serving
from tests.providers import CHAT_USAGE, CHUNK, chat_event
from trigreason_graph import ModelCard
from trigreason_graph.models import ReasoningModel
from trigreason_graph.models.compatible import ChatCompatible
from trigreason_graph.testing import Scripted, ScriptedModel

QUESTION = {"question": "What is 3 + 4?"}
THINKING_SMALL = ModelCard(
    provider="vllm", name="r1", style="prefill", form="think_tags", continues="flags", dialect="openai", local=True
)
THINKING_LARGE = ModelCard(provider="cloud", name="thinker", form="think_tags", dialect="openai", hidden_tokens=500)
FIELD_LARGE = ModelCard(provider="cloud", name="thinker", form="field", dialect="openai", hidden_tokens=500)


def scripted(card: ModelCard, *script: str | Scripted) -> ScriptedModel:
    return ScriptedModel(script=list(script), trigreason_card=card)


def stream(*deltas: dict[str, Any]) -> Answer:
    usage = {**CHUNK, "choices": [], "usage": CHAT_USAGE}
    return as_events(*(chat_event(**delta) for delta in deltas), chat_event("stop", content=""), usage)


def steps(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(step["author"], step["kind"], step["text"].strip()) for step in result["trace"]]


class TestInstructSmallThinkingLarge:
    @pytest.mark.parametrize(
        ("card", "reply"),
        [
            (THINKING_LARGE, "<think>Let me see: hard?\n\nIt is 4.</think>\n\nwrong: none\n\nAnother thing is 4."),
            (THINKING_LARGE, "Let me see: hard?\n\nIt is 4.</think>wrong: none\n\nAnother thing is 4."),
            (THINKING_LARGE, "<think>So.</think>wrong: none\n\n</think>Another thing is 4."),
            (FIELD_LARGE, Scripted("wrong: none\n\nAnother thing is 4.", thinking="Let me see: hard?\n\nIt is 4.")),
        ],
        ids=["tags", "tag opened by the template", "a second closing tag", "field"],
    )
    async def test_its_thinking_is_no_step(self, card: ModelCard, reply: str | Scripted) -> None:
        first, rest = "One thing is 3.\n\nThis is hard.", "So the result is \\boxed{7}."
        small = scripted(LOCAL_SMALL, first, rest)
        result = await graph(small, scripted(card, reply), Marker("hard")).ainvoke(QUESTION)
        assert steps(result) == [
            ("small", "reasoning", "One thing is 3."),
            ("large", "reasoning", "Another thing is 4."),
            ("small", "answer", "So the result is \\boxed{7}."),
        ]
        assert result["answer"] == "7"
        assert "think" not in small.prompts[-1][-1].text
        assert small.prompts[-1][-1].text.startswith("One thing is 3.\n\nAnother thing is 4.")


class TestThinkingSmallTurnLarge:
    async def run(self, *answers: Answer) -> tuple[dict[str, Any], list[dict[str, Any]], ScriptedModel]:
        """With a real client for the small model: the result, what it was sent, and the large model."""
        large = scripted(PAID_LARGE, "wrong: none\n\nAnother thing is 4.")
        async with serving(in_turn(*answers)) as server:
            client = ChatCompatible(model="r1", base_url=server.url, api_key="none", max_retries=0)
            small: Any = ReasoningModel(inner=client, card=THINKING_SMALL)
            result = await graph(small, large, Marker("hard")).ainvoke(QUESTION)
            return result, [request.body for request in server.requests], large

    @pytest.mark.parametrize(
        "first",
        [
            [{"content": "<thi"}, {"content": "nk>\nOne thing is 3.\n\nThis is "}, {"content": "hard.\n\nNo."}],
            [{"content": "One thing is 3.\n\nThis is hard.\n\nNo."}],
            [{"reasoning_content": "One thing is 3.\n\nThis is "}, {"reasoning_content": "hard.\n\nNo."}],
            [{"reasoning": "One thing is 3.\n\nThis is hard.\n\nNo."}],
        ],
        ids=["tag over two chunks", "tag opened by the template", "reasoning_content", "reasoning"],
    )
    @pytest.mark.parametrize(
        "second",
        [
            [{"content": "So it is 7.\n</th"}, {"content": "ink>\n\nThe result is \\boxed{7}."}],
            [{"content": "So it is 7.\n</think>\n\nThe result "}, {"content": "</think>is \\boxed{7}."}],
            [{"reasoning": "So it is 7.\n"}, {"content": "\n\nThe result is \\boxed{7}."}],
        ],
        ids=["tag over two chunks", "a second closing tag", "field"],
    )
    async def test_one_trace(self, first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
        result, asked, large = await self.run(stream(*first), stream(*second))
        assert steps(result) == [
            ("small", "reasoning", "One thing is 3."),
            ("large", "reasoning", "Another thing is 4."),
            ("small", "reasoning", "So it is 7."),
            ("small", "answer", "The result is \\boxed{7}."),
        ]
        assert result["answer"] == "7"
        prefill = asked[1]["messages"][-1]
        assert prefill == {"role": "assistant", "content": "<think>\nOne thing is 3.\n\nAnother thing is 4.\n\n"}
        assert asked[1]["continue_final_message"] is True
        assert "continue_final_message" not in asked[0]
        (prompt,) = large.prompts
        assert "Step 1. One thing is 3." in prompt[-1].text
        assert not any("think>" in message.text for message in prompt)
        assert not any(isinstance(message, AIMessage) for message in prompt)
