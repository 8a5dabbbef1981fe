"""Tokens, text, usage and endings as the clients report them, in one shape."""

from __future__ import annotations

import math
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from ollama import ChatResponse

from tests.wrapped import used
from trigreason_graph.models.pieces import Usage, finish_of, text_of, tokens_of, usage_of

NOTHING = AIMessageChunk(content="")
OPENAI = {
    "token": " 7",
    "logprob": -0.1,
    "top_logprobs": [{"token": " 7", "logprob": -0.1}, {"token": " 8", "logprob": -3.0}],
}


class TestTokens:
    def test_of_chatopenai(self) -> None:
        (token,) = tokens_of({"logprobs": {"content": [OPENAI]}}, NOTHING)
        assert (token.size, token.nats) == (2, 100)
        assert token.entropy == pytest.approx(0.2048, abs=1e-4)

    def test_of_chatollama(self) -> None:
        response = ChatResponse.model_validate({"message": {"role": "assistant"}, "logprobs": [OPENAI]})
        (token,) = tokens_of({"logprobs": response.logprobs}, NOTHING)
        assert (token.size, token.nats) == (2, 100)
        assert token.entropy == pytest.approx(0.2048, abs=1e-4)

    def test_of_a_whole_message(self) -> None:
        message = AIMessage("7", response_metadata={"logprobs": {"content": [OPENAI, OPENAI]}})
        assert len(tokens_of(None, message)) == 2

    def test_the_end_of_text_is_no_token(self) -> None:
        assert tokens_of({"logprobs": {"content": [{"token": "", "logprob": -0.1}]}}, NOTHING) == ()

    def test_without_alternatives_the_entropy_is_unknown(self) -> None:
        only = {"token": "a", "logprob": 0.0, "top_logprobs": [{"token": "a", "logprob": 0.0}]}
        sure, never = tokens_of({"logprobs": [only, {"token": "b", "logprob": -math.inf}]}, NOTHING)
        assert (sure.size, sure.nats, sure.entropy) == (1, 0, None)
        assert (never.size, never.nats, never.entropy) == (1, 65_535, None)

    @pytest.mark.parametrize(
        "garbage", [None, {}, "text", 3, {"content": None}, [None, 3, {"token": 1}, {"token": "a"}]]
    )
    def test_garbage_is_no_token(self, garbage: Any) -> None:
        assert tokens_of({"logprobs": garbage}, NOTHING) == ()

    @pytest.mark.parametrize("top", [None, 3, "ab", [None, 3], {"logprob": -0.1}])
    def test_garbage_is_no_alternative(self, top: Any) -> None:
        (token,) = tokens_of({"logprobs": [{"token": "a", "logprob": -0.1, "top_logprobs": top}]}, NOTHING)
        assert (token.nats, token.entropy) == (100, None)


class TestText:
    @pytest.mark.parametrize(
        ("content", "fields", "expected"),
        [
            ("a", {}, ("a", "")),
            ("a", {"reasoning_content": "b"}, ("a", "b")),
            ("", {"reasoning": "b"}, ("", "b")),
            ("", {"reasoning": {"id": "x"}}, ("", "")),
            (["a", {"type": "text", "text": "b"}, {"type": "image", "url": "x"}], {}, ("ab", "")),
            ([{"type": "thinking", "thinking": "a"}, {"type": "text", "text": None}], {}, ("", "a")),
            ([{"type": "reasoning", "reasoning": "a"}], {}, ("", "a")),
            ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}, {}]}], {}, ("", "a")),
            ([{"type": "reasoning", "id": "x", "encrypted_content": "y"}], {}, ("", "")),
        ],
    )
    def test_of_all_shapes(self, content: Any, fields: dict[str, Any], expected: tuple[str, str]) -> None:
        assert text_of(AIMessageChunk(content=content, additional_kwargs=fields)) == expected


class TestFinish:
    @pytest.mark.parametrize(
        ("info", "expected"),
        [
            ({}, ""),
            ({"finish_reason": None}, ""),
            ({"finish_reason": "stop"}, "stop"),
            ({"done_reason": "length"}, "length"),
            ({"stop_reason": "max_tokens"}, "length"),
            ({"stop_reason": "end_turn"}, "stop"),
            ({"stop_reason": "stop_sequence"}, "stop"),
            ({"stop_reason": "model_context_window_exceeded"}, "length"),
            ({"stop_reason": "refusal"}, "refusal"),
            ({"finish_reason": "MAX_TOKENS"}, "length"),
            ({"finish_reason": "content_filter"}, "content_filter"),
            ({"status": "completed"}, "stop"),
            ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
            ({"status": "incomplete"}, "incomplete"),
            ({"status": "in_progress"}, ""),
        ],
    )
    def test_of_all_words(self, info: dict[str, Any], expected: str) -> None:
        assert finish_of(info, NOTHING) == expected
        assert finish_of(None, AIMessage("", response_metadata=info)) == expected


class TestUsage:
    def test_of_a_message(self) -> None:
        assert usage_of(AIMessageChunk(content="", usage_metadata=used(9, 8, 7, 6))) == Usage(9, 7, 8, 6)
        assert usage_of(NOTHING) is None

    def test_details_may_be_missing(self) -> None:
        plain = {"input_tokens": 9, "output_tokens": 8, "total_tokens": 17}
        assert usage_of(AIMessageChunk(content="", usage_metadata=plain)) == Usage(9, 0, 8, 0)

    def test_what_is_written_into_a_cache(self) -> None:
        """Anthropic's counts, by how long they are kept: the client sets the sum to 0 where it knows the parts."""
        plain = {"input_tokens": 100, "output_tokens": 8, "total_tokens": 108}
        for details in (
            {"cache_read": 40, "cache_creation": 50},
            {"cache_read": 40, "cache_creation": 0, "ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 20},
        ):
            message = AIMessageChunk(content="", usage_metadata={**plain, "input_token_details": details})
            assert usage_of(message) == Usage(100, 40, 8, 0, tokens_written=50)
        assert Usage(1, tokens_written=2).then(Usage(0, tokens_written=3)) == Usage(1, tokens_written=5)

    def test_a_service_tier_has_its_own_names(self) -> None:
        tiered = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
        message = AIMessageChunk(
            content="",
            usage_metadata={
                **tiered,
                "input_token_details": {"flex_cache_read": 60, "flex": 40},
                "output_token_details": {"flex_reasoning": 12, "flex": 8},
            },
        )
        assert usage_of(message) == Usage(100, 60, 20, 12)

    def test_reports_of_what_is_new_add_up(self) -> None:
        """ChatAnthropic reports the prompt with the first chunk and the output with the last."""
        assert Usage(500, 400, 1, 0).then(Usage(0, 0, 30, 12)) == Usage(500, 400, 31, 12)
        assert Usage(0, 0, 1, 0).then(Usage(0, 0, 30, 0)) == Usage(0, 0, 31, 0)

    def test_repeated_totals_do_not_add_up(self) -> None:
        """vLLM's continuous_usage_stats and some others repeat the totals so far."""
        assert Usage(500, 0, 1, 0).then(Usage(500, 0, 2, 0)).then(Usage(500, 0, 3, 0)) == Usage(500, 0, 3, 0)
