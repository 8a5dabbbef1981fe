"""The live view: events in, readable text out, whatever the screen."""

from __future__ import annotations

import io
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests import cli_runs as runs
from tests.cli_terminal import Terminal, plain
from trigreason_graph.cli import words
from trigreason_graph.cli.report import report_lines, show_result
from trigreason_graph.cli.screen import Screen, make_console
from trigreason_graph.cli.tally import Tally
from trigreason_graph.cli.view import View, status_line
from trigreason_graph.cli.writing import GutterWriter


def shown(events: list[runs.Event], width: int | None = None) -> str:
    """What is on the screen after `events`: a file without a width, else a terminal."""
    if width is None:
        file, console = plain()
    else:
        terminal = Terminal(width)
        console = terminal.console
    view = View(Screen(console))
    for event in events:
        view.handle(event)
    view.close()
    return file.getvalue() if width is None else terminal.text()


class TestView:
    def test_a_terminal_without_a_width_has_the_usual_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "0")
        console = make_console(file=io.StringIO())
        console.print("What is there.")
        assert (console.width, console.file.getvalue()) == (80, "What is there.\n")

    def test_steps_carry_their_authors_in_words(self) -> None:
        text = shown(runs.rewritten())
        assert "   SRM 1 │ In April 48 clips were sold.\n" in text
        assert f"   LRM 2 │ {runs.RIGHT}\n" in text
        assert "   SRM 3 │ Answer: 72\n" in text

    def test_why_the_large_model_was_called(self) -> None:
        text = shown(runs.rewritten())
        assert "▲   LRM called: arithmetic check at step 2" in text
        assert "48 / 2 is 24, not 26." in text
        assert "written 26 · right 24" in text
        assert text.count("LRM called") == 1
        assert text.index("LRM called") < text.index("LRM 2 │")

    def test_a_discarded_draft_is_named_with_the_reason(self) -> None:
        text = shown(runs.rewritten())
        assert f"✗   discarded SRM 2, arithmetic check: {runs.WRONG}\n" in text
        assert text.count("48 / 2 is 24, not 26.") == 1

    def test_what_was_cut_in_mid_step_is_named_too(self) -> None:
        assert "discarded SRM 3, unfinished or said before: Alto\n" in shown(runs.rewritten())

    def test_without_a_status_line_each_call_says_what_it_took(self) -> None:
        text = shown(runs.rewritten())
        assert "LRM rewrites the step: 14 tokens, 2.5 s; so far 44 tokens, 5.0 s, $0" in text

    def test_step_discard_and_outcome_events_are_enough(self) -> None:
        events = [event for event in runs.rewritten() if event["type"] in ("step", "discard", "outcome")]
        text = shown(events)
        assert f"LRM 2 │ {runs.RIGHT}" in text
        assert "discarded by arithmetic check, 1 draft not shown: 48 / 2 is 24" in text

    @pytest.mark.parametrize("width", [30, 50, 80, 200])
    def test_a_terminal_shows_the_same_words_and_no_remnants(self, width: int) -> None:
        events = runs.rewritten()
        lines = shown(events, width).splitlines()
        assert max(map(len, lines)) < width
        plain_words = re.sub(r" +· +\w+ \w+( the step)?: .*so far.*\n", "", shown(events)).split()
        assert [word for line in lines for word in line.split() if word != "│"] == [w for w in plain_words if w != "│"]

    def test_an_unserved_signal_says_why(self) -> None:
        refused = "the budget of 2 large-model calls is used up"
        text = shown([runs.step(0, 0, "small", runs.WRONG), runs.signal(0, served=False, refused=refused)])
        assert "▲   arithmetic check at step 1" in text
        assert f"not served: {refused}" in text
        assert "LRM called" not in text

    def test_an_announced_signal_that_is_not_served_is_not_told_twice(self) -> None:
        text = shown([runs.signal(0), runs.signal(0, served=False, refused="shadow mode: nothing is paid")])
        assert text.count("48 / 2 is 24") == 1
        assert "not served: shadow mode" in text

    def test_a_reason_that_comes_after_the_call_is_shown(self) -> None:
        events = [runs.start("large", "rewrite", 0, "arithmetic_check"), runs.signal(1, served=True)]
        text = shown(events)
        assert text.count("arithmetic check") == 1
        assert "48 / 2 is 24, not 26." in text

    @pytest.mark.parametrize(("route", "title"), [("retry", "SRM tries again"), ("rollback", "Rollback")])
    def test_free_routes_do_not_claim_a_call(self, route: str, title: str) -> None:
        text = shown([runs.step(2, 2, "small", runs.WRONG), runs.signal(2, served=True, route=route)])
        assert f"{title}: arithmetic check at step 3" in text
        assert "LRM" not in text

    def test_a_rollback_over_shown_steps(self) -> None:
        steps = [runs.step(index, index, "small", f"Step number {index}.") for index in range(4)]
        text = shown([*steps, runs.discard(1, [1, 2, 3], "wrong since step 2"), runs.step(9, 1, "large", "Better.")])
        assert text.count("discarded SRM") == 3
        assert text.count("wrong since step 2") == 1
        assert "LRM 2 │ Better." in text

    def test_a_step_that_moves_is_said_to(self) -> None:
        events = [
            *(runs.step(index, index, "small", f"Step number {index}.") for index in range(3)),
            runs.start("large", "rewrite", 1, "arithmetic_check"),
            *runs.tokens("large", 7, "Better."),
            runs.discard(1, [1, 2]),
            runs.step(7, 1, "large", "Better."),
        ]
        text = shown(events)
        assert "LRM 4 │ Better." in text
        assert "LRM 4 becomes step 2" in text

    def test_the_blueprint_is_shown_as_the_plan(self) -> None:
        text = shown(
            [runs.start("large", "initiate", 0, "strategic_initiation"), *runs.tokens("large", -1, "Goal: a sum.")]
        )
        assert "LRM plan │ Goal: a sum." in text

    def test_tools_have_their_own_word(self) -> None:
        text = shown([runs.event("tool", name="calculator", call="1", status="ok", text="24")])
        assert "tool │ calculator ok: 24" in text

    def test_unknown_events_are_passed_over(self) -> None:
        assert shown([runs.event("weather", sun=True)]) == ""

    def test_waiting_is_said_where_there_is_no_status_line(self) -> None:
        file, console = plain()
        View(Screen(console)).waiting("loading embedded:small …")
        assert "loading embedded:small …" in file.getvalue()

    def test_no_control_code_reaches_what_is_no_terminal(self) -> None:
        text = shown([runs.step(0, 0, "small", "red \x1b[31m text\x07 and \x9b31m more\r\n")])
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\x9b" not in text

    def test_forced_colours_in_a_pipe_move_no_cursor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        file = io.StringIO()
        view = View(Screen(make_console(file=file)))
        for event in runs.rewritten():
            view.handle(event)
        assert set(re.findall(r"\x1b\[[0-9;]*([A-Za-z])", file.getvalue())) == {"m"}

    def test_model_text_is_no_markup(self) -> None:
        assert "[bold]x[/bold] :smile:" in shown([runs.step(0, 0, "small", "[bold]x[/bold] :smile:")], 80)

    def test_an_output_of_another_encoding_gets_plain_signs(self) -> None:
        raw = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        view = View(Screen(make_console(file=raw)))
        view.handle(runs.step(0, 0, "small", "x = 1"))
        view.handle(runs.signal(0, served=True))
        raw.seek(0)
        assert "SRM 1 | x = 1" in raw.read()


