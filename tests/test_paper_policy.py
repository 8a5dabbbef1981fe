"""TrigReason as published, through the whole graph: every branch with scripted models, and one golden run.

`python -m tests.test_paper_policy` writes the golden run anew; read the difference before it is committed.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from tests.graphs import LOCAL_SMALL, full_state, large, small
from trigreason_graph import Budget, Policy, Settings, create_trigreason_graph
from trigreason_graph.policies import SHIPPED
from trigreason_graph.testing import Scripted, ScriptedModel
from trigreason_graph.triggers import StrategicInitiation

GOLDEN = Path(__file__).parent / "data" / "paper_golden.json"
SURE, UNSURE = 0.99, 0.5
"""Probabilities of every token of a step: perplexity 1.01, below tau, and 2."""
END = "So the result is \\boxed{7}."


def drafts(*steps: tuple[str, float] | str) -> ScriptedModel:
    """A small model that writes one step a call, each with its probability (a plain text: unsure)."""
    told = [(step, UNSURE) if isinstance(step, str) else step for step in steps]
    replies = [
        Scripted(text, probability) if text == END else Scripted(f"{text}\n\nand", probability, finish="length")
        for text, probability in told
    ]
    served_by_sglang = replace(LOCAL_SMALL, logprob_space="tempered")  # what the paper's thresholds hold for
    return ScriptedModel(script=replies, trigreason_card=served_by_sglang)


def without_start(**fields: Any) -> Policy:
    """The paper's policy without its 20 first steps, for short scripts; `fields` are of its triggers."""
    return replace(SHIPPED["paper"], initiation=None).with_fields(fields)


@dataclass
class Run:
    """What came of a run."""

    trace: list[tuple[str, str]]
    signals: list[tuple[str, int, bool]]
    result: dict[str, Any]
    discarded: list[str]


async def run(srm: ScriptedModel, lrm: ScriptedModel, policy: Policy, **arguments: Any) -> Run:
    graph = create_trigreason_graph(
        small=srm, large=lrm, policy=policy, **{"budget": Budget(usd=None, large_tokens=None), **arguments}
    ).compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}, "recursion_limit": 200}
    result = await graph.ainvoke({"question": "What is 3 + 4?"}, config)  # type: ignore[call-overload]
    state = await full_state(graph, config)
    return Run(
        [(step["author"], step["text"]) for step in result["trace"]],
        [(signal["trigger"], signal["at"], signal["served"]) for signal in state["signals"]],
        dict(result),
        [step["text"] for branch in state["discarded"] for step in branch["steps"]],
    )


CALM = [
    f"Fact {word} is known." for word in ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
]


class TestStart:
    async def test_the_large_model_writes_20_steps_and_then_the_small_one_goes_on(self) -> None:
        lrm = large("\n\n".join(f"Known is {n}." for n in range(25)))
        done = await run(drafts("It goes on.", END), lrm, SHIPPED["paper"])
        assert [author for author, _ in done.trace] == ["large"] * 20 + ["small"] * 2
        assert done.trace[19] == ("large", "Known is 19.")
        assert done.signals == [("strategic_initiation", 0, True)]

    async def test_a_solution_within_them_ends_the_run(self) -> None:
        srm = drafts()
        done = await run(srm, large(f"It is easy.\n\n{END}"), SHIPPED["paper"])
        assert done.result["answer"] == "7"
        assert srm.calls == 0


