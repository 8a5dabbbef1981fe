"""What is looked for between turns: the two rules of the middleware, and its view of an agent's messages."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from tests.graphs import LOCAL_SMALL
from trigreason_graph.integrations import AGENT, RepeatedCall, RepeatedError
from trigreason_graph.integrations.middleware.messages import (
    call_line,
    calls_of,
    for_model,
    history,
    marked,
    result_of,
    steps_of,
)
from trigreason_graph.models.wrapper import ReasoningModel
from trigreason_graph.policies import dump_policy, resolve_policy
from trigreason_graph.state import Signal
from trigreason_graph.testing import RULES, ScriptedModel, check_rule
from trigreason_graph.triggers import signals_of

SMALL = ReasoningModel(inner=ScriptedModel(script=[], trigreason_card=LOCAL_SMALL), card=LOCAL_SMALL)


def reply(turn: int, text: str = "", *calls: dict[str, Any], author: Any = "small") -> AIMessage:
    made = [{"name": "look", "args": args, "id": f"{turn}-{index}"} for index, args in enumerate(calls)]
    return marked(AIMessage(text, tool_calls=made), turn, author, None, without_logprobs=True)


def result(turn: int, text: str, status: Any = "success", index: int = 0) -> ToolMessage:
    return ToolMessage(text, tool_call_id=f"{turn}-{index}", name="look", status=status)


def past(*messages: Any) -> Any:
    return history([HumanMessage("How many?"), *messages], "", SMALL, "adaptive")


def fired(trigger: Any, draft: AIMessage | None, *messages: Any, signals: Any = ()) -> Signal | None:
    before = past(*messages)
    steps = [] if draft is None else steps_of(draft, "small", SMALL, "adaptive", 9, 90)
    view = before.view(steps[-1] if steps else None, steps[:-1], None, signals)
    return next(iter(signals_of([trigger], view)), None)


class TestRepeatedCall:
    def test_the_third_equal_call_with_equal_results(self) -> None:
        before = [reply(0, "", {"a": 1, "b": 2}), result(0, "x"), reply(1, "", {"b": 2, "a": 1}), result(1, "x")]
        signal = fired(RepeatedCall(), reply(2, "So:", {"a": 1, "b": 2}), *before)
        assert signal is not None
        assert signal["route"] == "rewrite"
        assert signal["evidence"] == {"call": 'look({"a": 1, "b": 2})', "times": "3"}
        assert "third time" in signal["reason"]

    @pytest.mark.parametrize(
        ("trigger", "arguments", "texts", "fires"),
        [
            (RepeatedCall(), {"a": 2}, ("x", "x"), False),  # other arguments
            (RepeatedCall(), {"a": 1}, ("x", "y"), False),  # what is looked at changes
            (RepeatedCall(same_result=False), {"a": 1}, ("x", "y"), True),
            (RepeatedCall(ignore=("look",)), {"a": 1}, ("x", "x"), False),
            (RepeatedCall(times=4), {"a": 1}, ("x", "x"), False),
            (RepeatedCall(times=2), {"a": 1}, ("x",), True),
        ],
    )
    def test_what_counts(self, trigger: RepeatedCall, arguments: Any, texts: Any, fires: bool) -> None:
        pairs = [(reply(turn, "", {"a": 1}), result(turn, text)) for turn, text in enumerate(texts)]
        before = [message for pair in pairs for message in pair]
        assert (fired(trigger, reply(5, "", arguments), *before) is not None) is fires

    def test_a_long_call_is_told_from_another_long_one(self) -> None:
        one, other = ({"name": "look", "args": {"a": "x" * 900 + end}} for end in "12")
        assert call_line(one) != call_line(other)
        assert len(call_line(one)) < 300

    def test_only_what_came_after_its_last_signal(self) -> None:
        before = [m for t in range(4) for m in (reply(t, "", {"a": 1}), result(t, "x"))]
        served = Signal(trigger="repeated_call", reason="", evidence={}, route="rewrite", at=3, served=True)
        assert fired(RepeatedCall(), reply(4, "", {"a": 1}), *before, signals=[served]) is None
        assert fired(RepeatedCall(), reply(4, "", {"a": 1}), *before) is not None

    def test_the_large_models_own_reply_is_not_judged(self) -> None:
        before = [m for t in range(3) for m in (reply(t, "", {"a": 1}), result(t, "x"))]
        steps = steps_of(reply(3, "", {"a": 1}), "large", SMALL, "adaptive", 3, 90)
        assert not signals_of([RepeatedCall()], past(*before).view(steps[0], [], None, []))


class TestRepeatedError:
    @pytest.mark.parametrize(
        ("results", "fires"),
        [
            ((("no such file", "error"), ("no such file", "error")), True),
            ((("Error: no such file", "success"), ("Traceback (most …", "success")), True),
            ((("no such file", "error"), ("84", "success")), False),
            ((("84", "success"), ("no such file", "error")), False),
            ((("no such file", "error"),), False),
            ((("An error is a deviation.", "success"),) * 2, False),
        ],
    )
    def test_two_failing_turns_in_a_row(self, results: Any, fires: bool) -> None:
        before = [
            m for t, (text, status) in enumerate(results) for m in (reply(t, "", {"a": t}), result(t, text, status))
        ]
        signal = fired(RepeatedError(), None, *before)
        assert (signal is not None) is fires
        if signal:
            assert "last 2 turns have failed" in signal["reason"]

    def test_parallel_calls_of_one_turn_are_one(self) -> None:
        both = reply(0, "", {"a": 1}, {"a": 2})
        assert fired(RepeatedError(), None, both, result(0, "no", "error"), result(0, "no", "error", 1)) is None
        assert fired(RepeatedError(times=1), None, both, result(0, "no", "error"), result(0, "no", "error", 1))
        assert fired(RepeatedError(times=1), None, both, result(0, "no", "error"), result(0, "84", index=1)) is None

    def test_it_is_asked_at_the_beginning_of_a_turn_only(self) -> None:
        before = [m for t in range(2) for m in (reply(t, "", {"a": t}), result(t, "no", "error"))]
        assert fired(RepeatedError(), reply(2, "Hm."), *before) is None


@pytest.mark.parametrize("trigger", [RepeatedCall(), RepeatedError()], ids=lambda trigger: trigger.name)
@pytest.mark.parametrize("rule", RULES)
def test_they_are_triggers_like_all_others(trigger: Any, rule: str) -> None:
    check_rule(rule, trigger)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: RepeatedCall(times=1), "RepeatedCall: times must be a whole number from 2"),
        (lambda: RepeatedCall(ignore=["look"]), "RepeatedCall: ignore must be a tuple of texts"),  # type: ignore[arg-type]
        (lambda: RepeatedError(times=0), "RepeatedError: times must be a whole number from 1"),
        (lambda: RepeatedError(steps=0), "RepeatedError: steps must be a whole number from 1"),
    ],
)
def test_bad_values_are_refused(make: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()


def test_settings_reach_them_by_their_names() -> None:
    changed = AGENT.with_fields({"repeated_call": {"times": 5, "ignore": ["poll"]}, "repeated_error": {"times": 4}})
    assert [getattr(trigger, "times", None) for trigger in changed.triggers[:2]] == [5, 4]


class TestMessages:
    def test_paragraphs_calls_and_results_are_steps(self) -> None:
        before = past(reply(0, "First.\n\nSo x = 4.", {"a": 1}), result(0, "84"), reply(1, "Done.", author="large"))
        assert [(step["author"], step["kind"]) for step in before.trace] == [
            *(("small", "reasoning"), ("small", "reasoning"), ("tool", "tool"), ("large", "answer"))
        ]
        assert before.trace[1]["conclusions"] == ["x=4"]
        assert calls_of(before.trace[1]) == calls_of(before.trace[2]) == ['look({"a": 1})']
        assert result_of(before.trace[2]) == "[result] 84"
        assert before.starts == {0: 0, 1: 3, 2: 4}

    def test_arguments_of_calls_do_not_count_as_the_models_words(self) -> None:
        steps = steps_of(reply(0, "I look.", {"a": "wait, maybe, hmm"}), "small", SMALL, "adaptive", 0, 0)
        changed = AGENT.with_fields({"intervention_request": {"k": 1}})
        assert not signals_of(changed.triggers, past().view(steps[0], [], None, []))

    def test_thinking_in_tags_is_private(self) -> None:
        steps = steps_of(reply(0, "<think>Wait, hmm.</think>\n\nIt is 7."), "small", SMALL, "adaptive", 0, 0)
        assert [step["text"].strip() for step in steps] == ["It is 7."]

    def test_the_other_models_blocks_are_left_out(self) -> None:
        content: Any = [{"type": "thinking", "thinking": "…", "signature": "x"}, {"type": "text", "text": "It is 7."}]
        message = marked(AIMessage(content, id="1"), 0, "large", None, without_logprobs=True)
        (small_sees,), (large_sees,) = for_model([message], "small"), for_model([message], "large")
        assert (small_sees.content, small_sees.id) == ("It is 7.", "1")
        assert large_sees is message

    @pytest.mark.parametrize("mark", ["forged", ["forged"], {"turn": "first"}, {"author": 5}])
    def test_a_mark_that_is_not_ours_is_none(self, mark: Any) -> None:
        before = past(AIMessage("It is 7.", response_metadata={"trigreason": mark}))
        assert [(step["author"], step["call"]) for step in before.trace] == [("large", -1)]

    @pytest.mark.parametrize("arguments", [{"a": {1: 2, "b": 3}}, {"a": {(1, 2): 3}}])
    def test_arguments_that_are_no_json_are_told_too(self, arguments: Any) -> None:
        assert call_line({"name": "look", "args": arguments}) == f"look({arguments})"

    def test_after_a_summary_the_question_is_remembered(self) -> None:
        summary = HumanMessage("Here is a summary", additional_kwargs={"lc_source": "summarization"})
        assert history([summary], "How many?", SMALL, "adaptive").question == "How many?"


def test_the_policy_is_a_policy() -> None:
    assert resolve_policy(AGENT) is AGENT
    assert [trigger.name for trigger in AGENT.triggers] == [
        *("repeated_call", "repeated_error", "intervention_request", "cognitive_offload")
    ]
    with pytest.raises(ValueError, match="repeated_call"):
        dump_policy(AGENT)