class TestColour:
    def test_authors_differ_in_colour(self) -> None:
        terminal = Terminal(color=True)
        view = View(Screen(terminal.console))
        for event in runs.rewritten():
            view.handle(event)
        assert "\x1b[36m   SRM 1" in terminal.getvalue()
        assert "\x1b[1;35m   LRM 2" in terminal.getvalue()

    def test_no_color_keeps_words_and_drops_colours(self) -> None:
        terminal = Terminal()
        view = View(Screen(terminal.console))
        for event in runs.rewritten():
            view.handle(event)
        assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.getvalue())

    def test_no_color_of_the_environment_is_honoured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        assert make_console().no_color


class TestStatusLine:
    def test_it_says_who_does_what_and_what_it_took(self) -> None:
        now = [0.0]
        tally = Tally(clock=lambda: now[0])
        for event in runs.rewritten()[:-8]:
            tally.handle(event)
        now[0] = 12.34
        tally.handle(runs.start("large", "rewrite", 3))
        assert status_line(tally, "", 79) == "LRM reads · 12.3 s · 44 tokens (LRM 14) · $0"
        tally.handle(runs.event("token", role="large", step_id=9, text="x"))
        assert status_line(tally, "", 79) == "LRM rewrites the step · 12.3 s · 45 tokens (LRM 15) · $0"

    @pytest.mark.parametrize("width", [5, 20, 30, 45])
    def test_a_narrow_screen_gets_the_beginning(self, width: int) -> None:
        tally = Tally(clock=lambda: 0.0)
        tally.handle(runs.start("small", "continue", 0))
        line = status_line(tally, "", width)
        assert line.startswith("SRM reads")
        assert len(line) <= max(width, len("SRM reads"))

    def test_it_is_below_the_text_and_gone_at_the_end(self) -> None:
        terminal = Terminal()
        view = View(Screen(terminal.console))
        view.handle(runs.start("small", "continue", 0))
        for event in runs.tokens("small", 0, "half a sen"):
            view.handle(event)
        assert terminal.lines()[-2:] == ["   SRM 1 │ half a sen", terminal.lines()[-1]]
        assert terminal.lines()[-1].startswith("SRM writes · ")
        view.close()
        assert terminal.text() == "   SRM 1 │ half a sen"


