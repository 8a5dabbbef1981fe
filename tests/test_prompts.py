"""Prompts: their exact bytes, what makes provider caches hit, and what a hand-over tells."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

import pytest
from golden_prompts import CASES, FOLDER, HANDOVER, path_of, prompt, step, written
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from trigreason_graph.models.cards import ModelCard
from trigreason_graph.nodes.prompting import trace_prompt, turn_prompt
from trigreason_graph.reasoning.handover import FOUND_SHOWN, Handover, continuation, question_turn, standing
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS, PROMPTS_VERSION, Prompts, ask_for

PLAIN = Handover([HumanMessage("What is 3 + 4?")], "What is 3 + 4?", None, ())
SOLVE = f"What is 3 + 4?\n\n{DEFAULT_PROMPTS.solve}"
TRACE = [step("One is 3.", "small"), step("Two is 4.", "large")]


def contents(messages: Any) -> list[tuple[str, Any]]:
    return [(message.type, message.content) for message in messages]


@pytest.mark.parametrize(("form", "purpose"), CASES)
def test_the_exact_bytes(form: str, purpose: Any) -> None:
    """A change here changes behaviour and empties every provider's cache: raise PROMPTS_VERSION, write them anew."""
    assert written(prompt(form, purpose)) == path_of(form, purpose).read_text(encoding="utf-8")


def test_the_version_of_the_goldens() -> None:
    assert (FOLDER / "VERSION").read_text().strip() == PROMPTS_VERSION == DEFAULT_PROMPTS.version


class TestContinuation:
    def test_at_the_start_there_is_nothing_to_continue(self) -> None:
        assert contents(continuation(PLAIN, "small")) == [("human", SOLVE)]

    def test_the_trace_is_sent_as_written(self) -> None:
        trace = [step("One is 3.", "small", sep="\n"), step("Two is 4.", "small")]
        messages = continuation(replace(PLAIN, trace=trace), "small")
        assert contents(messages) == [("human", SOLVE), ("ai", "One is 3.\nTwo is 4.\n\n")]

    def test_a_thinking_model_finds_the_trace_inside_its_tags(self) -> None:
        messages = continuation(replace(PLAIN, trace=TRACE), "small", thinks=True)
        assert messages[-1].content == "<think>\nOne is 3.\n\nTwo is 4.\n\n"

    def test_a_lead_closes_the_thinking(self) -> None:
        messages = continuation(replace(PLAIN, trace=TRACE), "small", lead=DEFAULT_PROMPTS.lead, thinks=True)
        assert messages[-1].content == "<think>\nOne is 3.\n\nTwo is 4.\n</think>\n\nThe final answer is \\boxed{"

    def test_authors_are_separated_where_no_line_ended(self) -> None:
        trace = [step("One is 3.", "small", sep=""), step("Two is 4.", "large", sep="")]
        assert continuation(replace(PLAIN, trace=trace), "small")[-1].content == "One is 3.\n\nTwo is 4.\n\n"
        assert continuation(replace(PLAIN, trace=trace), "large")[-1].content == "One is 3.\n\nTwo is 4."

    def test_the_callers_turns_and_images_stay(self) -> None:
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
        conversation = [SystemMessage("Be exact."), HumanMessage("Hi"), AIMessage("Hello"), HumanMessage([image])]
        messages = continuation(replace(PLAIN, conversation=conversation), "small")
        assert contents(messages)[:3] == [("system", "Be exact."), ("human", "Hi"), ("ai", "Hello")]
        assert messages[3].content == [image, {"type": "text", "text": DEFAULT_PROMPTS.solve}]

    def test_the_prompt_of_an_uninterrupted_author_only_grows(self) -> None:
        """What the other author left is told once; the model's own new steps change nothing before them."""
        for author in ("small", "large"):
            other = "large" if author == "small" else "small"
            trace = [step("2 + 1 = 3.", other, ["2 + 1 = 3"])]
            earlier = continuation(replace(PLAIN, trace=trace), author)  # type: ignore[arg-type]
            trace += [step("3 + 1 = 4.", author, ["3 + 1 = 4"])]
            later = continuation(replace(PLAIN, trace=trace), author)  # type: ignore[arg-type]
            assert contents(earlier)[0] == contents(later)[0]
            assert "Found so far: 2 + 1 = 3." in later[0].content
            assert str(later[1].content).startswith(str(earlier[1].content))

    def test_without_a_hand_over_nothing_is_told(self) -> None:
        trace = [step("2 + 1 = 3.", "small", ["2 + 1 = 3"])]
        assert continuation(replace(PLAIN, trace=trace), "small")[0].content == SOLVE