class TestOffload:
    async def test_an_overconfident_step_is_dropped_and_written_by_the_large_model(self) -> None:
        srm, lrm = drafts("It is 3.", ("It is 4.", SURE), END), large("It is 5.\n\nIt is 6.")
        done = await run(srm, lrm, without_start())
        assert done.trace == [("small", "It is 3."), ("large", "It is 5."), ("small", END)]
        assert done.discarded == ["It is 4."]
        assert done.signals == [("cognitive_offload", 1, True)]

    @pytest.mark.parametrize(
        ("probability", "fields", "fires"),
        [
            (1 / 1.049, {}, True),
            (1 / 1.051, {}, False),
            (SURE, {"rho": 1.0}, False),
            (SURE, {"rho": 0.999}, True),
        ],
        ids=["below tau", "above tau", "equal to rho", "above rho"],
    )
    async def test_both_comparisons_are_strict(self, probability: float, fields: dict[str, float], fires: bool) -> None:
        srm, lrm = drafts(("It is 4.", probability), END), large("It is 5.")
        done = await run(srm, lrm, without_start(cognitive_offload=fields))
        assert done.trace[0] == (("large", "It is 5.") if fires else ("small", "It is 4."))

    async def test_a_step_of_any_length(self) -> None:
        done = await run(drafts(("So", SURE), END), large("It is 5."), without_start())
        assert done.trace[0] == ("large", "It is 5.")

    async def test_from_the_first_step_on_and_in_a_row(self) -> None:
        srm = drafts(("It is 1.", SURE), ("It is 2.", SURE), END)
        done = await run(srm, large("It is 5.", "It is 6."), without_start())
        assert [author for author, _ in done.trace] == ["large", "large", "small"]

    async def test_an_overconfident_answer_is_rewritten_too(self) -> None:
        done = await run(drafts((END, SURE)), large("So it is \\boxed{8}."), without_start())
        assert done.result["answer"] == "8"

    async def test_without_log_probabilities_it_is_silent(self) -> None:
        done = await run(drafts(("It is 4.", None), END), large(), without_start())  # type: ignore[arg-type]
        assert done.signals == []


class TestIntervention:
    async def test_three_hesitant_steps_stay_and_the_next_is_the_large_models(self) -> None:
        hesitant = ["Wait, is it 3?", "Maybe it is 4.", "Hmm, no."]
        srm, lrm = drafts(*CALM, *hesitant, END), large("It is 7.\n\nSurely.")
        done = await run(srm, lrm, without_start())
        assert done.trace[10:] == [*(("small", text) for text in hesitant), ("large", "It is 7."), ("small", END)]
        assert done.signals == [("intervention_request", 12, True)]
        assert done.discarded == []

    @pytest.mark.parametrize(("calm", "fires"), [(8, True), (7, False)], ids=["step 11", "step 10"])
    async def test_only_from_step_11_on(self, calm: int, fires: bool) -> None:
        hesitant = ["Wait, is it 3?", "Maybe it is 4.", "Hmm, no."]
        done = await run(drafts(*CALM[:calm], *hesitant, END), large("It is 7."), without_start())
        assert bool(done.signals) is fires

    async def test_a_calm_step_breaks_the_row(self) -> None:
        srm = drafts(*CALM, "Wait, is it 3?", "Maybe it is 4.", "It is 5.", "Hmm, no.", END)
        assert (await run(srm, large(), without_start())).signals == []

    async def test_steps_of_the_large_model_count_in_the_row(self) -> None:
        srm = drafts(*CALM, "Wait, is it 3?", ("It is 4.", SURE), "Hmm, no.", END)
        done = await run(srm, large("Perhaps it is 5.", "It is 7."), without_start())
        assert done.signals == [("cognitive_offload", 11, True), ("intervention_request", 12, True)]

    async def test_a_hesitant_step_of_the_large_model_is_not_judged_itself(self) -> None:
        srm = drafts(*CALM, "Wait, is it 3?", "Maybe it is 4.", ("It is 5.", SURE), END)
        done = await run(srm, large("Hmm, it is 6."), without_start())
        assert done.signals == [("cognitive_offload", 12, True)]

    async def test_hesitation_goes_on_behind_a_calm_step_of_the_large_model(self) -> None:
        srm = drafts(*CALM, "Wait, is it 3?", "Maybe it is 4.", "Hmm, no.", "Hmm, yes.", END)
        done = await run(srm, large("It is 7."), without_start())
        assert len(done.signals) == 1

    async def test_the_small_model_is_not_asked_in_between(self) -> None:
        """The first named deviation: the published loop drafts a step there that is always thrown away."""
        srm = drafts(*CALM, "Wait, is it 3?", "Maybe it is 4.", "Hmm, no.", END)
        done = await run(srm, large("It is 7.\n\nAnd 8.\n\nAnd 9."), without_start(intervention_request={"steps": 3}))
        assert srm.calls == 14
        assert [author for author, _ in done.trace[12:]] == ["small", "large", "large", "large", "small"]


