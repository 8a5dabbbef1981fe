"""The exact bytes of every prompt: a change here is a change of behaviour, and of every provider's cache."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS, Handover, ask_for, continuation, question_turn
from trigreason_graph.state import Blueprint, Step

PLAN = Blueprint(text="Goal: the sum\nKey steps: 1. add", goal="the sum", key_steps=["add"], pitfalls=[])


def step(text: str, author: Any = "small", sep: str = "\n\n") -> Step:
    return Step(
        id=0,
        text=text,
        sep=sep,
        kind="reasoning",
        author=author,
        model="m",
        call=0,
        tokens=1,
        conclusions=[],
        nats=None,
        entropy=None,
    )


TRACE = [step("One is 3."), step("Two is 4.", "large")]
SOLVE = "What is 3 + 4?\n\nPlease reason step by step, and put your final answer within \\boxed{}."


def handover(**fields: Any) -> Handover:
    given = {
        "conversation": [HumanMessage("What is 3 + 4?")],
        "problem": "What is 3 + 4?",
        "blueprint": None,
        "trace": (),
    }
    return Handover(**{**given, **fields})


def contents(messages: Any) -> list[tuple[str, Any]]:
    return [(message.type, message.content) for message in messages]


class TestContinuation:
    def test_at_the_start_there_is_nothing_to_continue(self) -> None:
        assert contents(continuation(handover(), "small")) == [("human", SOLVE)]

    def test_the_trace_is_sent_as_written(self) -> None:
        messages = continuation(handover(trace=TRACE), "small")
        assert contents(messages) == [("human", SOLVE), ("ai", "One is 3.\n\nTwo is 4.\n\n")]

    def test_plan_and_hints_follow_the_problem(self) -> None:
        messages = continuation(handover(blueprint=PLAN, hints=["3 + 4 is not 8"]), "small")
        assert contents(messages) == [
            (
                "human",
                f"{SOLVE}\n\nFollow this plan:\n{PLAN['text']}\n\n"
                "Mistakes made in earlier attempts, not to be repeated:\n- 3 + 4 is not 8",
            )
        ]

    def test_a_thinking_model_finds_the_trace_inside_its_tags(self) -> None:
        messages = continuation(handover(trace=TRACE), "small", thinks=True)
        assert messages[-1].content == "<think>\nOne is 3.\n\nTwo is 4.\n\n"

    def test_a_lead_closes_the_thinking(self) -> None:
        messages = continuation(handover(trace=TRACE), "small", lead=DEFAULT_PROMPTS.lead, thinks=True)
        assert messages[-1].content == "<think>\nOne is 3.\n\nTwo is 4.\n</think>\n\nThe final answer is \\boxed{"

    def test_authors_are_separated_where_no_line_ended(self) -> None:
        trace = [step("One is 3.", sep=""), step("Two is 4.", "large", sep="")]
        assert continuation(handover(trace=trace), "small")[-1].content == "One is 3.\n\nTwo is 4.\n\n"
        assert continuation(handover(trace=trace), "large")[-1].content == "One is 3.\n\nTwo is 4."

    def test_the_callers_turns_and_images_stay(self) -> None:
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
        conversation = [SystemMessage("Be exact."), HumanMessage("Hi"), AIMessage("Hello"), HumanMessage([image])]
        messages = continuation(handover(conversation=conversation), "small")
        assert contents(messages)[:3] == [("system", "Be exact."), ("human", "Hi"), ("ai", "Hello")]
        assert messages[3].content == [image, {"type": "text", "text": DEFAULT_PROMPTS.solve}]


class TestTurn:
    def test_the_whole_prompt(self) -> None:
        ask = ask_for("rewrite", 1, "", review=True, tokens=None)
        assert contents(question_turn(handover(blueprint=PLAN, trace=TRACE), ask)) == [
            ("system", DEFAULT_PROMPTS.instructions),
            (
                "human",
                "Problem:\nWhat is 3 + 4?\n\nPlan:\nGoal: the sum\nKey steps: 1. add\n\nReasoning so far:\n\n"
                "Step 1. One is 3.\n\nStep 2. Two is 4.\n\n"
                'The next step is hard for the small model. First check the steps above. Write "wrong: none" on the '
                'first line, or "wrong: k" when step k is the earliest wrong one; your steps then replace step k and '
                "all after it. Then a blank line. Write the next step, separated by blank lines. Once the problem is "
                "solved, put the final answer within \\boxed{}.",
            ),
        ]

    def test_a_longer_trace_only_adds_to_the_prompt(self) -> None:
        """What provider caches need: all before the last block is a prefix of the next prompt."""
        earlier = str(question_turn(handover(blueprint=PLAN, trace=TRACE[:1]), "")[-1].content).rstrip()
        later = str(question_turn(handover(blueprint=PLAN, trace=TRACE), "")[-1].content)
        assert later.startswith(earlier)

    def test_what_is_asked(self) -> None:
        assert "at most 80 words" in ask_for("initiate", None, "", review=False, tokens=120)
        assert "all remaining steps" in ask_for("rewrite", None, "", review=False, tokens=None)
        assert "the next 3 steps" in ask_for("intervene", 3, "It loops.", review=False, tokens=None)
        assert ask_for("conclude", None, "", review=False, tokens=None) == DEFAULT_PROMPTS.conclude

    def test_the_callers_system_message_is_kept(self) -> None:
        conversation = [SystemMessage("Be exact."), HumanMessage("What is 3 + 4?")]
        messages = question_turn(handover(conversation=conversation), "Go.")
        assert messages[0].content == f"{DEFAULT_PROMPTS.instructions}\n\nBe exact."
