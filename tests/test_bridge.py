"""Sync callers: one background loop, the caller's context, and interrupts that reach the work."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import threading
import time

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from trigreason_graph.bridge import Node, run_blocking

mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="none")


class State(TypedDict):
    n: int


async def double(state: State) -> State:
    await asyncio.sleep(0)
    return {"n": state["n"] * 2}


def test_it_runs_and_runs_again_on_the_same_loop() -> None:
    async def loop() -> int:
        return id(asyncio.get_running_loop())

    assert run_blocking(loop) == run_blocking(loop)


async def test_inside_a_running_loop() -> None:
    """As in a notebook: the caller's loop waits, the background one works."""

    async def other() -> bool:
        return asyncio.get_running_loop() is not outer

    outer = asyncio.get_running_loop()
    assert run_blocking(other)


def test_from_many_threads() -> None:
    results: list[int] = []

    async def slow(n: int) -> int:
        await asyncio.sleep(0.02)
        return n

    threads = [threading.Thread(target=lambda n=n: results.append(run_blocking(lambda: slow(n)))) for n in range(8)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(8))
    assert time.monotonic() - begun < 1


def test_the_callers_context_is_seen_and_left_alone() -> None:
    async def look() -> str:
        seen = mark.get()
        mark.set("inside")
        return seen

    mark.set("outside")
    assert run_blocking(look) == "outside"
    assert mark.get() == "outside"


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt()], ids=lambda e: type(e).__name__)
def test_what_is_raised_inside_is_raised_outside(error: BaseException) -> None:
    async def fail() -> None:
        raise error

    async def fine() -> str:
        return "fine"

    with pytest.raises(type(error)) as caught:
        run_blocking(fail)
    assert caught.value is error
    assert run_blocking(fine) == "fine"  # the loop has outlived it


def test_a_function_that_fails_before_its_coroutine_does_not_hang() -> None:
    def broken() -> None:
        raise LookupError("no coroutine")

    with pytest.raises(LookupError):
        run_blocking(broken)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        run_blocking(lambda: "no coroutine")  # type: ignore[arg-type, return-value]


def test_a_call_from_the_background_loop_itself_is_refused() -> None:
    async def inner() -> None: ...

    async def outer() -> None:
        run_blocking(inner)

    with pytest.raises(RuntimeError, match="use ainvoke"):
        run_blocking(outer)


def test_an_interrupt_cancels_the_work_wherever_it_comes() -> None:
    """The signal may find the caller before it waits: on a busy machine it often does."""
    # A process started in the background of a shell inherits an ignored SIGINT, and Python leaves it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in range(20):
            interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


def interrupted() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def interrupt() -> None:
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    killer = threading.Thread(target=interrupt)
    killer.start()
    with pytest.raises(KeyboardInterrupt):
        run_blocking(work)
    assert cancelled.wait(5)
    killer.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_gets_a_loop_of_its_own() -> None:
    async def fine() -> str:
        return "fine"

    assert run_blocking(fine) == "fine"
    child = os.fork()
    if child == 0:
        os._exit(0 if run_blocking(fine) == "fine" else 1)
    deadline = time.monotonic() + 10
    done, status = os.waitpid(child, os.WNOHANG)
    while not done and time.monotonic() < deadline:
        time.sleep(0.01)
        done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert done
    assert os.waitstatus_to_exitcode(status) == 0


class TestNodes:
    def graph(self) -> StateGraph[State]:
        builder = StateGraph(State)
        builder.add_node("double", Node(double, "double"))
        builder.add_edge(START, "double")
        builder.add_edge("double", END)
        return builder

    def test_sync(self) -> None:
        graph = self.graph().compile()
        assert [graph.invoke({"n": n})["n"] for n in (1, 2)] == [2, 4]
        assert list(graph.stream({"n": 3}, stream_mode="updates")) == [{"double": {"n": 6}}]

    async def test_async(self) -> None:
        assert (await self.graph().compile().ainvoke({"n": 3}))["n"] == 6

    async def test_sync_inside_a_running_loop(self) -> None:
        assert self.graph().compile().invoke({"n": 3})["n"] == 6

    def test_langgraphs_config_is_seen_by_the_node(self) -> None:
        from langgraph.config import get_config

        async def look(state: State) -> State:
            return {"n": int(get_config()["configurable"]["n"])}

        builder = StateGraph(State)
        builder.add_node("look", Node(look, "look"))
        builder.add_edge(START, "look")
        config: RunnableConfig = {"configurable": {"n": 5}}
        assert builder.compile().invoke({"n": 0}, config)["n"] == 5