class TestOrder:
    async def test_offload_is_asked_first(self) -> None:
        srm = drafts(*CALM, "Wait, is it 3?", "Maybe it is 4.", ("Hmm, no.", SURE), END)
        done = await run(srm, large("It is 7."), without_start())
        assert done.trace[12] == ("large", "It is 7.")
        assert sorted(done.signals) == [("cognitive_offload", 12, True), ("intervention_request", 12, False)]


class TestEnd:
    async def test_two_equal_steps_in_a_row(self) -> None:
        srm = drafts("It is 3.", "It is 3.", END, "\\boxed{7}")
        done = await run(srm, large(), without_start())
        assert [text for _, text in done.trace[:2]] == ["It is 3.", "It is 3."]
        assert srm.calls == 3  # the third one states the answer

    async def test_an_unfinished_box_ends_nothing(self) -> None:
        """The second named deviation: the published code ends on the mere word."""
        done = await run(
            drafts("The answer goes into \\boxed{}.", "Answer: to be found", END), large(), without_start()
        )
        assert [author for author, _ in done.trace] == ["small"] * 3
        assert done.result["answer"] == "7"

    async def test_the_budget(self) -> None:
        srm = ScriptedModel(
            script=[Scripted(f"It is {n}.\n\nand", UNSURE, finish="length") for n in range(200)],
            trigreason_card=small().trigreason_card,
        )
        done = await run(srm, large(), without_start(), budget=Budget(usd=None, total_tokens=300))
        assert done.result["report"]["outcome"]["kind"] == "budget"


async def golden_run() -> list[dict[str, Any]]:
    """The exact policy, with all of its triggers in one run."""
    srm = drafts(
        "We go on.",
        ("Clearly it is 3.", SURE),
        "Wait, is it 3?",
        "Maybe it is 4.",
        "Hmm, or 5.",
        "Now it is 7.",
        ("Actually, wait.", SURE),
        ("It is 7 indeed.", 0.953),
        "It is known.",
        END,
    )
    lrm = large(
        "\n\n".join(f"Given is fact {n}." for n in range(22)),
        "It is 4.",
        "It is 3 + 4.",
        "Perhaps it is 7.",
        "It is 7.",
    )
    graph = create_trigreason_graph(
        small=srm,
        large=lrm,
        policy="paper",
        budget=Budget(usd=None),
        settings=Settings(token_events=False),
    ).compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}, "recursion_limit": 200}
    result = await graph.ainvoke({"question": "What is 3 + 4?"}, config)  # type: ignore[call-overload]
    state = await full_state(graph, config)
    kept = ("trigger", "reason", "evidence", "route", "steps", "served", "unserved_reason")
    return [
        {
            "author": step["author"],
            "text": step["text"],
            "signals": [
                {key: signal[key] for key in kept if key in signal}
                for signal in state["signals"]
                if signal["at"] == position
            ],
        }
        for position, step in enumerate(result["trace"])
    ]


async def test_the_golden_run() -> None:
    assert await golden_run() == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_papers_start() -> None:
    assert SHIPPED["paper"].initiation == StrategicInitiation(form="prime", tokens=None, steps=20)


if __name__ == "__main__":
    text = json.dumps(asyncio.run(golden_run()), ensure_ascii=False, indent=1)
    GOLDEN.write_text(text + "\n", encoding="utf-8")