class TestTurn:
    def test_a_longer_trace_changes_the_last_block_only(self) -> None:
        """What provider caches need: all before the last block is a prefix of the next prompt."""
        trace = [step(f"{n} + 1 = {n + 1}.", "large", [f"{n} + 1 = {n + 1}"]) for n in range(30)]
        prompts = [
            str(question_turn(replace(HANDOVER, trace=trace[:count]), f"ask {count}")[-1].content)
            for count in range(1, 31)
        ]
        for count, (earlier, later) in enumerate(pairwise(prompts), 1):
            body = earlier[: earlier.index(f"Step {count}.") + len(f"Step {count}. {trace[count - 1]['text']}")]
            assert later.startswith(body)
            assert len(earlier) - len(body) < 700  # the hints, the progress, eight conclusions and the ask

    def test_blocks_are_the_same_text(self) -> None:
        whole = question_turn(HANDOVER, "Go.")[-1].content
        blocks = question_turn(HANDOVER, "Go.", blocks=True)[-1].content
        assert "\n\n".join(block["text"] for block in blocks) == whole  # type: ignore[index]

    def test_what_is_asked(self) -> None:
        assert "at most 80 words" in ask_for("initiate", tokens=120)
        assert "all remaining steps" in ask_for("rewrite", None)
        assert "the next 3 steps" in ask_for("intervene", 3, "It loops.")
        assert ask_for("conclude") == DEFAULT_PROMPTS.conclude

    def test_the_callers_system_message_is_kept(self) -> None:
        conversation = [SystemMessage("Be exact."), HumanMessage("What is 3 + 4?")]
        messages = question_turn(replace(PLAIN, conversation=conversation), "Go.")
        assert messages[0].content == f"{DEFAULT_PROMPTS.instructions}\n\nBe exact."


class TestStanding:
    def test_what_is_done_and_what_was_found(self) -> None:
        assert standing(HANDOVER, HANDOVER.trace) == [
            "Done of the plan: 1. Next: 2. take away the 6 that rot",
            "Found so far: 4 * 5 = 20.",
        ]

    def test_nothing_yet(self) -> None:
        assert standing(HANDOVER, ()) == []

    def test_the_latest_conclusions_once_each(self) -> None:
        trace = [step("…", "small", [f"x = {number % 12}"]) for number in range(40)]
        (line,) = standing(PLAIN, trace)
        assert line.count("x =") == FOUND_SHOWN
        assert line.endswith("x = 3.")


class TestWindow:
    def long(self, count: int) -> Handover:
        texts = [f"Step number {n} adds {n} to the running total." for n in range(count)]
        return replace(PLAIN, trace=[step(text, "small", [f"total_{n} = {n}"]) for n, text in enumerate(texts)])

    @pytest.mark.parametrize("style", ["prefill", "turn"])
    def test_a_trace_that_fits_is_sent_whole(self, style: Any) -> None:
        fitting = self.sent(ModelCard(style=style, window=8_192), self.long(20))
        assert fitting.left_out == 0
        assert fitting.messages == self.sent(ModelCard(style=style), self.long(20)).messages

    @pytest.mark.parametrize("style", ["prefill", "turn"])
    def test_older_steps_stand_as_their_conclusions(self, style: Any) -> None:
        sent = self.sent(ModelCard(style=style, window=2_048), self.long(300))
        text = "\n\n".join(message.text for message in sent.messages)
        assert f"Steps 1 to {sent.left_out} are left out here. They established: " in text
        assert f"total_{sent.left_out - 1} = {sent.left_out - 1}." in text
        assert f"Step number {sent.left_out - 1} " not in text
        assert f"Step number {sent.left_out} " in text
        assert "Step number 299 " in text
        if style == "turn":
            assert f"Step {sent.left_out + 1}. Step number {sent.left_out} " in text

    def test_half_goes_at_once_so_that_prompts_rarely_change(self) -> None:
        left_out = [self.sent(ModelCard(style="prefill", window=2_048), self.long(n)).left_out for n in range(1, 300)]
        assert left_out == sorted(left_out)
        assert 2 < len(set(left_out)) < 30  # of 300 steps

    def sent(self, card: ModelCard, given: Handover) -> Any:
        if card.style == "turn":
            return turn_prompt(card, given, ask_for("continue"), DEFAULT_PROMPTS)
        return trace_prompt(card, given, "small", DEFAULT_PROMPTS)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (
            {"initiate": "Plan in {words} words, then \\boxed{}."},
            "Prompts: initiate: must have {words}, and nothing else",
        ),
        ({"person": "Mind this as well."}, "Prompts: person: must have {instruction}, .* it has none"),
        ({"rewrite": "Write {steps} for {who}. {review}"}, "Prompts: rewrite: must have {review} {steps}"),
        ({"plan": "The plan {blueprint}: {"}, "Prompts: plan: .*brace.*twice"),
    ],
)
def test_a_text_that_could_not_be_filled_in_is_refused(texts: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("{", r"\{").replace("}", r"\}")):
        Prompts(**texts)


def test_braces_of_texts_that_are_sent_as_they_are() -> None:
    assert Prompts(solve="Put it into \\boxed{}.", finish="{x}", lead="The answer is {").lead == "The answer is {"


def test_every_text_can_be_replaced() -> None:
    mine = Prompts(**{name: text.replace("the", "THE") for name, text in asdict(DEFAULT_PROMPTS).items()})
    assert ask_for("rewrite", texts=mine) == ask_for("rewrite").replace("the", "THE")
    assert question_turn(PLAIN, "Go.", mine)[0].content == DEFAULT_PROMPTS.instructions.replace("the", "THE")
