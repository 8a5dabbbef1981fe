"""What does the framework itself take: everything that is not waiting for a model?

    python benchmarks/overhead.py [--steps 1000] [--real]

An infinitely fast scripted model writes real steps in runs of ten; what it takes itself is measured apart and left out.
Reported is CPU time per step: of the graph without triggers, with the default policy's, with SQLite, with a chunk a
token instead of a chunk a step, and of a bare LangGraph loop of as many supersteps, which is LangGraph's own part.
Time to first token is that of the graph above the bare client's, over a stand-in server. `--real` runs the embedded
small model once, and gives the framework's share of that run. Ends with 1 when a limit is broken. Writes
benchmarks/results/overhead.json.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import io
import json
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from langchain_core.messages import HumanMessage  # noqa: E402
from langgraph.checkpoint.memory import InMemorySaver  # noqa: E402
from langgraph.graph import START, StateGraph  # noqa: E402
from typing_extensions import TypedDict  # noqa: E402

from benchmarks._crowd import client, crowd_graph, large_says, small_says  # noqa: E402
from benchmarks._swift import QUESTION, SwiftModel, chunks_of, swift_graph, warmed  # noqa: E402
from benchmarks.growth import saver_of  # noqa: E402
from trigreason_graph import create_trigreason_graph  # noqa: E402
from trigreason_graph.channels import growing  # noqa: E402
from trigreason_graph.testing import OpenAIServer, ScriptedModel  # noqa: E402

RUN = 10
REPEATS = 9
ALONE = "langgraph alone"
LIMITS = {"without triggers": 4.25, "default policy": 6.75, "default policy, sqlite": 12.5}
"""In times of LangGraph alone, since machines differ, and one machine by the hour: a quarter more than was measured
(docs/speed.md)."""
FIRST_TOKEN = 0.05
"""Seconds above the bare client."""
SHARE = 0.02
"""Of a run with the embedded small model."""


_written = 0
"""Steps that were written in this process: each run writes others, which no cache knows yet."""


async def run_once(steps: int, store: str, *, triggers: bool = True, whole_steps: bool = True) -> float:
    """CPU microseconds a step, the model's own left out."""
    global _written
    first, _written = _written, _written + steps
    own = await model_alone(steps, whole_steps, first)
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            saver, _ = await stack.enter_async_context(saver_of(store, Path(folder)))
            builder, _ = swift_graph(steps, run=RUN, triggers=triggers, whole_steps=whole_steps, first=first)
            graph = builder.compile(checkpointer=saver)
            config: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": 1_000_000}
            with nothing_to_collect():
                begun = time.process_time()
                await graph.ainvoke({"question": QUESTION}, config)
                return 1e6 * (time.process_time() - begun - own) / steps


@contextmanager
def nothing_to_collect() -> Iterator[None]:
    """Python's collector sees what is made in here, and not the chunks that were made beforehand: no run has those."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def model_alone(steps: int, whole_steps: bool, first: int = 0) -> float:
    """CPU seconds that the model takes to hand its chunks out, asked as often."""
    for _ in warmed(steps, whole_steps, first=first):
        pass
    model, left = SwiftModel(steps=steps, first=first, whole_steps=whole_steps), steps
    begun = time.process_time()
    while left > 0:
        chunks = RUN * len(chunks_of(first, whole_steps))
        async for _ in model._astream([]):
            chunks -= 1
            if not chunks:
                break
        left -= RUN
    return time.process_time() - begun


class _Bare(TypedDict, total=False):
    trace: Annotated[list[Any], growing()]
    finish: str


async def bare_langgraph(steps: int) -> float:
    """CPU microseconds a step of a loop of one node that only hands steps on: LangGraph's own part."""
    step = {"id": 1, "text": "a" * 90, "nats": [20] * 16}

    async def write(state: _Bare) -> _Bare:
        return {"trace": [dict(step) for _ in range(RUN)], "finish": "commit"}

    def more(state: _Bare) -> Literal["write", "__end__"]:
        return "write" if len(state["trace"]) < steps else "__end__"

    builder = StateGraph(_Bare)
    builder.add_node("write", write)
    builder.add_edge(START, "write")
    builder.add_conditional_edges("write", more)
    graph = builder.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": 1_000_000}
    with nothing_to_collect():
        begun = time.process_time()
        await graph.ainvoke({"finish": ""}, config)
        return 1e6 * (time.process_time() - begun) / steps