TEXTS = st.text(st.sampled_from("ab 漢é\n\t.-"), max_size=80)


class TestWriting:
    @staticmethod
    def written(pieces: list[str], width: int) -> list[str]:
        terminal = Terminal(width)
        writer = GutterWriter(Screen(terminal.console))
        writer.begin("SRM 1")
        for piece in pieces:
            writer.write(piece)
        writer.end()
        return terminal.lines()

    @given(text=TEXTS, cuts=st.lists(st.integers(0, 80)), width=st.integers(25, 60))
    def test_lines_do_not_depend_on_how_the_text_arrives(self, text: str, cuts: list[int], width: int) -> None:
        places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
        pieces = [text[begin:end] for begin, end in itertools.pairwise(places)]
        assert self.written(pieces, width) == self.written([text], width)

    @given(text=TEXTS, width=st.integers(25, 60))
    def test_no_line_is_too_long_and_no_sign_is_lost(self, text: str, width: int) -> None:
        lines = self.written(list(text), width)
        assert all(cell_len(line) < width for line in lines)
        body = "".join(line[len("   SRM 1 │ ") :] for line in lines)
        assert re.sub(r"\s", "", body) == re.sub(r"\s", "", text)

    def test_blank_lines_at_the_ends_are_not_shown_and_inner_ones_once(self) -> None:
        lines = self.written(["\n\n", "a\n\n\n\n", "  b\n\n"], 40)
        assert lines == ["   SRM 1 │ a", "         │", "         │   b", ""]


class TestTally:
    def test_an_open_call_is_counted_when_the_run_is_broken_off(self) -> None:
        now = [0.0]
        tally = Tally(clock=lambda: now[0])
        tally.handle(runs.start("large", "rewrite", 0, "arithmetic_check"))
        for event in runs.tokens("large", 0, "abcdefgh"):
            tally.handle(event)
        now[0] = 3.0
        tally.close()
        row = tally.rows[0]
        assert (row["status"], row["tokens_out"], row["estimated"], row["seconds"]) == ("cut", 2, True, 3.0)
        assert tally.spent["large_calls"] == 1
        assert tally.cost == 0.0

    def test_a_broken_off_call_of_unknown_price_makes_the_cost_unknown(self) -> None:
        tally = Tally()
        tally.handle({**runs.start("large", "rewrite", 0), "model": "openai:gpt-5"})
        tally.close()
        assert tally.cost is None

    def test_the_trace_follows_steps_and_discards(self) -> None:
        tally = Tally()
        for event in runs.rewritten():
            tally.handle(event)
        assert tally.trace == [0, 3, 4]


class TestReport:
    def test_it_says_all_that_was_asked_for(self) -> None:
        lines = dict(report_lines(runs.report()))
        assert lines["outcome"] == "answered"
        assert lines["SRM"].startswith("2 steps (67 %), 16 tokens (53 %) of the trace")
        assert "1 call, 14 tokens out, 100 in, 2.5 s, $0" in lines["LRM"]
        assert lines["triggers"] == "arithmetic check 1"
        assert lines["discards"] == (
            "1 step, 12 tokens\nstep 2 (12 tokens, $0), arithmetic check: 48 / 2 is 24, not 26."
        )
        assert lines["total"] == "3 calls, 50 tokens out, 7.5 s, $0"
        assert lines["LRM only"].endswith("(estimate)")

    def test_estimates_and_unknown_prices_are_marked(self) -> None:
        totals = {"small": runs.totals(1, 20), "large": runs.totals(2, 9, cost=None, estimated=True)}
        lines = dict(report_lines(runs.report(totals=totals, cost=None)))
        assert "about 9 tokens out" in lines["LRM"]
        assert "price unknown" in lines["LRM"]
        assert "price unknown" in lines["total"]

    @pytest.mark.parametrize("width", [40, 80])
    def test_an_end_without_an_answer_says_so(self, width: int) -> None:
        terminal = Terminal(width)
        show_result(Screen(terminal.console), "", runs.report("budget", "the budget of 9 tokens is used up"))
        assert "so far   no answer" in terminal.text()
        assert "the budget is used up" in " ".join(terminal.text().split())
        assert max(map(len, terminal.lines())) <= width


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (None, "price unknown"),
        (0.0, "$0"),
        (1.234, "$1.23"),
        (0.01234, "$0.012"),
        (0.00012, "$0.00012"),
        (3e-6, "$3.0e-06"),
    ],
)
def test_money(dollars: float | None, text: str) -> None:
    assert words.money(dollars) == text


@pytest.mark.parametrize(("value", "text"), [(0.04, "0.0 s"), (99.94, "99.9 s"), (125.0, "2 min 5 s")])
def test_seconds(value: float, text: str) -> None:
    assert words.seconds(value) == text
