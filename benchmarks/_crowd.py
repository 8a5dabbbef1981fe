"""Many runs at once in one process, over the stand-in servers: what they share, and how it is watched."""

from __future__ import annotations

import asyncio
import gc
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from trigreason_graph import Budget, ModelCard, Policy, ReasoningModel, create_trigreason_graph
from trigreason_graph.models.servers import chat_on
from trigreason_graph.policies.shipped import DEFAULT
from trigreason_graph.testing import Asked, Scripted

PLENTY = Budget(usd=None)
STEPS_TOLD = 6
HESITATION = "Wait, let me think about that once more, since it may be wrong."


def small_says(asked: Asked) -> Scripted:
    """The rest of a solution of `STEPS_TOLD` steps, from where the prompt's trace stands; it hesitates on the way."""
    done = (asked.prefill or "").count("units are")
    steps = [
        f"Batch {number + 1}: {number + 2} + {number + 3} = {2 * number + 5} units are in it and counted."
        for number in range(done, STEPS_TOLD)
    ]
    return Scripted("\n\n".join([*steps, "All is counted.\n\nAnswer: 7"]), probability=0.8)


def large_says(asked: Asked) -> Scripted:
    """A plan for a plan, a step for a step."""
    last = asked.messages[-1]["content"]
    if "plan" in last.lower() and "Reasoning so far" not in last:
        return Scripted("Goal: count.\nKey steps: 1. Count the batches. 2. Add them.")
    return Scripted("wrong: none\n\nThe 3 units are put aside and counted.")


def client(server: Any, name: str, role_style: str = "prefill", **fields: Any) -> ReasoningModel:
    """A wrapped client of the OpenAI-compatible stand-in; all runs share it, and with it its pool of connections."""
    from langchain_openai import ChatOpenAI

    inner = ChatOpenAI(model=name, base_url=f"{server.url}/v1", api_key="any", max_retries=0, stream_usage=True)  # type: ignore[arg-type]
    card = ModelCard(
        provider="openai",
        name=name,
        style=role_style,  # type: ignore[arg-type]
        continues="flags",
        dialect="openai",
        logprobs=role_style == "prefill",
        top_logprobs=5 if role_style == "prefill" else 0,
        local=True,
    )
    return ReasoningModel(inner=inner, card=card, **fields)


def crowd_graph(small: ReasoningModel, large: ReasoningModel, *triggers: Any, **fields: Any) -> Any:
    """The default policy over the two, triggers added, not compiled."""
    policy = Policy("crowd", (*triggers, *DEFAULT.triggers), DEFAULT.initiation, limits=DEFAULT.limits)
    return create_trigreason_graph(small=small, large=large, policy=policy, budget=PLENTY, **fields)


@dataclass
class Watch:
    """What the event loop and the process did meanwhile.

    Attributes:
        stalls: Seconds by which each tick came late: the wait of whatever is ready in a loop that has much to do.
        longest: CPU seconds of the longest callback, for which nothing else in the loop can run; Python's collections
            of garbage, which may strike any of them, left out.
        held: The same with them.
        collection: CPU seconds of the longest collection of garbage.
        peak: Bytes of memory by which the process grew at most.
    """

    stalls: list[float] = field(default_factory=list)
    longest: float = 0.0
    held: float = 0.0
    collection: float = 0.0
    peak: int = 0

    @property
    def worst(self) -> float:
        """The longest stall in seconds."""
        return max(self.stalls, default=0.0)


@asynccontextmanager
async def watched(every: float = 0.005) -> AsyncIterator[Watch]:
    """Tick in the running loop, and note by how much each tick is late and how much memory is in use."""
    watch, before = Watch(), memory()

    async def tick() -> None:
        while True:
            due = time.monotonic() + every
            await asyncio.sleep(every)
            watch.stalls.append(max(time.monotonic() - due, 0.0))
            if len(watch.stalls) % 20 == 0:
                watch.peak = max(watch.peak, memory() - before)

    collected = [0.0, 0.0]  # when one began, and how long those within this callback took

    def collecting(phase: str, _: Any) -> None:
        if phase == "start":
            collected[0] = time.thread_time()
            return
        took = time.thread_time() - collected[0]
        collected[1] += took
        watch.collection = max(watch.collection, took)

    def timed(handle: asyncio.Handle) -> None:
        begun, collected[1] = time.thread_time(), 0.0
        run(handle)
        took = time.thread_time() - begun
        watch.held = max(watch.held, took)
        watch.longest = max(watch.longest, took - collected[1])

    run = asyncio.Handle._run  # the one place that every callback of a loop goes through
    ticking = asyncio.create_task(tick())
    asyncio.Handle._run = timed  # type: ignore[method-assign]
    gc.callbacks.append(collecting)
    try:
        yield watch
    finally:
        gc.callbacks.remove(collecting)
        asyncio.Handle._run = run  # type: ignore[method-assign]
        ticking.cancel()


def memory() -> int:
    """Resident bytes of this process."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def sockets() -> int:
    """Open sockets of this process."""
    import psutil

    return len(psutil.Process().net_connections(kind="inet"))


def settled() -> int:
    """Resident bytes once garbage is gone."""
    gc.collect()
    return memory()


__all__ = ["Watch", "chat_on", "client", "crowd_graph", "large_says", "memory", "small_says", "sockets", "watched"]