async def first_token(repeats: int = 20) -> dict[str, float]:
    """Milliseconds to the first token: of the bare client, and of the graph with the same client."""
    bare, whole = [], []
    async with OpenAIServer({"s": small_says, "l": large_says}, flavour="vllm") as server:
        small = client(server, "s")
        graph = crowd_graph(small, client(server, "l", "turn")).compile()
        for _ in range(repeats + 1):
            begun = time.monotonic()
            stream = small.inner.astream([HumanMessage(QUESTION)])
            async for chunk in stream:
                if chunk.text:
                    break
            bare.append(time.monotonic() - begun)
            await stream.aclose()  # type: ignore[attr-defined]
            await server.idle()
            begun = time.monotonic()
            # Without the blueprint, which is another model's call.
            events = graph.astream({"question": QUESTION}, stream_mode="custom", context={"large": "never"})
            async for event in events:
                if event["type"] == "token":
                    break
            whole.append(time.monotonic() - begun)
            await events.aclose()
            await server.idle()
    one, other = statistics.median(bare[1:]), statistics.median(whole[1:])
    return {
        "bare_ms": round(1e3 * one, 1),
        "graph_ms": round(1e3 * other, 1),
        "added_ms": round(1e3 * (other - one), 1),
    }


async def real_share(microseconds: float) -> dict[str, float]:
    """One run of the embedded small model: the framework's part, at so many microseconds a step and chunk a token."""
    from trigreason_graph.models.embedded.chat import EmbeddedChat

    model = EmbeddedChat(source="small")
    await model.aready()
    graph = create_trigreason_graph(small=model, large=ScriptedModel(script=[]), policy="small_only").compile()
    begun = time.monotonic()
    result = await graph.ainvoke({"question": "Ana has 15 apples and gives 4 away. How many are left? Explain."})
    seconds = time.monotonic() - begun
    steps, waited = len(result["trace"]), result["report"]["seconds"]
    return {
        "seconds": round(seconds, 2),
        "steps": steps,
        "outside_of_calls": round((seconds - waited) / seconds, 4),
        "share": round(microseconds * steps / 1e6 / seconds, 4),
    }


def profile(steps: int) -> str:
    """Where the time goes, in a few lines: own time by module."""
    profiler = cProfile.Profile()
    profiler.enable()
    asyncio.run(run_once(steps, "memory"))
    profiler.disable()
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(15)
    return text.getvalue()


def measured(steps: int) -> dict[str, list[float]]:
    """Microseconds a step, of each kind as often; in turn, since a machine's speed changes by the minute."""
    kinds: dict[str, Any] = {
        ALONE: lambda: bare_langgraph(steps),
        "without triggers": lambda: run_once(steps, "memory", triggers=False),
        "default policy": lambda: run_once(steps, "memory"),
        "default policy, sqlite": lambda: run_once(steps, "sqlite"),
        "default policy, a chunk a token": lambda: run_once(steps, "memory", whole_steps=False),
    }
    asyncio.run(run_once(50, "memory"))
    took: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(REPEATS):
        for name, kind in kinds.items():
            took[name].append(round(asyncio.run(kind())))
    return took


def main() -> int:
    """Print what was measured, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    if given.profile:
        print(profile(given.steps))
        return 0
    each = measured(given.steps)
    took = {name: statistics.median(times) for name, times in each.items()}
    result: dict[str, Any] = {
        "microseconds_a_step": took,
        "least": {name: min(times) for name, times in each.items()},
        "times_langgraph_alone": {name: round(time / took[ALONE], 1) for name, time in took.items()},
        "first_token": asyncio.run(first_token()),
    }
    own = {kind: round(1e6 * asyncio.run(model_alone(given.steps, kind)) / given.steps, 1) for kind in (True, False)}
    result["model_alone"] = {"a chunk a step": own[True], "a chunk a token": own[False]}
    faults = [
        f"{name}: {took[name]:.0f} us a step, above {limit:g} times LangGraph alone ({took[ALONE]:.0f})"
        for name, limit in LIMITS.items()
        if took[name] > limit * took[ALONE]
    ]
    if result["first_token"]["added_ms"] > 1e3 * FIRST_TOKEN:
        faults.append(f"first token: {result['first_token']['added_ms']} ms above the bare client")
    if given.real:
        result["real"] = asyncio.run(real_share(took["default policy, a chunk a token"]))
        if result["real"]["share"] > SHARE:
            faults.append(f"the framework takes {result['real']['share']:.1%} of a real run")
    print(json.dumps(result, indent=1), *faults, sep="\n")
    (HERE / "results" / "overhead.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
