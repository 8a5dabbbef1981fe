"""What of a node's update is written: only what makes a difference."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage, RemoveMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.graphs import STEPS, Marker, graph, large, small
from trigreason_graph import Settings
from trigreason_graph.errors import InputError
from trigreason_graph.nodes.migration import migrated
from trigreason_graph.nodes.updates import changed
from trigreason_graph.nodes.verdicts import Judged, Verdict, Verdicts
from trigreason_graph.testing.samples import make_step

QUESTION = {"question": "What is 3 + 4?"}
CONFIG: Any = {"configurable": {"thread_id": "t"}}


@pytest.mark.parametrize(
    ("update", "state", "written"),
    [
        ({"signal": None}, {}, {}),
        ({"signal": None}, {"signal": {"trigger": "x"}}, {"signal": None}),
        ({"notes": ["slow"]}, {"notes": ["slow"]}, {}),
        ({"notes": []}, {"notes": ["slow"]}, {"notes": []}),
        ({"trace": []}, {"trace": [1]}, {}),
        ({"trace": {"keep": 0}}, {}, {}),
        ({"trace": {"keep": 0}}, {"trace": [1]}, {"trace": {"keep": 0}}),
        ({"trace": {"keep": 1, "add": [2]}}, {}, {"trace": {"keep": 1, "add": [2]}}),
        ({"messages": []}, {}, {}),
        ({"run_id": "a", "next_id": 0}, {}, {"run_id": "a", "next_id": 0}),
    ],
)
def test_only_what_changes_is_written(update: Any, state: Any, written: Any) -> None:
    assert changed(update, state) == written


async def test_a_plain_run_stores_no_empty_values() -> None:
    compiled = graph(small(STEPS), checkpointer=InMemorySaver())
    await compiled.ainvoke(QUESTION, CONFIG)
    state = (await compiled.aget_state(CONFIG)).values
    assert not {"blueprint", "signal", "fallback_on", "large_off", "notes", "problem"} & state.keys()
    whole = migrated(state)
    assert whole["signal"] is None
    assert whole["problem"] == QUESTION["question"]


def test_the_problem_is_that_of_its_message_also_where_an_older_state_has_another() -> None:
    messages = [HumanMessage("Old?", id="1"), HumanMessage("  New?  ", id="2")]
    assert migrated({"messages": messages, "turn": "2", "problem": "Old?"})["problem"] == "New?"
    assert migrated({"messages": [], "turn": "2", "problem": "Old?"})["problem"] == "Old?"


def test_a_message_may_have_an_empty_id() -> None:
    assert migrated({"messages": [HumanMessage("New?", id="")], "turn": ""})["problem"] == "New?"


async def test_without_its_question_a_run_does_not_go_on() -> None:
    writer, expert = small("It is bad.", STEPS), large("It is good.")
    asking = Settings(large="ask")
    compiled = graph(writer, expert, Marker("bad"), settings=asking, checkpointer=InMemorySaver())
    await compiled.ainvoke(QUESTION, CONFIG)
    (asked,) = (await compiled.aget_state(CONFIG)).values["messages"]
    await compiled.aupdate_state(CONFIG, {"messages": [RemoveMessage(id=asked.id)]}, as_node="trigger_router")
    with pytest.raises(InputError, match="has been removed from the thread"):
        await compiled.ainvoke(None, CONFIG)
    assert expert.calls == 0
    await compiled.aupdate_state(CONFIG, {"messages": [asked]}, as_node="trigger_router")
    await compiled.ainvoke(None, CONFIG)
    result = await compiled.ainvoke(Command(resume="approve"), CONFIG)
    assert result["answer"] == "7"


async def test_what_is_said_while_a_run_waits_is_told_behind_its_question() -> None:
    expert = large("It is good.")
    asking = Settings(large="ask")
    compiled = graph(small("It is bad.", STEPS), expert, Marker("bad"), settings=asking, checkpointer=InMemorySaver())
    await compiled.ainvoke(QUESTION, CONFIG)
    said = {"messages": [HumanMessage("In base 7.")]}
    await compiled.ainvoke(Command(resume="approve", update=said), CONFIG)
    (_, prompt) = expert.prompts[0]
    assert prompt.text.startswith("Problem:\nWhat is 3 + 4?\n\nWhat has happened since:\n\nIn base 7.")


class TestVerdicts:
    drafts = (make_step("One."), make_step("Two."))

    def judged(self) -> Judged:
        return Judged(("", False), self.drafts, [Verdict("accept")] * 2)

    def test_the_same_objects_are_not_judged_again(self) -> None:
        known = Verdicts()
        known.keep("run", self.judged())
        assert len(known.take("run", ("", False), self.drafts)) == 2
        assert not known.take("run", ("", False), self.drafts)

    def test_what_comes_out_of_a_checkpoint_is(self) -> None:
        known = Verdicts()
        known.keep("run", self.judged())
        assert len(known.take("run", ("", False), [self.drafts[0], dict(self.drafts[1])])) == 1  # type: ignore[list-item]

    def test_and_so_it_is_where_the_large_model_has_closed_since(self) -> None:
        known = Verdicts()
        known.keep("run", self.judged())
        assert not known.take("run", ("the budget is spent", False), self.drafts)

    def test_another_run_has_its_own(self) -> None:
        known = Verdicts()
        known.keep("run", self.judged())
        assert not known.take("other", ("", False), self.drafts)
