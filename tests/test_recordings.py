"""Recordings: what was written once is served again, to the letter and to the token, and CI needs no model."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from views import step

from trigreason_graph import Policy, create_trigreason_graph
from trigreason_graph.evaluation.advantage_table import effect
from trigreason_graph.evaluation.authors import Author
from trigreason_graph.evaluation.call_options import limit_of, stop_sequences, with_limit, without_stops
from trigreason_graph.evaluation.labels import Advantage, Pair, first_loss, solution
from trigreason_graph.evaluation.missing import NOT_RECORDED, RecordingMissing
from trigreason_graph.evaluation.problem import Problem
from trigreason_graph.evaluation.recorded_chat import RecordedChat, recorded, replayed
from trigreason_graph.evaluation.recorded_tokens import TOP, RecordedToken, pack, unpack
from trigreason_graph.evaluation.recordings import RecordingStore, sampling
from trigreason_graph.evaluation.replay import fired
from trigreason_graph.evaluation.statistics import auroc, bootstrap, quantile
from trigreason_graph.evaluation.study import gather
from trigreason_graph.evaluation.trigger_quality import LabelledTrace, holding, precision, quality, recall, tally
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.pieces import tokens_of
from trigreason_graph.state import Step, trace_text
from trigreason_graph.testing import Scripted, ScriptedModel
from trigreason_graph.triggers import CognitiveOffload, RandomChoice

ROOT = Path(__file__).parent.parent
DIGEST = "ab" * 32
QUESTION = [HumanMessage("What is 2 + 2?")]
TEXT = "First, take 2.\n\nThen add 2 to it.\n\nSo it is \\boxed{4}."


def chat(store: RecordingStore, *script: str | Scripted) -> tuple[RecordedChat, ScriptedModel]:
    """A recorded model that writes the script."""
    model = ScriptedModel(script=script)
    return recorded(model, store, DIGEST), model


def replay(store: RecordingStore, **options: Any) -> RecordedChat:
    return replayed(ScriptedModel(script=[]), store, DIGEST, **options)


def prefilled(text: str) -> list[BaseMessage]:
    return [*QUESTION, AIMessage(text)]


async def read(
    model: RecordedChat, messages: list[BaseMessage], **options: Any
) -> tuple[str, int, dict[str, int], str]:
    """Text, number of tokens with a probability, usage and finish reason of a reply."""
    text, tokens, usage, finish = "", 0, {"input_tokens": 0, "output_tokens": 0}, ""
    async for chunk in model._astream(messages, **options):
        text += str(chunk.message.content)
        tokens += len(tokens_of(chunk.generation_info, chunk.message))
        reported = chunk.message.usage_metadata or {}
        usage = {key: usage[key] + reported.get(key, 0) for key in usage}
        finish = (chunk.generation_info or {}).get("finish_reason") or finish
    return text, tokens, usage, finish


async def read_some(model: RecordedChat, messages: list[BaseMessage], chunks: int) -> str:
    """Close the stream after so many chunks of text."""
    text = ""
    async with aclosing(model._astream(messages)) as stream:
        async for chunk in stream:
            text += str(chunk.message.content)
            chunks -= bool(chunk.message.content)
            if not chunks:
                break
    return text


async def test_what_was_written_once_is_served_again() -> None:
    store = RecordingStore()
    live, model = chat(store, TEXT)
    first = await read(live, QUESTION)
    assert first[0] == TEXT
    assert await read(live, QUESTION) == first == await read(replay(store), QUESTION)
    assert model.calls == 1


@pytest.mark.parametrize("size", [1, 3, 64])
async def test_a_replay_reports_what_the_model_did(size: int) -> None:
    store = RecordingStore()
    live, model = chat(store, TEXT)
    asked = [chunk async for chunk in model._astream(QUESTION)]
    model._next = 0
    await read(live, QUESTION)
    replies = [chunk async for chunk in replay(store, chunk_tokens=size)._astream(QUESTION)]
    tokens = [token for chunk in asked for token in tokens_of(chunk.generation_info, chunk.message)]
    again = [token for chunk in replies for token in tokens_of(chunk.generation_info, chunk.message)]
    assert [(token.size, token.nats) for token in again] == [(token.size, token.nats) for token in tokens]
    assert [token.entropy for token in again] == pytest.approx([token.entropy for token in tokens])
    _, _, usage, finish = await read(replay(store, chunk_tokens=size), QUESTION)
    assert finish == "stop"
    assert usage["output_tokens"] == model.served[0]


@given(cut=st.integers(0, len(TEXT)))
def test_a_prefix_of_a_recorded_text_is_a_hit(cut: int) -> None:
    async def check() -> None:
        store = RecordingStore()
        await read(chat(store, TEXT)[0], QUESTION)
        text, _, usage, finish = await read(replay(store), prefilled(TEXT[:cut]) if cut else QUESTION)
        assert TEXT[:cut] + text == TEXT
        assert finish == "stop"
        whole = (await read(replay(store), QUESTION))[2]
        # What was output becomes prompt; a token that the prefix ends within is on both sides.
        extra = usage["input_tokens"] + usage["output_tokens"] - sum(whole.values())
        assert extra in (0, 1)

    asyncio.run(check())


async def test_another_text_another_prompt_another_sampling_and_other_weights_are_not_hits() -> None:
    store = RecordingStore()
    await read(chat(store, TEXT)[0], QUESTION)
    other = replayed(ScriptedModel(script=[]), store, "cd" * 32)
    for model, messages, options in (
        (replay(store), prefilled("Second"), {}),
        (replay(store), [HumanMessage("What is 2 + 3?")], {}),
        (replay(store), QUESTION, {"temperature": 0.6, "seed": 1}),
        (other, QUESTION, {}),
    ):
        with pytest.raises(RecordingMissing, match=NOT_RECORDED):
            await read(model, messages, **options)


async def test_a_miss_says_what_is_missing_and_what_to_do() -> None:
    with pytest.raises(RecordingMissing) as missing:
        await read(replay(RecordingStore()), prefilled("First,"))
    for part in (DIGEST[:12], "2 + 2", "First,", "--record"):
        assert part in str(missing.value)


async def test_a_stream_closed_early_is_recorded_and_continued_from_its_end() -> None:
    store = RecordingStore()
    live, model = chat(store, TEXT, TEXT[len("First, take 2.\n\nThen") :])
    assert await read_some(live, QUESTION, 5) == "First, take 2.\n\nThen"
    assert [one.ended for one in store] == [False]
    assert (await read(live, QUESTION))[0] == TEXT
    assert model.prompts[1] == prefilled("First, take 2.\n\nThen")
    assert (await read(replay(store), QUESTION))[0] == TEXT
    assert model.calls == 2


@pytest.mark.parametrize("goes_on", ["  it is 4.", "it is 4.", "\n it is 4."])
async def test_a_text_that_breaks_off_in_a_space_is_continued_before_it(goes_on: str) -> None:
    store = RecordingStore()
    live, model = chat(store, Scripted("So  ", finish="length"), goes_on)
    assert (await read(live, QUESTION, max_tokens=2))[::3] == ("So  ", "length")
    reply = await read(live, QUESTION)
    assert reply[0] == "So  " + goes_on.removeprefix("  ")
    assert model.prompts[1] == prefilled("So")
    assert (await read(replay(store), QUESTION))[0] == reply[0]


@pytest.mark.parametrize("size", [1, 64])
async def test_a_reader_with_enough_never_asks_for_what_is_missing(size: int) -> None:
    store = RecordingStore()
    await read_some(chat(store, TEXT)[0], QUESTION, 5)
    assert await read_some(replay(store, chunk_tokens=size), QUESTION, 5 if size == 1 else 1) == (
        "First, take 2.\n\nThen"
    )


async def test_the_limit_of_a_call_is_kept_and_a_longer_call_goes_on() -> None:
    store = RecordingStore()
    live, model = chat(store, TEXT, TEXT.removeprefix("First, take 2."))
    assert await read(live, QUESTION, max_tokens=3) == (
        "First, take 2.",
        3,
        {"input_tokens": 5, "output_tokens": 3},
        "length",
    )
    assert (await read(live, QUESTION, max_tokens=2))[0] == "First, take"
    assert model.calls == 1
    assert (await read(live, QUESTION, max_tokens=100))[0] == TEXT
    assert model.asked[1]["max_tokens"] == 97


async def test_a_stop_sequence_ends_what_is_sent_not_what_can_be_recorded() -> None:
    store = RecordingStore()
    live, model = chat(store, TEXT, TEXT.removeprefix("First, take 2.\n\nThen add 2"))
    text, _, _, finish = await read(live, QUESTION, stop=["add 2"])
    assert (text, finish) == ("First, take 2.\n\nThen ", "stop")
    assert "stop" not in model.asked[0]
    assert (await read(live, QUESTION, stop=["never"]))[0] == TEXT


async def test_a_stream_that_breaks_off_is_recorded_as_far_as_it_came() -> None:
    store = RecordingStore()
    live, _ = chat(store, Scripted("First, take", error=ConnectionError("gone")))
    with pytest.raises(ConnectionError):
        await read(live, QUESTION)
    assert [(one.text, one.ended) for one in store] == [("First, take", False)]


def test_what_does_not_change_the_text_is_no_part_of_the_sampling() -> None:
    assert sampling({"max_tokens": 5, "stop": ["x"], "logprobs": True, "top_logprobs": 5, "seed": 3}) == {
        "temperature": 0
    }
    assert sampling({"options": {"num_predict": 5, "temperature": 0.6, "seed": 1}}) == {"temperature": 0.6, "seed": 1}
    assert sampling({"temperature": 0.0, "extra_body": {"continue_final_message": True}}) == {"temperature": 0}


def test_limits_and_stop_sequences_are_found_in_either_spelling() -> None:
    ollama = {"options": {"num_predict": 9, "stop": ["x"]}}
    assert (limit_of(ollama), limit_of({"max_tokens": 9}), limit_of({})) == (9, 9, None)
    assert with_limit(ollama, 4) == {"options": {"num_predict": 4, "stop": ["x"]}}
    assert (stop_sequences(ollama), stop_sequences({"stop": "x"}), stop_sequences({})) == (["x"], ["x"], ())
    assert without_stops({**ollama, "stop": ["y"]}) == {"options": {"num_predict": 9}}


def test_a_model_without_known_weights_or_with_a_reasoning_field_is_refused() -> None:
    with pytest.raises(ValueError, match="digest"):
        recorded(ScriptedModel(script=[]), RecordingStore())
    thinking = ScriptedModel(script=[], trigreason_card=ModelCard(form="field"))
    with pytest.raises(ValueError, match="separate field"):
        recorded(thinking, RecordingStore(), DIGEST)


# Files


async def test_a_file_holds_what_was_recorded_and_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.jsonl"
    store = RecordingStore(append_to=path)
    await read(chat(store, TEXT)[0], QUESTION)
    before = path.read_bytes()
    again = RecordingStore(append_to=path)
    assert list(again) == list(store)
    await read(chat(again, "Three.")[0], [HumanMessage("1 + 2?")])
    assert path.read_bytes().startswith(before)
    assert len(RecordingStore(path)) == 2


async def test_a_torn_last_line_is_passed_over_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    await read(chat(RecordingStore(append_to=path), TEXT)[0], QUESTION)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    store = RecordingStore(append_to=path)
    assert len(store) == 1
    await read(chat(store, "Three.")[0], [HumanMessage("1 + 2?")])
    assert path.read_bytes().startswith(whole)
    assert len(RecordingStore(path)) == 2


async def test_a_damaged_line_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"v": 1}\n')
    with pytest.raises(ValueError, match=r"a\.jsonl, line 1"):
        RecordingStore(path)
    path.write_text('{"v": 99}\n')
    with pytest.raises(ValueError, match="format 99"):
        RecordingStore(path)


async def test_files_are_joined_by_concatenation_or_by_naming_them_all(tmp_path: Path) -> None:
    for name, text in (("a", TEXT), ("b", "No.")):
        await read(chat(RecordingStore(append_to=tmp_path / f"{name}.jsonl"), text)[0], QUESTION)
    (tmp_path / "c.jsonl").write_bytes(b"".join((tmp_path / f"{name}.jsonl").read_bytes() for name in "ab"))
    for store in (RecordingStore(tmp_path), RecordingStore(tmp_path / "c.jsonl")):
        assert (await read(replay(store), QUESTION))[0] == TEXT  # the first wins
        assert len(store) == 2


tokens = st.builds(
    RecordedToken,
    st.integers(0, 2_000),
    st.none() | st.integers(0, 65_534),
    st.lists(st.integers(0, 65_534), max_size=TOP).map(tuple),
)


@given(st.lists(tokens, max_size=30))
def test_tokens_survive_packing(given: list[RecordedToken]) -> None:
    assert unpack(pack(given)) == tuple(given)
    assert json.loads(json.dumps(pack(given))) == pack(given)


def test_packed_tokens_that_are_damaged_are_an_error() -> None:
    with pytest.raises(ValueError, match="damaged"):
        unpack(pack([RecordedToken(3, 1)])[:-3])


# The graph


async def test_a_graph_runs_the_same_on_recordings_alone() -> None:
    store = RecordingStore()
    policy = Policy("every second", triggers=(RandomChoice(p=0.5),), commit_every=1)
    rest = "It is 4.\n\nSo it is \\boxed{4}."
    small, large = chat(store, *[TEXT, rest] * 3)[0], recorded(ScriptedModel(script=[rest] * 4), store, "cd" * 32)

    async def run(small: RecordedChat, large: RecordedChat) -> dict[str, Any]:
        graph = create_trigreason_graph(small=small, large=large, policy=policy).compile()
        return await graph.ainvoke({"question": "What is 2 + 2?"})

    live = await run(small, large)
    again = await run(replay(store), replayed(ScriptedModel(script=[]), store, "cd" * 32))
    assert again["answer"] == live["answer"] == "4"
    assert trace_text(again["trace"]) == trace_text(live["trace"])
    assert again["report"]["tokens"] == live["report"]["tokens"]


# Labels and figures


def numbered(*texts: str) -> list[Step]:
    return [step(text, sep="\n\n") for text in texts]


class Judging(ScriptedModel):
    """An LRM that is right from every prefix without a certain word."""

    spoils: str = "oops"

    def _take(self, messages: list[BaseMessage], arguments: dict[str, Any]) -> Scripted:
        right = not any(isinstance(message, AIMessage) and self.spoils in message.text for message in messages)
        return Scripted(f"So it is \\boxed{{{4 if right else 5}}}.")


@pytest.mark.parametrize("lost", range(5))
async def test_the_loss_is_the_first_step_from_which_the_large_model_is_wrong(lost: int) -> None:
    texts = [f"Step number {n}." for n in range(4)] + ["So it is \\boxed{5}."]
    texts[lost] = f"oops {texts[lost]}"
    problem = Problem("p", "What is 2 + 2?", "4")
    small = Author.of(ScriptedModel(script=["\n\n".join(texts)]), "small")
    wrong = await solution(small, problem)
    assert (wrong.right, wrong.answer, wrong.undecided) == (False, "5", 4)
    assert await first_loss(Author.of(Judging(script=[]), "large"), wrong) == lost
    assert Pair(small, small).small is small


class Stubborn(ScriptedModel):
    """An SRM that goes on with its own wrong solution, and is right wherever somebody else has written a step."""

    def _take(self, messages: list[BaseMessage], arguments: dict[str, Any]) -> Scripted:
        begun = messages[-1].text if isinstance(messages[-1], AIMessage) else ""
        own = "First step.\n\noops, the second.\n\nSo it is \\boxed{5}."
        return Scripted(own.removeprefix(begun) if own.startswith(begun) else "So it is \\boxed{4}.")


class Helpful(Judging):
    """An LRM whose first step is not its last."""

    def _take(self, messages: list[BaseMessage], arguments: dict[str, Any]) -> Scripted:
        reply = super()._take(messages, arguments)
        return Scripted(f"Take two and two.\n\n{reply.text}")


async def test_a_study_is_the_same_on_replay_and_counts_what_is_not_recorded() -> None:
    problems = [Problem(str(n), f"What is {n} + {4 - n}?", "4") for n in range(3)]
    store = RecordingStore()

    def pair(wrap: Callable[..., RecordedChat]) -> Pair:
        small, large = wrap(Stubborn(script=[]), store, DIGEST), wrap(Helpful(script=[]), store, "cd" * 32)
        return Pair(Author.of(small, "small"), Author.of(large, "large"))

    empty = await gather(pair(replayed), problems)
    assert (empty.decided, empty.small, len(empty.missing)) == ([], {}, 6)
    live = await gather(pair(recorded), problems)
    assert live.missing == []
    assert live.losses == {"0": 1, "1": 1, "2": 1}
    assert [one.with_step for one in live.at_loss.values()] == [True] * 3
    assert live.decided == ["0", "1", "2"]
    assert await gather(pair(replayed), problems) == live


def test_auroc_and_intervals() -> None:
    assert auroc([3, 4], [1, 2]) == 1.0
    assert auroc([1, 2], [1, 2]) == 0.5
    assert auroc([], [1]) is None
    assert quantile([0.0, 1.0, 2.0], 0.25) == 0.5
    estimate = bootstrap([0, 1] * 50, lambda drawn: sum(drawn) / len(drawn))
    assert estimate.value == 0.5
    assert estimate.low is not None
    assert estimate.high is not None
    assert 0.35 < estimate.low < 0.5 < estimate.high < 0.65


def test_a_trace_is_counted_up_to_its_loss() -> None:
    trace = LabelledTrace("q", numbered("a", "b", "c", "d"), loss=2, labelled=3)
    at, early = tally(trace, [False, False, True, True]), tally(trace, [True, False, False, False])
    assert (at.caught, at.fired_labelled, at.lead) == (True, 1, 0)
    assert (early.caught, early.fired_labelled, early.lead) == (False, 1, 2)
    assert precision([at, early]) == 0.5
    assert recall([at, early]) == 0.5
    assert holding(trace.steps, 0) == 0
    assert holding(trace.steps, 3) == 1


def test_a_trigger_that_sees_the_loss_beats_chance_and_random_does_not() -> None:
    traces = [
        LabelledTrace(f"question {n}", [*numbered("a", "b", "c"), step("sure", nats=[0] * 9)], loss=3, labelled=4)
        for n in range(20)
    ]
    sure = quality([CognitiveOffload()], traces, None, resamples=50)
    assert (sure.precision.value, sure.recall.value, sure.lead["at"]) == (1.0, 1.0, 20)
    assert sure.p == 0.0
    lot = quality([RandomChoice(p=0.25, seed=999)], traces, None, resamples=0)
    assert lot.p is not None
    assert lot.p > 0.05


def test_a_replayed_trigger_sees_its_own_earlier_signals() -> None:
    signals = fired([CognitiveOffload()], "q", [step("sure", nats=[0] * 9)] * 2)
    assert [signal and signal["at"] for signal in signals if signal and "at" in signal] in ([], [0, 1])
    assert all(signals)


def test_gains_and_harms_are_told_apart() -> None:
    tried = [[Advantage("a", 0, False, True), Advantage("a", 1, False, False)], [Advantage("b", 0, True, False)], []]
    found = effect(tried, resamples=0)
    assert (found.places, found.gained, found.harmed, found.net.value) == (3, 1, 1, 0.0)


# The published figures


@pytest.fixture(scope="module")
def script() -> Any:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import trigger_quality

        return trigger_quality
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def points(figures: Any) -> Any:
    """Figures without their intervals."""
    if isinstance(figures, dict):
        return {key: points(value) for key, value in figures.items()}
    if (
        isinstance(figures, list | tuple)
        and len(figures) == 3
        and (figures[0] is None or isinstance(figures[0], float))
    ):
        return pytest.approx(figures[0]) if figures[0] is not None else None
    return figures


def test_the_published_figures_follow_from_the_recordings(script: Any) -> None:
    published = json.loads((ROOT / "benchmarks" / "results" / "trigger_quality.json").read_text(encoding="utf-8"))
    measured = json.loads(json.dumps(asyncio.run(script.measure(RecordingStore(script.RECORDINGS), resamples=0))))
    for part in ("sample", "triggers", "scores", "arithmetic", "advantage"):
        assert points(measured[part]) == points(published[part]), part


def test_the_recordings_are_small_enough_to_be_kept(script: Any) -> None:
    assert script.RECORDINGS.stat().st_size < 8_000_000
