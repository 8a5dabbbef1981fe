"""InterventionRequest: hesitation, repetition, circles; and everything that only looks like them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.graphs import graph, large, small
from tests.views import step, view
from trigreason_graph.state import Signal, Step
from trigreason_graph.triggers import InterventionRequest, add_language
from trigreason_graph.triggers.phrases import languages, phrase_in, word_lists

PAPER = InterventionRequest(
    words="paper", languages=("en",), repeats=False, loops=False, circles=False, same_conclusion=None
)
CALM = [
    f"Fact number {word}." for word in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
]


class TestHesitation:
    def test_three_hesitant_steps_in_a_row(self) -> None:
        looked_at = view(*CALM[:8], "Maybe it is 3.", "Wait, no.", "Hmm, is it 4?")
        assert PAPER.check(looked_at) == {
            "trigger": "intervention_request",
            "reason": 'The small model hesitates in each of the last 3 steps ("hmm").',
            "evidence": {"pattern": "hesitation", "steps": "3", "expressions": "maybe, wait, hmm"},
            "route": "intervene",
            "steps": 1,
        }

    def test_only_from_step_11_on(self) -> None:
        hesitant = ["Maybe it is 3.", "Wait, no.", "Hmm, is it 4?"]
        assert PAPER.check(view(*CALM[:7], *hesitant)) is None
        assert PAPER.check(view(*CALM[:8], *hesitant)) is not None

    @pytest.mark.parametrize(
        "last",
        [
            ["Maybe 3.", "It is 4.", "Hmm, 4?"],
            ["Maybe 3.", "Wait, 4?", "It is 4."],
            ["It is 3.", "Wait, 4?", "Hmm."],
        ],
        ids=["a calm step between", "recovered", "only two"],
    )
    def test_a_broken_run_does_not_count(self, last: list[str]) -> None:
        assert PAPER.check(view(*CALM, *last)) is None

    def test_the_large_models_steps_count_but_its_own_draft_is_not_judged(self) -> None:
        large = step("Wait, perhaps not.", "large")
        assert PAPER.check(view(*CALM, "Maybe 3.", large, "Hmm.")) is not None
        assert PAPER.check(view(*CALM, "Maybe 3.", "Hmm.", large)) is None

    def test_tools_are_passed_over(self) -> None:
        tool = step("wait, hmm " * 100, "tool")
        assert PAPER.check(view(*CALM, "Maybe 3.", tool, tool, "Hmm.")) is None
        assert PAPER.check(view(*CALM, "Maybe 3.", tool, "Wait.", tool, "Hmm.")) is not None
        assert PAPER.check(view(*CALM, "Maybe 3.", "Hmm.", tool)) is None

    def test_the_problem_and_quotations_do_not_count(self) -> None:
        asked = "wait, hmm, maybe " * 100
        assert PAPER.check(view(*CALM, "One.", "Two.", "Three.", question=asked)) is None
        quoted = "> Wait, hmm, maybe.\nThat is what it says."
        assert PAPER.check(view(*CALM, quoted, quoted, quoted)) is None

    def test_not_enough_steps(self) -> None:
        assert InterventionRequest(k=3, min_step=0).check(view("Hmm.", "Hmm, well.")) is None

    def test_k_1_and_none(self) -> None:
        one = InterventionRequest(k=1, min_step=0).check(view("Hmm, so."))
        assert one is not None
        assert one["reason"] == 'The small model hesitates in this step ("hmm").'
        assert InterventionRequest(k=None, min_step=0).check(view("Hmm.", "Hmm, so.", "Hmm, yes.")) is None

    def test_users_words(self) -> None:
        trigger = InterventionRequest(k=1, min_step=0, extra=("mein Gott",))
        assert trigger.check(view("Mein  Gott, ist das schwer.")) is not None
        assert trigger.check(view("Das ist leicht.")) is None


class TestWords:
    @pytest.mark.parametrize("phrase", word_lists("en")["paper"]["phrases"])
    def test_each_published_expression(self, phrase: str) -> None:
        assert phrase_in(f"So, {phrase.upper()}: 3.", "paper", ("en",)) != ""

    def test_the_published_list_is_complete(self) -> None:
        assert len(word_lists("en")["paper"]["phrases"]) == 28

    @pytest.mark.parametrize(
        "text",
        ["The waiter has 3 plates.", "A number of thinkers", "Humming birds", "She awaits 3 letters.", "An umbrella"],
    )
    def test_whole_words_only(self, text: str) -> None:
        assert phrase_in(text, "paper", ("en",)) == ""

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("Wait, that is 3.", "wait"),
            ("So 3. Wait, no.", "wait"),
            ("But wait, that is 3.", "but wait"),
            ("**Hold on.** 3?", "hold on"),
            ("Now that I\nthink about it, 3.", "now that i think about it"),
            ("Unless I’m wrong, 3.", "unless i’m wrong"),
            ("等等，这里不对。", "等等"),
            ("所以是3。不对，是4。", "不对"),
            ("我不太确定。", "不太确定"),
        ],
    )
    def test_the_default_list_finds(self, text: str, said: str) -> None:
        assert phrase_in(text, "default", ("en", "zh")) == said

    @pytest.mark.parametrize(
        "text",
        [
            "The customers wait 3 minutes.",
            "He could be 3 years old.",
            "She was thinking of 3 numbers.",
            "The total is actually 3.",
            "苹果、梨等等一共3个。",
            "3 ≠ 4，方向相反。",
            "On a Monday, Ann ate 3.",
        ],
    )
    def test_the_default_list_leaves_plain_prose_alone(self, text: str) -> None:
        assert phrase_in(text, "default", ("en", "zh")) == ""

    def test_shipped_languages(self) -> None:
        assert languages() == ("en", "zh")
        with pytest.raises(ValueError, match=r"xx.*en, zh"):
            word_lists("xx")


class TestRepetition:
    def test_the_same_step_again_is_thrown_away(self) -> None:
        signal = InterventionRequest().check(view("So the total is 12.", "So the  total is 12."))
        assert signal is not None
        assert signal["drop"] is True
        assert signal["route"] == "intervene"
        assert signal["evidence"] == {"pattern": "equal steps", "step": "So the total is 12."}

    def test_nearly_equal_steps_need_three(self) -> None:
        steps = [
            "So we take the total number of apples that she has in all of the baskets and go on.",
            "So, we take the total number of apples that she has in all of the baskets and go on.",
            "So we take the total number of apples that she has in all of her baskets and go on.",
        ]
        assert InterventionRequest().check(view(*steps[:2])) is None
        signal = InterventionRequest().check(view(*steps))
        assert signal is not None
        assert signal["evidence"]["pattern"] == "nearly equal steps"
        assert "drop" not in signal

    @pytest.mark.parametrize(
        "steps",
        [
            ["So the total is 12.", "So the total is 13."],
            ["So the total is 12.", "Something else.", "So the total is 12."],
            ["\\]", "\\]"],
            ["---------------", "---------------"],
            ["| 1 | 2 | 3 | 4 |", "| 1 | 2 | 3 | 4 |"],
            [
                "Let A be the first set of apples.",
                "Let B be the second set of apples.",
                "Let C be the third set of apples.",
            ],
            ["The cost of 3 apples is 6.", "The cost of 4 apples is 8.", "The cost of 5 apples is 10."],
            ["In Maßen trinken ist gesund.", "In Massen trinken ist gesund."],
        ],
        ids=["other number", "not in a row", "short", "rule", "table", "enumeration", "numbers differ", "other word"],
    )
    def test_what_is_no_repetition(self, steps: list[str]) -> None:
        assert InterventionRequest().check(view(*steps)) is None

    def test_tools_and_the_large_model(self) -> None:
        text = "The result of the search is 12."
        assert InterventionRequest().check(view(step(text, "tool"), text)) is None
        assert InterventionRequest().check(view(text, step(text, "tool"))) is None
        assert InterventionRequest().check(view(text, step(text, "large"))) is None
        assert InterventionRequest().check(view(step(text, "large"), text)) is not None
        assert InterventionRequest().check(view(text, step("Searching.", "tool"), text)) is not None

    def test_a_repeated_answer_is_an_answer(self) -> None:
        answer = step("Answer: 12 apples", kind="answer")
        assert InterventionRequest().check(view(answer, answer)) is None

    def test_long_steps_that_differ_only_late(self) -> None:
        one, other = "very long " * 2_000, "very long " * 2_000 + "but different"
        assert InterventionRequest().check(view(one, other)) is None

    def test_it_can_be_turned_off(self) -> None:
        trigger = InterventionRequest(repeats=False, loops=False, circles=False, same_conclusion=None)
        assert trigger.check(view(*["So the total is 12."] * 4)) is None


ROUND = "So we add the number of apples to the number of pears again. "


class TestLoops:
    def test_a_loop_inside_a_step(self) -> None:
        signal = InterventionRequest().check(view("Let us see. " + ROUND * 5))
        assert signal is not None
        assert signal["evidence"] == {
            "pattern": "loop",
            "times": "5",
            "unit": "So we add the number of apples to the number of pears again.",
        }
        assert signal["drop"] is True
        assert signal["reason"] == "The small model writes the same 5 times over."

    def test_it_is_seen_while_it_is_written(self) -> None:
        trigger = InterventionRequest()
        assert trigger.when == "partial"
        seen = [length for length in range(1, 30) if trigger.check(view("Hm. " + ROUND * length, complete=False))]
        assert seen[0] == 3
        assert InterventionRequest(loops=False).when == "step"
        assert InterventionRequest(loops=False).check(view(ROUND * 9, complete=False)) is None

    def test_a_growing_draft_is_looked_at_for_nothing_else(self) -> None:
        twice = view("So the total is 12.", "So the total is 12.", complete=False)
        assert InterventionRequest().check(twice) is None
        hesitant = view(*CALM, "Hmm.", "Hmm, so.", "Hmm, well.", complete=False)
        assert InterventionRequest().check(hesitant) is None

    def test_a_loop_over_several_steps(self) -> None:
        turn = ["We look at the first case.", "It gives no result.", "So we take the other one.", "It fails as well."]
        trigger = InterventionRequest(circles=False)
        fired = [length for length in range(1, 20) if trigger.check(view(*(turn * 5)[:length]))]
        assert fired
        assert 8 < fired[0] <= 12
        assert fired == list(range(fired[0], 20))

    def test_the_draft_must_be_part_of_it(self) -> None:
        assert InterventionRequest().check(view("Hm. " + ROUND * 5, "Now it is 12.")) is None
        assert InterventionRequest().check(view("Hm. " + ROUND * 5 + "Now, however, there are 12 of them.")) is None

    @pytest.mark.parametrize("author", ["large", "tool"])
    def test_only_the_small_models_draft(self, author: str) -> None:
        assert InterventionRequest().check(view(step(ROUND * 9, author))) is None
        assert InterventionRequest().check(view(step(ROUND * 9, author), "It is 12.")) is None

    async def test_a_looping_step_is_cut(self) -> None:
        writer, expert = small("It is 3.\n\n" + ROUND * 60, "So \\boxed{7}."), large("It is 4.")
        result = await graph(writer, expert, InterventionRequest()).ainvoke({"question": "What?"})
        assert [(one["author"], one["text"]) for one in result["trace"]] == [
            ("small", "It is 3."),
            ("large", "It is 4."),
            ("small", "So \\boxed{7}."),
        ]
        assert writer.closed == 1
        assert result["report"]["discarded_tokens"] < 60  # of 780


class TestCirclesOfThree:
    def test_three_steps_in_turn(self) -> None:
        turn = ["It must be the first.", "It must be the second.", "It must be the third."]
        signal = InterventionRequest(loops=False).check(view(*turn, *turn))
        assert signal is not None
        assert signal["evidence"]["choices"] == "3"
        assert InterventionRequest(loops=False).check(view(*turn, *turn[:2])) is None

    def test_three_conclusions_in_turn(self) -> None:
        turn = [concluding(f"x = {n}") for n in (3, 4, 5, 3, 4, 5)]
        signal = InterventionRequest(loops=False).check(view(*turn))
        assert signal is not None
        assert signal["evidence"] == {
            "pattern": "circle of conclusions",
            "first": "x = 3",
            "second": "x = 4",
            "third": "x = 5",
        }


class TestLanguages:
    LISTS: ClassVar = {"default": {"phrases": ["vielleicht"], "openers": ["moment"]}}

    def test_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "de.toml"
        path.write_text('[default]\nphrases = ["vielleicht"]\nopeners = ["moment"]\n', encoding="utf-8")
        trigger = InterventionRequest(k=1, min_step=0, languages=("en", str(path)))
        assert trigger.check(view("Es sind vielleicht 3.")) is not None
        assert trigger.check(view("Moment, es sind 4.")) is not None
        assert trigger.check(view("In diesem Moment sind es 4.")) is None
        assert trigger.check(view("Hmm, 4.")) is not None

    def test_a_name(self) -> None:
        add_language("de-test", self.LISTS)
        assert InterventionRequest(k=1, min_step=0, languages=("de-test",)).check(view("Vielleicht 3.")) is not None
        with pytest.raises(ValueError, match="taken"):
            add_language("en", self.LISTS)
        with pytest.raises(ValueError, match="needs a name"):
            add_language(" ", self.LISTS)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[default", "no valid TOML"),
            ("phrases = ['a']", "must have"),
            ("[default]\nwords = ['a']", "and nothing else"),
            ("[default]\nphrases = [1]", "must be a list of texts"),
            ("", "must have a table"),
        ],
    )
    def test_a_file_that_cannot_be_used(self, text: str, said: str, tmp_path: Path) -> None:
        path = tmp_path / "xx.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=said) as caught:
            InterventionRequest(languages=(str(path),))
        assert "xx.toml" in str(caught.value)
        with pytest.raises(ValueError, match=r"gone\.toml.*No such file"):
            InterventionRequest(languages=("gone.toml",))


_WORDS = itertools.cycle(
    [
        "apples",
        "a boat",
        "the clock",
        "her dog",
        "an engine",
        "five forks",
        "some glass",
        "a hill",
        "ink",
        "a jar",
        "kin",
    ]
)


def concluding(*conclusions: str) -> Step:
    """A step that says something else each time, and concludes."""
    return step(f"Looking at {next(_WORDS)} once more, we get on.", conclusions=list(conclusions))


class TestCircles:
    def test_alternating_steps(self) -> None:
        signal = InterventionRequest().check(view(*["It must be the first.", "It must be the second."] * 2))
        assert signal is not None
        assert signal["evidence"]["pattern"] == "circle of steps"
        assert signal["drop"] is True

    def test_alternating_conclusions(self) -> None:
        steps = [concluding("x = 3"), concluding("x = 4"), concluding("x = 3"), concluding("x = 4")]
        signal = InterventionRequest().check(view(*steps))
        assert signal is not None
        assert signal["evidence"] == {"pattern": "circle of conclusions", "first": "x = 3", "second": "x = 4"}

    @pytest.mark.parametrize(
        "reached",
        [
            [("x = 3",), ("x = 4",), ("x = 3",), ("x = 5",)],
            [("x = 3",), ("x = 4",), ("x = 4",), ("x = 3",)],
            [("x = 3",), (), ("x = 3",), ()],
            [("x = 4",), ("x = 3",), ("x = 4",)],
        ],
    )
    def test_what_is_no_circle(self, reached: list[tuple[str, ...]]) -> None:
        assert InterventionRequest().check(view(*[concluding(*one) for one in reached])) is None

    def test_the_same_conclusion_four_times(self) -> None:
        steps = [concluding("x = 4") for _ in range(4)]
        assert InterventionRequest().check(view(*steps[:3])) is None
        signal = InterventionRequest().check(view(*steps))
        assert signal is not None
        assert signal["evidence"] == {"pattern": "same conclusion", "conclusion": "x = 4", "times": "4"}
        assert InterventionRequest(same_conclusion=None).check(view(*steps)) is None
        assert InterventionRequest(same_conclusion=2).check(view(*steps[:2])) is not None

    def test_a_step_that_adds_something_is_no_lingering(self) -> None:
        steps = [concluding("x = 4") for _ in range(3)]
        assert InterventionRequest().check(view(*steps, concluding("x = 4", "y = 5"))) is None

    def test_far_apart_is_no_lingering(self) -> None:
        others = [concluding(f"y = {n}") for n in range(9)]
        assert (
            InterventionRequest().check(view(*[concluding("x = 4") for _ in range(3)], *others, concluding("x = 4")))
            is None
        )

    def test_after_it_fired_the_counting_begins_anew(self) -> None:
        fired = Signal(trigger="intervention_request", reason="", evidence={}, route="intervene", at=3)
        steps = [concluding("x = 4") for _ in range(7)]
        assert InterventionRequest().check(view(*steps, signals=[fired])) is None
        assert InterventionRequest().check(view(*steps, concluding("x = 4"), signals=[fired])) is not None
        gone = Signal(**{**fired, "at": 100})
        assert InterventionRequest().check(view(*steps, signals=[gone])) is not None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"k": 0}, "k"),
        ({"k": 33}, "k"),
        ({"min_step": -1}, "min_step"),
        ({"same_conclusion": 1}, "same_conclusion"),
        ({"steps": 0}, "steps"),
        ({"repeats": "yes"}, "repeats"),
        ({"circles": 1}, "circles"),
        ({"languages": ["en"]}, "languages"),
        ({"extra": ("",)}, "extra"),
        ({"words": "nope"}, "words"),
        ({"languages": ("xx",)}, "words, languages or extra: no word lists for language 'xx'"),
    ],
)
def test_bad_fields_are_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"InterventionRequest: {named}"):
        InterventionRequest(**fields)
